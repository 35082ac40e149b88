"""What the fields of a failing request, `agent` to `suspicion`, add to its cost.

`python -m benchmarks.fields PAIRS`: two apps in one process take turns in slices of about 4 ms:
flask-errwatch, and flask-errwatch that gives every request the same fields. For each kind of
request that is answered with 404, `dearer` is what the first costs more than the second, by the
second, and `us` the same in microseconds: medians of the slices that stand beside each other. The
time is that of the serving thread, and lines are kept in memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from statistics import median
from unittest.mock import patch

from flask import Flask

from benchmarks.app import make_app, serve
from benchmarks.stage import ROOT, measuring_core
from flask_errwatch import ErrWatch
from flask_errwatch.capture import request_classifier
from flask_errwatch.capture.suspicion import Suspicion

_SLICE = 40
_WARM_UP = 300

#: By the name of the kind: a path, in which `{}` is a new number each time, and a query.
KINDS = {
    "the same path": ("/a/nowhere", ""),
    "a new path": ("/a{}/nowhere", ""),
    "a new path, a query": ("/a{}/nowhere", "q=hello+world&page=2"),
    "a new path, an encoded query": ("/a{}/nowhere", "next=%2Fb%3Fc%3D1&d=e%20f"),
    "a hostile one of 1,024 characters each": ("/a{}/" + "=;" * 512, "select+a(" * 114),
}


class _Indifferent:
    """Does nothing in place of the classification."""

    _fields = Suspicion("library", "none", "unknown", 1)

    def __init__(self, *_given: object) -> None:
        pass

    def classified(self, *_given: object) -> Suspicion:
        """Always the same fields."""
        return self._fields


def measure(*, pairs: int) -> dict[str, dict[str, float]]:
    """The costs, measured in a process of its own.

    Args:
        pairs: Slices of each app and kind of request.
    """
    command = [sys.executable, "-m", "benchmarks.fields", str(pairs)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, dict[str, float]] = json.loads(done.stdout)
    return figures


def costs(pairs: int) -> dict[str, dict[str, float]]:
    """What the fields add to each kind of request.

    Args:
        pairs: Slices of each app and kind of request.
    """
    measured = apps()
    return {kind: _cost(measured, path, query, pairs) for kind, (path, query) in KINDS.items()}


def apps() -> tuple[Flask, Flask]:
    """The two apps: with the fields of each request, and with the same ones for all."""
    indifferent = _app()
    with patch.object(request_classifier, "RequestClassifier", _Indifferent):
        serve(indifferent, "/nowhere")  # the first failing request makes the classifier
    return _app(), indifferent


def _app() -> Flask:
    app = make_app()
    app.config["ERRWATCH_SINKS"] = "memory"
    ErrWatch(app)
    return app


def _cost(apps: tuple[Flask, Flask], path: str, query: str, pairs: int) -> dict[str, float]:
    numbers = count()

    def taken(app: Flask, requests: int = _SLICE) -> float:
        paths = [path.format(next(numbers)) for _ in range(requests)]
        begun = time.thread_time_ns()
        for each in paths:
            serve(app, each, query)
        return (time.thread_time_ns() - begun) / requests / 1000

    for app in apps:
        taken(app, _WARM_UP)
    # Whoever comes second finds a warmer cache, so they change places.
    turns = [_turn(taken, apps, number) for number in range(pairs)]
    return {
        "dearer": round(median(full / without - 1 for full, without in turns), 4),
        "us": round(median(full - without for full, without in turns), 2),
    }


def _turn(
    taken: Callable[[Flask], float], apps: tuple[Flask, Flask], number: int
) -> tuple[float, float]:
    full, without = apps
    if number % 2:
        second = taken(without)
        return taken(full), second
    return taken(full), taken(without)


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {measuring_core()})
    print(json.dumps(costs(int(sys.argv[1])), indent=1))
