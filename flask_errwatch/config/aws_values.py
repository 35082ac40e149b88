"""The parsers of what AWS has rules for: names, ARNs, tags, retentions and subscriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask_errwatch import _parsers as parsers
from flask_errwatch._parsers import RefusedValueError

#: Days that CloudWatch Logs accepts (AWS API Reference, PutRetentionPolicy, retentionInDays).
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
#: The value for a log group whose events never expire.
NEVER = "never"

#: Longest name of a metric, an alarm or a namespace (AWS API Reference).
NAME_LENGTH = 255
#: Leaves room for `-` and a short detector name. The whole name is checked with the detectors.
_APP_NAME_LENGTH = 240
#: The names of modules that Flask takes for the name of an app, and that many apps have.
GENERIC_NAMES = ("app", "wsgi", "main", "application", "__main__")

#: Tags of a resource, of which two are ours (AWS General Reference, Tagging).
_MOST_TAGS = 48
_TAG_KEY_LENGTH, _TAG_VALUE_LENGTH = 128, 256
#: The tags by which a resource is known to be the app's own.
MARKERS = ("managed-by", "app")
#: The levels of lines that detectors may have.
LEVELS = ("critical", "error", "warning", "info")

# Compiled at their first use: the import stays cheap.
_MAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_REGION = r"[a-z]{2,}(-[a-z]+)+-\d+"
_PHONE = r"\+[1-9]\d{1,14}"  # E.164
_ENDPOINT_ARN = r"arn:[a-z-]+:(lambda|sqs):[a-z0-9-]+:\d{12}:\S+"
_LOG_GROUP = r"(?!aws/)[A-Za-z0-9_\-/.#]{1,512}"
_TOPIC_ARN = r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"
_TOPIC = rf"[A-Za-z0-9_-]{{1,256}}|{_TOPIC_ARN}"
_ROLE = r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]{1,576}"
_TAG = r"[\w .:/=+@-]*"


def app_name(value: object) -> str:
    """Parses the prefix of every AWS name."""
    name = parsers.string(value)
    if len(name) > _APP_NAME_LENGTH or not parsers.is_metric_name(name):
        raise RefusedValueError(
            "It is the prefix of every metric filter, metric and alarm: set ERRWATCH_APP_NAME to "
            f"at most {_APP_NAME_LENGTH} printable ASCII characters, none of them ':', '*', '$'."
        )
    return name


def log_group(value: object) -> str:
    """Parses a log group's name."""
    name = parsers.string(value)
    if not re.fullmatch(_LOG_GROUP, name):
        raise RefusedValueError(
            "A log group name has 1 to 512 characters of A-Z a-z 0-9 _ - / . # and does not "
            "start with 'aws/': set ERRWATCH_LOG_GROUP (its default is ERRWATCH_APP_NAME)."
        )
    return name


def namespace(value: object) -> str:
    """Parses a metric namespace."""
    name = parsers.string(value)
    if len(name) > NAME_LENGTH or not parsers.is_metric_name(name) or name.startswith("AWS/"):
        raise RefusedValueError(
            f"A namespace has 1 to {NAME_LENGTH} printable ASCII characters, none of them ':', "
            "'*', '$', and does not start with 'AWS/'."
        )
    return name


def retention(value: object) -> int | None:
    """Parses days that CloudWatch Logs can keep events. None means for ever."""
    if isinstance(value, str) and value.strip().lower() == NEVER:
        return None
    days = parsers.integer(value)
    if days not in RETENTION_DAYS:
        nearest = [
            *[allowed for allowed in RETENTION_DAYS if allowed < days][-1:],
            *[allowed for allowed in RETENTION_DAYS if allowed > days][:1],
        ]
        raise RefusedValueError(
            "Use one of the numbers of days that CloudWatch Logs accepts, such as "
            f"{' or '.join(map(str, nearest))}, or '{NEVER}'."
        )
    return days


def topic(value: object) -> str:
    """Parses a topic's name or ARN."""
    topic = parsers.string(value)
    if not re.fullmatch(_TOPIC, topic, re.ASCII):
        raise RefusedValueError(
            "Use a topic name of 1 to 256 characters of A-Z a-z 0-9 _ -, or a complete topic ARN."
        )
    return topic


def topic_arn(value: object) -> str:
    """Parses a topic's ARN."""
    arn = parsers.string(value)
    if not re.fullmatch(_TOPIC_ARN, arn, re.ASCII):
        raise RefusedValueError(
            "Use the complete ARN of a topic, such as "
            "'arn:aws:sns:eu-central-1:123456789012:reports'."
        )
    return arn


