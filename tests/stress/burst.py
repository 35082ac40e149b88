"""A script without a server that emits lines, and ends in one of several ways.

`python -m tests.stress.burst --apps one,two --lines 100 --rate 200 --way fork --hold` serves that
many failing requests per app through the WSGI callable, prints `served`, waits with `--hold` until
its standard input ends, and ends.
"""

from __future__ import annotations

import argparse
import logging
import logging.config
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.stress import stressed as stress

#: Emits lines: app, prefix, lines, rate.
Way = Callable[[Flask, str, int, "float | None"], None]


def main() -> None:
    """Emits lines as the arguments specify."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--apps", default="stress")
    parser.add_argument("--prefix", default="/r")
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--flood", type=int, default=0, help="lines at once, before the others")
    parser.add_argument("--way", default="plain", choices=sorted(_WAYS))
    parser.add_argument("--hold", action="store_true")
    arguments = parser.parse_args()
    apps = [
        stress.app if name == "stress" else stress.make_app(name)[0]
        for name in arguments.apps.split(",")
    ]
    for app in apps:
        _plain(app, f"{arguments.prefix}/{app.name}/flood", arguments.flood, None)
        _WAYS[arguments.way](app, f"{arguments.prefix}/{app.name}", arguments.lines, arguments.rate)
    _print("served")
    if arguments.hold:
        sys.stdin.read()
        _print("leaving")


def _plain(app: Flask, prefix: str, lines: int, rate: float | None) -> None:
    client = app.test_client()
    begun = time.perf_counter()
    for number in range(lines):
        if rate is not None:
            time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        client.get(f"{prefix}/{number:07d}")


def _children(method: str) -> Way:
    def serve(app: Flask, prefix: str, lines: int, rate: float | None) -> None:
        """Serves in this process, then in two children, and then here again."""
        _plain(app, f"{prefix}/before", lines, rate)
        context: Any = multiprocessing.get_context(method)  # its `Process` has no common type
        children = [
            context.Process(target=_in_child, args=(app.name, f"{prefix}/{index}", lines, rate))
            for index in range(2)
        ]
        for child in children:
            child.start()
        _plain(app, f"{prefix}/meanwhile", lines, rate)
        for child in children:
            child.join()
        _plain(app, f"{prefix}/after", lines, rate)

    return serve


def _in_child(name: str, prefix: str, lines: int, rate: float | None) -> None:
    assert name == stress.app.name
    _plain(stress.app, prefix, lines, rate)


def _configured_twice(app: Flask, prefix: str, lines: int, rate: float | None) -> None:
    quiet: dict[str, object] = {"version": 1, "root": {"level": "DEBUG", "handlers": []}}
    logging.config.dictConfig(quiet)
    _plain(app, f"{prefix}/before", lines, rate)
    logging.config.dictConfig(quiet)
    _plain(app, f"{prefix}/after", lines, rate)


def _shut_down(app: Flask, prefix: str, lines: int, rate: float | None) -> None:
    _plain(app, f"{prefix}/before", lines, rate)
    logging.shutdown()
    _plain(app, f"{prefix}/after", lines, rate)


def _no_exit(app: Flask, prefix: str, lines: int, rate: float | None) -> None:
    _plain(app, prefix, lines, rate)
    _print("served")
    os._exit(0)


def _raises(app: Flask, prefix: str, lines: int, rate: float | None) -> None:
    _plain(app, prefix, lines, rate)
    raise RuntimeError("no handler catches this")


_WAYS: dict[str, Way] = {
    "plain": _plain,
    "fork": _children("fork"),
    "spawn": _children("spawn"),
    "dictConfig": _configured_twice,
    "shutdown": _shut_down,
    "os._exit": _no_exit,
    "raises": _raises,
}


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
