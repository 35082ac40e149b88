"""What holds for every line, whatever was sent."""

from __future__ import annotations

import json
import re

from tests.wsgi_driver import Event

ORDER = [
    *("event", "detector", "level", "timestamp", "schema", "id", "status", "method", "path"),
    *("route", "endpoint", "client_ip", "client_ip_source", "client_ip_trust", "peer_ip"),
    *("forwarded_claim", "user", "user_agent"),
    *("agent", "referrer", "path_class", "suspicion"),
    *("request_id", "trace_id", "duration_ms", "exception", "data"),
    *("app", "environment", "release", "host", "pid", "process", "seq"),
]
#: What must be escaped: whatever breaks a line, acts on a terminal, or reorders or hides text.
_RAW = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def check(line: bytes) -> Event:
    """Returns the event of a line after checking every promise of the schema."""
    assert len(line) <= 32 * 1024
    text = line.decode("utf-8")
    assert _RAW.search(text) is None
    event = json.loads(text, parse_constant=_refuse)
    assert isinstance(event, dict)
    keys = [*event]
    assert keys == [key for key in ORDER if key in keys]
    _check_values(event)
    return event


def _refuse(constant: str) -> object:
    raise AssertionError(f"{constant} is not JSON")


def _check_values(value: object) -> None:
    """No null, and no integer beyond 64 bits."""
    assert value is not None
    assert not isinstance(value, int) or isinstance(value, bool) or -(2**63) <= value < 2**64
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _check_values(part)
