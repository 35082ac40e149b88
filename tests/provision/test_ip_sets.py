"""A deployment creates the IP sets of AWS WAF and never changes their addresses.

WAF is the strict double, since emulators accept what the service refuses. moto has the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ConfigurationError, ErrWatch, Plan
from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli import errwatch
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision.apply import apply_plan, make_destroy_plan, make_plan
from flask_errwatch.provision.export import to_cloudformation, to_terraform
from flask_errwatch.provision.ip_set_problems import partition_problems
from flask_errwatch.provision.ip_sets import ip_sets
from flask_errwatch.provision.status import read_status
from tests.fake_waf import FakeWaf
from tests.fake_waf_service import IpSet

BLOCKED = [str(IPv4Network((0xC6120000 + number, 32))) for number in range(500)]
BLOCKED_6 = [f"2001:db8:{number:x}::/48" for number in range(500)]
NAMES = ["shop-blocked-ipv4", "shop-blocked-ipv6"]
WRITES = ("Create", "Delete", "Put", "Update", "Associate", "Disassociate")


@pytest.fixture
def waf(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWaf]:
    """The strict double of WAF beside moto, and one attempt a call."""
    del aws
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", PROVISIONING._replace(attempts=1))
    with FakeWaf() as fake:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", fake.url)
        yield fake


@pytest.fixture
def full(waf: FakeWaf) -> FakeWaf:
    """Both sets exist, each with 500 entries of people and of this app."""
    waf.service.add(NAMES[0], "IPV4", [*BLOCKED])
    waf.service.add(NAMES[1], "IPV6", [*BLOCKED_6])
    return waf


def run(*arguments: str, **settings: object) -> Result:
    """A command of the app `shop`, as a user types it."""
    app = Flask("shop")
    keys = {"WAF_SCOPE": "regional", **settings}
    app.config.update({f"ERRWATCH_{name}": value for name, value in keys.items()})
    ErrWatch(app)
    app.cli.add_command(errwatch)
    return app.test_cli_runner().invoke(args=["errwatch", *arguments])


def app_of(*, name: str = "shop", **settings: object) -> tuple[Catalogue, Config]:
    """The catalogue and configuration of an app with IP sets."""
    keys = {"WAF_SCOPE": "regional", **settings}
    config = configuration.load(
        {f"ERRWATCH_{key}": value for key, value in keys.items()}, {}, app_name=name
    )
    return Catalogue(DEFAULT_DETECTORS).configured(config), config


def written(waf: FakeWaf) -> list[str]:
    """The calls that write, in their order."""
    return [name for name in waf.calls if name.startswith(WRITES)]


def addresses(waf: FakeWaf) -> list[list[str]]:
    """What is in the sets."""
    return [one.addresses for one in waf.service.sets]


def test_apply_creates_an_empty_set_for_each_family(waf: FakeWaf) -> None:
    """With the marker in the description, and tags. A second run finds nothing to do."""
    assert run("apply", "--yes").exit_code == 0
    tags = [{"Key": "managed-by", "Value": "flask-errwatch"}, {"Key": "app", "Value": "shop"}]
    mark = "managed-by=flask-errwatch app=shop"
    assert [
        (one.name, one.family, one.scope, one.region, one.addresses, one.description, one.tags)
        for one in waf.service.sets
    ] == [
        (name, family, "REGIONAL", "eu-central-1", [], mark, tags)
        for name, family in zip(NAMES, ("IPV4", "IPV6"), strict=True)
    ]
    assert run("plan", "--check").exit_code == 0
    assert written(waf) == ["CreateIPSet", "CreateIPSet"]


def test_the_plan_says_what_blocking_costs_and_still_needs(waf: FakeWaf) -> None:
    """The sets are in the plan, and the sentence about the rule and its price below it."""
    output = " ".join(run("plan").output.split())
    assert all(f"create IP set {name}" in output for name in NAMES)
    assert "Nothing is blocked before a web ACL has the rule" in output
    assert "5.00 USD a month" in output
    assert written(waf) == []


def test_cloudfront_has_its_sets_in_its_region(waf: FakeWaf) -> None:
    """The app is in eu-central-1, and every call about its sets goes to us-east-1."""
    assert run("apply", "--yes", WAF_SCOPE="cloudfront").exit_code == 0
    places = [(one.scope, one.region) for one in waf.service.sets]
    assert places == [("CLOUDFRONT", "us-east-1"), ("CLOUDFRONT", "us-east-1")]
    assert run("plan", "--check", WAF_SCOPE="cloudfront").exit_code == 0
    assert run("destroy", "--yes", WAF_SCOPE="cloudfront").exit_code == 0
    assert waf.service.sets == []


def test_cloudfront_elsewhere_is_refused() -> None:
    """Partitions without us-east-1 have no sets for CloudFront."""
    _, config = app_of(WAF_SCOPE="cloudfront")
    assert [*partition_problems(config, "aws")] == []
    (problem,) = partition_problems(config, "aws-cn")
    assert str(problem) == (
        "ERRWATCH_WAF_SCOPE = 'cloudfront': The sets for CloudFront are in us-east-1, which "
        "partition aws-cn does not have: use regional."
    )


def test_a_deployment_leaves_500_entries_as_they_are(full: FakeWaf) -> None:
    """Whatever else it changes. No call changes a set, and its lock token stays."""
    tokens = [one.token for one in full.service.sets]
    for settings in (
        {"RETENTION_DAYS": 30},
        {"RETENTION_DAYS": 60, "ALARM_THRESHOLD": 20, "SNS_TOPIC": "ops"},
        {"RETENTION_DAYS": 60, "RELEASE": "2", "WAF_PROXIES": 2},
    ):
        assert run("apply", "--yes", **settings).exit_code == 0
        assert run("bootstrap", **settings).exit_code == 0
        assert run("status", **settings).exit_code == 0
    assert addresses(full) == [BLOCKED, BLOCKED_6]
    assert [one.token for one in full.service.sets] == tokens
    assert written(full) == []


def test_an_app_without_a_scope_leaves_the_sets_alone(full: FakeWaf) -> None:
    """To turn the scope off deletes nothing: only `destroy` with the scope does."""
    assert run("apply", "--yes").exit_code == 0
    assert run("apply", "--yes", WAF_SCOPE=None).exit_code == 0
    assert run("destroy", "--yes", WAF_SCOPE=None).exit_code == 0
    assert addresses(full) == [BLOCKED, BLOCKED_6]
    assert written(full) == []


def test_destroy_says_how_many_addresses_it_deletes(full: FakeWaf) -> None:
    """Before it asks, for each set."""
    shown = run("destroy")
    assert shown.exit_code == 1  # nobody answered the question
    assert shown.output.count("with 500 blocked addresses") == 2
    assert addresses(full) == [BLOCKED, BLOCKED_6]
    assert run("destroy", "--yes").exit_code == 0
    assert full.service.sets == []


def test_a_block_between_plan_and_destroy_is_not_lost(full: FakeWaf) -> None:
    """The set is deleted as it was shown, or not at all."""
    aws, (catalogue, config) = Aws(patience=PROVISIONING), app_of()
    plan = make_destroy_plan(aws, catalogue, config)
    full.service.sets[0].token = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(ProvisioningError) as caught:
        apply_plan(aws, plan)
    assert "The IP set was changed after it was read: run the command again." in str(caught.value)
    assert caught.value.applied == ()
    assert len(full.service.sets) == 2


def test_a_set_that_a_rule_uses_is_not_deleted(full: FakeWaf, aws: Aws) -> None:
    """One sentence, exit code 1, and nothing else was deleted either."""
    assert run("apply", "--yes").exit_code == 0
    alarms = aws.call("cloudwatch", "describe_alarms")["MetricAlarms"]
    assert alarms
    full.service.referenced.add(full.service.sets[0].arn)
    result = run("destroy", "--yes")
    assert result.exit_code == 1
    assert "remove that rule first" in " ".join(result.output.split())
    assert addresses(full) == [BLOCKED, BLOCKED_6]
    assert aws.call("cloudwatch", "describe_alarms")["MetricAlarms"] == alarms


def foreign(waf: FakeWaf) -> IpSet:
    """A set of the app's name that people made and filled."""
    return waf.service.add(NAMES[0], "IPV4", ["192.0.2.0/24"], description="office list")


