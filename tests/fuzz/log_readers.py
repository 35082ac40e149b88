"""The readers of logs: no bytes make them raise, and each line is counted once, read or bad."""

from __future__ import annotations

import functools
import gzip
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.line_reader import LineReader
from flask_errwatch.replay.reading.json_logs import _JsonReader
from flask_errwatch.replay.reading.known_formats import COUNTS, FORMAT_NAMES, known_formats
from flask_errwatch.replay.reading.log_readers import reader_of
from flask_errwatch.replay.result import document
from flask_errwatch.replay.run import run
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import LONGEST, UnreadableLogError, open_logs
from flask_errwatch.replay.sources.compression import GZIP, ZSTD
from flask_errwatch.replay.sources.encoding import HEAD
from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
from flask_errwatch.respond.ranking.window import Window
from tests.fuzz.inputs import pieces
from tests.replay.replay_lines import compressed_with_zstd

#: A file of counts has a header, and is refused where that is wrong.
_FORMS = [form for form in FORMAT_NAMES if known_formats(form) != COUNTS]
_ACCESS = b'192.0.2.7 - ann [25/Nov/2026:01:17:12 +0000] "GET /.env?a HTTP/1.1" 404 9 "-" "curl"'
_OWN = (
    b'{"event":"Not Found Error","timestamp":"2026-11-25T01:17:12.687Z","client_ip":"192.0.2.7"'
    b',"path":"/.env","count":1,"detector":"not-found-error","schema":1}'
)
_LINES = (
    *(_ACCESS, _OWN, b"2026-11-25T01:17:12.687Z " + _OWN, b"2026-11-25T01:17:12.687Z " + _ACCESS),
    b'{"event":"Heartbeat","timestamp":"2026-11-25T01:18:00.000Z","schema":1}',
    b"2026-11-25T01:17:12.687Z a text",
    b"Nov 25 01:17:12 web-1 nginx: " + _ACCESS,
    b"2026-11-25T01:17:12.687000000Z stdout P " + _ACCESS,
    b'{"log":"192.0.2.7 - - [25/Nov/2026:01:17:12 +0000] \\"GET / HTTP/1.1\\" 404 9","stream":"a"}',
    b'{"time":"2026-11-25T01:17:12Z","status":404,"remote_addr":"192.0.2.7","request_uri":"/"}',
    b"#Fields: date time c-ip cs-method cs-uri-stem sc-status",
    b"2026-11-25 01:17:12 192.0.2.7 GET /.env 404",
    b'192.0.2.7 - - [25/Nov/2026 01:17:12] "GET / HTTP/1.1" 404 -',
    b"timestamp,message",
    b"",
)
_TOKENS = (
    *(b"192.0.2.7", b"[25/Nov/2026:01:17:12 +0000]", b"[31/Feb/0000:99:99:99 -9999]", b" - "),
    *(
        b'"GET / HTTP/1.1"',
        b'"\\"',
        b" 404 ",
        b" 999 ",
        b'"event"',
        b'"timestamp"',
        b'"schema"',
        b"null",
    ),
    *(b"2026-11-25T01:17:12.687Z", b"9999-12-31T23:59:59Z", b"1970-01-01T00:00:00Z", b"1e400"),
    *(b"+00:00", b"-99:99", b'"count":-5', b'"count":1e99', b"[" * 500, b'{"a":' * 200, b"\r"),
    *(b'"message":', b'{"events":[', b"]}", b"true", b'""', b"\xd9\xa1", b"Not Found Error"),
)


@st.composite
def _line(draw: st.DrawFn) -> bytes:
    """A line of one of the formats with some of its parts replaced, or any bytes."""
    line = draw(st.one_of(st.sampled_from(_LINES), pieces(_TOKENS)))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, min(len(line), start + 30)))
        line = line[:start] + draw(pieces(_TOKENS, 2)) + line[end:]
    return line


def _document(events: list[tuple[int, bytes]]) -> bytes:
    """What `aws logs filter-log-events` prints."""
    rows = [{"timestamp": at, "message": text.decode("latin-1")} for at, text in events]
    return json.dumps({"events": rows}, indent=2).encode()


_TIMES = st.one_of(st.integers(1_764_000_000_000, 1_764_000_600_000), st.integers())
_CONTENT = st.one_of(
    st.tuples(st.lists(_line(), max_size=8), st.sampled_from([b"\n", b"\r\n"])).map(
        lambda value: value[1].join(value[0])
    ),
    st.lists(st.tuples(_TIMES, _line()), max_size=4).map(_document),
    pieces((*_TOKENS, *_LINES), 20),
)


