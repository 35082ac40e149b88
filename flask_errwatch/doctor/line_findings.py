"""What the app's newest lines show about its proxies and its threads, without I/O."""

from __future__ import annotations

from collections.abc import Sequence

from flask_errwatch._text import counted
from flask_errwatch.capture.client_address import ClientAddress, parse_address
from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.provision.log_lines import LoggedLine

#: So few addresses behind so many lines are proxies, not clients.
_MAX_PROXIES, _MIN_LINES = 8, 10


def is_internal(ip: str) -> bool:
    """Whether the address is not a public address of the internet."""
    address = parse_address(ip)
    return address is not None and not address.is_global


def trusted_proxies_finding(addresses: Sequence[ClientAddress], trusted: object) -> Finding:
    """Compares the client addresses in lines with `ERRWATCH_TRUSTED_PROXIES`.

    Args:
        addresses: The addresses. They are only evidence: with a wrong setting, a client may have
            written them.
        trusted: The setting.
    """
    if not addresses:
        remedy = "Run it with --url and the app's public address, or after a first failed request."
        return warning("trusted proxies", "No line with a client address in 24 hours.", remedy)
    return _without_proxies(addresses) if trusted == 0 else _with_proxies(addresses)


def hashed_finding() -> Finding:
    """Says that lines do not show the addresses with which the setting could be compared."""
    message = "Not checked: lines have hashes for addresses (ERRWATCH_PRIVACY)."
    remedy = "Run it once with ERRWATCH_PRIVACY=off, on a host where that is allowed."
    return warning("trusted proxies", message, remedy)


def _without_proxies(addresses: Sequence[ClientAddress]) -> Finding:
    internal = [address.ip for address in addresses if is_internal(address.ip)]
    if not internal:
        message = f"The clients of all {len(addresses)} lines have public addresses."
        return ok("trusted proxies", message)
    message = (
        f"{len(internal)} of {len(addresses)} lines come from internal addresses (such as "
        f"{internal[0]}) with ERRWATCH_TRUSTED_PROXIES = 0"
    )
    remedy = (
        "Set ERRWATCH_TRUSTED_PROXIES to the number of proxies in front of the app, or to their "
        "networks; --url finds out."
    )
    all_internal = len(internal) == len(addresses) >= _MIN_LINES
    if all_internal and len(set(internal)) <= _MAX_PROXIES:
        return problem("trusted proxies", f"{message}: every client looks like the proxy.", remedy)
    unless = "unless these are health checks or clients of an internal network"
    return warning("trusted proxies", f"{message}: there is a proxy, {unless}.", remedy)


def _with_proxies(addresses: Sequence[ClientAddress]) -> Finding:
    count = len(addresses)
    forwarded = [address.ip for address in addresses if address.source == "x-forwarded-for"]
    internal = [ip for ip in forwarded if is_internal(ip)]
    if not forwarded:
        message = f"None of {count} lines has its address from X-Forwarded-For."
        remedy = "Lower ERRWATCH_TRUSTED_PROXIES, or let the proxies append to the header."
        return problem("trusted proxies", message, remedy)
    if len(forwarded) < count:
        message = f"{count - len(forwarded)} of {count} lines did not pass all trusted proxies."
        remedy = "Block access around the proxies, or lower ERRWATCH_TRUSTED_PROXIES."
        return warning("trusted proxies", message, remedy)
    if internal:
        message = (
            f"{len(internal)} of {count} lines have an internal address (such as {internal[0]}): "
            "there are more proxies, or there are fewer and clients forge the address."
        )
        return warning("trusted proxies", message, "Run it with --url, which shows which.")
    message = f"All {count} lines have a public address that a proxy appended."
    return ok("trusted proxies", message)


def heartbeat_finding(lines: Sequence[LoggedLine], heartbeat_seconds: float) -> Finding:
    """Whether the threads of the processes run: without them a worker emits no heartbeat.

    Args:
        lines: Consecutive lines of the app.
        heartbeat_seconds: The setting, or 0 when heartbeats are turned off.
    """
    if heartbeat_seconds == 0:
        remedy = "Set ERRWATCH_HEARTBEAT_SECONDS to 60: zeros become real, and silence is seen."
        return warning("heartbeat", "It is turned off.", remedy)
    processes: dict[str, list[LoggedLine]] = {}
    for line in lines:
        processes.setdefault(_text(line, "process"), []).append(line)
    long_lived = [group for group in processes.values() if _span(group) > 3 * heartbeat_seconds]
    silent = [group for group in long_lived if not any(map(_is_heartbeat, group))]
    if silent:
        hosts = sorted({_text(group[0], "host") for group in silent})
        message = (
            f"No heartbeat from {len(silent)} of {counted(len(long_lived), 'process')}, on "
            f"{', '.join(hosts)}."
        )
        return problem("heartbeat", message, "Their threads do not run: see the worker's finding.")
    if not any(map(_is_heartbeat, lines)):
        remedy = "See that a process serves requests, and read its stderr."
        return warning("heartbeat", "No heartbeat was found: the app may not be running.", remedy)
    return ok("heartbeat", f"Emitted by {counted(len(long_lived), 'long-lived process')}.")


def _text(line: LoggedLine, key: str) -> str:
    value = line.event.get(key)
    return value if isinstance(value, str) else "unknown"


def _span(lines: Sequence[LoggedLine]) -> float:
    """The seconds between the first and the last line."""
    times = [line.at for line in lines]
    return (max(times) - min(times)) / 1000


def _is_heartbeat(line: LoggedLine) -> bool:
    return line.event.get("event") == HEARTBEAT
