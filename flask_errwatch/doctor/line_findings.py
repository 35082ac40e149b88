"""What the app's newest lines show about its proxies and its metric filters, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch._text import counted
from flask_errwatch.capture.addresses import address_text
from flask_errwatch.capture.client_address import NONE, Client, ClientAddress
from flask_errwatch.doctor.emulation import is_loopback
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.provision.log_lines import LoggedLine

#: Filters that sum a field of a detector do not depend on `count`.
_SUMMING = "The filters that sum `$.count`"
_COUNTING = "The filters that count lines count each of them"
_SUBJECT = "trusted proxies"
#: So few addresses behind so many lines are proxies, not clients.
_MAX_PROXIES, _MIN_LINES = 8, 10


def is_internal(ip: str) -> bool:
    """Whether the address is not a public address of the internet."""
    address = address_text(ip)
    return address != "" and not ip_address(address).is_global


def trusted_proxies_finding(
    clients: Sequence[Client], trusted: TrustedProxies, header: str, *, is_emulated: bool = False
) -> Finding:
    """Compares the clients that lines name with `ERRWATCH_TRUSTED_PROXIES`.

    Args:
        clients: The clients. They are only evidence: with a wrong setting, a client may have
            written its address.
        trusted: The setting.
        header: `ERRWATCH_CLIENT_HEADER`.
        is_emulated: Whether AWS is an emulator on this machine, where clients are local too.
    """
    named = [client for client in clients if isinstance(client, ClientAddress)]
    has_proxies = bool(trusted) and trusted != "none"
    if not (clients if has_proxies else named):
        remedy = "Run it with --url and the app's public address, or after a first failed request."
        return warning(_SUBJECT, "No line with a client address in 24 hours.", remedy)
    is_direct = not has_proxies and all(client.trust != NONE for client in named)
    if (is_emulated or is_direct) and all(map(_is_local, clients)):
        return _local_finding(len(clients), is_intended=is_emulated or trusted == "none")
    if has_proxies:
        return _with_proxies(named, len(clients), header)
    return _without_proxies(named, trusted)


def hashed_finding() -> Finding:
    """Says that lines do not show the addresses with which the setting could be compared."""
    message = "Not checked: lines have hashes for addresses (ERRWATCH_PRIVACY)."
    remedy = "Run it once with ERRWATCH_PRIVACY=off, on a host where that is allowed."
    return warning(_SUBJECT, message, remedy)


def _is_local(client: Client) -> bool:
    """Whether it is a program of the app's own machine."""
    return is_loopback(client.ip if isinstance(client, ClientAddress) else client.peer)


def _local_finding(count: int, *, is_intended: bool) -> Finding:
    message = f"All clients are on the app's own machine ({counted(count, 'line')})"
    if is_intended:
        return ok(_SUBJECT, f"{message}, as in a lab or during development.")
    remedy = (
        "During development there is nothing to do. Let a proxy on that machine write "
        "X-Forwarded-For, and set ERRWATCH_TRUSTED_PROXIES to 127.0.0.1."
    )
    return warning(_SUBJECT, f"{message}: they are people there, or a proxy.", remedy)


def _without_proxies(clients: Sequence[ClientAddress], trusted: TrustedProxies) -> Finding:
    count = len(clients)
    internal = [client.ip for client in clients if is_internal(client.ip)]
    forwarded = sum(client.trust == NONE for client in clients)
    remedy = (
        "Set ERRWATCH_TRUSTED_PROXIES to the networks of the proxies in front of the app, or to "
        "their number; --url finds out."
    )
    if internal:
        message = (
            f"{len(internal)} of {count} lines come from internal addresses (such as "
            f"{internal[0]}) with ERRWATCH_TRUSTED_PROXIES = {trusted or 0}"
        )
        all_internal = len(internal) == count >= _MIN_LINES
        if all_internal and len(set(internal)) <= _MAX_PROXIES:
            return problem(_SUBJECT, f"{message}: every client looks like the proxy.", remedy)
        unless = "unless these are health checks or clients of an internal network"
        return warning(_SUBJECT, f"{message}: there is a proxy, {unless}.", remedy)
    if forwarded == count >= _MIN_LINES:
        message = f"All {count} lines have client_ip_trust none: their requests came forwarded."
        return warning(_SUBJECT, message, f"{remedy} Where there is no proxy, set it to none.")
    return ok(_SUBJECT, f"The clients of all {count} lines have public addresses.")


def _with_proxies(clients: Sequence[ClientAddress], count: int, header: str) -> Finding:
    forwarded = [client.ip for client in clients if client.source != "peer"]
    internal = [ip for ip in forwarded if is_internal(ip)]
    if not forwarded:
        message = f"None of {count} lines has its address from {header}."
        remedy = (
            "Correct ERRWATCH_TRUSTED_PROXIES, or let the proxies write the header: the lines have "
            "what came as forwarded_claim."
        )
        return problem(_SUBJECT, message, remedy)
    if len(forwarded) < count:
        message = f"{count - len(forwarded)} of {count} lines did not pass all trusted proxies."
        remedy = "Block access around the proxies, or correct ERRWATCH_TRUSTED_PROXIES."
        return warning(_SUBJECT, message, remedy)
    if internal:
        message = (
            f"{len(internal)} of {count} lines have an internal address (such as {internal[0]}): "
            "there are more proxies, or there are fewer and clients forge the address."
        )
        return warning(_SUBJECT, message, "Run it with --url, which shows which.")
    message = f"All {count} lines have a public address that a proxy wrote."
    return ok(_SUBJECT, message)


def collapse_finding(lines: Sequence[LoggedLine], collapse_seconds: float) -> Finding:
    """Whether the lines carry counts exactly when the metric filters sum them.

    Args:
        lines: Consecutive lines of the app.
        collapse_seconds: The setting, or 0 when every event has its own line.
    """
    counting = [line for line in lines if "count" in line.event]
    if not lines or len(counting) == (len(lines) if collapse_seconds else 0):
        return ok("collapsed lines", "Lines and metric filters agree on what is counted.")
    message = f"{len(counting)} of {len(lines)} lines carry `count`."
    remedy = (
        "Give all processes the same ERRWATCH_COLLAPSE_SECONDS, restart those with another one, "
        "and run `flask errwatch apply` with it."
    )
    if collapse_seconds:
        return warning("collapsed lines", f"{message} {_SUMMING} do not count the others.", remedy)
    return warning("collapsed lines", f"{message} {_COUNTING} as 1.", remedy)
