"""What the fields of a failing request, `agent` to `suspicion`, add to its cost.

`python -m benchmarks.fields PAIRS`: two apps in one process take turns in slices of about 4 ms:
flask-errwatch, and flask-errwatch that gives every request the same fields. For each kind of
request that is answered with 404, `dearer` is what the first costs more than the second, by the
second, and `us` the same in microseconds: medians of the slices that stand beside each other. The
time is that of the serving thread, and lines are kept in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from statistics import median
from unittest.mock import patch

from flask import Flask

from benchmarks.app import serve
from benchmarks.turns import SLICE, WARM_UP, in_own_process, print_figures, watched_app
from flask_errwatch.capture import request_classifier
from flask_errwatch.capture.suspicion import Suspicion

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
    return in_own_process("fields", pairs)


def costs(pairs: int) -> dict[str, dict[str, float]]:
    """What the fields add to each kind of request.

    Args:
        pairs: Slices of each app and kind of request.
    """
    measured = apps()
    return {kind: _cost(measured, path, query, pairs) for kind, (path, query) in KINDS.items()}


def apps() -> tuple[Flask, Flask]:
    """The two apps: with the fields of each request, and with the same ones for all."""
    indifferent = watched_app(ERRWATCH_SINKS="memory")
    with patch.object(request_classifier, "RequestClassifier", _Indifferent):
        serve(indifferent, "/nowhere")  # the first failing request makes the classifier
    return watched_app(ERRWATCH_SINKS="memory"), indifferent


def _cost(apps: tuple[Flask, Flask], path: str, query: str, pairs: int) -> dict[str, float]:
    numbers = count()

    def taken(app: Flask, requests: int = SLICE) -> float:
        paths = [path.format(next(numbers)) for _ in range(requests)]
        begun = time.thread_time_ns()
        for each in paths:
            serve(app, each, query)
        return (time.thread_time_ns() - begun) / requests / 1000

    for app in apps:
        taken(app, WARM_UP)
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
    print_figures(costs)
