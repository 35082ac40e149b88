"""The requests of access logs in the NCSA common or combined format."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# No server looks up who the caller is (RFC 1413) and writes `-`: with any word there, what precedes
# the client would be taken for it. The user's name is hostile, but no server writes a bare quote
# there, so the first time followed by a quote is the server's own. Where a second ` - ` follows,
# the client may be another, and the line is left to the parser. No part reads beyond the end of a
# line: a whole block is searched at once.
_USER = r' - (?:-|(?!- )(?:[^"\\\n ]|\\.| (?!- ))*?) '
_MINUTE = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d"
_QUOTED = r'"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
_TEXT = _QUOTED.replace("(", "(?:", 1)
#: A line: source, minute, zone, request, status, and what follows. That the source is a client must
#: be checked. A match ends where its line does: to search the rest for the beginning of a line
#: would take longer than to return it.
REQUEST = re.compile(
    rf"^([^ \n]++){_USER}\[({_MINUTE}):\d\d ([+-]\d{{4}})\] {_QUOTED} (\d{{3}})(?!\S)"
    r"([^\n]*)",
    re.ASCII | re.MULTILINE,
)
# Those of `\s`, which takes a third longer within brackets.
_BLANKS: Final = r" \t\n\r\f\v"
#: The host of a referrer. SQL has the same syntax for it.
LINKED_HOST: Final = r'https?://([^\s"/\\?#]+)'
#: A request that was answered with 2xx: the target, and the host that it was linked from. It begins
#: with the end of the time: a regex that begins with constant text is found fastest, and no server
#: writes a bare quote anywhere else behind a bracket.
ANSWERED_REQUEST = re.compile(
    rf'\] "[^{_BLANKS}"]++ ([^{_BLANKS}"\\]++) (?:HTTP/)?[0-9.]++" 2[0-9][0-9] '
    rf'[^{_BLANKS}"]++(?: "{LINKED_HOST})?',
)
# What follows the status in the common or the combined format, and nothing else.
_PLAIN = re.compile(rf' [^\s"]+(?: {_QUOTED} {_QUOTED})?', re.ASCII)
#: How hypercorn writes the version of HTTP.
BARE_VERSIONS: Final = frozenset({"1.0", "1.1", "2", "3"})
# The most characters of a request that is remembered.
_LONGEST_REMEMBERED = 4_096
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

    @property
    def is_short(self) -> bool:
        """Whether it may be remembered: thousands of long ones would fill the memory."""
        texts = len(self.line) + len(self.referrer or "") + len(self.agent or "")
        return texts <= _LONGEST_REMEMBERED

    @property
    def path(self) -> str:
        """The path without the query. Anything but a request is returned whole."""
        parts = _parts(self.line)
        return self.line if parts is None else parts[1].partition("?")[0]


def plain_headers(rest: str) -> tuple[str | None, str | None] | None:
    """Referrer and user agent of what follows the status, where that is of the plain formats.

    They are None in the common format. All is None where more follows, which may be the client.

    Example:
        >>> plain_headers(' 9 "-" "curl"'), plain_headers(" 9")
        (('-', 'curl'), (None, None))
        >>> plain_headers(' 9 "-" "curl" "192.0.2.1"')
    """
    match = _PLAIN.fullmatch(rest)
    return None if match is None else (match[1], match[2])


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
    if len(words) == 3 and (words[2].startswith("HTTP/") or words[2] in BARE_VERSIONS):
        return words[0], words[1]
    return None
