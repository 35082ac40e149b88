"""`capture_events`: the events of a block, as dicts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from flask_errwatch.capture.events import Event
from flask_errwatch.delivery.interception import intercept_lines


@contextmanager
def capture_events() -> Iterator[list[Event]]:
    """Captures the events of every app in this process, whatever its sinks.

    Each is the dict of its line. Operational lines such as heartbeats are left out. Meanwhile no
    line reaches a sink.

    Example:
        >>> from flask import Flask
        >>> from flask_errwatch import ErrWatch
        >>> app = Flask("shop")
        >>> errwatch = ErrWatch(app)
        >>> with capture_events() as events:
        ...     _ = app.test_client().get("/wp-login.php")
        >>> [(event["detector"], event["path"]) for event in events]
        [('not-found-error', '/wp-login.php')]
    """
    events: list[Event] = []

    def append(_app: Flask | None, line: bytes) -> None:
        event = json.loads(line)
        if "detector" in event:
            events.append(event)

    with intercept_lines(append):
        yield events
