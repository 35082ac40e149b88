"""Recovery of the journal: every whole line is read again, and no other, whatever the files are."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from flask_errwatch._guard import Guard
from flask_errwatch.delivery.death_line import died_fields
from flask_errwatch.delivery.journal import JournalReader
from flask_errwatch.delivery.journal.directory import (
    checkpoint_path,
    lock_path,
    requests_path,
    segment_path,
)
from flask_errwatch.delivery.journal.disk import DiskJournal
from flask_errwatch.delivery.journal.inspection import CHUNK, newest_lines
from flask_errwatch.delivery.journal.records import pack
from tests.fuzz.inputs import pieces
from tests.lines import anything, line

_NAME = "4711-c0ffee000000"
_BOUND = 64 * 1_048_576
#: Records that are whole, of texts that no version wrote.
_ODD = (
    *(b"", b"{}", b"[]", b"null", b'{"id":5,"level":"error"}', b'{"id":"","level":[]}'),
    *(b'{"id":"-fffffff-ffff","level":"error"}', b'{"id":"\xd9\xa1","level":"error","process":1}'),
    b'{"id":"ffffffff-ffff","level":"error","process":[]}',
)
_JUNK = (
    *(pack(text) for text in _ODD),
    *(b"123 {", b"1 \n", b"\n\n", b"+1 ", b"-1 {}", b"\0" * 4096, b"9" * 5000, b"x" * CHUNK),
)
_CHECKPOINTS = (
    *(b'{"position":[1,0],"losses":{}}', b'{"position":[2,0],"losses":{"x":[1,2,3]}}'),
    *(b'{"position":', b"[1,", b"1e400", b"99999999999999999999", b"-1", b"]", b'"losses":{', b"}"),
)
_LOCKS = (
    *(b'{"state":"running","at":1764000000000,"host":"web-1"}\n', b'{"state":"ended"}\n'),
    *(b'{"state":"running","at":1e400,"host":null}\n', b'"at":-1', b'"state":"running"'),
    b'{"state":"running","at":999999999999999999999,"host":"web-1"}\n',
)
_SLOTS = (b"+", b"\n", b" " * 1023, b"1764000000000 GET /a 0", b"+1 GET / 0", b"\0" * 1024)


class Record(NamedTuple):
    """A line of a segment, with what happened to it.

    Attributes:
        before: Junk in the segment before it.
        size: Characters that make it longer.
        kept: Its first bytes that were written, or None for all.
        flipped: The byte of it that is wrong, or None for none.
        bits: The bits of that byte that are wrong.
    """

    before: bytes
    size: int
    kept: int | None
    flipped: int | None
    bits: int


class Files(NamedTuple):
    """The files of a journal whose process has died. None is a file that does not exist.

    Attributes:
        segments: The records of each segment.
        checkpoint: The checkpoint.
        lock: The lock file.
        requests: The file of requests.
    """

    segments: list[list[Record]]
    checkpoint: bytes | None
    lock: bytes | None
    requests: bytes | None


_RECORDS = st.builds(
    Record,
    before=st.one_of(st.just(b""), pieces(_JUNK, 3)),
    size=st.sampled_from([0, 10, 3000]),
    kept=st.one_of(st.none(), st.integers(0, 200)),
    flipped=st.one_of(st.none(), st.integers(0, 200)),
    bits=st.sampled_from([0x01, 0x02, 0x20, 0xFF]),
)
JOURNALS = st.builds(
    Files,
    segments=st.lists(st.lists(_RECORDS, max_size=4), max_size=3),
    checkpoint=st.one_of(st.none(), st.none(), pieces(_CHECKPOINTS, 4)),
    lock=st.one_of(st.none(), pieces(_LOCKS, 3)),
    requests=st.one_of(st.none(), pieces(_SLOTS, 6)),
)


def check(files: Files) -> None:
    """Another process adopts the journal and reads it to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, damaged = _write(folder, files)
        own = DiskJournal(folder, _BOUND)
        try:
            known = {*whole, *damaged, *_ODD}
            assert {line.text for line in newest_lines(folder, 8)} <= known
            back = _adopted_lines(own)
            assert own.losses.count >= 0
            assert [path for path in folder.iterdir() if path.name.startswith(_NAME)] == []
        finally:
            _close(own)
    assert known.issuperset(back)
    ours = [text for text in back if text not in _ODD]
    assert len(ours) == len(set(ours))
    if files.checkpoint is None:
        positions = [back.index(text) for text in whole]  # raises where one did not come back
        assert positions == sorted(positions)


def _write(folder: Path, files: Files) -> tuple[list[bytes], list[bytes]]:
    """Writes the files. Returns the lines that are whole, and those that are damaged."""
    whole: list[bytes] = []
    damaged: list[bytes] = []
    numbers = itertools.count(1_764_000_000_000)
    for number, records in enumerate(files.segments, 1):
        content = b""
        for record in records:
            text = line(next(numbers), pad="x" * record.size)
            packed = _damaged(record, pack(text))
            (whole if packed == pack(text) else damaged).append(text)
            content += record.before + packed
        segment_path(folder, _NAME, number).write_bytes(content)
    others = {
        checkpoint_path: files.checkpoint,
        lock_path: files.lock,
        requests_path: files.requests,
    }
    for path, written in others.items():
        if written is not None:
            path(folder, _NAME).write_bytes(written)
    if not files.segments and files.lock is None:  # else no one would look for the others
        lock_path(folder, _NAME).touch()
    return whole, damaged


def _damaged(record: Record, packed: bytes) -> bytes:
    changed = bytearray(packed)
    if record.flipped is not None and record.flipped < len(changed):
        changed[record.flipped] ^= record.bits
    return bytes(changed[: record.kept])


def _adopted_lines(own: DiskJournal) -> list[bytes]:
    """The lines of the journals that can be adopted, read as the shipper reads them."""
    lines: list[bytes] = []
    for _ in range(2):  # one without a lock is adopted at the second search
        while (adopted := own.adopt(anything)) is not None:
            if adopted.death is not None:
                died_fields(adopted.death, None, Guard())
            lines += _drained(adopted)
            own.finish(adopted)
    return lines


def _drained(adopted: JournalReader) -> list[bytes]:
    lines: list[bytes] = []
    while records := adopted.read():
        lines += [record.line.text for record in records]
        adopted.acknowledge(records[-1].end)
    return lines


def _close(own: DiskJournal) -> None:
    os.close(own.writer.descriptor)
    own._lock.release()
    for adopted in own._adopted:
        adopted._lock.release()
