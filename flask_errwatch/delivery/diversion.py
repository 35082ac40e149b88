"""Lines kept from every sink, for tests: whoever diverts gets them instead, and none is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

#: Is given the app, None when it is gone, and its line.
Taker = Callable[["Flask | None", bytes], None]

#: Who gets the lines just now; nobody, except in tests.
takers: list[Taker] = []


@contextmanager
def diverted(taker: Taker) -> Iterator[None]:
    """Diverts the lines of every app of this process, whatever their sinks, within the block.

    No sink is opened meanwhile: no thread, no file, no AWS. Blocks may be nested: each taker
    gets every line.
    """
    takers.append(taker)
    try:
        yield
    finally:
        takers.remove(taker)


def take(app: Flask | None, line: bytes) -> None:
    """Gives the line to everybody who diverts."""
    for taker in tuple(takers):
        taker(app, line)
