"""The access lines of uWSGI, as it writes them without `log-format`.

Their time is the machine's, without a zone, and is taken as UTC. Source: `log_request` of
https://github.com/unbit/uwsgi/blob/master/core/logging.c.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.clients import peer_of
from flask_errwatch.replay.formats.record import AccessRecord, LogFormat, request_line
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import ctime_second

# With `log-date` the time is before it, with `vhost` the host, with `memory-report` the memory. The
# user is hostile.
_HEAD: Final = re.compile(
    r"(?:[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4} - )?"
    r"(?:[\w.:-]+ )?(?:\{address space usage: [^{}]*\} (?:\{rss usage: [^{}]*\} )?)?"
    r"\[pid: \d+\|(?:app: -?\d+\|)?req: [\d/-]+\] ([^()]*) \(.*\) \{\d+ vars in \d+ bytes\} "
    r"\[([A-Za-z]{3} [A-Za-z]{3} [ \d]\d [\d:]{8} \d{4})\] (\S+) (\S.*)",
    re.ASCII,
)
_ANSWER: Final = re.compile(
    r"\d+ bytes in \d+ (?:msecs|micros)(?: via [a-z]+\(\))? \((HTTP/[\d.]+|-) (\d{3})\) .*",
    re.ASCII,
)
_GENERATED: Final = " => generated "
_VARIABLES: Final = " vars in "
#: The client of a request that was too long to be logged.
_UNLOGGED: Final = "0.0.0.0"  # noqa: S104 - read from a log, not bound


def _parse(line: str) -> AccessRecord | None:
    # Each once, or the line has several records, or a user made it look so.
    if line.count(_GENERATED) != 1 or line.count(_VARIABLES) != 1:
        return None
    before, _, after = line.partition(_GENERATED)
    head, answer = _HEAD.fullmatch(before), _ANSWER.match(after)
    if head is None or answer is None:
        return None
    client, stamp, method, target = head.groups()
    at, peer = ctime_second(stamp), peer_of("" if client == _UNLOGGED else client)
    if at is None or peer is None:
        return None
    protocol, status = answer.groups()
    line = "-" if protocol == "-" else request_line(method, target, protocol)
    return AccessRecord(at, Request(peer.source, status, line), peer.forwarded)


#: Lines of uWSGI.
UWSGI: Final = LogFormat(name="uwsgi", title="an access log of uWSGI", parser=lambda: _parse)
