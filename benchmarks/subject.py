"""A process that serves one variant, slice by slice, as its standard input asks.

`python -m benchmarks.subject NAME CORE`: each line asked is `CASE COUNT`, or `settle`; each answer
is the time of this thread and of the whole process in nanoseconds. A slice of no requests is
answered too: with how long one takes, after a warm-up.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from flask import Flask

from benchmarks.app import PATHS, serve
from benchmarks.variants import BY_NAME

_WARM_UP = 300


def main() -> None:
    """Serves until standard input ends."""
    name, core = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core)})
    app, settle = BY_NAME[name].make()
    for asked in sys.stdin:
        if asked == "settle\n":
            _in_another_thread(settle)
            _say(time.thread_time_ns(), time.process_time_ns())
            continue
        case, count = asked.split()
        begun = time.process_time_ns()
        taken = _warmed(app, case) if count == "0" else _taken(app, case, int(count))
        _say(taken, time.process_time_ns() - begun)


def _warmed(app: Flask, case: str) -> int:
    """Nanoseconds of one request, when the interpreter has got used to them."""
    status = serve(app, PATHS[case])
    assert status[:3] == case, f"answered {status} instead of {case}"
    for _ in range(_WARM_UP):
        serve(app, PATHS[case])
    # The quickest: one that met the collector would make slices of a few requests, run cold.
    return min(_taken(app, case, 10) for _ in range(20)) // 10


def _taken(app: Flask, case: str, count: int) -> int:
    """Nanoseconds of this thread for so many requests."""
    path = PATHS[case]
    begun = time.thread_time_ns()
    for _ in range(count):
        serve(app, path)
    return time.thread_time_ns() - begun


def _in_another_thread(settle: Callable[[], object]) -> None:
    """Settles where it counts as what it is: work that no request waits for."""
    thread = threading.Thread(target=settle)
    thread.start()
    thread.join()


def _say(*figures: int) -> None:
    sys.stdout.write(f"{' '.join(map(str, figures))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