@pytest.mark.parametrize("command", ["apply --yes", "apply --yes --adopt", "plan"])
def test_a_set_of_somebody_else_is_left_alone(waf: FakeWaf, aws: Aws, command: str) -> None:
    """It cannot be adopted either: that would rewrite it. Nothing is changed."""
    foreign(waf)
    result = run(*command.split())
    assert result.exit_code == 1
    assert (
        "IP set = 'shop-blocked-ipv4': An IP set of this name exists, with 1 address, and this app "
        "does not manage it: it is left alone."
    ) in " ".join(result.output.split())
    assert written(waf) == []
    assert addresses(waf) == [["192.0.2.0/24"]]
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []


def test_the_status_shows_a_set_that_is_missing(full: FakeWaf) -> None:
    """As drift. One that is there is as declared, whatever is in it."""
    assert run("apply", "--yes").exit_code == 0
    full.service.sets.pop(0)
    status = read_status(Aws(patience=PROVISIONING), *app_of())
    assert [str(change) for change in status.plan.changes] == ["create IP set shop-blocked-ipv4"]
    assert status.plan.notes == ()


def test_neither_status_nor_destroy_stops_at_a_set_of_somebody_else(waf: FakeWaf) -> None:
    """The status says so and shows the rest. `destroy` leaves the set."""
    assert run("apply", "--yes").exit_code == 0
    waf.service.sets.pop(0)
    foreign(waf)
    status = read_status(Aws(patience=PROVISIONING), *app_of())
    assert any("this app does not manage it" in note for note in status.notes)
    assert run("destroy", "--yes").exit_code == 0
    assert addresses(waf) == [["192.0.2.0/24"]]


