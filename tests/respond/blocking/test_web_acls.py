"""Whether a web ACL stops the addresses of the app's IP sets, by its rules. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import flask_errwatch
from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.resources import Family, IpSet
from flask_errwatch.respond.blocking.web_acl_rules import (
    Coverage,
    WebAclRules,
    references,
    rule_groups,
)
from flask_errwatch.respond.blocking.web_acls import read_rules
from tests.fake_waf import FakeWaf

Statement = dict[str, Any]
IPV4, IPV6 = "arn:ipv4", "arn:ipv6"
OTHER = {"IPSetReferenceStatement": {"ARN": "arn:others"}}
GEO = {"GeoMatchStatement": {"CountryCodes": ["DE"]}}


def in_set(position: str | None = None, header: str = "X-Forwarded-For") -> Statement:
    """A statement that compares an address with the IPv4 set."""
    reference: dict[str, Any] = {"ARN": IPV4}
    if position is not None:
        reference["IPSetForwardedIPConfig"] = {
            "HeaderName": header,
            "FallbackBehavior": "NO_MATCH",
            "Position": position,
        }
    return {"IPSetReferenceStatement": reference}


def all_of(*statements: Statement) -> Statement:
    """A conjunction."""
    return {"AndStatement": {"Statements": [*statements]}}


def any_of(*statements: Statement) -> Statement:
    """A disjunction."""
    return {"OrStatement": {"Statements": [*statements]}}


def none_of(statement: Statement) -> Statement:
    """A negation."""
    return {"NotStatement": {"Statement": statement}}


def web_acl(*statements: Statement, action: str = "Block") -> dict[str, Any]:
    """A web ACL with a rule for each statement."""
    rules = [
        {"Name": f"rule-{number}", "Action": {action: {}}, "Statement": statement}
        for number, statement in enumerate(statements)
    ]
    return {"Name": "edge", "Rules": rules}


def read(document: dict[str, Any], *, proxies: int = 0) -> WebAclRules:
    """What the rules of one web ACL do."""
    return WebAclRules(
        web_acls=1,
        references=tuple(references(document, {IPV4, IPV6})),
        rule_groups=tuple(rule_groups(document)),
        proxies=proxies,
    )


def ip_set(family: Family = "IPV4") -> IpSet:
    """The app's set of a family."""
    name = f"shop-blocked-{family.lower()}"
    return IpSet(name=name, scope="REGIONAL", family=family, arn=f"arn:{family.lower()}")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (in_set(), "stopped"),
        (any_of(OTHER, in_set()), "stopped"),
        (any_of(any_of(GEO, in_set()), OTHER), "stopped"),
        (none_of(none_of(in_set())), "stopped"),
        (none_of(all_of(none_of(in_set()), GEO)), "stopped"),
        (all_of(in_set(), none_of(GEO)), "partly"),
        (any_of(GEO, all_of(OTHER, in_set())), "partly"),
        (none_of(any_of(none_of(in_set()), GEO)), "partly"),
        (
            {"RateBasedStatement": {"Limit": 100, "ScopeDownStatement": in_set()}},
            "partly",
        ),
        (none_of(in_set()), "nothing"),
        (all_of(GEO, none_of(in_set())), "nothing"),
        (none_of(any_of(in_set(), GEO)), "nothing"),
        (OTHER, "nothing"),
        (GEO, "nothing"),
        ({}, "nothing"),
        (
            {"ManagedRuleGroupStatement": {"Name": "Ips", "ScopeDownStatement": in_set()}},
            "nothing",
        ),
    ],
)
def test_a_statement_at_any_depth(statement: Statement, expected: Coverage) -> None:
    """A disjunction stops, a conjunction in part, and a negation stops everybody else."""
    assert read(web_acl(statement)).coverage(ip_set()) == expected


@pytest.mark.parametrize(
    ("position", "proxies", "expected"),
    [
        (None, 0, "stopped"),
        ("LAST", 1, "stopped"),
        ("ANY", 2, "stopped"),
        ("ANY", 7, "stopped"),
        ("LAST", 0, "other address"),
        (None, 1, "other address"),
        ("ANY", 1, "other address"),
        ("LAST", 2, "other address"),
        *(("FIRST", proxies, "other address") for proxies in (0, 1, 2)),
    ],
)
def test_the_rule_must_compare_the_address_that_the_proxies_leave(
    position: str | None, proxies: int, expected: Coverage
) -> None:
    """The first address of the header is never right: any client writes it."""
    assert read(web_acl(in_set(position)), proxies=proxies).coverage(ip_set()) == expected


