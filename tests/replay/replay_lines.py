"""Lines, files and detectors for the tests of the replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_errwatch.config import load
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.replay.detector_set import DetectorSet
from flask_errwatch.simulation import InputShows, JudgedLog, Tally, judge_log

#: Runs the command with arguments; what it gives depends on the fixture.
Run = Callable[..., Any]


def access(
    second: int, status: int = 404, *, path: str = "/.env", client: str = "192.0.2.7"
) -> str:
    """A line of an access log on 25 November 2026, so many seconds after midnight."""
    hour, rest = divmod(second, 3600)
    clock = f"{hour:02d}:{rest // 60:02d}:{rest % 60:02d}"
    return f'{client} - - [25/Nov/2026:{clock} +0000] "GET {path} HTTP/1.1" {status} 9 "-" "curl"\n'


def event(second: int, phrase: str = "Not Found Error", **fields: object) -> str:
    """A line of ours at that second."""
    hour, rest = divmod(second, 3600)
    stamp = f"2026-11-25T{hour:02d}:{rest // 60:02d}:{rest % 60:02d}.000Z"
    line = {"event": phrase, "timestamp": stamp, "client_ip": "192.0.2.7", "path": "/.env"}
    return json.dumps({**line, **fields}) + "\n"


def written(folder: Path, lines: list[str] | str | bytes, name: str = "access.log") -> Path:
    """The lines in a file."""
    path = folder / name
    text = "".join(lines) if isinstance(lines, list) else lines
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def detector_set(*detectors: Detector, **settings: object) -> DetectorSet:
    """The detectors of an app called `log`: `ALARM_PERIOD=60` sets `ERRWATCH_ALARM_PERIOD`."""
    keys = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = load(keys, {}, app_name="log")
    return DetectorSet("the test's detectors", Catalogue(detectors).configured(config), config)


def judged(tally: Tally, detectors: DetectorSet, *, heartbeat: bool = True) -> JudgedLog:
    """The tally of an access log, judged."""
    shows = InputShows(requests=True, heartbeats=False)
    return judge_log(tally, detectors.catalogue, detectors.desired, shows, heartbeat=heartbeat)
