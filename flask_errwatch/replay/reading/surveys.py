"""Finds the requests of an access log that its site answered with 2xx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flask_errwatch.replay.formats.requests import ANSWERED_REQUEST, LINKED_HOST, split_request
from flask_errwatch.replay.reading.access_logs import PLAIN_ACCESS_LOG
from flask_errwatch.replay.reading.contents import TimedRequest, contents
from flask_errwatch.replay.reading.shapes import Shape
from flask_errwatch.replay.sources import Log, TooLong

_SUCCESS: Final = "2"
_HOST: Final = re.compile(LINKED_HOST)
#: Requests that are gathered before they are given on.
_MANY: Final = 10_000

#: The target of a request, and the host that it was linked from.
Answered = tuple[str, str]


def answered(log: Log, shape: Shape) -> Iterator[list[Answered]]:
    """The requests of a log that were answered with 2xx, in parts.

    Args:
        log: The log.
        shape: How it is built.
    """
    if shape == PLAIN_ACCESS_LOG:
        for block in log.blocks():
            if not isinstance(block, TooLong):
                yield ANSWERED_REQUEST.findall(block.decode("utf-8", "replace"))
        return
    found: list[Answered] = []
    for content in contents(log, shape):
        if isinstance(content, TimedRequest):
            request = content.record.request
            if request.status.startswith(_SUCCESS):
                host = _HOST.match(request.referrer or "")
                found.append((split_request(request.line)[1], host[1] if host else ""))
        if len(found) >= _MANY:
            yield found
            found = []
    yield found
