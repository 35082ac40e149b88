"""`flask errwatch block`, `unblock` and `blocked` against moto, with a strict double of AWS WAF."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch._time import rfc3339
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.doctor.findings import ok, problem
from flask_errwatch.doctor.probe import Probe
from flask_errwatch.provision import Plan
from tests.fake_waf import FakeWaf
from tests.fake_waf_service import IpSet
from tests.logged_probes import line as verified_line
from tests.logged_probes import put

Shop = Callable[..., Plan]
SCANNER, OTHER = "203.0.113.66", "198.51.100.7"
FOREIGN = ["192.0.2.128/25", "192.0.2.1/32"]
ALLOWED = ("--override", "documentation", "--override", "untrusted")
#: The line of a probe, of an address that a client may have claimed.
line = partial(verified_line, client_ip_trust="counted")


@pytest.fixture(name="waf", autouse=True)
def _waf(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWaf]:
    """The app's IP sets, in which somebody else has put two entries."""
    shop()
    with FakeWaf() as waf:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", waf.url)
        monkeypatch.setenv("ERRWATCH_WAF_SCOPE", "regional")
        for number in range(3):
            waf.service.add(f"other-{number}", "IPV4", description="")
        waf.service.add("shop-blocked-ipv4", "IPV4", [*FOREIGN])
        waf.service.add("shop-blocked-ipv6", "IPV6")
        yield waf


@pytest.fixture(autouse=True)
def _no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address has a name, and nobody is asked for it."""

    def unknown(address: str) -> None:
        raise OSError(address)

    monkeypatch.setattr("socket.gethostbyaddr", unknown)


@pytest.fixture(autouse=True)
def _lines(waf: FakeWaf) -> None:  # noqa: ARG001 - after the log group was created
    """Two sources have lines of a minute ago."""
    put([line(source, number) for source in (SCANNER, OTHER) for number in range(20)])


def run(*arguments: str, exit_code: int = 0, given: str | bytes | None = None) -> str:
    """What `flask errwatch …` prints, on standard output and standard error."""
    app = Flask("shop")
    ErrWatch(app)
    result = app.test_cli_runner().invoke(errwatch, arguments, input=given)
    assert result.exit_code == exit_code, result.output
    return " ".join(result.output.split())


def ipv4(waf: FakeWaf) -> IpSet:
    """The app's set of IPv4 addresses."""
    return next(one for one in waf.service.sets if one.name == "shop-blocked-ipv4")


def records() -> list[dict[str, Any]]:
    """The lines of blocks, in the order of their writing."""
    logs = boto3.client("logs")
    found = [
        json.loads(e["message"]) for e in logs.filter_log_events(logGroupName="shop")["events"]
    ]
    ours = [one for one in found if str(one["event"]).startswith("Source ")]
    return sorted(ours, key=lambda one: str(one["id"]))


def test_a_preview_changes_nothing(waf: FakeWaf) -> None:
    """Without --yes: what would be blocked, until when, and which brakes are overridden."""
    text = run("block", SCANNER, *ALLOWED)
    assert f"Block {SCANNER}/32 until " in text
    assert "(strike 1). Overridden: documentation, untrusted." in text
    assert text.endswith("Nothing was changed: give --yes.")
    assert ipv4(waf).addresses == FOREIGN
    assert records() == []
    assert "UpdateIPSet" not in waf.calls


