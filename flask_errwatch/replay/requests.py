"""The requests of access logs in the NCSA common or combined format."""

from __future__ import annotations

import re
from typing import NamedTuple

# The user's name is hostile, but no server writes a bare quote there, so the first time followed by
# a quote is the server's own. No part reads beyond the end of a line: a whole block is searched at
# once.
_USER = r' [^\s"]+ (?:[^"\\\n]|\\.)*?'
_MINUTE = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d"
_QUOTED = r'"([^"\\\n]*(?:\\.[^"\\\n]*)*)"'
_TEXT = _QUOTED.replace("(", "(?:", 1)
#: A line: source, minute, zone, request, status, and what follows. A match ends where its line
#: does: to search the rest for the beginning of a line would take longer than to return it.
REQUEST = re.compile(
    rf"^(\S+){_USER}\[({_MINUTE}):\d\d ([+-]\d{{4}})\] {_QUOTED} (\d{{3}})(?!\S)"
    r"([^\n]*)",
    re.ASCII | re.MULTILINE,
)
#: How a request was answered: source, minute, second, zone, status.
OUTCOME = re.compile(
    rf"^(\S+){_USER}\[({_MINUTE}):(\d\d) ([+-]\d{{4}})\] {_TEXT} (\d{{3}})(?!\S)",
    re.ASCII | re.MULTILINE,
)
#: A request that was answered with 2xx: the target, and the host that it was linked from. It begins
#: with the end of the time: a regex that begins with constant text is found fastest, and no server
#: writes a bare quote anywhere else behind a bracket.
ANSWERED = re.compile(
    r'\] "[^\s"]+ ([^\s"\\]+) HTTP/[\d.]+" 2\d\d [^\s"]+(?: "https?://([^\s"/\\?#]+))?',
    re.ASCII,
)
# What follows the status in the combined format.
_HEADERS = re.compile(rf' [^\s"]+ {_QUOTED} {_QUOTED}', re.ASCII)
# The method and path of anything but a request, such as the handshake of another protocol.
_NO_REQUEST = ("?", "/")


class Request(NamedTuple):
    """The parts of an access line that decide what the app's line would be.

    Attributes:
        source: The client.
        status: The status of the response.
        line: The request, as `GET /a?b HTTP/1.1`.
        referrer: The page that it was linked from. None where the format has none.
        agent: The user agent. None where the format has none.
    """

    source: str
    status: str
    line: str
    referrer: str | None = None
    agent: str | None = None

    @classmethod
    def of(cls, source: str, status: str, line: str, rest: str) -> Request:
        """The request of a line, with what follows its status."""
        headers = _HEADERS.match(rest)
        if headers is None:
            return cls(source, status, line)
        return cls(source, status, line, headers[1], headers[2])

    @property
    def path(self) -> str:
        """The path without the query. Anything but a request is returned whole."""
        parts = _parts(self.line)
        return self.line if parts is None else parts[1].partition("?")[0]


def request_of(line: str) -> Request | None:
    """Parses an access line; None when the line is in another format.

    Example:
        >>> line = '192.0.2.7 - - [25/Nov/2026:01:17:12 +0000] "GET /a?b HTTP/1.1" 404 9 "-" "curl"'
        >>> request_of(line)
        Request(source='192.0.2.7', status='404', line='GET /a?b HTTP/1.1', referrer='-', \
agent='curl')
    """
    match = REQUEST.match(line)
    return None if match is None else Request.of(match[1], match[5], match[4], match[6])


def split_request(line: str) -> tuple[str, str]:
    r"""Method and target of `GET /a?b HTTP/1.1`.

    Example:
        >>> split_request("GET /a?b HTTP/1.1"), split_request(r"\x16\x03\x01")
        (('GET', '/a?b'), ('?', '/'))
    """
    return _parts(line) or _NO_REQUEST


def _parts(line: str) -> tuple[str, str] | None:
    """Method and target, or None for another text."""
    words = line.split(" ")
    is_request = len(words) == 3 and words[2].startswith("HTTP/")
    return (words[0], words[1]) if is_request else None
