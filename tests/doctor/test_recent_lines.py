"""The findings about proxies and threads from the newest lines, and the probe's."""

from __future__ import annotations

import json

import pytest

from flask_errwatch._parsers import trusted_proxies
from flask_errwatch.capture.client_address import ClientAddress
from flask_errwatch.doctor import probe
from flask_errwatch.doctor.line_findings import heartbeat_finding, trusted_proxies_finding
from flask_errwatch.doctor.probe import address_finding
from flask_errwatch.doctor.recent_lines import LoggedLine, client_addresses, newest_lines
from tests.doctor.scripted_aws import ScriptedAws, shop

NOW = 1_700_000_000.0


def peers(*ips: str) -> list[ClientAddress]:
    """Addresses of socket peers."""
    return [ClientAddress(ip=ip, source="peer") for ip in ips]


def forwarded(*ips: str) -> list[ClientAddress]:
    """Addresses from X-Forwarded-For."""
    return [ClientAddress(ip=ip, source="x-forwarded-for") for ip in ips]


@pytest.mark.parametrize(
    ("addresses", "trusted", "level", "message"),
    [
        ([], 0, "warning", "No line with a client address in 24 hours."),
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
            "All 1 lines have a public address that a proxy appended.",
        ),
    ],
)
def test_trusted_proxies_against_what_was_observed(
    addresses: list[ClientAddress], trusted: object, level: str, message: str
) -> None:
    """Each combination of setting and addresses has its own finding."""
    finding = trusted_proxies_finding(addresses, trusted)
    assert (finding.level, finding.message) == (level, message)
    assert bool(finding.remedy) == (level != "ok")


def test_invalid_addresses_are_left_out() -> None:
    """A value that is not a string or not an address is ignored."""
    events: list[dict[str, object]] = [
        {"client_ip": "8.8.8.8", "client_ip_source": "peer"},
        {"client_ip": "<script>", "client_ip_source": "peer"},
        {"client_ip": 7, "client_ip_source": "peer"},
        {"client_ip": "8.8.8.8"},
        {},
    ]
    assert client_addresses([LoggedLine(0, event) for event in events]) == peers("8.8.8.8")


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
def test_the_address_in_the_probes_line(
    ip: str, source: str, trusted: object, level: str, remedy: str
) -> None:
    """Each address that the app may record for the probe has its own remedy."""
    finding = address_finding(ip, source, trusted)
    assert (finding.level, finding.remedy) == (level, remedy)


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
        "1 of 2 processes emit no heartbeat, on web-1.",
    )
    assert heartbeat_finding(short, 60).message == "There is none: the app may not be running."
    assert heartbeat_finding([], 60).level == "warning"
    assert heartbeat_finding(living, 0).message == "It is turned off."


def test_lines_with_values_of_other_types_do_not_raise() -> None:
    """Another program may log a line of this app with any JSON as process and host."""
    nested: list[object] = []
    for _ in range(1000):
        nested = [nested]
    event = {"event": "Not Found Error", "process": nested, "host": {"a": 1}}
    lines = [LoggedLine(0, event), LoggedLine(181_000, event)]
    assert heartbeat_finding(lines, 60).message == "1 of 1 processes emit no heartbeat, on unknown."


def entry(**event: object) -> dict[str, object]:
    """A log event as FilterLogEvents returns it."""
    line = {"event": "Not Found Error", "app": "shop", **event}
    return {"timestamp": 1_700_000_000_000, "message": json.dumps(line)}


def test_the_window_grows_until_a_line_came_from_a_request() -> None:
    """Lines of other apps and messages that are not lines are skipped."""
    aws = ScriptedAws()
    quiet = [
        entry(event="Heartbeat"),
        {"timestamp": 1, "message": "[" * 100_000},
        {"timestamp": 1, "message": "plain text"},
        {"timestamp": 1, "message": "[]"},
        {"timestamp": 1, "message": '{"event": "x", "app": "blog", "client_ip": "8.8.8.8"}'},
    ]
    busy = [entry(client_ip="8.8.8.8", client_ip_source="peer")]
    for seconds, events in ((900, quiet), (10_800, busy)):
        aws.expects(
            "logs",
            "filter_log_events",
            {"events": events},
            logGroupName="shop",
            filterPattern='{ $.app = "shop" }',
            startTime=round((NOW - seconds) * 1000),
        )
    lines = newest_lines(aws, shop()[1], NOW)
    assert client_addresses(lines) == peers("8.8.8.8")
    aws.assert_all_called()


def test_probe_whose_line_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on a Unix socket gives the app no address. Other lines are skipped meanwhile."""
    aws = ScriptedAws()
    agents: list[str] = []

    def request(_url: str, _token: str, agent: str) -> int:
        agents.append(agent)
        aws.answers(
            "logs",
            "filter_log_events",
            {"events": [entry(user_agent="curl")]},
        )
        aws.answers(
            "logs",
            "filter_log_events",
            {"events": [entry(user_agent=agent)]},
        )
        return 404

    monkeypatch.setattr(probe, "_request", request)
    waited: list[float] = []
    config = shop()[1]
    finding = probe.probe_finding(
        aws, config, "http://shop.example/", timeout=60, sleep=waited.append
    )
    assert finding.level == "problem"
    assert finding.message.startswith("The server gave the app no address of the probe")
    assert waited == [2.0]
    aws.assert_all_called()