def test_an_app_of_a_similar_name_is_somebody_else(waf: FakeWaf) -> None:
    """`shop.web` and `shop-web` have sets of one name: the description tells them apart."""
    aws = Aws(patience=PROVISIONING)
    apply_plan(aws, make_plan(aws, *app_of(name="shop.web")))
    assert [one.name for one in waf.service.sets] == [
        *("shop-web-blocked-ipv4", "shop-web-blocked-ipv6"),
    ]
    with pytest.raises(ProvisioningError, match="does not manage it"):
        make_plan(aws, *app_of(name="shop-web"))


def test_a_set_of_the_wrong_family_is_refused(waf: FakeWaf) -> None:
    """A family is for ever."""
    waf.service.add(NAMES[0], "IPV6")
    result = run("apply", "--yes")
    assert result.exit_code == 1
    assert "It is a set of IPV6, and the family of a set cannot be changed" in " ".join(
        result.output.split()
    )
    assert written(waf) == []


@pytest.mark.parametrize("action", ["ListIPSets", "GetIPSet", "CreateIPSet"])
def test_a_missing_permission_is_named(full: FakeWaf, action: str) -> None:
    """One sentence with the IAM action, and exit code 1."""
    if action == "CreateIPSet":
        full.service.sets.clear()
    full.denied.add(action)
    result = run("apply", "--yes")
    assert result.exit_code == 1
    assert f"Allow wafv2:{action} in the IAM policy" in " ".join(result.output.split())
    assert len(full.service.sets) in {0, 2}


def test_two_workers_that_start_at_once_both_succeed(waf: FakeWaf) -> None:
    """The second one finds that the set is there."""
    aws = Aws(patience=PROVISIONING)
    plans = [make_plan(aws, *app_of()) for _ in range(2)]
    for plan in plans:
        apply_plan(aws, plan)
    assert [one.name for one in waf.service.sets] == NAMES


