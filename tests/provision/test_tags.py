"""`ERRWATCH_TAGS`: on everything that takes tags, compared, and never removed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from flask_errwatch import ConfigurationError
from flask_errwatch import config as configuration
from flask_errwatch._aws import Aws
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision import AwsScope, Difference, Plan, desired_resources
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.export import to_cloudformation, to_terraform
from flask_errwatch.provision.export.iam import iam_policy
from flask_errwatch.provision.resources import IpSet
from flask_errwatch.provision.to_aws import calls_for

Shop = Callable[..., Plan]
Writes = Callable[[], list[str]]

ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
OWN = {"team": "web", "cost center": "4711"}
EVERYTHING: dict[str, object] = {
    "SNS_TOPIC": "ops",
    "PER_SOURCE_ALARMS": "not-found-error",
    "SILENCE_ALARM": True,
    "DASHBOARD": True,
    "TAGS": OWN,
}
ALL = {"managed-by": "flask-errwatch", "app": "shop", **OWN}


def tags_of(aws: Aws, arn: str) -> dict[str, str]:
    """The tags of a resource of CloudWatch."""
    listed = aws.call("cloudwatch", "list_tags_for_resource", ResourceARN=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in listed}


def group_of(aws: Aws) -> dict[str, str]:
    """The tags of the log group."""
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    answer = aws.call("logs", "list_tags_for_resource", resourceArn=group["logGroupArn"])
    return dict(answer["tags"])


def alarm_arns(aws: Aws) -> dict[str, str]:
    """The ARN of each alarm."""
    alarms = aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")
    return {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in alarms}


@pytest.fixture
def tagged_dashboards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto stores no tags of dashboards, so that each plan would give them again."""
    call = Aws.call

    def answered(aws: Aws, service: str, method: str, /, **arguments: object) -> dict[str, object]:
        arn = str(arguments.get("ResourceARN", ""))
        if method == "list_tags_for_resource" and ":dashboard/" in arn:
            return {"Tags": [{"Key": key, "Value": value} for key, value in ALL.items()]}
        return call(aws, service, method, **arguments)

    monkeypatch.setattr(Aws, "call", answered)


@pytest.mark.usefixtures("tagged_dashboards")
def test_everything_that_takes_tags_gets_them(aws: Aws, shop: Shop) -> None:
    """Beside the two that identify the owner. A second run finds nothing to do."""
    shop(**EVERYTHING)
    assert group_of(aws) == ALL
    topic = aws.call("sns", "list_tags_for_resource", ResourceArn=ARN)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in topic} == ALL
    alarms = alarm_arns(aws)
    assert "shop-silent" in alarms
    assert [tags_of(aws, arn) for arn in alarms.values()] == [ALL] * len(alarms)
    rule = (
        "arn:aws:cloudwatch:eu-central-1:123456789012:insight-rule/shop-not-found-error-one-source"
    )
    assert tags_of(aws, rule) == ALL
    assert shop(**EVERYTHING).is_empty


@pytest.mark.usefixtures("tagged_dashboards")
def test_a_tag_that_differs_is_put_back_and_foreign_ones_stay(
    aws: Aws, shop: Shop, writes: Writes
) -> None:
    """Each is one difference. Only tags are written, and what others tagged is never removed."""
    shop(**EVERYTHING)
    arn = alarm_arns(aws)["shop-critical-error"]
    aws.call(
        "cloudwatch",
        "tag_resource",
        ResourceARN=arn,
        Tags=[{"Key": "team", "Value": "ops"}, {"Key": "stack", "Value": "blue"}],
    )
    aws.call("cloudwatch", "untag_resource", ResourceARN=arn, TagKeys=["cost center"])
    aws.call("sns", "untag_resource", ResourceArn=ARN, TagKeys=["team"])
    (group,) = aws.call("logs", "describe_log_groups")["logGroups"]
    aws.call("logs", "untag_resource", resourceArn=group["logGroupArn"], tagKeys=["team"])
    writes()
    plan = shop(**EVERYTHING)
    assert [(str(change), change.differences) for change in plan.changes] == [
        ("update log group shop", (Difference(field="tags.team", old=None, new="web"),)),
        ("update topic ops", (Difference(field="tags.team", old=None, new="web"),)),
        (
            "update alarm shop-critical-error",
            (
                Difference(field="tags.team", old="ops", new="web"),
                Difference(field="tags.cost center", old=None, new="4711"),
            ),
        ),
    ]
    assert writes() == ["TagResource", "TagResource", "TagResource"]
    assert tags_of(aws, arn) == {**ALL, "stack": "blue"}
    assert shop(**EVERYTHING).is_empty


