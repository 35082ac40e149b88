"""Findings from the newest lines: trusted proxies against client addresses."""

from __future__ import annotations

import pytest

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch.capture.client_address import Client, ClientAddress, UnknownClient
from flask_errwatch.config.values import trusted_proxies
from flask_errwatch.doctor.line_findings import trusted_proxies_finding


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


_THERE = "During development there is nothing to do."


@pytest.mark.parametrize(
    ("addresses", "trusted", "is_emulated", "level"),
    [
        (peers(*["127.0.0.1"] * 30), 0, False, "warning"),
        (peers(*["127.0.0.1"] * 30), 0, True, "ok"),
        (peers("127.0.0.1", "::1"), "none", False, "ok"),
        # In a lab the setting of production stays, and its proxies are missing.
        ([UnknownClient("127.0.0.1", "")], 2, True, "ok"),
        (peers("127.0.0.1", trust="none"), 0, True, "ok"),
    ],
)
def test_clients_on_the_apps_own_machine_are_no_problem(
    addresses: list[Client], trusted: TrustedProxies, *, is_emulated: bool, level: str
) -> None:
    """On a laptop everyone is. Where AWS is real it may be a proxy that hides its clients."""
    finding = trusted_proxies_finding(
        addresses, trusted, "X-Forwarded-For", is_emulated=is_emulated
    )
    assert finding.level == level
    assert finding.message.startswith("All clients are on the app's own machine (")
    assert finding.remedy.startswith(_THERE) == (level == "warning")


@pytest.mark.parametrize(
    ("addresses", "trusted", "is_emulated", "level"),
    [
        (peers(*["127.0.0.1"] * 10, trust="none"), 0, False, "problem"),  # they came forwarded
        ([UnknownClient("127.0.0.1", "")], 2, False, "problem"),
        (peers("127.0.0.1", "10.0.0.7"), 0, True, "warning"),
    ],
)
def test_a_proxy_on_the_apps_own_machine_is_found(
    addresses: list[Client], trusted: TrustedProxies, *, is_emulated: bool, level: str
) -> None:
    """A request that came forwarded, a proxy that is configured, or an address of a network."""
    finding = trusted_proxies_finding(
        addresses, trusted, "X-Forwarded-For", is_emulated=is_emulated
    )
    assert finding.level == level
    assert "own machine" not in finding.message
