"""Whether a policy lets CloudWatch publish: documented cases, and unknown conditions."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.doctor.policies import AccessRequest, Answer, allows

TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
ALARM = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-critical-error"
PUBLISH = AccessRequest(
    action="sns:Publish", resource=TOPIC, account="123456789012", alarm_arn=ALARM
)
SERVICE = {"Service": "cloudwatch.amazonaws.com"}


def statement(**other: object) -> dict[str, object]:
    """A statement that lets CloudWatch publish, with some parts changed."""
    usual = {"Effect": "Allow", "Principal": SERVICE, "Action": "SNS:Publish", "Resource": TOPIC}
    return {**usual, **other}


def policy(*statements: object) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        ({}, True),
        ({"Action": ["SNS:GetTopicAttributes", "sns:P*"]}, True),
        ({"Action": "sns:Subscribe"}, False),
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, False),
        ({"Principal": {"Service": ["events.amazonaws.com"]}}, False),
        ({"Principal": None}, False),
        ({"Resource": "arn:aws:sns:*:123456789012:op?"}, True),
        ({"Resource": "arn:aws:sns:eu-central-1:123456789012:dev"}, False),
        ({"Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}}}, True),
        ({"Condition": {"StringEquals": {"AWS:SourceOwner": "210987654321"}}}, False),
        (
            {
                "Condition": {
                    "ArnLike": {
                        "aws:SourceArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*"
                    }
                }
            },
            True,
        ),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:SourceAccount": ["210987654321"]}}}, True),
        ({"Condition": {"Bool": {"aws:SecureTransport": True}}}, True),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}, None),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, None),
        ({"Condition": {"StringEquals": "odd"}}, None),
        ({"Condition": "odd"}, None),
        ({"NotAction": "sns:Subscribe"}, None),
    ],
)
def test_one_statement(other: dict[str, object], answer: Answer) -> None:
    """Each part must match. The answer for an unknown condition is None."""
    assert allows(policy(statement(**other)), PUBLISH) is answer


def test_a_denial_overrides_an_allow() -> None:
    """Also when it comes first. A denial of plain HTTP does not apply to CloudWatch."""
    denied = statement(Effect="Deny", Principal="*", Action="*", Resource="*")
    assert allows(policy(denied, statement()), PUBLISH) is False
    plain_http = {**denied, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert allows(policy(plain_http, statement()), PUBLISH) is True
    unknown = {**denied, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    assert allows(policy(unknown, statement()), PUBLISH) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", False),
        ("{}", False),
        ('{"Statement": {}}', False),
        ("no JSON", None),
        ("[]", None),
        ('{"Statement": ["x"]}', None),
        ('{"Statement": 7}', None),
    ],
)
def test_invalid_policies(text: str, answer: Answer) -> None:
    """An empty policy allows nothing. The answer for an invalid policy is None."""
    assert allows(text, PUBLISH) is answer


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Statement", "Effect", "Principal", "Action", "Condition", "Bool"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_policy_raises(document: object) -> None:
    """Any JSON as policy has an answer."""
    assert allows(json.dumps(document), PUBLISH) in {True, False, None}


def test_a_policy_that_is_nested_too_deeply_is_unknown() -> None:
    """It has no answer, as any policy that is not understood; the check does not fail."""
    assert allows('{"Statement":' * 100_000 + "1" + "}" * 100_000, PUBLISH) is None
