"""The fields of a `Process Died` line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_errwatch._guard import Guard
from flask_errwatch._time import rfc3339
from flask_errwatch.capture.request_tracking import route_fields

if TYPE_CHECKING:
    from flask import Flask

    from flask_errwatch.delivery.journal import Death, UnderWay

#: Requests that a line names: the oldest ones, which more probably ended the process. With paths of
#: the usual length all of them fit into a line.
_NAMED = 100
#: Characters of all of them together, so that the line need not be shortened.
_CHARACTERS = 24_000


def died_fields(death: Death, app: Flask | None, guard: Guard) -> dict[str, object]:
    """The fields, which are under `data` in the line.

    Args:
        death: The process that died.
        app: Where the routes of its requests are looked up. None once it was garbage-collected.
        guard: For the app's own converters, which may raise.
    """
    fields: dict[str, object] = {"pid": death.pid, "host": death.host}
    if death.process is not None:
        fields["process"] = death.process
    fields["started"] = rfc3339(death.began)
    if death.last_line is not None:
        fields["last_line"] = rfc3339(death.last_line)
    fields["last_seen"] = rfc3339(death.last_seen)
    if death.requests is not None:
        named = _named(death.requests, app, guard)
        count = len(death.requests) + death.more
        fields["count"], fields["requests"] = count, named
        if count > len(named):
            fields["more"] = count - len(named)
    return fields


def _named(requests: tuple[UnderWay, ...], app: Flask | None, guard: Guard) -> list[dict[str, str]]:
    named: list[dict[str, str]] = []
    room = _CHARACTERS
    for request in requests[:_NAMED]:
        fields = {"method": request.method, "path": request.path}
        if app is not None:
            matched = (app, request.method, request.path, request.mount)
            fields |= guard.run("finding a route", route_fields, *matched) or {}
        fields["started"] = rfc3339(request.began)
        room -= sum(len(key) + len(value) + 6 for key, value in fields.items())
        if room < 0:
            break
        named.append(fields)
    return named
