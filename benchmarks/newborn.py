"""A new process that measures its own start: `python -m benchmarks.newborn`.

`imports MODULE…`: milliseconds to import the modules over Flask, structlog and orjson.
`init`: milliseconds of `ErrWatch(app)`, for the first app of the process and for the second.
`rest NAME`: MiB of memory of one variant after its first requests, when all lines are delivered.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

#: Modules that any app with JSON logs has imported.
_BEFORE = ("flask", "structlog", "orjson")
_BARE = "bare Flask"
#: Seconds after delivery until a process counts as at rest.
_REST = 0.5


def main() -> None:
    """Runs the measurement named by the first argument, and prints one JSON object."""
    measurements: dict[str, Callable[..., dict[str, float]]] = {
        "imports": imports,
        "init": init,
        "rest": rest,
    }
    sys.stdout.write(json.dumps(measurements[sys.argv[1]](*sys.argv[2:])) + "\n")


def imports(*names: str) -> dict[str, float]:
    """Wall-clock and CPU time of importing the modules."""
    _import(_BEFORE)
    begun, begun_cpu = time.perf_counter(), time.process_time()
    _import(names)
    return {
        "ms": (time.perf_counter() - begun) * 1000,
        "cpu_ms": (time.process_time() - begun_cpu) * 1000,
    }


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


def init() -> dict[str, float]:
    """Time of `ErrWatch(app)`."""
    from flask import Flask

    from flask_errwatch import ErrWatch

    times = []
    for name in ("shop", "desk"):
        app = Flask(name)
        begun = time.perf_counter()
        ErrWatch(app)
        times.append((time.perf_counter() - begun) * 1000)
    return {"first_ms": times[0], "second_ms": times[1]}


def rest(name: str) -> dict[str, float]:
    """Memory at rest. Except for bare Flask, all variants import structlog and orjson."""
    from benchmarks.app import PATHS, serve
    from benchmarks.variants import BY_NAME

    if name != _BARE:
        _import(_BEFORE)
    app, settle = BY_NAME[name].make()
    for path in PATHS.values():
        serve(app, path)
    settle()
    time.sleep(_REST)
    fields = dict(
        line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    )
    return {
        "rss_mib": int(fields["Rss"].split()[0]) / 1024,
        "dirty_mib": int(fields["Private_Dirty"].split()[0]) / 1024,
    }


if __name__ == "__main__":
    main()
