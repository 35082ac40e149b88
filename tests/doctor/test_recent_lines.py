"""What the newest lines say about proxies and threads; texts of outsiders are only evidence."""

from __future__ import annotations

import json

import pytest

from flask_errwatch._parsers import trusted_proxies
from flask_errwatch.capture.client_address import ClientAddress
from flask_errwatch.doctor import probe
from flask_errwatch.doctor.probe import believed
from flask_errwatch.doctor.recent_lines import (
    Written,
    address_finding,
    addresses_of,
    heartbeat_finding,
    newest_lines,
)
from tests.doctor.scripted_aws import ScriptedAws, shop

NOW = 1_700_000_000.0


def peers(*ips: str) -> list[ClientAddress]:
    """Addresses of the sockets' other ends."""
    return [ClientAddress(ip=ip, source="peer") for ip in ips]


def forwarded(*ips: str) -> list[ClientAddress]:
    """Addresses that stood in X-Forwarded-For."""
    return [ClientAddress(ip=ip, source="x-forwarded-for") for ip in ips]


@pytest.mark.parametrize(
    ("seen", "trusted", "level", "found"),
    [
        ([], 0, "warning", "No line with a client address in 24 hours."),
        (peers("8.8.8.8", "9.9.9.9"), 0, "ok", "The clients of all 2 lines have public addresses."),
        (
            peers(*["10.0.0.7", "10.0.0.8"] * 5),
            0,
            "problem",
            (
                "10 of 10 lines come from internal addresses (as 10.0.0.7) with "
                "ERRWATCH_TRUSTED_PROXIES = 0: every client looks like the proxy."
            ),
        ),
        (
            peers("8.8.8.8", "10.0.0.7"),
            0,
            "warning",
            (
                "1 of 2 lines come from internal addresses (as 10.0.0.7) with "
                "ERRWATCH_TRUSTED_PROXIES = 0: there is a proxy, unless they are health checks, or "
                "its clients really are internal."
            ),
        ),
        (
            peers(*[f"10.0.0.{n}" for n in range(10)]),
            0,
            "warning",
            (
                "10 of 10 lines come from internal addresses (as 10.0.0.0) with "
                "ERRWATCH_TRUSTED_PROXIES = 0: there is a proxy, unless they are health checks, or "
                "its clients really are internal."
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
            "1 of 2 lines did not come through them all.",
        ),
        (
            forwarded("8.8.8.8", "127.0.0.1"),
            1,
            "warning",
            (
                "1 of 2 lines name an internal address (as 127.0.0.1): there are more proxies, or "
                "fewer, and then clients write it themselves."
            ),
        ),
        (
            forwarded("8.8.8.8"),
            trusted_proxies("10.0.0.0/8"),
            "ok",
            "All 1 lines name a public address that was appended.",
        ),
    ],
)
def test_trusted_proxies_against_what_was_observed(
    seen: list[ClientAddress], trusted: object, level: str, found: str
) -> None:
    """Each combination of setting and evidence has its own verdict."""
    finding = address_finding(seen, trusted)
    assert (finding.level, finding.found) == (level, found)
    assert bool(finding.remedy) == (level != "ok")


def test_forged_fields_are_left_out() -> None:
    """What is no address, or no text, is no evidence."""
    events: list[dict[str, object]] = [
        {"client_ip": "8.8.8.8", "client_ip_source": "peer"},
        {"client_ip": "<script>", "client_ip_source": "peer"},
        {"client_ip": 7, "client_ip_source": "peer"},
        {"client_ip": "8.8.8.8"},
        {},
    ]
    assert addresses_of([Written(0, each) for each in events]) == peers("8.8.8.8")


@pytest.mark.parametrize(
    ("ip", "source", "trusted", "level", "remedy"),
    [
        ("192.0.2.3", "x-forwarded-for", 2, "problem", "Set ERRWATCH_TRUSTED_PROXIES to 1."),
        ("192.0.2.1", "x-forwarded-for", 4, "problem", "Set ERRWATCH_TRUSTED_PROXIES to 1."),
        ("192.0.2.2", "proxy-fix", 0, "problem", "Lower ProxyFix's x_for by 2."),
        (
            "192.0.2.3",
            "x-forwarded-for",
            trusted_proxies("0.0.0.0/0"),
            "problem",
            "Leave out the networks that clients are in.",
        ),
        (
            "8.8.8.8",
            "peer",
            7,
            "problem",
            "Lower ERRWATCH_TRUSTED_PROXIES, or let the proxies append to X-Forwarded-For.",
        ),
        (
            "10.0.0.7",
            "peer",
            0,
            "problem",
            (
                "Raise ERRWATCH_TRUSTED_PROXIES by the proxies that are not counted, unless you "
                "run this inside that network."
            ),
        ),
        ("8.8.8.8", "x-forwarded-for", 1, "ok", ""),
        ("8.8.8.8", "peer", 0, "ok", ""),
    ],
)
def test_what_the_app_believed_of_the_probe(
    ip: str, source: str, trusted: object, level: str, remedy: str
) -> None:
    """Each address that the app may take the probe's for means one thing."""
    finding = believed(ip, source, trusted)
    assert (finding.level, finding.remedy) == (level, remedy)


def beat(process: str, seconds: int, phrase: str = "Heartbeat") -> Written:
    """A line of a process, so many seconds after the first one."""
    return Written(seconds * 1000, {"event": phrase, "process": process, "host": "web-1"})


def test_processes_without_heartbeats_have_no_running_threads() -> None:
    """Only a process that lived for more than three heartbeats can be told to be mute."""
    living = [beat("a", 0), beat("a", 60), beat("a", 240)]
    short = [beat("b", 0, "Not Found Error"), beat("b", 100, "Not Found Error")]
    mute = [beat("c", 0, "Not Found Error"), beat("c", 181, "Not Found Error")]
    assert heartbeat_finding([*living, *short], 60).level == "ok"
    finding = heartbeat_finding([*living, *short, *mute], 60)
    assert (finding.level, finding.found) == ("problem", "1 of 2 processes never beat, on web-1.")
    assert heartbeat_finding(short, 60).found == "None was found: the app may not run."
    assert heartbeat_finding([], 60).level == "warning"
    assert heartbeat_finding(living, 0).found == "It is turned off."


def entry(**event: object) -> dict[str, object]:
    """A log event as FilterLogEvents answers it."""
    return {"timestamp": 1_700_000_000_000, "message": json.dumps({"app": "shop", **event})}


def test_lines_are_looked_for_ever_further_back() -> None:
    """Until one came from a request; hostile and foreign lines are passed over."""
    aws = ScriptedAws()
    quiet = [
        entry(event="Heartbeat"),
        {"timestamp": 1, "message": "[" * 100_000},
        {"timestamp": 1, "message": "plain text"},
        {"timestamp": 1, "message": "[]"},
        {"timestamp": 1, "message": '{"app": "blog", "client_ip": "8.8.8.8"}'},
    ]
    heard = [entry(event="Not Found Error", client_ip="8.8.8.8", client_ip_source="peer")]
    for seconds, events in ((900, quiet), (10_800, heard)):
        aws.expects(
            "logs",
            "filter_log_events",
            {"events": events},
            logGroupName="shop",
            filterPattern='{ $.app = "shop" }',
            startTime=round((NOW - seconds) * 1000),
        )
    lines = newest_lines(aws, shop()[1], NOW)
    assert addresses_of(lines) == peers("8.8.8.8")
    aws.all_asked()


def test_probe_whose_line_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on a Unix socket tells none; the line is found among others, after a while."""
    aws = ScriptedAws()
    agents: list[str] = []

    def request(_url: str, _token: str, agent: str) -> int:
        agents.append(agent)
        aws.answers("logs", "filter_log_events", {"events": [entry(user_agent="curl")]})
        aws.answers("logs", "filter_log_events", {"events": [entry(user_agent=agent)]})
        return 404

    monkeypatch.setattr(probe, "_request", request)
    waited: list[float] = []
    config = shop()[1]
    finding = probe.probe_finding(
        aws, config, "http://shop.example/", timeout=60, pause=waited.append
    )
    assert finding.level == "problem"
    assert finding.found.startswith("The server told the app no address of the probe")
    assert waited == [2.0]
    aws.all_asked()
