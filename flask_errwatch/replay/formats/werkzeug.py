"""The access lines of Flask's development server, and of eventlet, which writes them alike.

Their time is the machine's, without a zone, and is taken as UTC. Source: `log_request` and `log` of
https://github.com/pallets/werkzeug/blob/main/src/werkzeug/serving.py, `DEFAULT_LOG_FORMAT` of
https://github.com/eventlet/eventlet/blob/master/eventlet/wsgi.py.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from flask_errwatch.replay.formats.clients import peer_of
from flask_errwatch.replay.formats.colours import without_colours
from flask_errwatch.replay.formats.record import (
    HEADER,
    NO_RESPONSE,
    AccessRecord,
    LogFormat,
    Parsed,
)
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import ncsa_second

_TIME: Final = r"\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d"
# A path that was decoded may have quotes: the request ends at the last one. Before Python 3.11 a
# refused request has the name of its status. eventlet writes a list as the client, and seconds at
# the end.
_LINE: Final = re.compile(
    rf"([^\[\]]*) - - \[({_TIME})\] "
    r'(?:"(.*)" (\d{3}|-|HTTPStatus\.[A-Z_]+) (?:\d+|-)(?: [\d.]+)?|code \d{3}, message .*)',
    re.ASCII,
)
# The beginning of a second record on the line.
_ANOTHER: Final = re.compile(rf' - - \[{_TIME}\] ["c]', re.ASCII)


def _parse(line: str) -> Parsed:
    plain = without_colours(line)
    match = _LINE.fullmatch(plain)
    if match is None:
        return None
    client, stamp, request, status = match.groups()
    peer, at = peer_of(client), ncsa_second(stamp)
    if peer is None or at is None or _ANOTHER.search(plain, match.end(2)):
        return None
    if status is None:  # the reason why the request of the next line was refused
        return HEADER
    return AccessRecord(at, Request(peer.source, _number(status), request), peer.forwarded)


def _number(status: str) -> str:
    """The number of a status: it is one, or the name of one, or there was no response."""
    name = status.removeprefix("HTTPStatus.")
    if name == status:
        return NO_RESPONSE if status == "-" else status
    return str(HTTPStatus[name].value) if name in HTTPStatus.__members__ else NO_RESPONSE


#: Lines of Flask's development server.
WERKZEUG: Final = LogFormat(
    name="werkzeug", title="the log of Flask's development server", parser=lambda: _parse
)