def test_the_second_set_waits_for_its_turn(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """WAF takes one creation a second from the whole account: it is tried again."""
    with FakeWaf(write_interval=1.0) as waf:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", waf.url)
        apply_plan(aws, make_plan(aws, *app_of()))
        assert [one.name for one in waf.service.sets] == NAMES


def test_the_sets_are_found_behind_many_others(waf: FakeWaf) -> None:
    """WAF lists page by page."""
    for number in range(7):
        waf.service.add(f"other-{number}", "IPV4", description="of others")
    assert run("apply", "--yes").exit_code == 0
    assert run("plan", "--check").exit_code == 0


def test_a_name_that_is_too_long_is_refused() -> None:
    """WAF takes 128 characters, which leaves 115 for the app's."""
    _, config = app_of(name="a" * 115)
    assert [len(one.name) for one in ip_sets(config)] == [128, 128]
    with pytest.raises(ConfigurationError, match="129 characters of at most 128") as caught:
        to_terraform(*app_of(name="a" * 116))
    assert {problem.key for problem in caught.value.problems} == {"IP set"}


@pytest.mark.parametrize("name", ["shop~web", "shop (eu)"])
def test_a_name_that_another_app_may_share_is_refused(name: str) -> None:
    """Its description would lose characters, so that two apps could have the same sets."""
    with pytest.raises(ConfigurationError, match="Set ERRWATCH_APP_NAME to a name of") as caught:
        to_terraform(*app_of(name=name, LOG_GROUP="shop"))
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == ("ERRWATCH_APP_NAME", name)


@pytest.mark.parametrize("name", ["shop.web", "shop web", "shop_web", "shop-web"])
def test_a_name_whose_description_is_its_own(name: str) -> None:
    """The names of sets may be alike: the description has the app's name as it is."""
    _, config = app_of(name=name, LOG_GROUP="shop")
    assert {one.description for one in ip_sets(config)} == {f"managed-by=flask-errwatch app={name}"}


#: Changes of an app that change its templates.
CHANGES: list[dict[str, Any]] = [
    {"RETENTION_DAYS": 30},
    {"ALARM_THRESHOLD": 20, "NOTIFY": "app", "SNS_TOPIC": "ops"},
    {"WAF_PROXIES": 1, "RELEASE": "2", "ENVIRONMENT": "live"},
    {"NEVER_BLOCK": "192.0.2.1", "DASHBOARD": True, "REGION": "eu-west-1"},
]


@pytest.mark.parametrize("settings", CHANGES)
def test_a_stack_update_has_no_change_of_a_set(full: FakeWaf, settings: dict[str, Any]) -> None:
    """CloudFormation calls UpdateIPSet only if the template of a set changed: it never does."""
    before, after = _ip_set_resources(), _ip_set_resources(**settings)
    assert before == after
    assert all(one["DeletionPolicy"] == "Retain" for one in before.values())
    assert all(one["UpdateReplacePolicy"] == "Retain" for one in before.values())
    assert sorted(before) == ["BlockedIpv4IpSet", "BlockedIpv6IpSet"]
    assert full.calls == []


def _ip_set_resources(**settings: Any) -> dict[str, Any]:
    resources: dict[str, Any] = json.loads(to_cloudformation(*app_of(**settings)))["Resources"]
    return {name: one for name, one in resources.items() if one["Type"] == "AWS::WAFv2::IPSet"}


def test_terraform_ignores_the_addresses(full: FakeWaf) -> None:
    """Both sets have the lifecycle, and neither export calls AWS or has an address."""
    text = to_terraform(*app_of())
    assert text.count("ignore_changes = [addresses]") == 2
    assert text.count('resource "aws_wafv2_ip_set"') == 2
    assert BLOCKED[0] not in text
    assert full.calls == []


@pytest.mark.parametrize("scope", ["regional", "cloudfront"])
def test_an_export_prints_the_same_with_and_without_entries(waf: FakeWaf, scope: str) -> None:
    """What is in the sets is no part of any export."""
    exports: list[Callable[[], str]] = [
        lambda: to_terraform(*app_of(WAF_SCOPE=scope)),
        lambda: to_cloudformation(*app_of(WAF_SCOPE=scope)),
        lambda: run("export", "iam", WAF_SCOPE=scope).output,
        lambda: run("export", "waf-rule", WAF_SCOPE=scope).output,
    ]
    place = {"regional": "eu-central-1", "cloudfront": "us-east-1"}[scope]
    for name, family in zip(NAMES, ("IPV4", "IPV6"), strict=True):
        waf.service.add(name, family, region=place, scope=scope.upper())
    before = [export() for export in exports]
    for one, entries in zip(waf.service.sets, (BLOCKED, BLOCKED_6), strict=True):
        one.addresses = [*entries]
    assert [export() for export in exports] == before
    assert addresses(waf) == [BLOCKED, BLOCKED_6]
    assert written(waf) == []


def test_an_interrupted_deployment_finishes_later(waf: FakeWaf) -> None:
    """A set that could not be created is in the next plan."""
    waf.fails["CreateIPSet"] = 1
    assert run("apply", "--yes").exit_code == 1
    assert waf.service.sets == []
    plan: Plan = make_plan(Aws(patience=PROVISIONING), *app_of())
    assert [str(change) for change in plan.changes] == [f"create IP set {name}" for name in NAMES]
    assert run("apply", "--yes").exit_code == 0
    assert [one.name for one in waf.service.sets] == NAMES
