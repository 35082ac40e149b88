"""What each configuration key adds to a request that is off by default.

`python -m benchmarks.switches PAIRS`: two apps in one process, one with the defaults and one with
the key on, take turns in slices of about 4 ms. A difference is a slice with the key less the mean
of the slices without it before and after. The time is that of the serving thread.
"""

from __future__ import annotations

from statistics import median, quantiles

from flask import Flask

from benchmarks.app import PATHS, nanoseconds, serve
from benchmarks.stage import settings
from benchmarks.turns import WARM_UP, in_own_process, print_figures, watched_app
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

#: Microseconds more for each request: `us`, and the quartiles `low` and `high`.
Figures = dict[str, float]


def measure(*, pairs: int) -> dict[str, dict[str, Figures]]:
    """Measures each key and each kind of response, in a process of its own.

    Args:
        pairs: Slices of each kind of response.
    """
    with FakeLogsProcess(0) as fake, settings(fake.url) as env:
        return in_own_process("switches", pairs, env=env)


def costs(pairs: int) -> dict[str, dict[str, Figures]]:
    """What each key adds to each kind of response.

    Args:
        pairs: Slices of each kind of response.
    """
    figures = {}
    for name, changed in SWITCHES.items():
        bare, switched = watched_app(), watched_app(**changed)
        figures[name] = {
            case: _compared(bare, switched, path, pairs) for case, path in PATHS.items()
        }
    return figures


def _compared(bare: Flask, switched: Flask, path: str, pairs: int) -> Figures:
    for app in (bare, switched):
        for _ in range(WARM_UP):
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
    print_figures(costs)
