"""Hands rendered lines to the delivery, for cases about old lines and about rates.

`python -m tests.stress.direct old|backlog|watchtower|cost …`
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from flask import Flask

from flask_errwatch.extension import AppState
from tests.lines import line
from tests.stress.stressed import make_app

if TYPE_CHECKING:
    from flask_errwatch.delivery import Delivery

T = TypeVar("T")

#: References to the apps: a delivery ends when its app is garbage-collected.
_alive: list[Flask] = []

#: Approximate bytes of a line of a failing request without an exception.
_LENGTH = 500
_HOUR_MS = 3_600_000


def main() -> None:
    """Runs the function that the first argument names, with the other arguments."""
    ways: dict[str, Callable[..., None]] = {
        "old": _old,
        "backlog": _backlog,
        "watchtower": _watchtower,
        "cost": _cost,
    }
    ways[sys.argv[1]](*map(int, sys.argv[2:]))


def _delivery() -> Delivery:
    app, _ = make_app()
    _alive.append(app)
    state = app.extensions["errwatch"]
    assert isinstance(state, AppState)
    return state.delivery


def _line(number: int, age_ms: int = 0) -> bytes:
    fields = {
        "event": "Not Found Error",
        "process": "x",
        "seq": number + 1,
        "path": f"/r/{number:07d}",
        "pad": "x" * (_LENGTH - 140),
    }
    return line(int(time.time() * 1000) - age_ms, **fields)


def _old(lines: int, hours: int) -> None:
    """Emits lines, of which one in the middle is some hours old."""
    delivery = _delivery()
    for number in range(lines):
        is_old = number == lines // 2
        delivery.write(_line(number, hours * _HOUR_MS if is_old else 0))


def _backlog(lines: int) -> None:
    """Emits lines as fast as possible, and ends when its standard input does."""
    delivery = _delivery()
    for number in range(lines):
        delivery.write(_line(number))
    _print("served")
    sys.stdin.read()


def _watchtower(lines: int) -> None:
    """Emits lines through watchtower alone, as in its documentation."""
    handler = _handler()
    logger = logging.getLogger("alone")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.info("the first line creates the stream: meanwhile watchtower drops all others")
    handler.flush()
    _print(f"began {time.time()}")
    for number in range(lines):
        logger.info(_line(number).decode())
    handler.flush()
    _print("served")
    sys.stdin.read()


def _cost(rounds: int, lines: int, pause_us: int) -> None:
    """Measures the seconds to hand a line over, against watchtower's `emit` of the same line.

    With a pause between two lines, as between requests, a sender sleeps and has to be woken.
    Without one it cannot keep up, and shares the interpreter with the thread that hands over.
    """
    delivery, handler = _delivery(), _handler()
    ratios, ours, theirs = [], [], []
    for _ in range(rounds):
        texts = [_line(number) for number in range(lines)]
        records = [
            logging.LogRecord("alone", logging.INFO, "", 0, text.decode(), None, None)
            for text in texts
        ]
        ours.append(_seconds_each(delivery.write, texts, pause_us / 1e6))
        theirs.append(_seconds_each(handler.handle, records, pause_us / 1e6))
        ratios.append(ours[-1] / theirs[-1])
        delivery.flush(30)
        handler.flush()
    medians = [statistics.median(values) for values in (ratios, ours, theirs)]
    _print(f"cost {medians[0]:.3f} {medians[1] * 1e6:.2f} {medians[2] * 1e6:.2f}")


def _seconds_each(call: Callable[[T], object], values: Sequence[T], pause: float) -> float:
    spent = 0.0
    for value in values:
        if pause:
            time.sleep(pause)
        begun = time.perf_counter()
        call(value)
        spent += time.perf_counter() - begun
    return spent / len(values)


def _handler() -> logging.Handler:
    from watchtower import CloudWatchLogHandler

    handler: logging.Handler = CloudWatchLogHandler(log_group_name="alone", send_interval=1)
    return handler


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