def test_a_block_and_its_end(waf: FakeWaf) -> None:
    """The entry, its line with who and why, what `blocked` shows, and only ours is removed."""
    assert "Done: 1 block." in run("block", SCANNER, "--reason", "scan", *ALLOWED, "--yes")
    assert ipv4(waf).addresses == [*FOREIGN, f"{SCANNER}/32"]
    (record,) = records()
    assert (record["event"], record["level"], record["app"]) == ("Source Blocked", "info", "shop")
    data = record["data"]
    assert data["address"] == f"{SCANNER}/32"
    assert data["set"] == ipv4(waf).arn
    assert data["strike"] == 1
    assert data["reason"] == "scan"
    assert data["actor"].startswith("arn:aws:")
    assert data["overrides"] == ["documentation", "untrusted"]
    assert (data["evidence"]["lines"], data["evidence"]["suspicion"]) == (20, 40)
    shown = json.loads(run("blocked", "--json"))["entries"]
    assert [(one["address"], one["state"]) for one in shown] == [
        (f"{SCANNER}/32", "blocked"),
        ("192.0.2.1/32", "foreign"),
        ("192.0.2.128/25", "foreign"),
    ]
    assert (shown[0]["reason"], shown[0]["actor"]) == ("scan", data["actor"])
    assert shown[0]["lines_since"] is None  # it may not have reached all of AWS WAF yet
    assert "Nothing was changed" in run("unblock", SCANNER)
    assert "Done: 1 block ended." in run("unblock", SCANNER, "--yes")
    assert ipv4(waf).addresses == FOREIGN
    assert [one["event"] for one in records()] == ["Source Blocked", "Source Unblocked"]
    assert records()[-1]["data"]["reason"] == "by hand"
    assert f"Not blocked: {SCANNER}/32." in run("unblock", SCANNER, exit_code=1)


def test_a_rule_that_blocks_nobody(waf: FakeWaf) -> None:
    """Whether a web ACL refers to the set, so that the proxies of the configuration fit."""
    sentence = "shop-blocked-ipv4: nothing is blocked, because there is no web ACL."
    assert sentence in run("block", SCANNER, *ALLOWED)
    assert sentence in run("blocked")
    rule = {
        "Name": "shop-blocked",
        "Action": {"Block": {}},
        "Statement": {"IPSetReferenceStatement": {"ARN": ipv4(waf).arn}},
    }
    waf.service.add_acl("edge", [rule])
    assert "nothing is blocked" not in run("block", SCANNER, *ALLOWED)
    assert json.loads(run("blocked", "--json"))["notes"] == []
    waf.denied = {"ListWebACLs"}
    (note,) = json.loads(run("blocked", "--json"))["notes"]
    assert "is not known: wafv2:ListWebACLs failed" in note


def test_what_is_stopped_is_named_and_the_rest_goes_ahead(waf: FakeWaf) -> None:
    """Exit code 1. An override that is not needed is not recorded."""
    typo = "203.0.113.67"
    text = run(
        *("block", SCANNER, typo, "10.0.0.1", *ALLOWED, "--override", "wide", "--yes"), exit_code=1
    )
    assert f"Left out: {typo}/32, 10.0.0.1/32 (unseen). No line of 24 hours" in text
    assert "Left out: 10.0.0.1/32 (internal). It has internal addresses (10.0.0.0/8)." in text
    assert ipv4(waf).addresses == [*FOREIGN, f"{SCANNER}/32"]
    assert records()[0]["data"]["overrides"] == ["documentation", "untrusted"]


def test_from_an_alarm(waf: FakeWaf) -> None:
    """The sources that the verdict accuses, with its name as the reason."""
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName="shop-not-found-error",
        StateValue="ALARM",
        StateReason="test",
        StateReasonData=json.dumps(
            {
                "startDate": rfc3339(round((time.time() - 240) * 1000)).replace("Z", "+0000"),
                "period": 300,
                "recentDatapoints": [40.0],
            }
        ),
    )
    run("block", "--from-alarm", "not-found-error", *ALLOWED, "--yes")
    assert sorted(ipv4(waf).addresses) == sorted([*FOREIGN, f"{SCANNER}/32", f"{OTHER}/32"])
    data = records()[0]["data"]
    assert (data["alarm"], data["reason"]) == ("shop-not-found-error", "path scan")
    assert data["evidence"]["unrouted"] == 20


