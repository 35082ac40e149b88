"""Test support: intercepts lines before they reach any sink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

#: Is called with the app, None once it was garbage-collected, and its line.
Interceptor = Callable[["Flask | None", bytes], None]

#: The active interceptors: none except in tests.
interceptors: list[Interceptor] = []


@contextmanager
def intercept_lines(interceptor: Interceptor) -> Iterator[None]:
    """Within the block, gives the lines of every app of this process to the interceptor.

    No sink is opened meanwhile: no thread, no file, no AWS. Blocks may be nested: each
    interceptor gets every line.
    """
    interceptors.append(interceptor)
    try:
        yield
    finally:
        interceptors.remove(interceptor)


def intercept(app: Flask | None, line: bytes) -> None:
    """Gives the line to every active interceptor."""
    for interceptor in tuple(interceptors):
        interceptor(app, line)
