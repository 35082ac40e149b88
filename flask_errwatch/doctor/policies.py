"""Whether a resource's policy lets CloudWatch do something: pure, and honest about doubt.

Of IAM's policy language this knows what the policies of topics and keys are made of. What it
does not know makes the answer None, never a guess (IAM User Guide, Policy evaluation logic).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Yes, no, or what cannot be told.
Answer = bool | None

CLOUDWATCH = "cloudwatch.amazonaws.com"

_LIKE = ("StringLike", "ArnLike", "ArnEquals")
_OPERATORS = frozenset(
    {*_LIKE, "StringEquals", "Bool", "StringNotEquals", "StringNotLike", "ArnNotLike"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One action of CloudWatch's on one resource.

    Attributes:
        action: As `sns:Publish`.
        resource: The resource's ARN.
        account: The account that the alarm and the resource are of.
        alarm_arn: The alarm for which CloudWatch acts.
    """

    action: str
    resource: str
    account: str
    alarm_arn: str

    @property
    def context(self) -> Mapping[str, str]:
        """The condition keys that the call brings, in lower case as IAM compares them."""
        return {
            "aws:sourcearn": self.alarm_arn,
            "aws:sourceaccount": self.account,
            "aws:sourceowner": self.account,
            "aws:securetransport": "true",
            "aws:principalisawsservice": "true",
        }


def allows(policy: str, asked: Asked) -> Answer:
    """Whether the policy allows it; a statement that denies beats all that allow.

    Args:
        policy: The policy document, as JSON.
        asked: What CloudWatch wants to do.

    Returns:
        None where that depends on something that is not known here.

    Example:
        >>> asked = Asked(action="sns:Publish", resource="arn:aws:sns:eu-west-1:1:ops",
        ...     account="1", alarm_arn="arn:aws:cloudwatch:eu-west-1:1:alarm:shop")
        >>> allows('{"Statement": {"Effect": "Allow", "Action": "sns:*", "Resource": "*",'
        ...     ' "Principal": {"Service": "cloudwatch.amazonaws.com"}}}', asked)
        True
    """
    try:
        document = json.loads(policy or "{}")
    except ValueError:
        return None
    statements = document.get("Statement", []) if isinstance(document, dict) else None
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        return None
    allowed = _any(_applies(each, asked) for each in listed if each.get("Effect") == "Allow")
    denied = _any(_applies(each, asked) for each in listed if each.get("Effect") == "Deny")
    return _all([allowed, None if denied is None else not denied])


def _any(answers: Iterable[Answer]) -> Answer:
    known = set(answers)
    return True if True in known else None if None in known else False


def _all(answers: Iterable[Answer]) -> Answer:
    known = set(answers)
    return False if False in known else None if None in known else True


def _applies(statement: Mapping[str, object], asked: Asked) -> Answer:
    if statement.keys() & {"NotPrincipal", "NotAction", "NotResource"}:
        return None
    return _all(
        [
            _is_for_cloudwatch(statement.get("Principal")),
            any(_like(each.lower(), asked.action.lower()) for each in _words(statement, "Action")),
            any(_like(each, asked.resource) for each in _words(statement, "Resource")),
            _holds(statement.get("Condition", {}), asked.context),
        ]
    )


def _words(statement: Mapping[str, object], key: str) -> tuple[str, ...]:
    return _listed(statement.get(key, ()))


def _listed(value: object) -> tuple[str, ...]:
    # A bare true or number is what its text is (IAM, JSON policy elements: Condition).
    if isinstance(value, list | tuple):
        return tuple(_text(each) for each in value)
    return (_text(value),)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_for_cloudwatch(principal: object) -> bool:
    if isinstance(principal, Mapping):
        services = _listed(principal.get("Service", ()))
        return bool({CLOUDWATCH, "*"} & {*services, *_listed(principal.get("AWS", ()))})
    return principal == "*"


def _holds(condition: object, context: Mapping[str, str]) -> Answer:
    if not isinstance(condition, Mapping):
        return None
    return _all(
        _compared(str(operator), str(key).lower(), _listed(values), context)
        for operator, tests in condition.items()
        for key, values in (tests.items() if isinstance(tests, Mapping) else ((operator, ()),))
    )


def _compared(
    operator: str, key: str, values: tuple[str, ...], context: Mapping[str, str]
) -> Answer:
    plain = operator.removesuffix("IfExists")
    if key not in context or plain not in _OPERATORS:
        return None
    given = context[key]
    if plain == "Bool":
        return given in {each.lower() for each in values}
    is_pattern = plain in _LIKE or plain.endswith("NotLike")
    matches = any(_like(each, given) if is_pattern else each == given for each in values)
    return not matches if "Not" in plain else matches


def _like(pattern: str, text: str) -> bool:
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