def test_addresses_on_standard_input(waf: FakeWaf) -> None:
    """One a line, with comments. What is no address is refused, and nothing is changed."""
    given = f"# of tonight\n{SCANNER}\n\n::ffff:{OTHER}  # mapped\n"
    run("block", "-", *ALLOWED, "--yes", given=given)
    assert ipv4(waf).addresses == [*FOREIGN, f"{SCANNER}/32", f"{OTHER}/32"]
    text = run("block", "-", *ALLOWED, "--yes", given="nonsense\n", exit_code=1)
    assert "'nonsense' is not an address." in text
    assert "No address was given." in run("block", "-", "--yes", given="", exit_code=1)
    assert "No address was given." in run("block", "--yes", exit_code=1)
    assert len(records()) == 2


def test_an_entry_of_somebody_else(waf: FakeWaf) -> None:
    """It is named, also one that covers the address, and stays when the block ends."""
    put([line("192.0.2.1"), line("192.0.2.130")])
    text = run("block", "192.0.2.1", "192.0.2.130", *ALLOWED, "--yes")
    assert "It is in the set as an entry of others, which stays." in text
    assert "The entry 192.0.2.128/25 contains it too." in text
    assert ipv4(waf).addresses == [*FOREIGN, "192.0.2.130/32"]
    assert [one["data"].get("already_present") for one in records()] == [True, None]
    text = run("unblock", "192.0.2.1", "192.0.2.130", "--yes", exit_code=1)
    assert "192.0.2.130/32 is still in the entry 192.0.2.128/25." in text
    assert "Leave alone, since no line of the app put them there: 192.0.2.1/32." in text
    assert ipv4(waf).addresses == FOREIGN


def test_an_address_in_a_larger_entry(waf: FakeWaf) -> None:
    """The entry is named, and what removes it: for one of ours the command."""
    put([line(SCANNER), line("2a00:1450:9:9::5")])
    run("block", f"{SCANNER}/24", "2a00:1450:9:9::5/128", *ALLOWED, "--yes")
    network = SCANNER.rpartition(".")[0] + ".0/24"
    text = run("unblock", SCANNER, "--yes", exit_code=1)
    assert (
        f"{SCANNER}/32 is not an entry, but has addresses of {network}, which this app blocked. "
        f"Run flask errwatch unblock {network} --yes."
    ) in text
    text = run("unblock", "2a00:1450:9:9::5", exit_code=1)
    assert "Run flask errwatch unblock 2a00:1450:9:9::5/128 --yes." in text
    text = run("unblock", "192.0.2.130", "--yes", exit_code=1)
    assert "addresses of 192.0.2.128/25, which is not the app's. Remove such an entry by" in text
    assert ipv4(waf).addresses == [*FOREIGN, network]


def test_standard_input_of_windows() -> None:
    """A byte order mark is skipped, another encoding is refused in one sentence."""
    put([line(SCANNER)])
    given = f"\ufeff{SCANNER}\r\n"
    assert f"Block {SCANNER}/32 until" in run("block", "-", *ALLOWED, given=given)
    text = run("block", "-", given=SCANNER.encode("utf-16"), exit_code=1)
    assert "Standard input is not in UTF-8: convert it." in text


def test_lines_that_still_arrive(waf: FakeWaf) -> None:
    """They show that no rule blocks the source. Those before the block do not count."""
    run("block", SCANNER, *ALLOWED, "--yes")
    (record,) = records()
    begun = time.time() - 1800
    boto3.client("logs").delete_log_stream(
        logGroupName="shop", logStreamName=f"respond/{record['timestamp'][:10]}"
    )
    put([record], ago=1800, stream="respond/2026-01-01")
    put([line(SCANNER, count=3), line(SCANNER), line(OTHER)], ago=5)
    (shown, *_) = json.loads(run("blocked", "--json"))["entries"]
    assert (shown["lines_since"], shown["state"]) == (24, "blocked")
    assert shown["since"] < rfc3339(round((begun + 60) * 1000))
    text = run("blocked")
    assert f"Lines still arrive from {SCANNER}/32: no rule blocks it, or the rule" in text
    assert ipv4(waf).addresses[-1] == f"{SCANNER}/32"


