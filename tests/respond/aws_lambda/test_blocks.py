"""A function that blocks: as `block --from-alarm NAME --yes`, once, with all brakes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import boto3
import pytest

from flask_errwatch._time import rfc3339
from flask_errwatch.errors import AwsCallError
from tests.logged_probes import line, put
from tests.respond.aws_lambda import alarm_events as events
from tests.respond.aws_lambda.conftest import (
    FOREIGN,
    OTHER,
    SCANNER,
    Function,
    fire,
    new_process,
    now,
)

BOTH = [FOREIGN, f"{SCANNER}/32", f"{OTHER}/32"]


@pytest.fixture(autouse=True)
def _blocking(function: Function) -> None:
    function.set_env("ERRWATCH_AUTO_BLOCK", "1")
    function.set_env("ERRWATCH_WAF_SCOPE", "regional")


def test_the_accused_are_blocked(function: Function) -> None:
    """Their entries and lines, and a report with what was done, and that no rule uses the set."""
    at = now()
    function(events.sns(events.notification(at=at)))
    assert sorted(function.ipv4.addresses) == sorted(BOTH)
    data = [one["data"] for one in function.records()]
    fields = ("alarm", "transition", "reason", "strike")
    expected = (events.ALARM, f"{at}Z", "path scan", 1)
    assert [tuple(one[name] for name in fields) for one in data] == [expected] * 2
    assert not any("overrides" in one for one in data)
    (message,) = function.messages()
    text = " ".join(message["Message"].split())
    assert "Blocked without a person (ERRWATCH_AUTO_BLOCK):" in text
    assert f"Block {SCANNER}/32 until " in text
    assert "Done: 2 blocks." in text
    assert "nothing is blocked, because there is no web ACL" in text
    assert function.writes == ["create_log_stream", "put_log_events", "update_ip_set", "publish"]
    assert {one for one in function.waf.calls if "WebACL" in one} == {"ListWebACLs"}


def test_a_list_that_cannot_be_read(function: Function, tmp_path: Path) -> None:
    """It stops all blocks, and the report says so."""
    file = tmp_path / "odd.json"
    prefix = {"ip_prefix": "1.1.1.0/24", "service": ["CLOUDFRONT"]}
    file.write_text(json.dumps({"prefixes": [prefix], "ipv6_prefixes": []}), encoding="utf-8")
    function.set_env("ERRWATCH_NEVER_BLOCK", f"file:{file}")
    function(events.sns(events.notification(at=now())))
    assert function.ipv4.addresses == [FOREIGN]
    (message,) = function.messages()
    text = " ".join(message["Message"].split())
    assert "Nothing is blocked while this list is not known." in text


def test_delivered_again(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice, by two ways, in another process, after the block ended: one line a source."""
    at = now()
    function(events.sns(events.notification(at=at)))
    (result,) = function(events.action(at=at))
    assert "published before." in result
    assert f"{SCANNER}/32" in result
    assert "blocked by an earlier delivery." in result
    new_process(monkeypatch)
    function(events.eventbridge(at=at))
    assert len(function.records()) == 2
    assert function.waf.calls.count("UpdateIPSet") == 1
    function.ipv4.addresses.remove(f"{SCANNER}/32")  # its write was interrupted, or somebody did it
    function(events.eventbridge(at=at))
    assert sorted(function.ipv4.addresses) == sorted(BOTH)
    assert [one["data"]["strike"] for one in function.records()] == [1, 1, 1]
    function(events.eventbridge(at=now()))
    assert len(function.records()) == 5


@pytest.mark.parametrize("source", [SCANNER, "::ffff:45.155.205.33"])
def test_a_contributor(function: Function, source: str) -> None:
    """Only its address, in any spelling."""
    function(events.sns(events.contributor(source, at=now())))
    assert function.ipv4.addresses == [FOREIGN, f"{SCANNER}/32"]


def test_a_forged_contributor(function: Function) -> None:
    """Whoever publishes to the topic chooses it: what the lines do not accuse is not blocked."""
    for source in ("45.155.205.99", "nonsense", "0.0.0.0/0", "45.155.205.0/24"):
        function(events.sns(events.contributor(source, at=now())))
        (message,) = function.messages()
        assert "the verdict does not accuse that contributor" in message["Message"], source
        assert function.ipv4.addresses == [FOREIGN]
        assert function.records() == []


