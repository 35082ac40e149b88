"""Which engine reads the logs."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from flask_errwatch.replay.engines.duckdb_engine import DuckDbEngine

#: Bytes of all logs from which DuckDB is used where it is installed: to start it takes 0.2 s.
LARGE: Final = 1_000_000_000
#: Bytes of a log from which it is faster: each is opened and checked for it by itself.
WORTH: Final = 64 << 20


def engine_for(choice: str, names: Iterable[str]) -> DuckDbEngine | None:
    """The engine that reads access logs in place of their reader, or None for the reader.

    Args:
        choice: `auto`, `python` or `duckdb`.
        names: Paths, or `-` for standard input.

    Raises:
        MissingEngineError: DuckDB was asked for and is not installed.
    """
    if choice == "python":
        return None
    if choice == "auto" and (find_spec("duckdb") is None or _size(names) < LARGE):
        return None
    return DuckDbEngine(is_asked_for=choice == "duckdb", least=WORTH)


def _size(names: Iterable[str]) -> int:
    """Bytes of the files among these. One that does not exist is reported when it is opened."""
    size = 0
    for name in names:
        with suppress(OSError, ValueError):
            size += Path(name).stat().st_size
    return size