@pytest.mark.parametrize(
    ("environment", "arguments", "message"),
    [
        ({"ERRWATCH_WAF_SCOPE": ""}, (), "ERRWATCH_WAF_SCOPE"),
        ({"ERRWATCH_RETENTION_DAYS": "1"}, (), "ERRWATCH_RETENTION_DAYS = 1: A block is known by"),
        ({}, ("--for", "90d"), "--for = '90 days': Its line must be found until it ends"),
        ({"ERRWATCH_NEVER_BLOCK": "file:/no/such"}, (), "It cannot be read (No such file"),
        (
            {"ERRWATCH_PRIVACY": "hashed", "ERRWATCH_PRIVACY_KEY": "sixteen characters"},
            (),
            "ERRWATCH_PRIVACY = 'hashed': Lines have hashes",
        ),
        ({"ERRWATCH_WAF_SCOPE": "cloudfront"}, (), "shop-blocked-ipv4"),
    ],
)
def test_refusals_of_the_configuration(
    waf: FakeWaf,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """One sentence with the key, exit code 1, and nothing is changed."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = run("block", SCANNER, *ALLOWED, *arguments, "--yes", exit_code=1)
    assert message in text
    assert ipv4(waf).addresses == FOREIGN
    assert records() == []


def test_refusals_of_the_sets(waf: FakeWaf) -> None:
    """No permission, a foreign set, the wrong family, no set: one sentence, exit code 1."""
    for action in ("ListIPSets", "GetIPSet"):
        waf.denied = {action}
        text = run("block", SCANNER, *ALLOWED, "--yes", exit_code=1)
        assert f"Allow wafv2:{action} in the IAM policy" in text
    waf.denied = {"UpdateIPSet"}
    text = run("block", SCANNER, *ALLOWED, "--yes", exit_code=1)
    assert "Allow wafv2:UpdateIPSet in the IAM policy" in text
    waf.denied = set()
    one = ipv4(waf)
    for attribute, value, message in (
        ("description", "mine", "this app does not manage it"),
        ("family", "IPV6", "It is a set of IPV6"),
        ("name", "another", "It does not exist: run `flask errwatch apply`."),
    ):
        before = getattr(one, attribute)
        setattr(one, attribute, value)
        text = run("block", SCANNER, *ALLOWED, "--yes", exit_code=1)
        assert message in text
        setattr(one, attribute, before)
    assert one.addresses == FOREIGN


def test_cloudfront(waf: FakeWaf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sets are in us-east-1, wherever the app is."""
    monkeypatch.setenv("ERRWATCH_WAF_SCOPE", "cloudfront")
    add = partial(waf.service.add, region="us-east-1", scope="CLOUDFRONT")
    one = add("shop-blocked-ipv4", "IPV4")
    add("shop-blocked-ipv6", "IPV6")
    run("block", SCANNER, *ALLOWED, "--yes")
    assert one.addresses == [f"{SCANNER}/32"]
    assert ipv4(waf).addresses == FOREIGN


def test_my_own_address(monkeypatch: pytest.MonkeyPatch, waf: FakeWaf) -> None:
    """That of the SSH connection."""
    monkeypatch.setenv("SSH_CONNECTION", f"{SCANNER} 50000 10.0.0.1 22")
    text = run("block", "203.0.113.0/24", *ALLOWED, "--yes", exit_code=1)
    assert "(self). It is your own address (SSH_CONNECTION). Override: self." in text
    assert ipv4(waf).addresses == FOREIGN


@pytest.mark.parametrize("is_sound", [True, False])
def test_the_probe(waf: FakeWaf, monkeypatch: pytest.MonkeyPatch, *, is_sound: bool) -> None:
    """It proves the proxy rule, or the addresses stay unproven. Its own address is not blocked."""
    sent = []

    def send(_aws: object, _config: object, url: str, **_: object) -> Probe:
        sent.append(url)
        finding = ok("proxies", "sound") if is_sound else problem("proxies", "forged", "Lower it.")
        return Probe(finding, OTHER, is_sound)

    monkeypatch.setattr("flask_errwatch.doctor.probe.send_probe", send)
    asked = ("block", SCANNER, OTHER, "--override", "documentation", "--yes")
    text = run(*asked, "--url", "https://shop.example", exit_code=1)
    assert "It is your own address (the probe)." in text
    assert sent == ["https://shop.example"]
    assert (f"{SCANNER}/32" in ipv4(waf).addresses) is is_sound
    assert ("forged Lower it." in text) is not is_sound
    if is_sound:
        monkeypatch.setenv("ERRWATCH_URL", "https://shop.example/app")
        run(*asked, exit_code=1)
        assert sent[-1] == "https://shop.example/app"


def test_a_crawler_is_left_out(waf: FakeWaf, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names and addresses that the system finds."""
    name = "crawl-1.googlebot.com"
    monkeypatch.setattr("socket.gethostbyaddr", lambda address: (name, [], [address]))
    resolve = socket.getaddrinfo

    def found(host: str, *arguments: Any, **more: Any) -> Any:
        is_asked = host == name
        return [(0, 0, 0, "", (SCANNER, 0))] if is_asked else resolve(host, *arguments, **more)

    monkeypatch.setattr("socket.getaddrinfo", found)
    text = run("block", SCANNER, *ALLOWED, "--yes", exit_code=1)
    assert f"(crawler). It is a search engine ({name}), by reverse and forward DNS." in text
    assert ipv4(waf).addresses == FOREIGN


def test_texts_of_strangers(waf: FakeWaf) -> None:
    """A terminal obeys nothing in a reason, nor in what is no address."""
    hostile = "\x1b]0;owned\x07\u202eb " + "long " * 40
    run("block", SCANNER, *ALLOWED, "--reason", hostile, "--yes")
    app = Flask("shop")
    ErrWatch(app)
    output = app.test_cli_runner().invoke(errwatch, ["blocked"]).output
    _where, _, text = output.partition("\n")  # the first line has the URLs of two servers
    assert "?]0;owned??b long" in text
    assert all(line.isprintable() and len(line) <= 80 for line in text.splitlines())
    assert "?]0;owned" in run("block", hostile, "--yes", exit_code=1)
    assert f"{SCANNER}/32" in ipv4(waf).addresses


def test_in_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """From `apply` to the end of a block with the sets that moto keeps."""
    monkeypatch.delenv("AWS_ENDPOINT_URL_WAFV2")
    run("apply", "--yes")
    wafv2 = boto3.client("wafv2")
    listed = {one["Name"]: one["Id"] for one in wafv2.list_ip_sets(Scope="REGIONAL")["IPSets"]}
    name = "shop-blocked-ipv4"
    place = {"Name": name, "Scope": "REGIONAL", "Id": listed[name]}
    token = wafv2.get_ip_set(**place)["LockToken"]
    wafv2.update_ip_set(**place, Addresses=["192.0.2.1/32"], LockToken=token)
    run("block", SCANNER, *ALLOWED, "--for", "1s", "--yes")
    assert sorted(wafv2.get_ip_set(**place)["IPSet"]["Addresses"]) == [
        "192.0.2.1/32",
        f"{SCANNER}/32",
    ]
    while json.loads(run("blocked", "--json"))["entries"][0]["state"] != "overdue":
        time.sleep(0.1)
    run("unblock", "--expired", "--yes")
    assert wafv2.get_ip_set(**place)["IPSet"]["Addresses"] == ["192.0.2.1/32"]