def test_the_brakes_hold(function: Function) -> None:
    """What is stopped is left out and named with its brake, the rest goes ahead."""
    function.set_env("ERRWATCH_NEVER_BLOCK", OTHER)
    function(events.sns(events.notification(at=now())))
    (message,) = function.messages()
    text = " ".join(message["Message"].split())
    assert f"Left out: {OTHER}/32 (never). ERRWATCH_NEVER_BLOCK has {OTHER}/32." in text
    assert function.ipv4.addresses == [FOREIGN, f"{SCANNER}/32"]


def test_addresses_that_a_client_may_claim(function: Function) -> None:
    """No probe is sent from here, so that only verified addresses are blocked."""
    put([line(source, client_ip_trust="counted") for source in (SCANNER, OTHER)])
    function(events.sns(events.notification(at=now())))
    (message,) = function.messages()
    text = " ".join(message["Message"].split())
    assert "(untrusted). A client may have claimed this address" in text
    assert "Nothing is blocked." in text
    assert function.ipv4.addresses == [FOREIGN]


def test_another_verdict(function: Function) -> None:
    """Nobody is blocked for what is no scan and no guessing. The report says so."""
    failure = {"type": "ValueError", "fingerprint": "f1", "where": "shop.pay"}
    failing = {"event": "Critical Error", "detector": "critical-error", "status": 500}
    shown = {"path": "/pay", "path_class": "other", "suspicion": 0, "exception": failure}
    put([line(SCANNER) | failing | shown for _ in range(20)])
    fire("shop-critical-error")
    function(events.sns(events.notification("shop-critical-error", at=now())))
    (message,) = function.messages()
    assert "No source is to be blocked for it." in " ".join(message["Message"].split())
    assert function.records() == []
    assert function.writes == ["publish"]


def test_a_refused_write(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    """The person is told, Lambda tries again, and then it is done, without a second message."""
    event = events.sns(events.notification(at=now()))
    function.waf.denied = {"UpdateIPSet"}
    with pytest.raises(AwsCallError):
        function(event)
    assert "Failed: wafv2:UpdateIPSet failed with AccessDenied" in capsys.readouterr().out
    (message,) = function.messages()
    assert "It failed, and is tried again: wafv2:UpdateIPSet" in " ".join(
        message["Message"].split()
    )
    function.waf.denied = set()
    function(event)
    assert sorted(function.ipv4.addresses) == sorted(BOTH)
    assert function.messages() == []


def test_hashed_lines(function: Function) -> None:
    """Their hashes are no addresses: it is reported, and nothing is blocked."""
    function.set_env("ERRWATCH_PRIVACY", "hashed")
    function.set_env("ERRWATCH_PRIVACY_KEY", "sixteen characters")
    function(events.sns(events.notification(at=now())))
    (message,) = function.messages()
    assert "ERRWATCH_PRIVACY = 'hashed'" in " ".join(message["Message"].split())
    assert function.ipv4.addresses == [FOREIGN]


def test_a_schedule(function: Function) -> None:
    """What has expired is removed, and nothing else: with the line of its end, and no message."""
    assert function(events.scheduled()) == ["Nothing is to be unblocked."]
    function(events.sns(events.notification(at=now())))
    (first, _) = function.records()
    first["data"]["until"] = rfc3339(round((time.time() - 60) * 1000))
    logs = boto3.client("logs")
    stream = f"respond/{first['timestamp'][:10]}"
    logs.delete_log_stream(logGroupName="shop", logStreamName=stream)
    logs.create_log_stream(logGroupName="shop", logStreamName=stream)
    past = {"timestamp": round((time.time() - 4000) * 1000), "message": json.dumps(first)}
    logs.put_log_events(logGroupName="shop", logStreamName=stream, logEvents=[past])
    function.messages()
    (result,) = function(events.scheduled("aws.scheduler"))
    address = first["data"]["address"]
    assert result == f"Unblock {address}."
    assert sorted(function.ipv4.addresses) == sorted(set(BOTH) - {address})
    assert function.records()[-1]["event"] == "Source Unblocked"
    assert function.messages() == []
