"""Sends one failing request through the app's public URL and checks the address in its line.

The request has forged addresses in X-Forwarded-For. Which of them the app believes, if any,
shows by how many proxies `ERRWATCH_TRUSTED_PROXIES` is too high.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch._text import described
from flask_errwatch.capture.client_address import Client, ClientAddress, UnknownClient
from flask_errwatch.config import Config
from flask_errwatch.doctor.emulation import is_loopback, is_on_this_machine
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.doctor.line_findings import hashed_finding, is_internal
from flask_errwatch.doctor.recent_lines import clients
from flask_errwatch.patterns import field as json_field
from flask_errwatch.provision.log_lines import LoggedLine, lines_since

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

SUBJECT = "trusted proxies"
#: Of TEST-NET-1, which no client has (RFC 5737). The app believes the last one first.
FORGED = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
_REQUEST_TIMEOUT = 20.0
_POLL_INTERVAL = 2.0


class Probe(NamedTuple):
    """What a probe showed.

    Attributes:
        finding: What it means for the configuration.
        address: The client's address in its line, if that is neither forged nor only a peer.
        is_proof: Whether the address is proved to be the probe's own: the claim beside it is what
            the probe forged and no more, so the address is the first one that a proxy wrote. With
            too few trusted proxies the claim would have the probe's own address too.
    """

    finding: Finding
    address: str | None = None
    is_proof: bool = False


def probe_finding(
    aws: Aws,
    config: Config,
    url: str,
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Finding:
    """Sends the probe, and returns what its line means. See `send_probe`."""
    return send_probe(aws, config, url, timeout=timeout, sleep=sleep).finding


def send_probe(
    aws: Aws,
    config: Config,
    url: str,
    *,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Probe:
    """Sends the probe, waits for its line in the log group, and checks the line's address.

    Args:
        aws: The account and region.
        config: The app's configuration.
        url: The app's public URL. The probe requests a path below it that does not exist.
        timeout: Seconds to wait for the line.
        sleep: Waits some seconds.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    token = os.urandom(8).hex()
    agent = f"errwatch-doctor/{token}"
    start = time.time()
    try:
        status = _request(url, token, agent)
    except (OSError, HTTPException, ValueError) as error:
        message = f"The probe of {url} was not answered: {described(error)}."
        remedy = "Give the address at which people reach the app."
        return Probe(problem(SUBJECT, message, remedy))
    if status < 400:
        message = f"The probe was answered {status}, which creates no line."
        remedy = "Give a URL below which unknown paths are answered 404, without a redirect."
        return Probe(warning(SUBJECT, message, remedy))
    limit = time.monotonic() + timeout
    pattern = str(json_field("$.user_agent") == agent)
    while True:
        for line in lines_since(aws, config, pattern, start - 60):
            if line.event.get("user_agent") == agent:
                if config.privacy == "hashed":
                    return Probe(hashed_finding())
                found = clients([line])
                finding = _line_finding(found, config, url)
                is_proof = finding.level == "ok" and _claims_what_was_forged(line)
                return Probe(finding, _address(found), is_proof)
        if time.monotonic() >= limit:
            message = f"The probe was answered {status}, but its line did not arrive in "
            remedy = "See whether a proxy answers in its place, and try `flask errwatch drill`."
            return Probe(problem(SUBJECT, f"{message}{timeout:g} s.", remedy))
        sleep(_POLL_INTERVAL)


def _request(url: str, token: str, agent: str) -> int:
    """Returns the status of the response. Redirects are not followed."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is not an http or https URL")
    connection_class = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connection_class(parts.hostname, parts.port, timeout=_REQUEST_TIMEOUT)
    headers = {"User-Agent": agent, "X-Forwarded-For": ", ".join(FORGED), "Connection": "close"}
    try:
        connection.request(
            "GET", f"{parts.path.rstrip('/')}/errwatch-doctor-{token}", None, headers
        )
        return connection.getresponse().status
    finally:
        connection.close()


def _claims_what_was_forged(line: LoggedLine) -> bool:
    claim = line.event.get("forwarded_claim")
    return isinstance(claim, str) and tuple(map(str.strip, claim.split(","))) == FORGED


def _address(found: Sequence[Client]) -> str | None:
    """The address from which the probe was sent, as far as its line has it."""
    client = found[0] if found else None
    return client.ip if isinstance(client, ClientAddress) and client.ip not in FORGED else None


def _line_finding(found: Sequence[Client], config: Config, url: str) -> Finding:
    if found:
        client, trusted = found[0], config.trusted_proxies
        is_local = isinstance(client, ClientAddress) and is_loopback(client.ip)
        if is_local and is_on_this_machine(url):
            message = f"The probe of this machine came from this machine ({client[0]})."
            return ok(SUBJECT, message, method="probe")
        return client_finding(client, trusted, config.client_header)
    message = "The server gave the app no address of the probe (it may listen on a Unix socket)."
    remedy = "Set ERRWATCH_TRUSTED_PROXIES to the number of proxies in front of the app."
    return problem(SUBJECT, message, remedy)


def client_finding(client: Client, trusted: TrustedProxies, header: str) -> Finding:
    """What it means that the app recorded this client for the probe.

    Args:
        client: Whom the probe's line names.
        trusted: `ERRWATCH_TRUSTED_PROXIES`.
        header: `ERRWATCH_CLIENT_HEADER`.

    Example:
        >>> forged = ClientAddress("192.0.2.3", "x-forwarded-for", "counted")
        >>> client_finding(forged, 2, "X-Forwarded-For").remedy
        'Set ERRWATCH_TRUSTED_PROXIES to 1.'
    """
    setting = (
        "the networks in ERRWATCH_TRUSTED_PROXIES"
        if isinstance(trusted, tuple) and trusted
        else f"ERRWATCH_TRUSTED_PROXIES = {trusted or 0}"
    )
    if isinstance(client, UnknownClient):
        message = (
            f"With {setting}, the app found no address of the probe in {header}, only its peer "
            f"{client.peer}."
        )
        return problem(SUBJECT, message, _remedy_without_an_address(trusted))
    ip, source = client.ip, client.source
    if ip in FORGED:
        message = f"With {setting}, the app believed {ip}, which the probe forged."
        return problem(SUBJECT, message, _remedy_of_a_forged(client, trusted))
    if is_internal(ip):
        message = f"With {setting}, the app saw the probe come from {ip} ({source})."
        more = (
            "Add the networks of the proxies that are missing in ERRWATCH_TRUSTED_PROXIES"
            if isinstance(trusted, tuple)
            else "Raise ERRWATCH_TRUSTED_PROXIES by the proxies that are not counted"
        )
        return problem(SUBJECT, message, f"{more}, unless you run this inside that network.")
    message = f"The probe came from {ip} ({source}): that must be your own public address."
    return ok(SUBJECT, message, method="probe")


def _remedy_without_an_address(trusted: TrustedProxies) -> str:
    if isinstance(trusted, tuple):
        return (
            "Leave out the networks that clients are in, and let each proxy append to the header "
            "what it saw."
        )
    return "Lower ERRWATCH_TRUSTED_PROXIES, or let the proxies append to the header."


def _remedy_of_a_forged(client: ClientAddress, trusted: TrustedProxies) -> str:
    too_many = len(FORGED) - FORGED.index(client.ip)
    if client.source == "proxy-fix":
        return f"Lower ProxyFix's x_for by {too_many}."
    if isinstance(trusted, int):
        return f"Set ERRWATCH_TRUSTED_PROXIES to {max(0, trusted - too_many)}."
    return "Leave out the networks that clients are in, and let each proxy append what it saw."
