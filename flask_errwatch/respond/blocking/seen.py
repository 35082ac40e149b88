"""What lines show of the networks that are to be blocked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Network
from itertools import chain
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch._time import readable_minute
from flask_errwatch.capture.addresses import address_text
from flask_errwatch.respond.blocking.brakes import LogCoverage, Seen
from flask_errwatch.respond.blocking.networks import Networks
from flask_errwatch.respond.ranking.lines import TRUSTS, Line
from flask_errwatch.respond.ranking.summarize import Answer, TimedEvent, summarize
from flask_errwatch.respond.ranking.summary import Event, SourceRow
from flask_errwatch.respond.ranking.window import Window

#: Sources of each order that get a row.
_SOURCES: Final = 2000
#: Addresses of a network whose names are looked up.
_ADDRESSES: Final = 4
#: Bits of the network of an IPv6 source.
_SOURCE: Final = 64
#: Seconds of a day that access logs need not cover.
_UNCOVERED: Final = 3600

#: Reads all requests of access logs in a window, those that failed too.
Answers = Callable[[Window], Iterable[Answer]]


def seen_by_network(
    read: Callable[[], Iterable[TimedEvent]],
    networks: Iterable[Network],
    window: Window,
    answers: Answers | None = None,
) -> Mapping[Network, Seen]:
    """Sums up the lines of some networks.

    Args:
        read: Yields the lines of the window. It is called more than once.
        networks: The networks.
        window: The time.
        answers: The requests of access logs in a window. None without logs.
    """
    networks = tuple(networks)
    wanted = Networks(networks)
    narrow = [one for one in networks if isinstance(one, IPv6Network) and one.prefixlen > _SOURCE]
    addresses: dict[Network, dict[str, None]] = {}
    claimed: set[Network] = set()

    def is_counted(event: Event) -> bool:
        address = event.get("client_ip")
        found = [*wanted.of(address)] if "event" in event else []
        for network in found:
            if event.get("client_ip_trust") not in TRUSTS:
                claimed.add(network)
            known = addresses.setdefault(network, {})
            if isinstance(address, str) and len(known) < _ADDRESSES:
                known[address_text(address)] = None
        return bool(found)

    def read_all() -> Iterator[TimedEvent]:
        requests = () if answers is None else answers(window)
        return chain(
            read(),
            (
                (at, {"client_ip": source, "status": status})
                for at, source, status in requests
                if _is_success(status) and any(True for _ in wanted.of(source))
            ),
        )

    log = None if answers is None else _coverage(read, wanted, window, answers)
    rows: dict[Network, list[SourceRow]] = {}
    for row in summarize(read_all, is_counted, window=window, sources=_SOURCES).sources:
        for network in _holders(row.source, wanted, narrow):
            rows.setdefault(network, []).append(row)
    return {
        network: Seen(
            rows=tuple(rows.get(network, ())),
            addresses=tuple(addresses.get(network, ())),
            is_cut=network not in rows,
            is_claimed=network in claimed,
            log=log,
        )
        for network in dict.fromkeys((*rows, *addresses))
    }


def evidence(rows: Sequence[SourceRow]) -> dict[str, object]:
    """The figures of some sources together that the line of a block has.

    Example:
        >>> evidence([SourceRow(source="192.0.2.7", lines=3), SourceRow(source="b", lines=1)])
        {'sources': 2, 'lines': 4}
    """
    figures = {
        "sources": len(rows) if len(rows) > 1 else 0,
        "lines": sum(row.lines for row in rows),
        "suspicion": sum(row.suspicion for row in rows),
        "unrouted": sum(row.unrouted for row in rows),
        "failed_logins": sum(row.failed_logins for row in rows),
        "sign_ins_after": sum(row.sign_ins_after for row in rows),
        "answers": sum(row.answers or 0 for row in rows),
    }
    return {name: value for name, value in figures.items() if value}


def log_notes(seen: Mapping[Network, Seen], window: Window) -> Iterator[str]:
    """What access logs do not show of some networks.

    Args:
        seen: What the lines show of them.
        window: The time of the lines.
    """
    logs = [one.log for one in seen.values() if one.log is not None]
    if not logs:
        return
    covered = logs[0].window
    if covered is None:
        yield "The access logs have no request of the last 24 hours: nothing is compared."
        return
    if covered.end - covered.start < window.end - window.start - _UNCOVERED:
        yield (
            f"The access logs have requests from {readable_minute(covered.start)} to "
            f"{readable_minute(covered.end)} UTC: only the errors of that time are compared."
        )
    absent = [
        str(network)
        for network, known in seen.items()
        if not any(row.answers for row in known.rows)
    ]
    if absent:
        more = f" and {len(absent) - 1:,} more" if len(absent) > 1 else ""
        yield (
            f"The access logs have no successful request of {absent[0]}{more}: "
            "is their first field the address of the client?"
        )


def _coverage(
    read: Callable[[], Iterable[TimedEvent]], wanted: Networks, window: Window, answers: Answers
) -> LogCoverage:
    """The time of the requests of access logs, and the errors of that time."""
    start = end = None
    for at, _, _ in answers(window):
        start = at if start is None else min(start, at)
        end = at if end is None else max(end, at)
    if start is None or end is None:
        return LogCoverage(window=None)
    covered = Window(start=start, end=end + 1)
    errors: Counter[str] = Counter()
    for at, event in read():
        if (
            at in covered
            and "event" in event
            and any(True for _ in wanted.of(event.get("client_ip")))
        ):
            line = Line.of(event)
            errors[line.source] += 0 if line.is_sign_in else line.weight
    return LogCoverage(window=covered, errors=errors)


def _is_success(status: int) -> bool:
    return 200 <= status < 300 or status == 304


def _holders(
    source: str | None, wanted: Networks, narrow: Iterable[IPv6Network]
) -> Iterator[Network]:
    """The networks that a source is in, and those in it: an IPv6 source is a /64."""
    if source is None:
        return
    inside = [one for one in narrow if one.subnet_of(IPv6Network(source))] if "/" in source else []
    yield from dict.fromkeys((*wanted.of(source.partition("/")[0]), *inside))
