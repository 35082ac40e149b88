"""Whether a resource policy lets CloudWatch do something, evaluated without I/O.

It knows the part of IAM's policy language that policies of topics and keys use. For anything
else the answer is None, not a guess (IAM User Guide, Policy evaluation logic).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_errwatch._parsers import parse_json

#: Allowed, not allowed, or None where it cannot be determined.
Answer = bool | None

CLOUDWATCH = "cloudwatch.amazonaws.com"

_LIKE = ("StringLike", "ArnLike", "ArnEquals")
_OPERATORS = frozenset(
    {*_LIKE, "StringEquals", "Bool", "StringNotEquals", "StringNotLike", "ArnNotLike"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRequest:
    """An action of CloudWatch on a resource.

    Attributes:
        action: Such as `sns:Publish`.
        resource: The resource's ARN.
        account: The account of the alarm and of the resource.
        alarm_arn: The alarm for which CloudWatch acts.
    """

    action: str
    resource: str
    account: str
    alarm_arn: str

    @property
    def context(self) -> Mapping[str, str]:
        """The condition keys of the request, in lower case as IAM compares them."""
        return {
            "aws:sourcearn": self.alarm_arn,
            "aws:sourceaccount": self.account,
            "aws:sourceowner": self.account,
            "aws:securetransport": "true",
            "aws:principalisawsservice": "true",
        }


def allows(policy: str, request: AccessRequest) -> Answer:
    """Whether the policy allows the request. A statement that denies overrides all others.

    Args:
        policy: The policy document, as JSON.
        request: What CloudWatch would do.

    Returns:
        None where that depends on something that is not known here.

    Example:
        >>> request = AccessRequest(action="sns:Publish", resource="arn:aws:sns:eu-west-1:1:ops",
        ...     account="1", alarm_arn="arn:aws:cloudwatch:eu-west-1:1:alarm:shop")
        >>> allows('{"Statement": {"Effect": "Allow", "Action": "sns:*", "Resource": "*",'
        ...     ' "Principal": {"Service": "cloudwatch.amazonaws.com"}}}', request)
        True
    """
    try:
        document = parse_json(policy or "{}")
    except ValueError:
        return None
    value = document.get("Statement", []) if isinstance(document, dict) else None
    statements = [value] if isinstance(value, dict) else value
    if not isinstance(statements, list) or not all(isinstance(entry, dict) for entry in statements):
        return None

    def applies(effect: str) -> Answer:
        return _any(
            _applies(statement, request)
            for statement in statements
            if statement.get("Effect") == effect
        )

    denied = applies("Deny")
    return _all([applies("Allow"), None if denied is None else not denied])


def _any(answers: Iterable[Answer]) -> Answer:
    distinct = set(answers)
    return True if True in distinct else None if None in distinct else False


def _all(answers: Iterable[Answer]) -> Answer:
    distinct = set(answers)
    return False if False in distinct else None if None in distinct else True


def _applies(statement: Mapping[str, object], request: AccessRequest) -> Answer:
    if statement.keys() & {"NotPrincipal", "NotAction", "NotResource"}:
        return None
    actions, resources = (_values(statement.get(key, ())) for key in ("Action", "Resource"))
    return _all(
        [
            _is_for_cloudwatch(statement.get("Principal")),
            any(_matches(pattern.lower(), request.action.lower()) for pattern in actions),
            any(_matches(pattern, request.resource) for pattern in resources),
            _condition_is_met(statement.get("Condition", {}), request.context),
        ]
    )


def _values(value: object) -> tuple[str, ...]:
    # A bare true or number equals its text (IAM, JSON policy elements: Condition).
    if isinstance(value, list | tuple):
        return tuple(_text(element) for element in value)
    return (_text(value),)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_for_cloudwatch(principal: object) -> bool:
    if isinstance(principal, Mapping):
        services = _values(principal.get("Service", ()))
        return bool({CLOUDWATCH, "*"} & {*services, *_values(principal.get("AWS", ()))})
    return principal == "*"


def _condition_is_met(condition: object, context: Mapping[str, str]) -> Answer:
    if not isinstance(condition, Mapping):
        return None
    return _all(
        _test(str(operator), str(key).lower(), _values(values), context)
        for operator, tests in condition.items()
        for key, values in (tests.items() if isinstance(tests, Mapping) else ((operator, ()),))
    )


def _test(operator: str, key: str, values: tuple[str, ...], context: Mapping[str, str]) -> Answer:
    name = operator.removesuffix("IfExists")
    if key not in context or name not in _OPERATORS:
        return None
    actual = context[key]
    if name == "Bool":
        return actual in {value.lower() for value in values}
    if name in _LIKE or name.endswith("NotLike"):
        is_equal = any(_matches(pattern, actual) for pattern in values)
    else:
        is_equal = actual in values
    return not is_equal if "Not" in name else is_equal


def _matches(pattern: str, text: str) -> bool:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
