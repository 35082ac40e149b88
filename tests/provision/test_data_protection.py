"""The data protection policy of the log group: what it masks, and whose it is."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flask_errwatch import config as configuration
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.errors import AwsCallError, ConfigurationError
from flask_errwatch.provision import AwsScope, Desired, desired_resources
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.diff import destroy_plan, diff
from flask_errwatch.provision.discovery import discover
from flask_errwatch.provision.resources import DataProtection
from flask_errwatch.provision.to_aws import calls_for
from tests.provision.stubbed_aws import StubbedAws

HERE = AwsScope(partition="aws-cn", region="cn-north-1", account="123456789012")
OTHERS = DataProtection(log_group="shop", document='{"Name":"theirs","Statement":[]}')


def shop(**settings: object) -> Desired:
    """The desired resources of an app."""
    keys = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    return desired_resources(catalogue, config, scope=HERE)


def test_it_masks_credentials_and_cards_and_no_address() -> None:
    """Both statements name the same identifiers, in the partition, as the service demands."""
    policy = shop(DATA_PROTECTION=True).data_protection
    assert policy is not None
    document = json.loads(policy.document)
    audit, mask = document["Statement"]
    assert audit["DataIdentifier"] == mask["DataIdentifier"]
    assert audit["Operation"] == {"Audit": {"FindingsDestination": {}}}
    assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}
    prefix = "arn:aws-cn:dataprotection::aws:data-identifier/"
    assert audit["DataIdentifier"] == [
        f"{prefix}{name}"
        for name in (
            *("AwsSecretKey", "CreditCardNumber", "CreditCardSecurityCode", "OpenSshPrivateKey"),
            *("PgpPrivateKey", "PkcsPrivateKey", "PuttyPrivateKey"),
        )
    ]
    assert document["Description"] == "managed-by=flask-errwatch app=shop"
    assert len(policy.document) <= 30_720


def test_it_is_put_after_the_group_and_before_the_filters() -> None:
    """So the first line that a filter counts is masked already."""
    kinds = [resource.kind for resource in shop(DATA_PROTECTION=True).resources]
    assert kinds[:3] == ["log group", "data protection policy", "metric filter"]
    assert "data protection policy" not in {resource.kind for resource in shop().resources}


def test_its_own_is_updated_and_deleted_when_it_is_turned_off() -> None:
    """The description identifies the owner."""
    on, off = shop(DATA_PROTECTION=True), shop()
    assert on.data_protection is not None
    older = replace(
        on.data_protection, document=on.data_protection.document.replace("2021-06-01", "2020")
    )
    actual = Actual(resources=(*off.resources, older))
    (update,) = diff(on, actual).changes
    assert [str(change) for change in diff(on, actual).changes] == [
        "update data protection policy shop"
    ]
    (call,) = calls_for(update)
    assert call.method == "put_data_protection_policy"
    assert call.arguments == {
        "logGroupIdentifier": "shop",
        "policyDocument": on.data_protection.document,
    }
    (deletion,) = diff(off, actual).changes
    (call,) = calls_for(deletion)
    assert (call.method, call.arguments) == (
        "delete_data_protection_policy",
        {"logGroupIdentifier": "shop"},
    )
    destroyed = destroy_plan("shop", "shop", actual, with_logs=False)
    assert "delete data protection policy shop" in map(str, destroyed.changes)


def test_that_of_others_stays() -> None:
    """A group has only one. Neither `apply` nor `destroy` touches it, and the plan says so."""
    desired = shop(DATA_PROTECTION=True)
    others = shop().resources
    actual = Actual(resources=(*others, OTHERS))
    plan = diff(desired, actual)
    assert plan.is_empty
    assert "shop  (left as it is: it is not managed by this app)" in str(plan)
    assert diff(shop(), actual).is_empty
    destroyed = destroy_plan("shop", "shop", actual, with_logs=False)
    assert OTHERS not in [change.resource for change in destroyed.changes]


def test_the_group_of_a_service_is_refused() -> None:
    """It is never changed, so the key would have no effect that anyone notices."""
    with pytest.raises(ConfigurationError, match="belongs to an AWS service"):
        shop(DATA_PROTECTION=True, LOG_GROUP="/aws/lambda/shop")


def discovered(status: str | None, answer: object, **settings: object) -> Actual:
    """What is found where the log group has that status, with a stubbed AWS."""
    aws = StubbedAws()
    group = {
        "logGroupName": "shop",
        "arn": "arn:aws:logs:eu-central-1:123456789012:log-group:shop:*",
    }
    if status:
        group["dataProtectionStatus"] = status
    aws.expect("describe_log_groups", {"logGroups": [group]}, logGroupNamePrefix="shop")
    arn = "arn:aws:logs:eu-central-1:123456789012:log-group:shop"
    aws.expect("list_tags_for_resource", {"tags": {}}, resourceArn=arn)
    aws.expect("describe_metric_filters", {"metricFilters": []}, logGroupName="shop")
    if isinstance(answer, str):
        aws.stubs["logs"].add_client_error("get_data_protection_policy", answer)
    elif answer is not None:
        aws.stubs["logs"].add_response("get_data_protection_policy", answer)
    for kind in ("MetricAlarm", "CompositeAlarm", "LogAlarm"):
        aws.expect(
            "describe_alarms",
            {f"{kind}s": []},
            AlarmNamePrefix="shop-",
            AlarmTypes=[kind],
            MaxRecords=100,
        )
    aws.stubs["cloudwatch"].add_response("describe_insight_rules", {"InsightRules": []})
    aws.stubs["cloudwatch"].add_response("list_dashboards", {"DashboardEntries": []})
    for stub in aws.stubs.values():
        stub.activate()
    actual = discover(aws, shop(**settings))
    aws.stubs["logs"].assert_no_pending_responses()
    return actual


def test_without_the_key_it_is_read_only_where_the_group_has_one() -> None:
    """No further call for those who never had one, and only a note where it is not allowed."""
    assert discovered(None, None).of_type(DataProtection) == ()
    assert discovered("DELETED", None).of_type(DataProtection) == ()
    found = discovered("ACTIVATED", {"policyDocument": '{ "Name": "x" }'})
    assert found.of_type(DataProtection) == (
        DataProtection(log_group="shop", document='{"Name":"x"}'),
    )
    (note,) = discovered("ACTIVATED", "AccessDeniedException").notes
    assert note.startswith("data protection policy: logs:GetDataProtectionPolicy failed")


def test_with_the_key_it_must_be_readable() -> None:
    """A group without a policy has none, and a denial stops the plan."""
    assert discovered(None, {}, DATA_PROTECTION=True).of_type(DataProtection) == ()
    missing = discovered(None, "ResourceNotFoundException", DATA_PROTECTION=True)
    assert missing.of_type(DataProtection) == ()
    with pytest.raises(AwsCallError, match="logs:GetDataProtectionPolicy"):
        discovered(None, "AccessDeniedException", DATA_PROTECTION=True)
