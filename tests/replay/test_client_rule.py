"""Whose a request is: the same rule as in the app, for what an access log shows."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch.replay.gathering.client_rule import ClientRule
from tests.replay.replay_lines import Run

VPC = (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("trusted", "source", "forwarded", "client"),
    [
        (0, "203.0.113.9", None, "203.0.113.9"),
        (0, "", None, None),
        (0, "10.0.3.114", "203.0.113.9", "10.0.3.114"),
        ("none", "10.0.3.114", "203.0.113.9", "10.0.3.114"),
        (1, "10.0.3.114", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.3.114", "6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (1, "10.0.3.114", "", "10.0.3.114"),
        (1, "", "203.0.113.9", "203.0.113.9"),
        (VPC, "10.0.3.114", "6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (VPC, "198.51.100.1", "6.6.6.6", "198.51.100.1"),
        (3, "10.0.3.114", "203.0.113.9", "peer 10.0.3.114"),
        (1, "10.0.3.114", "not an address", "peer 10.0.3.114"),
    ],
)
def test_the_client_is_that_of_the_apps_rule(
    trusted: TrustedProxies, source: str, forwarded: str | None, client: str | None
) -> None:
    """Hops are counted from the peer, networks are walked, and a broken chain names the peer."""
    assert ClientRule(trusted).client(source, forwarded) == client


@pytest.mark.parametrize(
    ("trusted", "client"),
    [(1, "198.51.100.1"), (2, "203.0.113.9"), ("none", "198.51.100.1"), (0, "198.51.100.1")],
)
def test_the_proxy_that_writes_the_log_is_a_hop(trusted: TrustedProxies, client: str) -> None:
    """Its peer is the client if it is the only proxy, and the next proxy if there are two."""
    rule = ClientRule(trusted)
    assert rule.client("198.51.100.1", "203.0.113.9", is_of_proxy=True) == client


def test_an_unused_header_is_remembered() -> None:
    """Only where nothing is known of proxies and a request had the header."""
    rule, known = ClientRule(0), ClientRule(1)
    rule.client("203.0.113.9", "")
    assert not rule.ignores_forwarded
    for one in (rule, known):
        one.client("10.0.3.114", "203.0.113.9")
    assert (rule.ignores_forwarded, known.ignores_forwarded) == (True, False)


@pytest.mark.parametrize("value", ["many", "65", "-1", "10.0.0.0/33"])
def test_a_wrong_rule_is_refused(tmp_path: Path, run: Run, value: str) -> None:
    """One sentence, before anything is read."""
    result = run(tmp_path / "missing.log", "--trusted-proxies", value)
    assert result.exit_code == 2
    assert "--trusted-proxies" in result.stderr or repr(value) in result.stderr


def test_the_rule_may_be_that_of_the_environment(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ERRWATCH_TRUSTED_PROXIES` counts, as in the app, and the option replaces it."""
    log = tmp_path / "access.log"
    request = '+0000] "GET /.env HTTP/1.1" 404 9 "-" "curl" "{}"\n'
    line = f"10.0.3.114 - - [25/Nov/2026:01:17:{{:02d}} {request}"
    log.write_text("".join(line.format(second, "203.0.113.9") for second in range(12)), "utf-8")
    monkeypatch.setenv("ERRWATCH_TRUSTED_PROXIES", "1")
    for options, client in (((), "203.0.113.9"), (("--trusted-proxies", "none"), "10.0.3.114")):
        output = json.loads(run(log, "--json", *options).stdout)
        (detector,) = (one for one in output["detectors"] if one["detector"] == "not-found-error")
        assert detector["alarms"][0]["sources"] == [{"source": client, "lines": 12}]
