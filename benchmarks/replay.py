"""`make bench-replay`: the cost of replaying beyond reading, and the peak memory.

Each figure is a ratio to a bare loop over the same file in the same run, because seconds depend
on the machine. The argument is the size in MB. A smaller one is quicker.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from flask_errwatch._time import rfc3339
from flask_errwatch.config import load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.simulation import judge_log

_MEGABYTE = 1_000_000
_START = datetime(2026, 11, 1, tzinfo=UTC)
_TIMES = 5


class Load(NamedTuple):
    """A log that is replayed.

    Attributes:
        form: Its format.
        rate: Its lines a second. The app's own lines are only failures, so 5 are an incident.
        wanted: The least ratio to the bare loop.
    """

    form: str
    rate: float
    wanted: float


#: A dense log costs what its lines cost, a sparse one what its minutes cost.
_LOADS = (
    Load("json", 5.0, 0.6),
    Load("json", 0.05, 0.6),
    Load("combined", 20.0, 0.5),
    Load("combined", 0.05, 0.35),
)
_WITH_LINES = [detector for detector in DEFAULT_DETECTORS if detector.event is not None]

# The whole NCSA combined format, with all of its fields.
_BARE = re.compile(
    r'(\S+) (\S+) (\S+) \[([^\]]+)\] "([A-Z]+) (\S+) ([^"]*)" (\d{3}) (\S+) "([^"]*)" "([^"]*)"'
)


def detectors() -> DetectorSet:
    """All default detectors, with their default alarms."""
    config = load({}, {}, app_name="log")
    return DetectorSet("defaults", Catalogue(DEFAULT_DETECTORS).configured(config), config)


def json_line(chance: random.Random, at: datetime, number: int) -> bytes:
    """A line as the app writes it: mostly small, one in twenty with an exception."""
    detector = chance.choice(_WITH_LINES)
    is_crash = detector.name == "critical-error"
    path = f"/products/{chance.randrange(5000)}" if chance.random() < 0.7 else _random_path(chance)
    event: dict[str, object] = {
        "event": detector.event,
        "detector": detector.name,
        "level": detector.level,
        "timestamp": rfc3339(int(at.timestamp() * 1000)),
        "schema": 1,
        "id": f"{number:08x}-0000-7000-8000-{chance.randrange(16**12):012x}",
        "status": 500 if is_crash else 404,
        "method": "GET",
        "path": path,
        "client_ip": f"198.18.{chance.randrange(4)}.{chance.randrange(250)}",
        "client_ip_source": "peer",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
        "agent": "browser",
        "referrer": "none",
        "path_class": "own" if is_crash else "unknown",
        "suspicion": 0 if is_crash else 1,
        "request_id": f"{chance.randrange(16**16):016x}",
        "duration_ms": round(chance.random() * 80, 3),
    }
    if is_crash and chance.random() < 0.35:
        frames = [f"shop/views/products.py:{line} in show_{line}" for line in range(12)]
        event["exception"] = {
            "type": "builtins.KeyError",
            "message": "'sku-1234'",
            "where": frames[-1],
            "frames": frames,
            "fingerprint": "5f2b6c1d9e3a7f10",
            "handled": False,
        }
    event |= {"app": "shop", "environment": "production", "release": "2026.11.1"}
    event |= {"host": "ip-10-0-0-12", "pid": 4711, "process": "b1946ac92492", "seq": number}
    return orjson.dumps(event)


def access_line(chance: random.Random, at: datetime, _: int) -> bytes:
    """A line of an access log, one in five about a failure."""
    status = chance.choice((404, 404, 401, 500, 400)) if chance.random() < 0.2 else 200
    path = f"/products/{chance.randrange(5000)}" if status == 200 else _random_path(chance)
    return (
        f"198.18.{chance.randrange(4)}.{chance.randrange(250)} - - "
        f'[{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} {chance.randrange(9000)} '
        '"https://shop.example.com/" "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 '
        'Firefox/132.0"'
    ).encode()


def _random_path(chance: random.Random) -> str:
    return f"/{chance.randrange(16**8):08x}.php"


def write(path: Path, made: Load, size: int) -> int:
    """Writes a log of that many bytes. Returns the number of its lines."""
    chance = random.Random(4)
    make = json_line if made.form == "json" else access_line
    at, lines, written = _START, 0, 0
    with path.open("wb") as file:
        while written < size:
            lines += 1
            at += timedelta(seconds=chance.expovariate(made.rate))
            written += file.write(make(chance, at, lines) + b"\n")
    return lines


def bare_json(path: Path) -> None:
    """Parses every line with orjson, and nothing else."""
    with path.open("rb") as file:
        for line in file:
            orjson.loads(line)


def bare_regex(path: Path) -> None:
    """Matches every line with one compiled expression, and nothing else."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            match = _BARE.match(line)
            assert match is not None
            match.groups()


def replayed(path: Path) -> None:
    """Reads and judges the whole log, as the command does."""
    judging = detectors()
    with open_logs([str(path)]) as logs:
        session = Session(logs, judging)
        for _ in session.read():
            pass
    gathered = session.gathered
    judged = judge_log(gathered.tally, judging.catalogue, judging.desired, gathered.coverage)
    assert gathered.bad_lines == 0
    assert sum(detector.lines for detector in judged.detectors) > 0


def seconds(call: Callable[[Path], None], path: Path) -> float:
    """CPU time of a call, which other processes affect least."""
    begun = time.process_time()
    call(path)
    return time.process_time() - begun


def ratios(folder: Path, megabytes: int) -> Iterator[dict[str, object]]:
    """For each log the best of five alternating runs."""
    for made in _LOADS:
        bare = bare_json if made.form == "json" else bare_regex
        path = folder / f"{made.form}.log"
        lines = write(path, made, megabytes * _MEGABYTE)
        times = [(seconds(bare, path), seconds(replayed, path)) for _ in range(_TIMES)]
        ours, theirs = min(pair[1] for pair in times), min(pair[0] for pair in times)
        yield {
            "format": made.form,
            "lines_a_second_of_the_log": made.rate,
            "megabytes": megabytes,
            "lines": lines,
            "lines_per_second": round(lines / ours),
            "bare_lines_per_second": round(lines / theirs),
            "ratio": round(theirs / ours, 2),
            "wanted": made.wanted,
        }
        path.unlink()


def memory(folder: Path, made: Load, megabytes: int) -> dict[str, object]:
    """The peak memory of a new process, for a quarter of the size, for all and for four times."""
    peaks: dict[int, float] = {}
    for size in (megabytes // 4, megabytes, 4 * megabytes):
        path = folder / "memory.log"
        write(path, made, size * _MEGABYTE)
        command = [sys.executable, __file__, "--peak", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[size] = float(done.stdout)
        path.unlink()
    return {"format": made.form, "peak_rss_mb": peaks}


def _peak_megabytes() -> float:
    """The peak memory of this process. `getrusage` has that of the parent, where it is greater."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(arguments: list[str]) -> None:
    """Prints one JSON object per figure."""
    if arguments[:1] == ["--peak"]:
        replayed(Path(arguments[1]))
        print(_peak_megabytes())
        return
    megabytes = int(arguments[0]) if arguments else 200
    with tempfile.TemporaryDirectory() as folder:
        for figure in ratios(Path(folder), megabytes):
            print(json.dumps(figure), flush=True)
        for made in _LOADS[0], _LOADS[2]:
            print(json.dumps(memory(Path(folder), made, megabytes)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
