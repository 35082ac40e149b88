"""What measurements share in which apps of one process take turns, in slices of about 4 ms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

from benchmarks.app import make_app
from benchmarks.stage import ROOT, measuring_core
from flask_errwatch import ErrWatch

#: Requests of a slice, and those before the first one.
SLICE = 40
WARM_UP = 300


def watched_app(**config: object) -> Flask:
    """The app with flask-errwatch.

    Args:
        config: Keys of its configuration.
    """
    app = make_app()
    app.config.update(config)
    ErrWatch(app)
    return app


def in_own_process(
    module: str, pairs: int, *, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The figures of a module, which it prints with `print_figures`.

    Args:
        module: Its name in `benchmarks`.
        pairs: Slices of each app and kind of request.
        env: The environment. None for that of this process.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", str(pairs)]
    done = subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def print_figures(measured: Callable[[int], object]) -> None:
    """Prints figures as JSON, measured on one core with the slices of the first argument."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {measuring_core()})
    print(json.dumps(measured(int(sys.argv[1])), indent=1))
