"""The app's newest lines, as evidence of how it runs: pure but for the reading."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_errwatch.capture.client_address import ClientAddress, parse_address
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.patterns import field as json_field

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: How far back lines are looked for, in seconds, until some come from a request.
_WINDOWS = (15 * 60, 3 * 3600, 24 * 3600)
#: Lines that are read at most: evidence, not statistics.
_MOST = 2000
#: A few addresses behind so many lines are proxies, not people.
_FEW, _MANY = 8, 10

Event = Mapping[str, Any]


class Written(NamedTuple):
    """A line of the app.

    Attributes:
        at: When, in milliseconds since the epoch.
        event: The line, parsed.
    """

    at: int
    event: Event


def newest_lines(aws: Aws, config: Config, now: float) -> list[Written]:
    """The app's lines of the last quarter of an hour; of longer when none came from a request.

    Args:
        aws: The account and region.
        config: The app's configuration.
        now: The present, in seconds since the epoch.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    found: list[Written] = []
    for seconds in _WINDOWS:
        pattern = str(json_field("$.app") == config.app_name)
        found = list(islice(lines_since(aws, config, pattern, now - seconds), _MOST))
        if any("client_ip" in each.event for each in found):
            break
    return found


def lines_since(aws: Aws, config: Config, pattern: str, since: float) -> Iterator[Written]:
    """The app's lines that a pattern matches, from a time in seconds since the epoch on."""
    listed = aws.pages(
        "logs",
        "filter_log_events",
        "events",
        logGroupName=config.log_group,
        filterPattern=pattern,
        startTime=round(since * 1000),
    )
    for entry in listed:
        event = _parsed(entry["message"])
        # The group may be shared, and an emulator answers with every line.
        if event.get("app") == config.app_name:
            yield Written(entry["timestamp"], event)


def _parsed(message: str) -> Event:
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):  # a line of somebody else, or made to hurt
        return {}
    return event if isinstance(event, dict) else {}


def addresses_of(lines: Sequence[Written]) -> list[ClientAddress]:
    """The client addresses that the lines name; what is none is left out."""
    found = []
    for each in lines:
        ip, source = each.event.get("client_ip"), each.event.get("client_ip_source")
        if isinstance(ip, str) and isinstance(source, str) and parse_address(ip) is not None:
            found.append(ClientAddress(ip=ip, source=source))
    return found


def is_internal(ip: str) -> bool:
    """Whether it is an address that nobody on the internet has."""
    address = parse_address(ip)
    return address is not None and not address.is_global


def address_finding(seen: Sequence[ClientAddress], trusted: object) -> Finding:
    """What the observed client addresses say about `ERRWATCH_TRUSTED_PROXIES`.

    Args:
        seen: The observed addresses. They are evidence: with the wrong setting, a client may
            have written them himself.
        trusted: The setting.
    """
    if not seen:
        remedy = "Run it with --url and the app's public address, or after a first failed request."
        return warning("trusted proxies", "No line with a client address in 24 hours.", remedy)
    return _direct(seen) if trusted == 0 else _proxied(seen)


def _direct(seen: Sequence[ClientAddress]) -> Finding:
    internal = [each.ip for each in seen if is_internal(each.ip)]
    told = f"{len(internal)} of {len(seen)} lines come from internal addresses"
    if not internal:
        found = f"The clients of all {len(seen)} lines have public addresses."
        return ok("trusted proxies", found)
    found = f"{told} (as {internal[0]}) with ERRWATCH_TRUSTED_PROXIES = 0"
    remedy = (
        "Set ERRWATCH_TRUSTED_PROXIES to the number of proxies in front of the app, or to their "
        "networks; --url finds out."
    )
    is_proxy = len(internal) == len(seen) >= _MANY and len(set(internal)) <= _FEW
    if is_proxy:
        return problem("trusted proxies", f"{found}: every client looks like the proxy.", remedy)
    also = "unless they are health checks, or its clients really are internal"
    return warning("trusted proxies", f"{found}: there is a proxy, {also}.", remedy)


def _proxied(seen: Sequence[ClientAddress]) -> Finding:
    forwarded = [each.ip for each in seen if each.source == "x-forwarded-for"]
    internal = [ip for ip in forwarded if is_internal(ip)]
    if not forwarded:
        found = f"None of {len(seen)} lines has its address from X-Forwarded-For."
        remedy = "Lower ERRWATCH_TRUSTED_PROXIES, or let the proxies append to the header."
        return problem("trusted proxies", found, remedy)
    if len(forwarded) < len(seen):
        found = f"{len(seen) - len(forwarded)} of {len(seen)} lines did not come through them all."
        remedy = "Let nobody reach the app around its proxies, or lower ERRWATCH_TRUSTED_PROXIES."
        return warning("trusted proxies", found, remedy)
    if internal:
        found = (
            f"{len(internal)} of {len(seen)} lines name an internal address (as {internal[0]}): "
            "there are more proxies, or fewer, and then clients write it themselves."
        )
        return warning("trusted proxies", found, "Run it with --url, which tells which.")
    return ok("trusted proxies", f"All {len(seen)} lines name a public address that was appended.")


def heartbeat_finding(lines: Sequence[Written], heartbeat_seconds: float) -> Finding:
    """Whether the processes' threads run: a worker without them never beats.

    Args:
        lines: Consecutive lines of the app.
        heartbeat_seconds: The setting; 0 when heartbeats are turned off.
    """
    if heartbeat_seconds == 0:
        remedy = "Set ERRWATCH_HEARTBEAT_SECONDS to 60: zeros become real, and silence is seen."
        return warning("heartbeat", "It is turned off.", remedy)
    processes: dict[object, list[Written]] = {}
    for each in lines:
        processes.setdefault(str(each.event.get("process")), []).append(each)
    long_lived = [
        of
        for of in processes.values()
        if max(each.at for each in of) - min(each.at for each in of) > 3000 * heartbeat_seconds
    ]
    mute = [of for of in long_lived if all(each.event.get("event") != HEARTBEAT for each in of)]
    if mute:
        hosts = sorted({str(of[0].event.get("host")) for of in mute})
        found = f"{len(mute)} of {len(long_lived)} processes never beat, on {', '.join(hosts)}."
        return problem("heartbeat", found, "Their threads do not run: see the worker's finding.")
    if not any(each.event.get("event") == HEARTBEAT for each in lines):
        remedy = "See that a process serves requests, and read its stderr."
        return warning("heartbeat", "None was found: the app may not run.", remedy)
    return ok("heartbeat", f"{len(long_lived)} processes live and beat.")
