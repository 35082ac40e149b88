"""The app's newest lines are read from a log group that other programs may share."""

from __future__ import annotations

from flask_errwatch.capture.client_address import ClientAddress, UnknownClient
from flask_errwatch.doctor.recent_lines import clients, newest_lines
from flask_errwatch.provision.log_lines import LoggedLine
from tests.doctor.scripted_aws import ScriptedAws, log_entry, shop

NOW = 1_700_000_000.0
#: The address of the busy line below.
PEER = ClientAddress("8.8.8.8", "peer", "verified")


def test_invalid_addresses_are_left_out() -> None:
    """A value that is not a string or not an address is ignored."""
    events: list[dict[str, object]] = [
        {
            "client_ip": "8.8.8.8",
            "client_ip_source": "peer",
            "client_ip_trust": "verified",
        },
        {"peer_ip": "10.0.0.5"},
        {"peer_ip": "<script>"},
        {"client_ip": "<script>", "client_ip_source": "peer"},
        {"client_ip": 7, "client_ip_source": "peer"},
        {"client_ip": "8.8.8.8"},
        {},
    ]
    found = clients([LoggedLine(0, event) for event in events])
    assert found == [PEER, UnknownClient("10.0.0.5", "")]


def test_the_window_grows_until_a_line_came_from_a_request() -> None:
    """Lines of other apps and messages that are not lines are skipped."""
    aws = ScriptedAws()
    quiet = [
        log_entry(event="Heartbeat"),
        {"timestamp": 1, "message": "[" * 100_000},
        {"timestamp": 1, "message": "plain text"},
        {"timestamp": 1, "message": "[]"},
        {"timestamp": 1, "message": '{"event": "x", "app": "blog", "client_ip": "8.8.8.8"}'},
    ]
    busy = [log_entry(client_ip="8.8.8.8", client_ip_source="peer", client_ip_trust="verified")]
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
    assert clients(lines) == [PEER]
    aws.assert_all_called()
