"""Writes what a command found to standard output or a file, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from flask_errwatch._text import one_line

STDOUT = "standard output"


@contextmanager
def writing(place: str) -> Iterator[None]:
    """Reports why something cannot be written. Click handles a closed pipe.

    Args:
        place: `STDOUT`, or the name of a file, safe for a terminal.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        if place == STDOUT:
            # Its buffer would fail again, with a traceback, when Python exits.
            with suppress(OSError):
                sys.stdout.close()
        raise click.ClickException(f"{place} cannot be written: {error.strerror}.") from error


def write_file(file: Path, text: str) -> None:
    """Replaces a file by the text at once: a reader never sees half of it, nor does a failure.

    A symbolic link stays, and what it points to is replaced. Anything but a regular file, such
    as a pipe, is written to.

    Args:
        file: The file. Its folder exists.
        text: The new content.
    """
    with writing(one_line(str(file))):
        content = text.encode(errors="replace")
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if file.exists() and not file.is_file():
            file.write_bytes(content)
            return
        place = file.resolve()
        unfinished = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        try:
            unfinished.write_bytes(content)
            if place.exists():
                shutil.copymode(place, unfinished)
            unfinished.replace(place)
        finally:
            unfinished.unlink(missing_ok=True)
