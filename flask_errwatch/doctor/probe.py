"""One failing request through the app's public URL, and what the app made of its address.

The request claims addresses that nobody has in X-Forwarded-For. Which of them the app believes,
if any, tells how many proxies it trusts too many.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask_errwatch._text import described
from flask_errwatch.capture.client_address import ClientAddress
from flask_errwatch.config import Config
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.doctor.recent_lines import addresses_of, is_internal, lines_since
from flask_errwatch.patterns import field as json_field

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

SUBJECT = "trusted proxies"
#: Of TEST-NET-1, which no client has (RFC 5737); the last is the first to be believed.
FORGED = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
_TIMEOUT = 20.0
_PAUSE = 2.0


def probe_finding(
    aws: Aws,
    config: Config,
    url: str,
    *,
    timeout: float,
    pause: Callable[[float], None] = time.sleep,
) -> Finding:
    """Sends the probe, waits for its line in the log group, and reads it.

    Args:
        aws: The account and region.
        config: The app's configuration.
        url: The app's public URL; a path that nothing answers is put below it.
        timeout: Seconds to wait for the line.
        pause: Waits some seconds.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    token = os.urandom(8).hex()
    agent = f"errwatch-doctor/{token}"
    begun = time.time()
    try:
        status = _request(url, token, agent)
    except (OSError, HTTPException, ValueError) as error:
        found = f"The probe of {url} was not answered: {described(error)}."
        return problem(SUBJECT, found, "Give the address at which people reach the app.")
    if status < 400:
        found = f"The probe was answered {status}, which makes no line."
        remedy = "Give a URL below which unknown paths are answered 404, without a redirect."
        return warning(SUBJECT, found, remedy)
    limit = time.monotonic() + timeout
    pattern = str(json_field("$.user_agent") == agent)
    while True:
        for each in lines_since(aws, config, pattern, begun - 60):
            if each.event.get("user_agent") == agent:
                return _read(addresses_of([each]), config.trusted_proxies)
        if time.monotonic() >= limit:
            found = f"The probe was answered {status}, and no line of it came in {timeout:g} s."
            remedy = "See whether a proxy answers in its place, and try `flask errwatch drill`."
            return problem(SUBJECT, found, remedy)
        pause(_PAUSE)


def _request(url: str, token: str, agent: str) -> int:
    """The status of the answer; redirects are not followed."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no URL of http or https")
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT)
    headers = {"User-Agent": agent, "X-Forwarded-For": ", ".join(FORGED), "Connection": "close"}
    try:
        connection.request(
            "GET", f"{parts.path.rstrip('/')}/errwatch-doctor-{token}", None, headers
        )
        return connection.getresponse().status
    finally:
        connection.close()


def _read(addresses: Sequence[ClientAddress], trusted: object) -> Finding:
    if addresses:
        return believed(addresses[0].ip, addresses[0].source, trusted)
    found = "The server told the app no address of the probe (a Unix socket, perhaps)."
    remedy = "Set ERRWATCH_TRUSTED_PROXIES to the number of proxies in front of the app."
    return problem(SUBJECT, found, remedy)


def believed(ip: str, source: str, trusted: object) -> Finding:
    """What it means that the app took the probe's address to be this one.

    Args:
        ip: The address in the probe's line.
        source: How it was derived.
        trusted: `ERRWATCH_TRUSTED_PROXIES`.

    Example:
        >>> believed("192.0.2.3", "x-forwarded-for", 2).remedy
        'Set ERRWATCH_TRUSTED_PROXIES to 1.'
    """
    setting = (
        f"ERRWATCH_TRUSTED_PROXIES = {trusted}"
        if isinstance(trusted, int)
        else ("the networks in ERRWATCH_TRUSTED_PROXIES")
    )
    if ip in FORGED:
        found = f"With {setting}, the app believed {ip}, which the probe had made up."
        too_many = len(FORGED) - FORGED.index(ip)
        if source == "proxy-fix":
            remedy = f"Lower ProxyFix's x_for by {too_many}."
        elif isinstance(trusted, int):
            remedy = f"Set ERRWATCH_TRUSTED_PROXIES to {max(0, trusted - too_many)}."
        else:
            remedy = "Leave out the networks that clients are in."
        return problem(SUBJECT, found, remedy)
    if source == "peer" and trusted != 0:
        found = f"With {setting}, the app found too few entries, and took its peer {ip}."
        remedy = "Lower ERRWATCH_TRUSTED_PROXIES, or let the proxies append to X-Forwarded-For."
        return problem(SUBJECT, found, remedy)
    if is_internal(ip):
        found = f"With {setting}, the app saw the probe come from {ip} ({source})."
        remedy = (
            "Raise ERRWATCH_TRUSTED_PROXIES by the proxies that are not counted, unless you run "
            "this inside that network."
        )
        return problem(SUBJECT, found, remedy)
    found = f"The probe came from {ip} ({source}): that must be your own public address."
    return ok(SUBJECT, found, method="probe")
