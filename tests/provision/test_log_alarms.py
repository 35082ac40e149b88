"""Log alarms and their role in AWS. moto lacks them: the recorder answers as the model says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flask_errwatch import SourceAlarm
from flask_errwatch import config as configuration
from flask_errwatch._aws import Aws, call_error
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import AwsCallError, ProvisioningError
from flask_errwatch.provision import apply, desired_resources
from flask_errwatch.provision.apply import apply_plan, bootstrap, make_destroy_plan, make_plan
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.status import read_status
from flask_errwatch.provision.to_aws import calls_for
from tests.provision.export.recorded import Recorder
from tests.provision.shapes import violations

OWN_ROLE = "arn:aws:iam::123456789012:role/shop-log-alarms-eu-central-1"
OPS_ROLE = "arn:aws:iam::123456789012:role/ops"
SCAN = Detector(
    name="scan",
    where="$.suspicion > 0",
    value="$.suspicion",
    alarm=SourceAlarm(threshold=16, period=600),
)


def app(*detectors: Detector, **settings: object) -> tuple[Catalogue, Config]:
    """Returns the catalogue and configuration of the app `shop`."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    return Catalogue(detectors or (SCAN,)).configured(config), config


@pytest.fixture
def recorder(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Records the calls, and answers those that moto lacks."""
    del aws
    recorder = Recorder()
    monkeypatch.setattr(Aws, "call", recorder.wrap(Aws.call))
    monkeypatch.setattr(apply, "_WAITS", (0, 0, 0, 0, 0))
    return recorder


def written(recorder: Recorder) -> list[str]:
    """Returns the methods of the writing calls since the last time."""
    reads = ("describe", "list", "get", "filter")
    calls = recorder.pop_calls()
    return [call.method for call in calls if not call.method.startswith(reads)]


def test_a_log_alarm_is_created_updated_and_deleted(aws: Aws, recorder: Recorder) -> None:
    """Its request is what CloudWatch takes, a second run changes nothing, and tags come first."""
    bootstrap(aws, *app(LOG_ALARM_ROLE=OPS_ROLE))
    (request,) = recorder.of("put_log_alarm")
    assert {**request, "AlarmDescription": ""} == {
        "AlarmName": "shop-scan",
        "AlarmDescription": "",
        "ActionsEnabled": True,
        "AlarmActions": [],
        "OKActions": [],
        "InsufficientDataActions": [],
        "ScheduledQueryConfiguration": {
            "QueryString": "filter suspicion > 0",
            "LogGroupIdentifiers": ["shop"],
            "ScheduledQueryRoleARN": OPS_ROLE,
            "ScheduleConfiguration": {
                "ScheduleExpression": "rate(1 minute)",
                "StartTimeOffset": 660,
                "EndTimeOffset": 60,
            },
            "AggregationExpression": "sum(suspicion) by client_ip | sort desc",
        },
        "QueryResultsToEvaluate": 1,
        "QueryResultsToAlarm": 1,
        "Threshold": 16.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "Tags": [
            {"Key": "managed-by", "Value": "flask-errwatch"},
            {"Key": "app", "Value": "shop"},
        ],
    }
    recorder.pop_calls()
    assert bootstrap(aws, *app(LOG_ALARM_ROLE=OPS_ROLE)).is_empty
    assert written(recorder) == []
    changed = app(LOG_ALARM_ROLE=OPS_ROLE, PER_SOURCE_ALARMS={"scan": 5})
    (change,) = bootstrap(aws, *changed).changes
    assert [str(difference.field) for difference in change.differences] == ["threshold"]
    assert written(recorder) == ["tag_resource", "put_log_alarm"]
    apply_plan(aws, make_destroy_plan(aws, *changed), force=True)
    assert recorder.log_alarms == {}
    (names,) = recorder.of("delete_alarms")
    assert names == {"AlarmNames": ["shop-scan"]}


@pytest.mark.parametrize("length", [1, 240])
def test_no_request_exceeds_what_the_model_allows(aws: Aws, length: int) -> None:
    """Botocore checks minima and types only. The longest names and descriptions fit."""
    name = "s" * length
    detector = Detector(
        name="x" * min(100, 254 - length),
        event="E" * 100,
        where=" && ".join(f"$.field_{number} > {number}" for number in range(48)),
        description="d" * 500,
        alarm=SourceAlarm(threshold=1e9, period=86_400),
    )
    arn = f"arn:aws:iam::123456789012:role/{'r' * 512}/{'r' * 63}"
    keys = {"ERRWATCH_LOG_ALARM_ROLE": arn, "ERRWATCH_TRUSTED_PROXIES": 2}
    config = configuration.load({**keys, "ERRWATCH_LOG_GROUP": "g" * 512}, {}, app_name=name)
    (alarm,) = desired_resources(Catalogue((detector,)), config).log_alarms
    (call,) = calls_for(Change(action="create", resource=alarm))
    model = aws.client("cloudwatch").meta.service_model
    shape = model.operation_model("PutLogAlarm").input_shape
    assert [*violations(call.arguments, shape)] == []
    too_long = {**call.arguments, "AlarmName": "x" * 256, "QueryResultsToAlarm": 0}
    assert [*violations(too_long, shape)] == [
        ".AlarmName has 256, more than 255",
        ".QueryResultsToAlarm has 0, less than 1",
    ]


def test_apply_creates_the_role_on_request(aws: Aws, recorder: Recorder) -> None:
    """Only then, before the alarm, and with conditions. The next plans use it and leave it."""
    insight = bootstrap(aws, *app())
    assert "shop-scan-one-source" in str(insight)
    assert not {"create_role", "put_role_policy"} & set(written(recorder))
    plan = make_plan(aws, *app(), create_role=True)
    assert [str(change) for change in plan.changes] == [
        "create role shop-log-alarms-eu-central-1",
        "create log alarm shop-scan",
        "delete insight rule shop-scan-one-source",
        "delete alarm shop-scan-one-source",
    ]
    apply_plan(aws, plan)
    (created,), (policy,) = recorder.of("create_role"), recorder.of("put_role_policy")
    assert json.loads(created["AssumeRolePolicyDocument"])["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {
                    "aws:SourceArn": "arn:aws:logs:eu-central-1:123456789012:scheduled-query:*"
                },
            },
        }
    ]
    assert json.loads(policy["PolicyDocument"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:GetQueryResults", "logs:StartQuery"],
            "Resource": "arn:aws:logs:eu-central-1:123456789012:log-group:shop:*",
        },
        {
            "Effect": "Allow",
            "Action": ["logs:DescribeLogGroups", "logs:StopQuery"],
            "Resource": "*",
        },
    ]
    assert created["Tags"] == [
        {"Key": "managed-by", "Value": "flask-errwatch"},
        {"Key": "app", "Value": "shop"},
    ]
    assert make_plan(aws, *app()).is_empty
    assert make_plan(aws, *app(), create_role=True).is_empty
    stored = recorder.log_alarms["shop-scan"]["ScheduledQueryConfiguration"]
    assert stored["ScheduledQueryRoleARN"] == OWN_ROLE


def test_the_role_follows_the_log_group(aws: Aws, recorder: Recorder) -> None:
    """Its policy is brought up to date, as a document, when the role may be changed."""
    apply_plan(aws, make_plan(aws, *app(), create_role=True))
    recorder.pop_calls()
    plan = make_plan(aws, *app(LOG_GROUP="other"), create_role=True)
    (change,) = (change for change in plan.changes if change.resource.kind == "role")
    assert [difference.field for difference in change.differences] == [
        "permissions.Statement[0].Resource"
    ]
    apply_plan(aws, plan, force=True)
    assert {"update_assume_role_policy", "put_role_policy"} <= set(written(recorder))


def test_destroy_deletes_only_a_role_of_its_own(aws: Aws, recorder: Recorder) -> None:
    """A role of this name without our tags is used by nobody, and never deleted."""
    apply_plan(aws, make_plan(aws, *app(), create_role=True))
    apply_plan(aws, make_destroy_plan(aws, *app()), force=True)
    with pytest.raises(AwsCallError, match="NoSuchEntity"):
        aws.call("iam", "get_role", RoleName="shop-log-alarms-eu-central-1")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    aws.call(
        "iam",
        "create_role",
        RoleName="shop-log-alarms-eu-central-1",
        AssumeRolePolicyDocument=trust,
    )
    assert "shop-scan-one-source" in str(bootstrap(aws, *app()))
    with pytest.raises(ProvisioningError, match="exists without the tags of this app"):
        make_plan(aws, *app(), create_role=True)
    apply_plan(aws, make_destroy_plan(aws, *app()), force=True)
    assert aws.call("iam", "get_role", RoleName="shop-log-alarms-eu-central-1")["Role"]
    assert "delete_role" not in written(recorder)[-3:]


def test_who_may_not_read_roles_keeps_the_log_alarms(
    aws: Aws, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each deployment without the permission would replace them by another kind."""
    apply_plan(aws, make_plan(aws, *app(), create_role=True))
    recorder.pop_calls()
    recording = Aws.call

    def refused(self: Aws, service: str, method: str, /, **arguments: Any) -> Any:
        if service == "iam":
            raise AwsCallError(
                action="iam:GetRole", code="AccessDenied", message="no", remedy="Allow iam:GetRole."
            )
        return recording(self, service, method, **arguments)

    monkeypatch.setattr(Aws, "call", refused)
    plan = make_plan(aws, *app())
    assert plan.is_empty
    assert plan.notes == (
        "role of log alarms: iam:GetRole failed with AccessDenied (no): Allow iam:GetRole.",
    )


def test_an_older_boto3_falls_back(
    aws: Aws, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its model lacks PutLogAlarm and LogAlarms: nothing asks for them, and the plan says why."""
    model = aws.client("cloudwatch").meta.service_model
    known = [name for name in model.operation_names if "LogAlarm" not in name]
    monkeypatch.setitem(model.__dict__, "operation_names", known)
    assert not aws.has("cloudwatch", "PutLogAlarm")
    for create_role in (False, True):
        plan = make_plan(aws, *app(LOG_ALARM_ROLE=OPS_ROLE), create_role=create_role)
        assert "shop-scan-one-source" in str(plan)
        assert "since this boto3 is older than 1.43.37" in str(plan)
        assert "create role" not in str(plan)
    types = [call.get("AlarmTypes") for call in recorder.of("describe_alarms")]
    assert ["LogAlarm"] not in types
    assert ["MetricAlarm"] in types


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceConflict", "The alarm is being updated."),
        ("ValidationError", "CloudWatch Logs cannot assume the role provided."),
    ],
)
def test_what_passes_is_tried_again(aws: Aws, recorder: Recorder, code: str, message: str) -> None:
    """CloudWatch still works on the alarm, or IAM does not know the new role everywhere."""
    failures = iter([code, code])
    answer = recorder._put_log_alarm

    def failing(**arguments: Any) -> dict[str, Any]:
        for failure in failures:
            raise AwsCallError(
                action="cloudwatch:PutLogAlarm", code=failure, message=message, remedy=""
            )
        return answer(**arguments)

    recorder._put_log_alarm = failing  # type: ignore[method-assign]
    bootstrap(aws, *app(LOG_ALARM_ROLE=OPS_ROLE))
    assert len(recorder.of("put_log_alarm")) == 3
    assert set(recorder.log_alarms) == {"shop-scan"}


def test_what_does_not_pass_is_not_tried_again(aws: Aws, recorder: Recorder) -> None:
    """A query that is refused, and a conflict that stays, end `apply` with the call's error."""

    def refusing(message: str) -> Any:
        def fail(**_: Any) -> dict[str, Any]:
            code = "ValidationError" if "query" in message else "ResourceConflict"
            raise AwsCallError(
                action="cloudwatch:PutLogAlarm", code=code, message=message, remedy=""
            )

        return fail

    for message, calls in (("The query is invalid.", 1), ("Being updated.", 6)):
        recorder._put_log_alarm = refusing(message)  # type: ignore[method-assign]
        recorder.pop_calls()
        with pytest.raises(ProvisioningError, match="Could not create log alarm shop-scan"):
            bootstrap(aws, *app(LOG_ALARM_ROLE=OPS_ROLE))
        assert len(recorder.of("put_log_alarm")) == calls


def test_a_refusal_names_the_action_that_is_missing() -> None:
    """PutLogAlarm is refused for want of another action too."""
    message = (
        "User: arn:aws:sts::123456789012:assumed-role/deploy/ci is not authorized to perform: "
        f"iam:PassRole on resource: {OPS_ROLE}"
    )
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "PutLogAlarm")
    error = call_error("cloudwatch", "put_log_alarm", refused)
    assert (error.action, error.kind) == ("iam:PassRole", "permission")
    assert error.remedy == "Allow iam:PassRole in the IAM policy of this process's role."


def test_status_names_the_addresses_and_a_refused_query(aws: Aws, recorder: Recorder) -> None:
    """Who is in ALARM since when, and why a query tells nobody anything."""
    settings = app(LOG_ALARM_ROLE=OPS_ROLE)
    bootstrap(aws, *settings)
    alarm = recorder.log_alarms["shop-scan"]
    alarm |= {"StateValue": "ALARM", "StateReason": "1 out of 4 contributors evaluated to ALARM"}
    recorder.contributors["shop-scan"] = [
        {
            "ContributorId": "a1",
            "ContributorAttributes": {"client_ip": "192.0.2.66"},
            "StateReason": "42 > 16",
            "StateTransitionedTimestamp": datetime(2026, 11, 28, 12, 0, tzinfo=UTC),
        }
    ]
    status = read_status(aws, *settings)
    assert "client_ip 192.0.2.66 since 2026-11-28 12:00:00 UTC: 42 > 16" in str(status).replace(
        "T12:00:00Z", " 12:00:00 UTC"
    )
    document: Any = status.to_dict()
    (contributor,) = document["alarms"][0]["contributors"]
    assert contributor["attributes"] == {"client_ip": "192.0.2.66"}
    alarm |= {"StateValue": "INSUFFICIENT_DATA", "EvaluationState": "EVALUATION_ERROR"}
    text = str(read_status(aws, *settings))
    assert "EVALUATION_ERROR: its query was refused: no one would be notified." in text
    assert "query: filter suspicion > 0 | stats sum(suspicion) by client_ip | sort desc" in text
    assert f"role: {OPS_ROLE}; it must be allowed to query shop" in text


def test_a_region_without_log_alarms_is_not_asked_for_them(
    aws: Aws, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It might refuse the question."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "me-central-1")
    elsewhere = Aws(patience=aws._patience)
    plan = make_plan(elsewhere, *app(LOG_ALARM_ROLE=OPS_ROLE), create_role=True)
    assert "since me-central-1 has no log alarms" in str(plan)
    types = [call.get("AlarmTypes") for call in recorder.of("describe_alarms")]
    assert ["LogAlarm"] not in types
