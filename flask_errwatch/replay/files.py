"""Reads a log, a file or standard input, plain, gzip or zstd, in blocks of whole lines."""

from __future__ import annotations

import gzip
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Protocol

from flask_errwatch.errors import ErrWatchError, Problem

STDIN = "-"

# Shorter than the longest line, so that a longer line never begins and ends in one piece.
_BLOCK = 1 << 18
#: Longest line that is read; CloudWatch Logs takes events of up to 1 MiB (PutLogEvents).
LONGEST = 1 << 20
_SHOWN = 400
#: Bytes from which a log and its format are recognised.
_HEAD = 8192
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


class UnreadableLogError(ErrWatchError):
    """A log that cannot be read at all.

    Args:
        name: The file, as it was given.
        remedy: A sentence with the reason and what to do.
    """

    def __init__(self, name: str, remedy: str) -> None:
        self.name = name
        super().__init__(Problem(key="FILE", value=name, remedy=remedy))


class TooLong(bytes):
    """The beginning of a line that is longer than `LONGEST`."""

    __slots__ = ()


class _Stream(Protocol):
    """A stream that returns what it has, so that bytes before a defect are not lost."""

    def read1(self, size: int = ..., /) -> bytes: ...


class Log:
    """One log.

    Args:
        name: Path of the file, or `-` for standard input.

    Attributes:
        size: The bytes of the file as it is stored, or None for standard input.
        head: What its format is recognised from: its first bytes, once the first block was read.
        can_rewind: Whether it can be read again: it is a file, or was kept.
        defect: Why reading ended early, as a sentence, or None when it did not.

    Raises:
        UnreadableLogError: It does not exist, is a directory, or may not be read.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.head = b""
        self.defect: str | None = None
        self._damages: tuple[type[Exception], ...] = (OSError, zlib.error)
        if name == STDIN and sys.stdin is None:
            raise UnreadableLogError(name, "Standard input is closed.")
        try:
            self._raw: IO[bytes] = (
                sys.stdin.buffer if name == STDIN else Path(name).open("rb")  # noqa: SIM115 - `close` does
            )
            is_file = name != STDIN and Path(name).is_file()
            self.size = Path(name).stat().st_size if is_file else None
            self.can_rewind = is_file
        except FileNotFoundError:
            raise UnreadableLogError(name, "There is no such file.") from None
        except IsADirectoryError:
            remedy = "It is a directory: name the files in it, as with a wildcard."
            raise UnreadableLogError(name, remedy) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnreadableLogError(name, f"It cannot be opened ({reason}).") from error

    @property
    def position(self) -> int:
        """How many of its bytes were read."""
        return 0 if self.size is None or self._raw.closed else self._raw.tell()

    def close(self) -> None:
        """Closes the file."""
        if self.name != STDIN or self._raw is not sys.stdin.buffer:
            self._raw.close()

    def keep(self) -> None:
        """Makes it possible to `rewind`: a pipe is copied to a temporary file, as it comes.

        Raises:
            UnreadableLogError: The copy has no room.
        """
        if self.size is not None:
            return
        try:
            copy = TemporaryFile()  # noqa: SIM115 - `close` does
            copyfileobj(self._raw, copy)
            copy.seek(0)
        except OSError as error:
            remedy = f"It cannot be copied to a temporary file ({error.strerror}): give a file."
            raise UnreadableLogError(self.name, remedy) from error
        self.close()
        self._raw = copy
        self.can_rewind = True

    def rewind(self) -> None:
        """Goes back to the beginning."""
        self._raw.seek(0)

    def blocks(self) -> Iterator[bytes]:
        """Yields blocks that end with a line break, and `TooLong` for a line longer than `LONGEST`.

        Raises:
            UnreadableLogError: It is binary.
        """
        open_line: bytes | None = b""  # None while the rest of a too long line is skipped
        for piece in self._checked(self._pieces()):
            end, begin = piece.find(b"\n"), 0
            if (
                open_line is not None
                and len(open_line) + (len(piece) if end < 0 else end) > LONGEST
            ):
                yield TooLong((open_line + piece)[:_SHOWN])
                open_line = None
            if open_line is None:
                if end < 0:
                    continue
                begin, open_line = end + 1, b""
            cut = piece.rfind(b"\n") + 1
            if cut > begin:
                yield b"".join((open_line, memoryview(piece)[begin:cut]))
                open_line = piece[cut:]
            else:
                open_line += piece[begin:]
        if open_line:
            yield open_line + b"\n"

    def _checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces. The first is long enough to recognise the format, also from a slow pipe."""
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= _HEAD:
                break
        if b"\0" in head[:_HEAD]:
            remedy = "It is binary: give a text log, plain or compressed with gzip or zstd."
            raise UnreadableLogError(self.name, remedy)
        self.head = head.removeprefix(BOM_UTF8)  # the byte order mark
        yield self.head
        yield from pieces

    def _pieces(self) -> Iterator[bytes]:
        try:
            stream = self._decompressed()
            while piece := stream.read1(_BLOCK):
                yield piece
        except EOFError:
            self.defect = "it is truncated. What comes before that is judged."
        except self._damages as error:
            reason = str(error).partition(" (b'")[0]  # not what Python calls the bytes
            self.defect = f"it is damaged ({reason}). What comes before that is judged."

    def _decompressed(self) -> _Stream:
        raw = self._raw
        head: bytes = raw.peek(4)[:4]  # type: ignore[attr-defined]  # both kinds are buffered
        if head.startswith(_GZIP):
            return gzip.GzipFile(fileobj=raw)
        if head == _ZSTD:
            stream, damage = _zstd(self.name, raw)
            self._damages += (damage,)
            return stream
        return raw  # type: ignore[return-value]  # as above


def _zstd(name: str, raw: IO[bytes]) -> tuple[_Stream, type[Exception]]:
    """The standard library's module since Python 3.14 (PEP 784), else its backport."""
    try:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdError, ZstdFile
        else:
            from backports.zstd import ZstdError, ZstdFile
    except ImportError:
        remedy = "It is compressed with zstd: install 'flask-errwatch[replay]', or decompress it."
        raise UnreadableLogError(name, remedy) from None
    return ZstdFile(raw), ZstdError