def test_another_header_is_another_address() -> None:
    """The name of a header is compared in any case."""
    own = read(web_acl(in_set("LAST", "x-forwarded-for")), proxies=1)
    assert own.coverage(ip_set()) == "stopped"
    other = read(web_acl(in_set("LAST", "X-Real-IP")), proxies=1)
    assert other.coverage(ip_set()) == "other address"
    assert "compares an address of X-Real-IP" in other.sentence(ip_set())


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        *((action, "stopped") for action in ("Block", "Captcha", "Challenge")),
        *((action, "counted") for action in ("Count", "Allow")),
    ],
)
def test_the_action_must_stop(action: str, expected: Coverage) -> None:
    """Count goes on to the next rule, and Allow lets the request in."""
    assert read(web_acl(in_set(), action=action)).coverage(ip_set()) == expected


def test_the_best_rule_counts() -> None:
    """One that stops makes up for others that do not."""
    document = web_acl(in_set("FIRST"), all_of(in_set(), GEO), in_set())
    document["Rules"].insert(0, {"Name": "try", "Action": {"Count": {}}, "Statement": in_set()})
    rules = read(document)
    assert rules.coverage(ip_set()) == "stopped"
    assert rules.sentence(ip_set()) == (
        "shop-blocked-ipv4: rule rule-2 of web ACL edge stops its addresses, by the address of "
        "the connection."
    )
    assert rules.coverage(ip_set("IPV6")) == "nothing"


def test_a_rule_group_is_not_read_and_that_is_said() -> None:
    """Also those of Firewall Manager. A group has no action of its own."""
    document = web_acl(GEO)
    group = {"RuleGroupReferenceStatement": {"ARN": "arn:group"}}
    document["Rules"].append({"Name": "ours", "OverrideAction": {"None": {}}, "Statement": group})
    document["PreProcessFirewallManagerRuleGroups"] = [{"Name": "corporate"}]
    assert read(document).sentence(ip_set()) == (
        "shop-blocked-ipv4: nothing is blocked, because no rule of 1 web ACL refers to it (not "
        "read: rule groups edge/ours, edge/corporate)."
    )


@pytest.mark.parametrize(
    ("document", "proxies", "sentence"),
    [
        (
            web_acl(in_set(), action="Count"),
            0,
            "rule rule-0 of web ACL edge has the action Count: nothing is blocked.",
        ),
        (
            web_acl(in_set()),
            1,
            (
                "rule rule-0 of web ACL edge compares the address of the connection, and with "
                "ERRWATCH_WAF_PROXIES=1 it must be the last address of X-Forwarded-For: the wrong "
                "addresses are blocked, or none."
            ),
        ),
        (
            web_acl(all_of(in_set(), GEO)),
            0,
            (
                "rule rule-0 of web ACL edge stops its addresses only where its other conditions "
                "hold."
            ),
        ),
        (web_acl(), 0, "nothing is blocked, because no rule of 1 web ACL refers to it."),
    ],
)
def test_the_sentence_names_rule_and_reason(
    document: dict[str, Any], proxies: int, sentence: str
) -> None:
    """For the person who blocks: what is wrong, and where."""
    assert read(document, proxies=proxies).sentence(ip_set()) == f"shop-blocked-ipv4: {sentence}"


