"""Counts access logs with DuckDB: on all cores, one file after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain, groupby, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.engines.duckdb_scan import ANSWERED, COUNTED, ODD, Counted
from flask_errwatch.replay.engines.plain_lines import is_mostly_plain
from flask_errwatch.replay.formats.clients import client_of
from flask_errwatch.replay.formats.minutes import minute_of_stamp
from flask_errwatch.replay.formats.requests import ANSWERED_REQUEST, Request
from flask_errwatch.replay.gathering.gathered import Gathered, SourcesAndPaths
from flask_errwatch.replay.gathering.request_kinds import RequestKinds
from flask_errwatch.replay.gathering.sites import Survey
from flask_errwatch.replay.reading.access_logs import AccessLogReader
from flask_errwatch.replay.sources import Log, open_logs
from flask_errwatch.replay.sources.compression import GZIP, ZSTD
from flask_errwatch.simulation import LineKind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Rows that are fetched at once.
_FETCHED: Final = 10_000
_LIMITS: Final = (
    "DuckDB reads undamaged files of access logs in the common or combined format, in UTF-8. It "
    "leaves those with carriage returns, with something around the format, or with one of *?[] in "
    "their names."
)
# What a glob of DuckDB gives a meaning to.
_GLOB: Final = frozenset("*?[]")


class MissingEngineError(ErrWatchError):
    """The engine that was asked for is not installed."""

    def __init__(self) -> None:
        remedy = "Install the extra: pip install 'flask-errwatch[duckdb]'."
        super().__init__(Problem(key="--engine", value="duckdb", remedy=remedy))


class DuckDbEngine:
    """Reads access logs in place of the reader, with equal figures.

    Plain lines are counted in SQL, and only those of failed requests that differ come to Python.
    The reader reads the others. A log is given up as a whole, and then still unread, where it is a
    pipe, damaged, not UTF-8, with carriage returns or with a line that is too long, or where fewer
    than nine in ten of its first lines are plain. No jump of the clock is noted.

    Args:
        is_asked_for: Whether the user asked for it. Then notes name the logs that it does not read.
        threads: The threads that it uses. None for one on each core.
        memory: The most bytes that it uses. What does not fit goes to a temporary folder.
        least: The bytes of the smallest log that it reads, as it is stored.

    Attributes:
        limits: As of `LogEngine`.

    Raises:
        MissingEngineError: DuckDB is not installed.
    """

    def __init__(
        self,
        *,
        is_asked_for: bool = True,
        threads: int | None = None,
        memory: int = 512 << 20,
        least: int = 0,
    ) -> None:
        try:
            import duckdb
        except ImportError:
            raise MissingEngineError from None
        self.limits = _LIMITS if is_asked_for else ""
        self._least = least
        self._folder = TemporaryDirectory()
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory >> 20}MiB",
            "temp_directory": self._folder.name,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if threads is not None:
            settings["threads"] = threads
        self._connection: DuckDBPyConnection = duckdb.connect(config=settings)
        self._error: type[Exception] = duckdb.Error
        self._parameters = cache(_parameters)

    def close(self) -> None:
        """Frees its memory and its temporary folder."""
        self._connection.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_worth(self, log: Log) -> bool:
        """As of `LogEngine`."""
        return log.size is None or log.size >= self._least

    def survey(self, log: Log, survey: Survey) -> bool:
        """As of `LogEngine`."""
        rows = self._rows(ANSWERED, log)
        if rows is None:
            return False
        for lines, request, referrer, odd in rows:
            text = f'] "{request}" 200 0 "{referrer}"' if odd is None else odd
            survey.add(ANSWERED_REQUEST.findall(text), lines)
        return True

    def read(self, log: Log, gathered: Gathered, reader: AccessLogReader) -> bool:
        """As of `LogEngine`."""
        rows = self._rows(COUNTED, log)
        if rows is None:
            return False
        kinds, lines, odd = RequestKinds(gathered), 0, 0
        counted = (Counted._make(row) for row in rows)
        for (stamp, zone), same in groupby(counted, key=lambda row: (row.stamp, row.zone)):
            rows_of_minute = [*same]
            found = sum(row.lines for row in rows_of_minute)
            lines += found
            if stamp is None or zone is None:
                odd = found
            elif (minute := minute_of_stamp(stamp, zone)) is not None:
                _count(gathered, kinds, minute, rows_of_minute)
        if odd:
            self._read_odd(log, reader)
        reader.pass_over(lines - reader.lines)
        return True

    def _read_odd(self, log: Log, reader: AccessLogReader) -> None:
        """Has the reader read the lines that are not plain."""
        try:
            found = self._connection.execute(ODD, self._parameters(log.name))
            for number, line in _fetched(found):
                reader.pass_over(number - 1 - reader.lines)
                reader.read_block(f"{line}\n".encode())
        except self._error:
            log.defect = "it changed while it was read: replay a copy of it."

    def _rows(self, query: str, log: Log) -> Iterator[tuple[Any, ...]] | None:
        """The rows of a query, or None where DuckDB cannot read the log."""
        if log.size is None or not is_mostly_plain(log.head):
            return None
        parameters = self._parameters(log.name)
        if parameters is None:
            return None
        try:
            found = self._connection.execute(query, parameters)
            # The whole log is read before the first row comes: the query groups.
            first = found.fetchmany(_FETCHED)
        except self._error:
            return None
        return chain(first, _fetched(found))


def _fetched(found: DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """The rows that were not fetched yet."""
    return chain.from_iterable(iter(lambda: found.fetchmany(_FETCHED), []))


def _parameters(name: str) -> dict[str, str] | None:
    """How DuckDB opens a file. None where it must not read it."""
    path = Path(name).resolve()
    if not path.is_file():
        return None  # it lies in a bucket
    if _GLOB.intersection(str(path)):
        return None
    with path.open("rb") as file:
        magic = file.read(len(ZSTD))
    compression = "zstd" if magic == ZSTD else "gzip" if magic.startswith(GZIP) else "none"
    # DuckDB notices neither a wrong checksum of gzip nor that the end of zstd is missing.
    if compression != "none" and not _is_sound(name):
        return None
    return {"path": str(path), "compression": compression}


def _is_sound(name: str) -> bool:
    """Whether a compressed file can be decompressed to its end."""
    with open_logs([name]) as logs:
        return all(_is_whole(log) for log in logs)


def _is_whole(log: Log) -> bool:
    for _ in log.pieces():
        pass
    return log.defect is None


def _count(gathered: Gathered, kinds: RequestKinds, minute: int, rows: Iterable[Counted]) -> None:
    """Counts the plain lines of one minute."""
    by_kind: defaultdict[LineKind, SourcesAndPaths] = defaultdict(lambda: ([], []))
    for lines, _, _, source, status, line, referrer, agent in rows:
        if source is None or status is None or line is None:
            gathered.count_other(minute, lines)
            continue
        client = client_of(source)
        request = Request("", status, line, referrer, agent)
        kind, path = kinds.kind_and_path(client, request)
        sources, paths = by_kind[kind]
        sources.extend(repeat(client, lines))
        paths.extend(repeat(path, lines))
    for kind, (sources, paths) in by_kind.items():
        gathered.count(minute, kind, sources, paths)
