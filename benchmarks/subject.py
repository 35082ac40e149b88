"""A process that serves one variant, in slices that standard input requests.

`python -m benchmarks.subject NAME CORE`: each input line is `CASE COUNT`, or `settle`. Each output
line is the time of this thread and of the whole process in nanoseconds. For a count of 0 it is the
time of one request, after a warm-up.
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
    for line in sys.stdin:
        if line == "settle\n":
            _in_another_thread(settle)
            _print(time.thread_time_ns(), time.process_time_ns())
            continue
        case, count = line.split()
        begun = time.process_time_ns()
        duration = _warmed(app, case) if count == "0" else _duration(app, case, int(count))
        _print(duration, time.process_time_ns() - begun)


def _warmed(app: Flask, case: str) -> int:
    """Nanoseconds of one request after a warm-up."""
    status = serve(app, PATHS[case])
    assert status[:3] == case, f"answered {status} instead of {case}"
    for _ in range(_WARM_UP):
        serve(app, PATHS[case])
    # The minimum: with a run of the garbage collector, slices would have too few requests.
    return min(_duration(app, case, 10) for _ in range(20)) // 10


def _duration(app: Flask, case: str, count: int) -> int:
    """Nanoseconds of this thread for that many requests."""
    path = PATHS[case]
    begun = time.thread_time_ns()
    for _ in range(count):
        serve(app, path)
    return time.thread_time_ns() - begun


def _in_another_thread(settle: Callable[[], object]) -> None:
    """Settles in another thread, whose time does not count as that of a request."""
    thread = threading.Thread(target=settle)
    thread.start()
    thread.join()


def _print(*figures: int) -> None:
    sys.stdout.write(f"{' '.join(map(str, figures))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