@pytest.fixture
def waf(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWaf]:
    """The strict double of WAF, in eu-central-1."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with FakeWaf() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", fake.url)
        yield fake


def config_of(scope: str) -> Config:
    """The configuration of the app `shop`."""
    return configuration.load({"ERRWATCH_WAF_SCOPE": scope}, {}, app_name="shop")


def own_sets(waf: FakeWaf, scope: str) -> tuple[IpSet, ...]:
    """Both sets as they exist."""
    families: tuple[Family, ...] = ("IPV4", "IPV6")
    region = "us-east-1" if scope == "CLOUDFRONT" else "eu-central-1"
    added = [
        waf.service.add(f"shop-blocked-{family.lower()}", family, region=region, scope=scope)
        for family in families
    ]
    return tuple(
        IpSet(
            name=one.name,
            scope="CLOUDFRONT" if scope == "CLOUDFRONT" else "REGIONAL",
            family=family,
            arn=one.arn,
        )
        for one, family in zip(added, families, strict=True)
    )


@pytest.mark.parametrize("scope", ["REGIONAL", "CLOUDFRONT"])
def test_every_page_is_read_in_the_region_of_the_scope(waf: FakeWaf, scope: str) -> None:
    """At five calls a second, since that is what the account has."""
    ipv4, ipv6 = own_sets(waf, scope)
    for number in range(4):
        waf.service.add_acl(f"other-{number}", [], scope)
    reference = {"IPSetReferenceStatement": {"ARN": ipv4.arn}}
    rule = {"Name": "blocked", "Priority": 0, "Action": {"Block": {}}, "Statement": reference}
    waf.service.add_acl("edge", [rule], scope)
    waited: list[float] = []
    rules = read_rules(
        Aws(patience=PROVISIONING), config_of(scope.lower()), (ipv4, ipv6), pause=waited.append
    )
    assert (rules.web_acls, rules.coverage(ipv4), rules.coverage(ipv6)) == (5, "stopped", "nothing")
    assert waited == [0.2] * 5
    assert {*waf.calls} == {"ListWebACLs", "GetWebACL"}


def test_without_a_web_acl_nothing_is_blocked(waf: FakeWaf) -> None:
    """That is said, and is no error."""
    sets = own_sets(waf, "REGIONAL")
    rules = read_rules(Aws(patience=PROVISIONING), config_of("regional"), sets)
    assert rules.sentence(sets[0]) == (
        "shop-blocked-ipv4: nothing is blocked, because there is no web ACL."
    )


def test_a_missing_permission_is_named(waf: FakeWaf) -> None:
    """The action that the policy lacks."""
    sets = own_sets(waf, "REGIONAL")
    waf.service.add_acl("edge", [])
    waf.denied.add("GetWebACL")
    with pytest.raises(AwsCallError, match="Allow wafv2:GetWebACL"):
        read_rules(Aws(patience=PROVISIONING), config_of("regional"), sets, pause=lambda _: None)


#: Every operation of WAF that writes a web ACL or moves one, in either spelling.
WRITES_A_WEB_ACL = re.compile(
    r"(create|update|delete|put|associate|disassociate|tag|untag)_?\w*?web_?acl", re.IGNORECASE
)
WRITES_A_SET = re.compile(r"update_?ip_?set\b", re.IGNORECASE)


def calls_in(folder: str, pattern: re.Pattern[str]) -> list[str]:
    """The strings of a folder's modules that name such an operation."""
    root = Path(flask_errwatch.__file__).parent / folder
    return [
        f"{path.name}: {text}"
        for path in sorted(root.rglob("*.py"))
        for text in re.findall(r'"([\w:]+)"', path.read_text(encoding="utf-8"))
        if pattern.search(text)
    ]


def test_no_call_that_writes_a_web_acl_exists_in_the_package() -> None:
    """UpdateWebACL replaces the whole web ACL: it belongs to its owner.

    Only the lab creates one, in its own emulator, as its owner would.
    """
    assert calls_in("", WRITES_A_WEB_ACL) == [*calls_in("lab", WRITES_A_WEB_ACL)]
    assert set(calls_in("lab", WRITES_A_WEB_ACL)) == {
        "__init__.py: create_web_acl",
        "surroundings.py: create_web_acl",
    }
    assert WRITES_A_WEB_ACL.search("update_web_acl")
    assert WRITES_A_WEB_ACL.search("wafv2:AssociateWebACL")
    assert not WRITES_A_WEB_ACL.search("get_web_acl")


def test_no_deployment_changes_the_addresses_of_a_set() -> None:
    """Only `iam.py` names the action, for the policy of the person on call."""
    assert calls_in("provision", WRITES_A_SET) == ["iam.py: UpdateIPSet"]