def role(value: object) -> str:
    """Parses the ARN of an IAM role."""
    arn = parsers.string(value)
    if not re.fullmatch(_ROLE, arn, re.ASCII):
        raise RefusedValueError(
            "Use the complete ARN of a role, such as 'arn:aws:iam::123456789012:role/log-alarms'."
        )
    return arn


def region(value: object) -> str:
    """Parses the name of an AWS region."""
    name = parsers.string(value)
    if not re.fullmatch(_REGION, name, re.ASCII):
        raise RefusedValueError("Use the name of an AWS region, such as 'eu-central-1'.")
    return name


def subscription(value: object) -> str:
    """Parses an SNS subscription as a URL, whose scheme is the protocol."""
    address = parsers.text_to_export(value)
    scheme, _, endpoint = address.partition(":")
    if scheme in {"http", "https"}:
        return parsers.url(address)
    patterns = {
        "mailto": (_MAIL, endpoint),
        "sms": (_PHONE, endpoint),
        "arn": (_ENDPOINT_ARN, address),
    }
    pattern, text = patterns.get(scheme, (None, ""))
    if pattern is None or not re.fullmatch(pattern, text, re.ASCII):
        raise RefusedValueError(
            f"{address[:80]!r} is not a subscription: use 'mailto:ops@example.com', "
            "'https://example.com/hook', 'http://…', 'sms:+4915112345678' or the ARN of a "
            "Lambda function or SQS queue."
        )
    return address


def topics(value: object) -> dict[str, str]:
    """Parses a topic for each level: a mapping, or its JSON."""
    by_level = _mapping(value)
    if by_level is None or not all(level in LEVELS for level in by_level):
        raise RefusedValueError(
            f"Use a topic for each level ({', '.join(LEVELS)}), such as "
            '{"critical": "shop-pager", "error": "shop-errors"}.'
        )
    return {str(level): topic(name) for level, name in by_level.items()}


def tags(value: object) -> dict[str, str]:
    """Parses tags for everything that takes tags: a mapping, or its JSON."""
    by_key = _mapping(value)
    if by_key is None or not all(
        isinstance(part, str) for entry in by_key.items() for part in entry
    ):
        raise RefusedValueError('Use strings for keys and values, such as {"team": "payments"}.')
    own = {str(key): str(text) for key, text in by_key.items()}
    refused = next(filter(None, (_refused_tag(key, text) for key, text in own.items())), None)
    if refused is not None:
        raise RefusedValueError(refused)
    if len(own) > _MOST_TAGS:
        raise RefusedValueError(f"Use at most {_MOST_TAGS} tags: AWS allows 50, and two are ours.")
    if len({key.lower() for key in own}) < len(own):
        raise RefusedValueError("Two keys differ only in case, which IAM refuses: rename one.")
    return own


def _refused_tag(key: str, text: str) -> str | None:
    """Why AWS would refuse a tag, or it is not one's own, and the remedy. None if it is allowed."""
    shown = ascii(key)[:80]
    if key.lower() in MARKERS:
        return f"{shown} marks what this app manages, and cannot be changed: use another key."
    if key.lower().startswith("aws:"):
        return f"{shown} begins with 'aws:', which AWS keeps for itself: use another key."
    if not key.strip() or len(key) > _TAG_KEY_LENGTH or len(text) > _TAG_VALUE_LENGTH:
        return (
            f"{shown}: a key has 1 to {_TAG_KEY_LENGTH} characters, and a value at most "
            f"{_TAG_VALUE_LENGTH}."
        )
    if not re.fullmatch(_TAG, key) or not re.fullmatch(_TAG, text):
        return f"{shown}: use letters, digits, spaces and _ . : / = + - @ in keys and values."
    return None


def _mapping(value: object) -> Mapping[object, object] | None:
    """The mapping, or that of its JSON. None if it is not a mapping."""
    if isinstance(value, str):
        try:
            value = parsers.parse_json(value) if value.strip() else {}
        except ValueError:
            return None
    return value if isinstance(value, Mapping) else None


def is_generic(name: str) -> bool:
    """Whether it is a name that Flask takes from a module, and that many apps have.

    Example:
        >>> is_generic("app"), is_generic("app.main"), is_generic("shop.app")
        (True, True, False)
    """
    return all(part in GENERIC_NAMES for part in name.lower().split("."))