@pytest.mark.usefixtures("tagged_dashboards")
def test_tags_that_are_added_later(aws: Aws, shop: Shop) -> None:
    """They are updates of what exists, and removing the key removes no tag."""
    # moto refuses to tag a rule that exists.
    settings: dict[str, object] = {"SNS_TOPIC": "ops", "DASHBOARD": True}
    shop(**settings)
    plan = shop(**settings, TAGS=OWN)
    assert plan.count("create") == 0
    assert "tags.team: none → web" in str(plan)
    assert {difference.field for change in plan.changes for difference in change.differences} == {
        "tags.team",
        "tags.cost center",
    }
    assert shop(**settings).is_empty
    assert group_of(aws) == ALL


def test_a_group_of_others_is_not_tagged(aws: Aws, shop: Shop) -> None:
    """It is used as it is."""
    aws.call("logs", "create_log_group", logGroupName="shop", tags={"owner": "them"})
    shop(TAGS=OWN)
    assert group_of(aws) == {"owner": "them"}
    assert shop(TAGS=OWN).is_empty


def test_without_permission_to_list_tags_there_is_one_note(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the plan is as it was, and no other resource is asked for."""
    shop(TAGS=OWN)
    call = Aws.call
    asked: list[str] = []

    def refused(self: Aws, service: str, method: str, /, **arguments: object) -> dict[str, object]:
        if (service, method) == ("cloudwatch", "list_tags_for_resource"):
            asked.append(method)
            raise AwsCallError(
                action="cloudwatch:ListTagsForResource",
                code="AccessDenied",
                message="no",
                remedy="Allow cloudwatch:ListTagsForResource.",
                kind="permission",
            )
        return call(self, service, method, **arguments)

    monkeypatch.setattr(Aws, "call", refused)
    plan = shop(TAGS=OWN)
    assert plan.is_empty
    (note,) = plan.notes
    assert note.startswith("tags: cloudwatch:ListTagsForResource failed with AccessDenied")
    assert asked == ["list_tags_for_resource"]


def test_a_change_of_more_than_tags_writes_both(aws: Aws, shop: Shop, writes: Writes) -> None:
    """Tags first: if they were last and failed, the next plan would find no difference."""
    shop()
    writes()
    shop(TAGS=OWN, RETENTION_DAYS=365)
    assert writes()[:2] == ["TagResource", "PutRetentionPolicy"]
    assert group_of(aws) == ALL


def test_an_ip_set_is_tagged_without_touching_its_addresses() -> None:
    """One call in the region of its scope, and none that writes addresses."""
    config = configuration.load(
        {"ERRWATCH_WAF_SCOPE": "cloudfront", "ERRWATCH_TAGS": OWN}, {}, app_name="shop"
    )
    place = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
    desired = desired_resources(
        Catalogue(DEFAULT_DETECTORS).configured(config), config, scope=place
    )
    declared = desired.ip_sets[0]
    existing = IpSet(name=declared.name, scope="CLOUDFRONT", family="IPV4", arn="arn:aws:wafv2:…")
    difference = Difference(field="tags.team", old=None, new="web")
    change = Change(action="update", resource=declared, actual=existing, differences=(difference,))
    (call,) = calls_for(change)
    assert (call.service, call.method, call.region) == ("wafv2", "tag_resource", "us-east-1")
    assert call.arguments == {
        "ResourceARN": "arn:aws:wafv2:…",
        "Tags": [{"Key": key, "Value": value} for key, value in ALL.items()],
    }


def exported(**settings: object) -> tuple[Catalogue, configuration.Config]:
    """The catalogue and configuration of an export."""
    keys = {f"ERRWATCH_{name}": value for name, value in {**EVERYTHING, **settings}.items()}
    config = configuration.load(keys, {}, app_name="shop")
    return Catalogue(DEFAULT_DETECTORS).configured(config), config


def test_exports_have_them_too() -> None:
    """In CloudFormation not on IP sets: an update of their tags would empty them."""
    template = json.loads(to_cloudformation(*exported(WAF_SCOPE="regional")))["Resources"]
    tagged = {
        name: {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
        for name, resource in template.items()
        if "Tags" in resource["Properties"]
    }
    marks = {"managed-by": "flask-errwatch", "app": "shop"}
    assert tagged.pop("BlockedIpv4IpSet") == marks
    assert tagged.pop("BlockedIpv6IpSet") == marks
    assert {"LogGroup", "OpsTopic", "SilentAlarm", "ErrorsDashboard"} <= {
        *("LogGroup" if name.endswith("LogGroup") else name for name in tagged)
    }
    assert [*tagged.values()] == [ALL] * len(tagged)
    terraform = to_terraform(*exported())
    assert terraform.count('"cost center" = "4711"') == terraform.count('= "flask-errwatch"')


def test_the_deployment_may_list_tags_only_with_the_key() -> None:
    """The policy allows what is called."""

    def actions(**settings: object) -> set[str]:
        statements = iam_policy("deploy", *exported(**settings))["Statement"]
        assert isinstance(statements, list)
        return {action for one in statements for action in [one["Action"]][0]}

    assert "cloudwatch:ListTagsForResource" in actions()
    assert "cloudwatch:ListTagsForResource" not in actions(TAGS={})


@pytest.mark.parametrize(
    ("tags", "remedy"),
    [
        ({"aws:team": "web"}, "begins with 'aws:'"),
        ({"AWS:team": "web"}, "begins with 'aws:'"),
        ({"app": "other"}, "marks what this app manages"),
        ({"Managed-By": "me"}, "marks what this app manages"),
        ({"": "web"}, "a key has 1 to 128 characters"),
        ({"k" * 129: "web"}, "a key has 1 to 128 characters"),
        ({"team": "v" * 257}, "a value at most 256"),
        ({"team": "web;ops"}, "use letters, digits, spaces and _ . : / = + - @"),
        ({"te$am": "web"}, "use letters, digits, spaces and _ . : / = + - @"),
        ({"team": "web\n"}, "use letters, digits, spaces and _ . : / = + - @"),
        ({f"k{n}": "" for n in range(49)}, "at most 48 tags"),
        ({"Team": "a", "team": "b"}, "differ only in case"),
        ({"team": 7}, "Use strings"),
        (["team"], "Use strings"),
        ('{"team": ', "Use strings"),
        ("team=web", "Use strings"),
    ],
)
def test_tags_that_aws_refuses_are_refused_at_the_start(tags: object, remedy: str) -> None:
    """With the key and what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        configuration.load({"ERRWATCH_TAGS": tags}, {}, app_name="shop")
    (problem,) = caught.value.problems
    assert problem.key == "ERRWATCH_TAGS"
    assert remedy in problem.remedy


def test_tags_of_the_environment_are_json() -> None:
    """A container has them in a variable. Letters of any script are allowed."""
    environ = {"ERRWATCH_TAGS": '{"équipe": "пла/тежи @ +1", "empty": ""}'}
    config = configuration.load({}, environ, app_name="shop")
    assert config.tags == {"équipe": "пла/тежи @ +1", "empty": ""}
    assert configuration.load({}, {"ERRWATCH_TAGS": ""}, app_name="shop").tags == {}
