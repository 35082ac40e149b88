"""The lines of HAProxy with `option httplog`, and with `option httpslog`.

The lines of `option httplog clf` are in the common format. A time is the machine's, without a zone,
and is taken as UTC. Source: https://docs.haproxy.org/3.0/configuration.html#8.2.3.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.capture.addresses import address_text
from flask_errwatch.replay.formats.clients import client_of, without_port
from flask_errwatch.replay.formats.record import NO_RESPONSE, AccessRecord, LogFormat
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import ncsa_second

# In a value HAProxy writes a quote or a brace as `#22` or `#7B`. The end of a long line may be cut.
_LINE: Final = re.compile(
    r"(\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] "  # client, time of the request
    r"\S+ [^\s/]+/\S+ [\d+/-]+ (\d{3}|-1|0) \+?\d+ "  # frontend, backend, timers, status, bytes
    r"\S+ \S+ \S{4} [\d+/]+ \d+/\d+ "  # cookies, termination, connections, queues
    r'(?:\{([^{}"]*)\} )?(?:\{[^{}"]*\} )?"([^"]*)(?:"(?: .*)?)?',  # captured headers, request
    re.ASCII,
)


def _parse(line: str) -> AccessRecord | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    client, stamp, status, captured, text = match.groups()
    source, at = client_of(without_port(client)), ncsa_second(stamp)
    if source is None or at is None or '"' in line[match.end(5) + 1 :]:
        return None
    status = status if len(status) == 3 else NO_RESPONSE
    return AccessRecord(at, Request(source, status, _whole(text)), _forwarded(captured or ""))


def _whole(text: str) -> str:
    """The request with a protocol where the line was cut."""
    words = text.split(" ")
    return f"{words[0]} {words[1]} HTTP/1.1" if len(words) >= 2 else text


def _forwarded(captured: str) -> str | None:
    """The captured header, if there is only one, and it is a list of addresses.

    Their names are not in the log: of several, anyone may have written a list in another one.
    """
    is_list = all(address_text(entry) for entry in captured.split(","))
    return captured if is_list else None


#: Lines of HAProxy.
HAPROXY: Final = LogFormat(
    name="haproxy", title="an HTTP log of HAProxy", parser=lambda: _parse, is_of_proxy=True
)
