"""What is read as text, and what is refused by its name."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from flask_errwatch.replay.sources import open_logs
from tests.replay.replay_lines import Run, access, write_log

LINES = "".join(access(second, path=f"/caf\u00e9{second}") for second in range(30))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read(tmp_path: Path, run: Run, encoding: str) -> None:
    """PowerShell writes it, with a byte order mark. The characters stay what they are."""
    mark = "" if encoding == "utf-16" else "\ufeff"
    log = write_log(tmp_path, f"{mark}{LINES}".encode(encoding))
    with open_logs([str(log)]) as logs:
        assert b"".join(block for log in logs for block in log.blocks()) == LINES.encode()
    assert json.loads(run(log, "--json").stdout)["lines"] == 30


def test_utf_16_that_is_cut_or_has_a_lone_surrogate(tmp_path: Path) -> None:
    """What is no character becomes the replacement character, and no line is lost."""
    data = b"\xff\xfe" + "a\n".encode("utf-16-le") + b"\x00\xd8" + "\nb".encode("utf-16-le") + b"c"
    with open_logs([str(write_log(tmp_path, data))]) as logs:
        (read,) = (b"".join(log.blocks()) for log in logs)
    assert read == "a\n\ufffd\nb\ufffd\n".encode()


def packed_with_zip(data: bytes) -> bytes:
    """A zip archive of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("access.log", data)
    return buffer.getvalue()


def packed_with_tar(data: bytes) -> bytes:
    """A gzipped tar archive of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("access.log")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (packed_with_zip(LINES.encode()), "It is a zip archive: unpack it."),
        (packed_with_tar(LINES.encode()), "It is a tar archive: unpack it."),
        (bz2.compress(LINES.encode()), "It is compressed with bzip2: decompress it, as with "),
        (lzma.compress(LINES.encode()), "It is compressed with xz: decompress it, as with xz -dk."),
        (b"\x1f\x9d\x90abc", "It is compressed with compress: decompress it, as with gzip -d."),
        (b"\x04\x22\x4d\x18abc", "It is compressed with lz4: decompress it, as with lz4 -d."),
        (b"\xff\x06\0\0sNaPpYabc", "It is compressed with Snappy: decompress it."),
        (b"7z\xbc\xaf\x27\x1cabc", "It is a 7-Zip archive: unpack it."),
        (b"PAR1\x15\x04", "It is a Parquet file: have the logs delivered as text or JSON."),
        (LINES.encode("utf-32"), "It is binary: give a text log, plain or compressed with gzip"),
        (LINES.encode("utf-16-le"), "It is binary: give a text log, plain or compressed with"),
    ],
)
def test_what_is_refused(tmp_path: Path, run: Run, data: bytes, sentence: str) -> None:
    """The sentence says what it is and what to do. Nothing is judged."""
    result = run(write_log(tmp_path, data))
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_line_that_begins_like_a_bzip2_file(tmp_path: Path) -> None:
    """Letters alone are no signature."""
    with open_logs([str(write_log(tmp_path, b"BZh9 is a word\n"))]) as logs:
        assert [*next(iter(logs)).blocks()] == [b"BZh9 is a word\n"]


@pytest.mark.parametrize("length", range(12))
def test_logs_of_a_few_bytes(tmp_path: Path, length: int) -> None:
    """A log that is shorter than a signature is read as it is."""
    data = b"PK\x02BZh91AYxx"[:length]
    with open_logs([str(write_log(tmp_path, data))]) as logs:
        (log,) = logs
        assert b"".join(log.blocks()) == (data + b"\n" if data else b"")
        assert log.defect is None
