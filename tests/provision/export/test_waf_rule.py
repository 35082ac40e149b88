"""The rule of a web ACL: the address that it compares, in three languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from flask_errwatch import ConfigurationError
from flask_errwatch.provision.export import (
    RULE_ACTIONS,
    RuleAction,
    cloudformation_rule,
    console_rule,
    terraform_rule,
    to_cloudformation,
)
from tests.fake_waf import FakeWaf
from tests.provision.export.hcl_layout import faults
from tests.provision.export.shops import shop
from tests.provision.export.test_cloudformation import findings
from tests.provision.shapes import violations
from tests.provision.test_ip_sets import run

ARNS = tuple(
    f"arn:aws:wafv2:eu-central-1:123456789012:regional/ipset/shop-blocked-{family}/"
    f"0000000{number}-0000-0000-0000-000000000000"
    for number, family in enumerate(("ipv4", "ipv6"))
)
POSITIONS = [(0, None), (1, "LAST"), (2, "ANY"), (32, "ANY")]


@pytest.fixture
def waf(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWaf]:
    """The strict double of WAF."""
    del account
    with FakeWaf() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", fake.url)
        yield fake


def statements(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a rule that refer to a set."""
    alternatives = rule["Statement"]["OrStatement"]["Statements"]
    return [one["IPSetReferenceStatement"] for one in alternatives]


@pytest.mark.parametrize(("proxies", "position"), POSITIONS)
def test_the_proxies_decide_which_address_is_compared(proxies: int, position: str | None) -> None:
    """None, one, more. Never the first one, which any client writes."""
    catalogue, config = shop(WAF_SCOPE="regional", WAF_PROXIES=proxies)
    rule = json.loads(console_rule(config, ARNS))
    for one, arn in zip(statements(rule), ARNS, strict=True):
        assert one["ARN"] == arn
        forwarded = one.get("IPSetForwardedIPConfig")
        assert forwarded == (
            None
            if position is None
            else {
                "HeaderName": "X-Forwarded-For",
                "FallbackBehavior": "NO_MATCH",
                "Position": position,
            }
        )
    for text in (
        terraform_rule(catalogue, config),
        cloudformation_rule(catalogue, config),
        json.dumps(rule),
    ):
        assert "FIRST" not in text
        assert text.count("X-Forwarded-For") == (0 if position is None else 2)
        assert text.count(f'"{position}"') == (0 if position is None else 2)


@pytest.mark.parametrize("action", RULE_ACTIONS)
@pytest.mark.parametrize("proxies", [0, 1])
def test_the_service_takes_the_rule(action: RuleAction, proxies: int) -> None:
    """The model of UpdateWebACL: types, required members, patterns and maxima."""
    _, config = shop(
        name="the shop (eu)", LOG_GROUP="shop", WAF_SCOPE="regional", WAF_PROXIES=proxies
    )
    rule = json.loads(console_rule(config, ARNS, action))
    assert list(rule["Action"]) == [action.capitalize()]
    assert rule["Name"] == "the-shop--eu--blocked"
    model = botocore.session.get_session().get_service_model("wafv2")
    shape = model.shape_for("Rule")
    assert not ParamValidator().validate(rule, shape).has_errors()
    assert [*violations(rule, shape)] == []


@pytest.mark.parametrize("action", RULE_ACTIONS)
@pytest.mark.parametrize("scope", ["regional", "cloudfront"])
def test_the_template_takes_the_rule(action: RuleAction, scope: str) -> None:
    """In a web ACL beside the exported sets, cfn-lint finds nothing."""
    app = shop(WAF_SCOPE=scope, WAF_PROXIES=1)
    rule = json.loads(cloudformation_rule(*app, action))
    template = json.loads(to_cloudformation(*app))
    template["Resources"]["WebAcl"] = {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": scope.upper(),
            "DefaultAction": {"Allow": {}},
            "VisibilityConfig": rule["VisibilityConfig"],
            "Rules": [rule],
        },
    }
    if scope == "cloudfront":
        template["Resources"]["WebAcl"]["Condition"] = "IsInCloudFrontRegion"
    assert findings(json.dumps(template)) == []
    rule["Statement"]["OrStatement"]["Statements"][0]["IPSetReferenceStatement"].pop("Arn")
    assert findings(json.dumps(template))


@pytest.mark.parametrize("scope", ["regional", "cloudfront"])
def test_the_sets_of_cloudfront_are_only_in_a_stack_of_their_region(scope: str) -> None:
    """Elsewhere the same template creates everything but the sets, and is not refused."""
    template = json.loads(to_cloudformation(*shop(WAF_SCOPE=scope)))
    conditions = {
        resource.get("Condition")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::WAFv2::IPSet"
    }
    if scope == "regional":
        assert conditions == {None}
        return
    assert conditions == {"IsInCloudFrontRegion"}
    is_there = {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}
    assert template["Conditions"]["IsInCloudFrontRegion"] == is_there


def test_terraform_refers_to_the_exported_sets() -> None:
    """A block for `aws_wafv2_web_acl`, formatted as `terraform fmt` would."""
    text = terraform_rule(*shop(WAF_SCOPE="regional", WAF_PROXIES=1), "count")
    assert faults(f"{text}\n") == []
    assert text.startswith('rule {\n  name     = "shop-blocked"\n  priority = 0\n')
    assert "  action {\n    count {}\n  }\n" in text
    assert text.count("arn = aws_wafv2_ip_set.blocked_ipv") == 2
    assert 'position          = "LAST"' in text


def test_the_console_gets_the_arns_of_the_sets_that_exist(waf: FakeWaf) -> None:
    """They contain an id, which only AWS has."""
    for family in ("IPV4", "IPV6"):
        waf.service.add(f"shop-blocked-{family.lower()}", family)
    result = run("export", "waf-rule", "--action", "challenge")
    rule = json.loads(result.output)
    assert [one["ARN"] for one in statements(rule)] == [one.arn for one in waf.service.sets]
    assert rule["Action"] == {"Challenge": {}}
    assert {*waf.calls} == {"ListIPSets", "GetIPSet"}


def test_without_usable_sets_there_is_no_rule(waf: FakeWaf) -> None:
    """One sentence: no scope, no set, or one of somebody else."""
    for language in ("console", "terraform", "cloudformation"):
        result = run("export", "waf-rule", "--format", language, WAF_SCOPE=None)
        assert result.exit_code == 1
        assert "set it to regional or cloudfront" in " ".join(result.output.split())
    with pytest.raises(ConfigurationError):
        terraform_rule(*shop())
    waf.service.add("shop-blocked-ipv6", "IPV6", description="of others")
    result = run("export", "waf-rule")
    assert result.exit_code == 1
    assert "IP set = 'shop-blocked-ipv4': It does not exist: run" in result.output
    assert "IP set = 'shop-blocked-ipv6': An IP set of this name exists" in result.output