class Stored(NamedTuple):
    """A log as it is stored.

    Attributes:
        content: The bytes of the log.
        form: The `--format`.
        kind: How it is compressed.
        cut: Bytes that are missing at the end of the compressed file.
        flipped: The byte of the compressed file that is wrong, from the end, or 0 for none.
        is_long: Whether its last line is longer than a line may be.
    """

    content: bytes
    form: str
    kind: str
    cut: int
    flipped: int
    is_long: bool

    @property
    def whole(self) -> bytes:
        """The bytes of the log, with the long line."""
        return self.content + b"\n" + b"x" * (LONGEST + 1) if self.is_long else self.content


LOGS = st.builds(
    Stored,
    content=_CONTENT,
    form=st.sampled_from(_FORMS),
    kind=st.sampled_from(["plain", "plain", "plain", "gzip", "zstd"]),
    cut=st.sampled_from([0, 0, 1, 9]),
    flipped=st.sampled_from([0, 0, 1, 5, 20]),
    is_long=st.sampled_from([*[False] * 20, True]),
)


@functools.cache
def _detectors() -> DetectorSet:
    return DetectorSet.default("the default detectors")


def check(log: Stored) -> None:
    """Read, judged and printed, as `flask errwatch replay` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.log"
        path.write_bytes(_as_stored(log))
        try:
            known = known_formats(log.form)
            with open_logs([str(path)]) as logs:
                session = Session(logs, _detectors(), known)
                read = [step.lines for step in session.read()]
                again = [*session.lines(lambda _: True)]
                judged = run(logs, _detectors(), names=["a"], known=known, alarms_a_week=None)
        except UnreadableLogError:
            return
    gathered, result = session.gathered, json.loads(document(judged))
    assert read == sorted(read)
    assert result["lines"] == gathered.tally.lines
    assert result["bad_lines"] == gathered.bad_lines
    assert len(again) <= gathered.tally.lines  # texts that are no event are not read again
    _check_summary([(at, line.event) for at, line in again])
    if log.kind == "plain" and not log.content.startswith((GZIP, ZSTD)):
        _check_counts(log, gathered)


def _check_summary(lines: list[TimedEvent]) -> None:
    """The lines have a verdict, in which nothing acts on a terminal."""
    first = min((at for at, _ in lines), default=0)
    window = Window(start=first, end=first + 3600)
    summary = summarize(lambda: lines, lambda _: True, window=window)
    assert verdict(summary).sentence.isprintable()


def _as_stored(log: Stored) -> bytes:
    if log.kind == "plain":
        return log.whole
    compress = gzip.compress if log.kind == "gzip" else compressed_with_zstd
    stored = bytearray(compress(log.whole))
    if log.flipped and log.flipped < len(stored):
        stored[-log.flipped] ^= 0xFF
    return bytes(stored[: len(stored) - log.cut])


def _check_counts(log: Stored, gathered: Gathered) -> None:
    content = log.whole.removeprefix(b"\xef\xbb\xbf")
    lines = content.split(b"\n")
    known = known_formats(log.form)
    shape = known.guess(content[:HEAD])
    if shape is not None and shape.document is not None:
        return  # its messages are no lines
    counted = gathered.tally.lines + gathered.bad_lines
    filled = sum(len(line) > LONGEST or _is_filled(line) for line in lines)
    assert counted <= filled  # a header is not counted
    if log.form == "combined":
        assert counted == filled
    alone = Gathered(_detectors(), gathered.site)
    reader = reader_of(shape or known.fallback, alone, "alone")
    reader.read_block(b"\n")  # so that no line begins the log
    _read_alone(reader, lines)
    assert _rows(alone) == _rows(gathered)


def _read_alone(reader: LineReader, lines: list[bytes]) -> None:
    """Reads each line alone, JSON the slow way: it must count as it does among others."""
    for line in lines:
        if len(line) > LONGEST:
            continue
        if isinstance(reader, _JsonReader):
            reader._slow(0, line)
        else:
            reader.read_block(line + b"\n")


def _is_filled(line: bytes) -> bool:
    return bool(line.decode("utf-8", "backslashreplace").strip())


def _rows(gathered: Gathered) -> Counter[tuple[int, frozenset[str], int]]:
    """Lines by minute and by the filters that count them."""
    tally = gathered.tally
    return Counter(
        (minute, kind.filters, lines) for minute, row in tally.rows() for kind, lines in row
    )
