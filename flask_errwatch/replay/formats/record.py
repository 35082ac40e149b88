"""What a format makes of a line of an access log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, NamedTuple

from flask_errwatch.replay.formats.requests import Request


class AccessRecord(NamedTuple):
    """A request of an access log, with its time.

    Attributes:
        at: Seconds since the epoch. None where the line has no time, as behind a wrapper that has.
        request: The request. Its source is the peer as the log has it, without a port: an address,
            a host name, or "" where it is unknown (`-`, a Unix socket).
        forwarded: What the format shows of `X-Forwarded-For`, as it is, "" where the request had
            none. None where the format does not show it.
    """

    at: float | None
    request: Request
    forwarded: str | None = None


class Aside(Enum):
    """A line of a format that does not hold a request."""

    HEADER = "header"


#: A line that announces its format, or is a comment: neither a request nor bad.
HEADER: Final = Aside.HEADER
#: The status of a request that got no response, as nginx writes it. No detector claims it.
NO_RESPONSE: Final = "000"
#: A request, a header, or None for a line that is not of this format.
Parsed = AccessRecord | Literal[Aside.HEADER] | None
#: Parses the lines of one log, in their order, without the line break. It never raises.
Parse = Callable[[str], Parsed]


@dataclass(frozen=True, kw_only=True, slots=True)
class LogFormat:
    """A format of access logs.

    Attributes:
        name: What `--format` calls it.
        title: What it is, after "looks like", as `an ALB access log`.
        parser: Creates the parser of one log: that of a format with a header remembers it.
        is_of_proxy: Whether the proxy in front of the app writes it, as ALB does: its client is
            the peer of that proxy.
    """

    name: str
    title: str
    parser: Callable[[], Parse]
    is_of_proxy: bool = False


def request_line(method: str, target: str, protocol: str = "HTTP/1.1") -> str:
    """The request line of a format that has its parts apart.

    A blank in the target, which no server accepts and some log decoded, is percent-encoded. Of an
    absolute URL only path and query are kept.

    Example:
        >>> request_line("GET", "https://shop.example.com:443/a b?c"), request_line("GET", "")
        ('GET /a%20b?c HTTP/1.1', 'GET / HTTP/1.1')
    """
    scheme, is_url, rest = target.partition("://")
    if is_url and scheme.isalnum():
        _, slash, path = rest.partition("/")
        target = slash + path
    return f"{method or '-'} {target.replace(' ', '%20') or '/'} {protocol}"
