"""Findings from the newest lines: trusted proxies against client addresses, and heartbeats."""

from __future__ import annotations

import pytest

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch.capture.client_address import Client, ClientAddress, UnknownClient
from flask_errwatch.config.values import trusted_proxies
from flask_errwatch.doctor.line_findings import heartbeat_finding, trusted_proxies_finding
from flask_errwatch.provision.log_lines import LoggedLine


def peers(*ips: str, trust: str = "verified") -> list[ClientAddress]:
    """Addresses of socket peers."""
    return [ClientAddress(ip, "peer", trust) for ip in ips]


def forwarded(*ips: str) -> list[ClientAddress]:
    """Addresses from X-Forwarded-For."""
    return [ClientAddress(ip, "x-forwarded-for", "counted") for ip in ips]


@pytest.mark.parametrize(
    ("addresses", "trusted", "level", "message"),
    [
        ([], 0, "warning", "No line with a client address in 24 hours."),
        (
            [UnknownClient("10.0.0.7", "")],
            0,
            "warning",
            "No line with a client address in 24 hours.",
        ),
        (
            peers(*["8.8.8.8"] * 10, trust="none"),
            0,
            "warning",
            "All 10 lines have client_ip_trust none: their requests came forwarded.",
        ),
        (
            peers("10.0.0.7"),
            "none",
            "warning",
            (
                "1 of 1 lines come from internal addresses (such as 10.0.0.7) with "
                "ERRWATCH_TRUSTED_PROXIES = none: there is a proxy, unless these are health checks "
                "or clients of an internal network."
            ),
        ),
        (
            [UnknownClient("10.0.0.7", "")],
            2,
            "problem",
            "None of 1 lines has its address from X-Forwarded-For.",
        ),
        (
            [*forwarded("8.8.8.8"), UnknownClient("10.0.0.7", "")],
            1,
            "warning",
            "1 of 2 lines did not pass all trusted proxies.",
        ),
        (peers("8.8.8.8", "9.9.9.9"), 0, "ok", "The clients of all 2 lines have public addresses."),
        (
            peers(*["10.0.0.7", "10.0.0.8"] * 5),
            0,
            "problem",
            (
                "10 of 10 lines come from internal addresses (such as 10.0.0.7) with "
                "ERRWATCH_TRUSTED_PROXIES = 0: every client looks like the proxy."
            ),
        ),
        (
            peers("8.8.8.8", "10.0.0.7"),
            0,
            "warning",
            (
                "1 of 2 lines come from internal addresses (such as 10.0.0.7) with "
                "ERRWATCH_TRUSTED_PROXIES = 0: there is a proxy, unless these are health checks or "
                "clients of an internal network."
            ),
        ),
        (
            peers(*[f"10.0.0.{n}" for n in range(10)]),
            0,
            "warning",
            (
                "10 of 10 lines come from internal addresses (such as 10.0.0.0) with "
                "ERRWATCH_TRUSTED_PROXIES = 0: there is a proxy, unless these are health checks or "
                "clients of an internal network."
            ),
        ),
        (
            peers("10.0.0.7"),
            2,
            "problem",
            "None of 1 lines has its address from X-Forwarded-For.",
        ),
        (
            [*forwarded("8.8.8.8"), *peers("9.9.9.9")],
            1,
            "warning",
            "1 of 2 lines did not pass all trusted proxies.",
        ),
        (
            forwarded("8.8.8.8", "127.0.0.1"),
            1,
            "warning",
            (
                "1 of 2 lines have an internal address (such as 127.0.0.1): there are more "
                "proxies, or there are fewer and clients forge the address."
            ),
        ),
        (
            forwarded("8.8.8.8"),
            trusted_proxies("10.0.0.0/8"),
            "ok",
            "All 1 lines have a public address that a proxy wrote.",
        ),
    ],
)
def test_trusted_proxies_against_what_was_observed(
    addresses: list[Client], trusted: TrustedProxies, level: str, message: str
) -> None:
    """Each combination of setting and addresses has its own finding."""
    finding = trusted_proxies_finding(addresses, trusted, "X-Forwarded-For")
    assert (finding.level, finding.message) == (level, message)
    assert bool(finding.remedy) == (level != "ok")


def beat(process: str, seconds: int, phrase: str = "Heartbeat") -> LoggedLine:
    """A line of a process, so many seconds after the first."""
    return LoggedLine(seconds * 1000, {"event": phrase, "process": process, "host": "web-1"})


def test_processes_without_heartbeats_have_no_running_threads() -> None:
    """Only a process that lived for more than three heartbeats is expected to emit one."""
    living = [beat("a", 0), beat("a", 60), beat("a", 240)]
    short = [beat("b", 0, "Not Found Error"), beat("b", 100, "Not Found Error")]
    silent = [beat("c", 0, "Not Found Error"), beat("c", 181, "Not Found Error")]
    assert heartbeat_finding([*living, *short], 60).level == "ok"
    finding = heartbeat_finding([*living, *short, *silent], 60)
    assert (finding.level, finding.message) == (
        "problem",
        "No heartbeat from 1 of 2 processes, on web-1.",
    )
    assert heartbeat_finding(short, 60).message == (
        "No heartbeat was found: the app may not be running."
    )
    assert heartbeat_finding([], 60).level == "warning"
    assert heartbeat_finding(living, 0).message == "It is turned off."


def test_lines_with_values_of_other_types_do_not_raise() -> None:
    """Another program may log a line of this app with any JSON as process and host."""
    nested: list[object] = []
    for _ in range(1000):
        nested = [nested]
    event = {"event": "Not Found Error", "process": nested, "host": {"a": 1}}
    lines = [LoggedLine(0, event), LoggedLine(181_000, event)]
    assert heartbeat_finding(lines, 60).message == "No heartbeat from 1 of 1 process, on unknown."
