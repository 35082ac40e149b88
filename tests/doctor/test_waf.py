"""`doctor` says whether a block would have an effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.doctor import Finding, run_checks
from flask_errwatch.doctor.waf import waf_findings
from tests.doctor.scripted_aws import shop
from tests.fake_waf import FakeWaf
from tests.fake_waf_service import IpSet


@pytest.fixture
def waf(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWaf]:
    """The strict double of WAF beside moto."""
    del account
    with FakeWaf() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", fake.url)
        yield fake


def own_sets(waf: FakeWaf) -> list[IpSet]:
    """Both sets of the app, one with an address."""
    waf.service.add("shop-blocked-ipv4", "IPV4", ["192.0.2.7/32"])
    waf.service.add("shop-blocked-ipv6", "IPV6")
    return waf.service.sets


def rule(arn: str, action: str = "Block") -> dict[str, Any]:
    """A rule that refers to a set."""
    reference = {"IPSetReferenceStatement": {"ARN": arn}}
    return {"Name": "blocked", "Priority": 0, "Action": {action: {}}, "Statement": reference}


def findings(**settings: object) -> list[Finding]:
    """The findings about WAF."""
    _, config = shop(**{"WAF_SCOPE": "regional", **settings})
    return [*waf_findings(Aws(patience=PROVISIONING), config)]


def test_a_rule_for_each_set_is_sound(waf: FakeWaf) -> None:
    """The sets with their sizes, and the rule that stops the addresses of each."""
    ipv4, ipv6 = own_sets(waf)
    waf.service.add_acl("edge", [rule(ipv4.arn), rule(ipv6.arn)])
    assert [(one.level, one.subject) for one in findings()] == [
        ("ok", "IP sets"),
        ("ok", "web ACL"),
        ("ok", "web ACL"),
    ]
    assert findings()[0].message == (
        "shop-blocked-ipv4 has 1 address, shop-blocked-ipv6 has 0 addresses."
    )


def test_a_rule_that_stops_nobody_is_found(waf: FakeWaf) -> None:
    """Only counted may be intended. No rule, or one on another address, is not."""
    ipv4, _ = own_sets(waf)
    waf.service.add_acl("edge", [rule(ipv4.arn, "Count")])
    _, counted, missing = findings()
    assert (counted.level, missing.level) == ("warning", "problem")
    assert "has the action Count: nothing is blocked." in counted.message
    assert missing.remedy == (
        "Put the rule into the web ACL that `flask errwatch export waf-rule` prints."
    )
    waf.service.acls["REGIONAL"].clear()
    _, nothing, _ = findings()
    assert nothing.remedy == (
        "Create a web ACL, associate it with the load balancer or distribution in front of the "
        "app, and put the rule into it that `flask errwatch export waf-rule` prints."
    )
    waf.service.add_acl("edge", [rule(ipv4.arn)])
    _, other, _ = findings(WAF_PROXIES=1)
    assert other.level == "problem"
    assert "it must be the last address of X-Forwarded-For" in other.message


def test_sets_that_cannot_be_used_are_problems(waf: FakeWaf) -> None:
    """One is missing, one is somebody else's. The web ACLs are not read then."""
    waf.service.add("shop-blocked-ipv6", "IPV6", description="office")
    missing, foreign = findings()
    assert (missing.level, foreign.level) == ("problem", "problem")
    assert missing.remedy == "It does not exist: run `flask errwatch apply`."
    assert "this app does not manage it" in foreign.remedy
    assert "ListWebACLs" not in waf.calls


def test_without_a_scope_nothing_is_read(waf: FakeWaf) -> None:
    """Most apps have no WAF."""
    assert findings(WAF_SCOPE=None) == []
    assert waf.calls == []


def test_it_is_one_of_the_checks(waf: FakeWaf) -> None:
    """A denied read is a warning that names the action, and the other checks go on."""
    own_sets(waf)
    waf.denied.add("ListWebACLs")
    app = shop(WAF_SCOPE="regional")
    found = [*run_checks(Aws(patience=PROVISIONING), *app, wsgi_app=object())]
    (denied,) = (one for one in found if "wafv2:ListWebACLs failed" in one.message)
    assert (denied.subject, denied.level) == ("IP sets", "warning")
    assert found[-1].subject == "journal"
