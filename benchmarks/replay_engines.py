"""Part of `make bench-replay`: how much faster DuckDB counts an access log than the reader.

CPU time of the whole of it, reading and judging, in one process. The argument is the size in MB.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.replay import access_line, detectors
from flask_errwatch.replay.engines.duckdb_engine import DuckDbEngine
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.simulation import judge_log

_MEGABYTE = 1_000_000
_START = datetime(2026, 11, 1, tzinfo=UTC)
_RATE = 20.0
_TIMES = 5
#: Paths of which a scanner's list consists, for the log in which failures recur.
_LIST = 300

Line = Callable[[random.Random, datetime, int], bytes]


def recurring_line(chance: random.Random, at: datetime, number: int) -> bytes:
    """A line of which the paths of failures recur, as those of real scans do."""
    line = access_line(chance, at, number)
    begin, end = line.find(b"/", line.find(b'"')), line.find(b".php")
    return line if end < 0 else line[:begin] + b"/scan/%d" % chance.randrange(_LIST) + line[end:]


def write(path: Path, make: Line, size: int) -> None:
    """Writes a log of that many bytes."""
    chance = random.Random(4)
    at, lines, written = _START, 0, 0
    with path.open("wb") as file:
        while written < size:
            lines += 1
            at += timedelta(seconds=chance.expovariate(_RATE))
            written += file.write(make(chance, at, lines) + b"\n")


def replayed(path: Path, engine: DuckDbEngine | None) -> int:
    """Reads and judges the log. Returns its lines."""
    judging = detectors()
    with open_logs([str(path)]) as logs:
        session = Session(logs, judging, engine=engine)
        for _ in session.read():
            pass
    assert not session.without_engine
    gathered = session.gathered
    return judge_log(gathered.tally, judging.catalogue, judging.desired, gathered.coverage).lines


def seconds(path: Path, threads: int | None) -> tuple[float, float]:
    """CPU time and time of a reading by DuckDB with so many threads, or by the reader for None."""
    begun, since = time.process_time(), time.perf_counter()
    if threads is None:
        replayed(path, None)
    else:
        with DuckDbEngine(threads=threads) as engine:
            replayed(path, engine)
    return time.process_time() - begun, time.perf_counter() - since


def ratios(folder: Path, megabytes: int) -> Iterator[dict[str, object]]:
    """For each log the best of alternating runs."""
    path = folder / "access.log"
    for name, make in (("distinct failures", access_line), ("recurring failures", recurring_line)):
        write(path, make, megabytes * _MEGABYTE)
        runs = [[seconds(path, threads) for threads in (None, 1, 2)] for _ in range(_TIMES)]
        reader, one, two = (min(run[place] for run in runs) for place in range(3))
        yield {
            "engine": "duckdb",
            "log": name,
            "megabytes": megabytes,
            "reader_seconds": round(reader[0], 2),
            "one_thread_seconds": round(one[0], 2),
            "ratio": round(reader[0] / one[0], 2),
            "ratio_of_time_with_two_threads": round(reader[1] / two[1], 2),
            "wanted": 2.0,
        }
        path.unlink()


def main(arguments: list[str]) -> None:
    """Prints one JSON object per figure."""
    megabytes = int(arguments[0]) if arguments else 200
    with tempfile.TemporaryDirectory() as folder:
        for figure in ratios(Path(folder), megabytes):
            print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
