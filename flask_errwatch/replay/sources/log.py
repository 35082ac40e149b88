"""One log, wherever it lies: its head, its bytes in pieces, and its lines in blocks."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from itertools import chain
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Protocol

from flask_errwatch.replay.sources.compression import decompressed
from flask_errwatch.replay.sources.encoding import text_pieces
from flask_errwatch.replay.sources.lines import line_blocks
from flask_errwatch.replay.sources.unreadable import (
    DefectError,
    NotTextError,
    UnreadableLogError,
)


class Stored(Protocol):
    """Where the bytes of a log are stored."""

    @property
    def size(self) -> int | None:
        """How many bytes there are, or None for a pipe, which can be read only once."""

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """A buffered stream of them, from the first on.

        Raises:
            DefectError: They cannot be had.
            OSError: The file cannot be opened.
        """


class Log:
    """One log. It is opened when its head or its bytes are asked for.

    Args:
        name: Its name, for people.
        stored: Where its bytes are.
        is_named: Whether it was asked for by its name: then bytes that are not text are an error.
            In a log that was found, in a folder or in a bucket, they are a defect.

    Attributes:
        name: Its name, for people.
        is_named: Whether it was asked for by its name.
        defect: Why reading ended early, as a sentence, or None when it did not.
    """

    __slots__ = (
        *("_copy", "_fresh", "_head", "_raw", "_rest", "_stored", "_was_read"),
        *("defect", "is_named", "name"),
    )

    def __init__(self, name: str, stored: Stored, *, is_named: bool = True) -> None:
        self.name = name
        self.defect: str | None = None
        self._stored = stored
        self._copy: _Copy | None = None
        self.is_named = is_named
        self._raw: IO[bytes] | None = None
        self._head = b""
        self._rest: Generator[bytes] | None = None
        self._fresh = False  # whether no piece was taken since the head was read
        self._was_read = False

    @property
    def size(self) -> int | None:
        """Its bytes as they are stored, or None for a pipe."""
        return self._stored.size

    @property
    def position(self) -> int:
        """How many of its stored bytes were read since it was opened."""
        if self.size is None or self._raw is None:
            return self.size if self._was_read and self.size else 0
        return self._raw.tell()

    @property
    def head(self) -> bytes:
        """Its first bytes: up to 256 KiB or a little more, decompressed. `close` forgets them.

        Raises:
            UnreadableLogError: It is binary.
        """
        if self._rest is None:
            self._open()
        return self._head

    def pieces(self) -> Iterator[bytes]:
        """Yields its bytes, decompressed and in UTF-8, from the first on.

        Where they end early, `defect` says why.

        Raises:
            UnreadableLogError: It is binary.
        """
        if not self._fresh:
            self._open()
        self._fresh = False
        return chain((self._head,), self._rest or ()) if self._head else iter(())

    def blocks(self) -> Iterator[bytes]:
        """Yields its lines, as `line_blocks` does, from the first on.

        Raises:
            UnreadableLogError: It is binary.
        """
        return line_blocks(self.pieces())

    def keep(self) -> None:
        """Makes it possible to read it again: a pipe is copied to a temporary file.

        Raises:
            UnreadableLogError: The copy has no room.
        """
        if self.size is not None:
            return
        try:
            with self._stored.open() as pipe:
                self._stored = self._copy = _Copy(pipe)
        except OSError as error:
            remedy = f"It cannot be copied to a temporary file ({error.strerror}): give a file."
            raise UnreadableLogError(self.name, remedy) from error

    def close(self) -> None:
        """Closes it, and forgets its head. What was asked for again is read from the beginning."""
        rest, self._rest, self._head, self._fresh = self._rest, None, b"", False
        if rest is not None:
            rest.close()
        self._was_read = False

    def discard(self) -> None:
        """Closes it for good, and deletes the copy that `keep` made."""
        self.close()
        if self._copy is not None:
            self._copy.file.close()

    def _open(self) -> None:
        self.close()
        self.defect = None
        self._rest = self._read()
        self._head = next(self._rest, b"")
        self._fresh = True

    def _read(self) -> Generator[bytes]:
        try:
            with closing(self._decompressed()) as pieces:
                yield from text_pieces(pieces)
        except NotTextError as error:
            if self.is_named:
                raise UnreadableLogError(self.name, error.remedy) from error
            self.defect = f"{error.remedy[0].lower()}{error.remedy[1:]}"

    def _decompressed(self) -> Generator[bytes]:
        try:
            with self._stored.open() as self._raw:
                yield from decompressed(self._raw)
        except DefectError as error:
            self.defect = error.sentence
        except OSError as error:
            self.defect = f"it cannot be opened ({error.strerror or error})."
        finally:
            self._raw = None
            self._was_read = True


class _Copy:
    """A copy of a pipe in a temporary file, which is deleted when it is closed.

    Args:
        pipe: It is read to its end, as it comes: compressed if it is.

    Raises:
        OSError: The disk is full.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        with ExitStack() as on_error:
            self.file = on_error.enter_context(TemporaryFile())
            copyfileobj(pipe, self.file)
            self.size = self.file.tell()
            self.file.flush()
            on_error.pop_all()

    def open(self) -> IO[bytes]:
        """Opens it, from its beginning."""
        self.file.seek(0)
        return open(self.file.fileno(), "rb", closefd=False)
