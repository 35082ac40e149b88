"""What each configuration key adds to a request that is off by default.

`python -m benchmarks.switches PAIRS`: two apps in one process, one with the defaults and one with
the key on, take turns in slices of about 4 ms. A difference is a slice with the key less the mean
of the slices without it before and after. The time is that of the serving thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median, quantiles

from flask import Flask

from benchmarks.app import PATHS, make_app, nanoseconds, serve
from benchmarks.stage import ROOT, measuring_core, settings
from flask_errwatch import ErrWatch
from tests.fake_logs import FakeLogsProcess

CONTROL = "the defaults again (control)"
SWITCHES: dict[str, dict[str, object]] = {
    CONTROL: {},
    "`ERRWATCH_TRACK_REQUESTS`": {"ERRWATCH_TRACK_REQUESTS": True},
    "`ERRWATCH_USER`": {"ERRWATCH_USER": True},
    "`ERRWATCH_LOGGED_ERRORS`": {"ERRWATCH_LOGGED_ERRORS": True},
    "`ERRWATCH_WATCH_COMMANDS` and `ERRWATCH_WATCH_THREADS`": {
        "ERRWATCH_WATCH_COMMANDS": True,
        "ERRWATCH_WATCH_THREADS": True,
    },
}
_SLICE_NS = 4_000_000
_WARM_UP = 300

#: Microseconds more for each request: `us`, and the quartiles `low` and `high`.
Figures = dict[str, float]


def measure(*, pairs: int) -> dict[str, dict[str, Figures]]:
    """Measures each key and each kind of response, in a process of its own.

    Args:
        pairs: Slices of each kind of response.
    """
    with FakeLogsProcess(0) as fake, settings(fake.url) as env:
        command = [sys.executable, "-m", "benchmarks.switches", str(pairs)]
        done = subprocess.run(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True
        )
    figures: dict[str, dict[str, Figures]] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Prints the figures as JSON."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {measuring_core()})
    figures = {}
    for name, changed in SWITCHES.items():
        bare, switched = _app({}), _app(changed)
        figures[name] = {
            case: _compared(bare, switched, path, int(sys.argv[1])) for case, path in PATHS.items()
        }
    print(json.dumps(figures))


def _app(changed: dict[str, object]) -> Flask:
    app = make_app()
    app.config.update(changed)
    ErrWatch(app)
    return app


def _compared(bare: Flask, switched: Flask, path: str, pairs: int) -> Figures:
    for app in (bare, switched):
        for _ in range(_WARM_UP):
            serve(app, path)
    count = max(1, round(_SLICE_NS / nanoseconds(bare, path, 100)))
    differences = []
    before = nanoseconds(bare, path, count)
    for _ in range(pairs):
        took = nanoseconds(switched, path, count)
        after = nanoseconds(bare, path, count)
        differences.append((took - (before + after) / 2) / 1000)
        before = after
    low, _, high = quantiles(differences, n=4)
    return {"us": round(median(differences), 2), "low": round(low, 2), "high": round(high, 2)}


if __name__ == "__main__":
    main()
