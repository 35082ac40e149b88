"""The cost of each configuration key that is off by default, per request.

`python -m benchmarks.switches`: two apps in one process, one with the defaults and one with the key
on, take turns in slices of about 4 ms. A difference is a slice with the key less the mean of the
slices without it before and after. It is the processor time of the serving thread.
"""

from __future__ import annotations

import os
import time
from statistics import median, quantiles

from flask import Flask

from benchmarks.app import PATHS, make_app, serve
from benchmarks.stage import measuring_core, settings
from flask_errwatch import ErrWatch
from tests.fake_logs import FakeLogsProcess

SWITCHES: dict[str, dict[str, object]] = {
    "the defaults again (control)": {},
    "`ERRWATCH_TRACK_REQUESTS`": {"ERRWATCH_TRACK_REQUESTS": True},
}
_SLICE_NS = 4_000_000
_PAIRS = 400
_WARM_UP = 300


def main() -> None:
    """Prints a table: microseconds that each key adds, with the quartiles."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {measuring_core()})
    with FakeLogsProcess(0) as fake, settings(fake.url) as env:
        os.environ.update(env)
        print(f"| µs more for each request | {' | '.join(PATHS)} |")
        for name, changed in SWITCHES.items():
            bare, switched = _app({}), _app(changed)
            cells = [_cell(bare, switched, path) for path in PATHS.values()]
            print(f"| {name} | {' | '.join(cells)} |")


def _app(changed: dict[str, object]) -> Flask:
    app = make_app()
    app.config.update(changed)
    ErrWatch(app)
    return app


def _cell(bare: Flask, switched: Flask, path: str) -> str:
    for app in (bare, switched):
        for _ in range(_WARM_UP):
            serve(app, path)
    count = max(1, round(_SLICE_NS / (_slice(bare, path, 100) * 1000)))
    differences = []
    before = _slice(bare, path, count)
    for _ in range(_PAIRS):
        took = _slice(switched, path, count)
        after = _slice(bare, path, count)
        differences.append(took - (before + after) / 2)
        before = after
    low, _, high = quantiles(differences, n=4)
    return f"{median(differences):.1f} ({low:.1f} to {high:.1f})"


def _slice(app: Flask, path: str, count: int) -> float:
    """Microseconds of a request."""
    begun = time.thread_time_ns()
    for _ in range(count):
        serve(app, path)
    return (time.thread_time_ns() - begun) / count / 1000


if __name__ == "__main__":
    main()
