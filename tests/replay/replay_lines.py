"""Builds lines, files and detectors for the replay tests."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_errwatch.config import load
from flask_errwatch.detectors import OPERATIONAL_EVENTS, Catalogue, Detector
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.reading.known_formats import known_formats
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.run import run
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.simulation import InputCoverage, JudgedLog, Tally, judge_log

#: The fields of the line of a failed request that filters read.
OF_REQUESTS = {
    "status": 404,
    "method": "GET",
    "agent": "library",
    "referrer": "none",
    "path_class": "probe",
    "suspicion": 2,
}

#: Runs the command with arguments. The fixture determines what it returns.
Run = Callable[..., Any]


def access(
    second: int, status: int = 404, *, path: str = "/.env", client: str = "192.0.2.7"
) -> str:
    """A line of an access log, that many seconds after midnight of 25 November 2026."""
    clock = _clock(second)
    return f'{client} - - [25/Nov/2026:{clock} +0000] "GET {path} HTTP/1.1" {status} 9 "-" "curl"\n'


def event(second: int, phrase: str = "Not Found Error", **fields: object) -> str:
    """A line of our own format, that many seconds after midnight of the same day."""
    timestamp = f"2026-11-25T{_clock(second)}.000Z"
    line = {"event": phrase, "timestamp": timestamp, "client_ip": "192.0.2.7", "path": "/.env"}
    request = {} if phrase in OPERATIONAL_EVENTS else {"detector": "a-detector", **OF_REQUESTS}
    return json.dumps({**line, "schema": 1, **request, **fields}) + "\n"


def _clock(second: int) -> str:
    """`HH:MM:SS` of a second of the day."""
    minute, second = divmod(second, 60)
    return f"{minute // 60:02d}:{minute % 60:02d}:{second:02d}"


def write_log(folder: Path, lines: list[str] | str | bytes, name: str = "access.log") -> Path:
    """Writes the lines to a file in the folder."""
    path = folder / name
    text = "".join(lines) if isinstance(lines, list) else lines
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def detector_set(*detectors: Detector, **settings: object) -> DetectorSet:
    """The detectors of an app called `log`. `ALARM_PERIOD=60` sets `ERRWATCH_ALARM_PERIOD`."""
    keys = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = load(keys, {}, app_name="log")
    return DetectorSet("the test's detectors", Catalogue(detectors).configured(config), config)


def judged(tally: Tally, detectors: DetectorSet, *, heartbeat: bool = True) -> JudgedLog:
    """Judges the tally of an access log."""
    coverage = InputCoverage(requests=True, heartbeats=False)
    return judge_log(tally, detectors.catalogue, detectors.desired, coverage, heartbeat=heartbeat)


def compressed_with_zstd(data: bytes) -> bytes:
    """The bytes as a zstd file."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    compressed: bytes = zstd.compress(data)
    return compressed


def replay_of(
    *logs: Path, detectors: DetectorSet, form: str = "auto", advise: float | None = None
) -> ReplayResult:
    """The result of a replay of logs."""
    names = [*map(str, logs)]
    with open_logs(names) as opened:
        return run(opened, detectors, names=names, known=known_formats(form), alarms_a_week=advise)
