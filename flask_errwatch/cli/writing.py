"""Writes what a command found to standard output or a file."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

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
