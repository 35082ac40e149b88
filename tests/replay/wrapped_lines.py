"""Lines to wrap, and what the first wrapper that takes a line makes of it."""

from __future__ import annotations

from typing import NamedTuple

from flask_errwatch.replay.wrappers.known import WRAPPERS

#: An access line, and one of our own.
ACCESS = '203.0.113.9 - - [25/Nov/2026:01:17:00 +0000] "GET /.env HTTP/1.1" 404 9 "-" "curl/8.0"'
OURS = (
    '{"event": "Not Found Error", "detector": "not-found-error", "schema": 1, '
    '"timestamp": "2026-11-25T01:17:00.000Z", "client_ip": "203.0.113.9"}'
)
#: Lines that may be in a wrapper. Each client has another form.
LINES = (
    ACCESS,
    OURS,
    ACCESS.replace("203.0.113.9", "2001:db8::9"),
    ACCESS.replace("203.0.113.9", "a:b:c::9"),
    ACCESS.replace("203.0.113.9", ""),
    ACCESS.replace("203.0.113.9", "198.51.100.7, 203.0.113.9"),
    # A hostile user name, which looks like a client.
    ACCESS.replace(" - - ", " - INFO 198.51.100.7 - x "),
    ACCESS.replace(" - - ", " - - - 198.51.100.7 - - "),
)
#: The time of the lines, in seconds since the epoch.
AT = 1_795_569_420.0


class Taken(NamedTuple):
    """What a wrapper took.

    Attributes:
        name: The wrapper's name.
        at: The time that it states.
        message: The line inside.
    """

    name: str
    at: float | None
    message: str


def taken(line: str) -> Taken | None:
    """What the first wrapper that takes the line makes of it."""
    for wrapper in WRAPPERS:
        wrapped = wrapper.unwrap(line)
        if wrapped is not None:
            return Taken(wrapper.name, wrapped.at, wrapped.message)
    return None
