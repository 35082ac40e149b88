"""Decompresses a log, piece by piece. Its first bytes show how, not its name."""

from __future__ import annotations

import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Protocol

from flask_errwatch.replay.sources.unreadable import DefectError, NotTextError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Bytes of a piece at most. Shorter than the longest line, see `line_blocks`.
PIECE = 1 << 18
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"

#: What is not read, by its first bytes as magic(5) lists them, and the sentence that says so.
_REFUSED = (
    (re.compile(rb"PK\x03\x04"), "It is a zip archive: unpack it."),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "It is a 7-Zip archive: unpack it."),
    (re.compile(rb"\xfd7zXZ\0"), "It is compressed with xz: decompress it, as with xz -dk."),
    (re.compile(rb"BZh\d1AY&SY"), "It is compressed with bzip2: decompress it, as with bzip2 -dk."),
    (re.compile(rb"\x1f\x9d"), "It is compressed with compress: decompress it, as with gzip -d."),
    (re.compile(rb"\x04\x22\x4d\x18"), "It is compressed with lz4: decompress it, as with lz4 -d."),
    (re.compile(rb"\xff\x06\0\0sNaPpY"), "It is compressed with Snappy: decompress it."),
    (re.compile(rb"PAR1"), "It is a Parquet file: have the logs delivered as text or JSON."),
)
_LONGEST_SIGNATURE = 10


class _Stream(Protocol):
    """A stream that returns what it has, so that bytes before a defect are not lost."""

    def read1(self, size: int = ..., /) -> bytes: ...


class _Rejoined(io.RawIOBase):
    """A stream after its first bytes were read, with these bytes."""

    def __init__(self, beginning: bytes, rest: IO[bytes]) -> None:
        self._beginning, self._rest = beginning, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data, self._beginning = self._beginning[: len(view)], self._beginning[len(view) :]
        data = data or self._rest.read1(len(view))  # type: ignore[attr-defined]  # it is buffered
        view[: len(data)] = data
        return len(data)


def decompressed(raw: IO[bytes]) -> Iterator[bytes]:
    """Yields the bytes of a stream, decompressed where they are gzip or zstd.

    Args:
        raw: A buffered stream, at its beginning. It needs no `seek`.

    Raises:
        DefectError: The rest is damaged or missing.
        NotTextError: They are compressed in another way, or the module for zstd is not installed.
    """
    damages: tuple[type[Exception], ...] = (OSError, zlib.error)
    try:
        beginning = raw.read(_LONGEST_SIGNATURE)
        _refuse(beginning)
        stream: _Stream = raw  # type: ignore[assignment]  # it is buffered
        if beginning.startswith(GZIP):
            stream = gzip.GzipFile(fileobj=io.BufferedReader(_Rejoined(beginning, raw)))
        elif beginning.startswith(ZSTD):
            stream, damage = _zstd(io.BufferedReader(_Rejoined(beginning, raw)))
            damages += (damage,)
        else:
            yield beginning
        while piece := stream.read1(PIECE):
            yield piece
    except EOFError:
        raise DefectError("it is truncated.") from None
    except damages as error:
        reason = str(error).partition(" (b'")[0]  # not what Python calls the bytes
        raise DefectError(f"it is damaged ({reason}).") from error


def _refuse(beginning: bytes) -> None:
    for signature, remedy in _REFUSED:
        if signature.match(beginning):
            raise NotTextError(remedy)


def _zstd(raw: IO[bytes]) -> tuple[_Stream, type[Exception]]:
    """The standard library's module since Python 3.14 (PEP 784), else its backport."""
    try:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdError, ZstdFile
        else:
            from backports.zstd import ZstdError, ZstdFile
    except ImportError:
        remedy = "It is compressed with zstd: install 'flask-errwatch[replay]', or decompress it."
        raise NotTextError(remedy) from None
    return ZstdFile(raw), ZstdError
