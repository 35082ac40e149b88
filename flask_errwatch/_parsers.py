"""Parsers of single configuration values, from Python values or environment strings.

Each takes any value and returns the parsed one, or raises `RefusedValueError` with the remedy.
"""

from __future__ import annotations

import ipaddress
import json
import math
import string as characters
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from flask_errwatch._text import consists_of
from flask_errwatch.errors import Problem

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: What is known about the proxies in front of an app: their number (0: nothing), their networks, or
#: "none" without proxies.
TrustedProxies = int | tuple[Network, ...] | Literal["none"]

#: The beginning of a dynamic reference of CloudFormation.
DYNAMIC = "{{resolve:"
#: What a name in a field's path consists of: in Logs Insights others would need a quotation.
_IN_FIELD = f"{characters.ascii_letters}{characters.digits}_"
#: Longest value of a metric filter (Logs API Reference, MetricTransformation, metricValue).
_PATH_LENGTH = 100


class RefusedValueError(ValueError):
    """A value is not valid. The message is the remedy."""


class Secret:
    """A secret of the configuration. Neither `str` nor `repr` shows it.

    Example:
        >>> Secret("a key of the app")
        Secret(…)
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)"


def parse_json(text: str) -> object:
    """Parses JSON that comes from outside: an environment variable, a policy, a history.

    Raises:
        ValueError: When it is not JSON, or is nested more deeply than Python can follow.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_metric_name(name: str) -> bool:
    """Whether CloudWatch accepts the name of a metric or a namespace.

    PutMetricFilter refuses `:` `*` `$`, and CloudWatch all but printable ASCII (API Reference,
    MetricStreamFilter and PutMetricData, Namespace).
    """
    # A regex would take a third of `init_app`.
    return bool(name) and all(" " <= char <= "~" and char not in ":*$" for char in name)


def string(value: object) -> str:
    """A string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise RefusedValueError("Use a string that is not empty.")
    return value.strip()


def optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    """The parser for a key that may be unset: an empty string, as in a compose file, means None."""
    return lambda value: None if value == "" else parse(value)


def list_of(parse: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """The parser for a sequence or a comma-separated string."""

    def parse_list(value: object) -> tuple[T, ...]:
        if isinstance(value, str):
            return tuple(parse(entry) for entry in value.split(",") if entry.strip())
        if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
            entries = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return tuple(_entry(parse, entry) for entry in entries)
        raise RefusedValueError("Use a list, or a comma-separated string.")

    return parse_list


def _entry(parse: Callable[[object], T], entry: object) -> T:
    if not isinstance(entry, str):
        raise RefusedValueError(f"Use a string for every entry: {ascii(entry)[:80]} is not one.")
    return parse(entry)


def finite(value: object) -> float | None:
    """The number, or None if it is not one. A bool is not one either."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except (ValueError, OverflowError):
        return None
    return parsed if math.isfinite(parsed) else None


def number(*, minimum: float, maximum: float = math.inf) -> Callable[[object], float]:
    """The parser for a finite number within bounds, both included. Whole numbers become int."""

    def parse(value: object) -> float:
        parsed = finite(value)
        if parsed is None or not minimum <= parsed <= maximum:
            at_most = "" if maximum == math.inf else f" and at most {maximum:g}"
            raise RefusedValueError(f"Use a finite number of at least {minimum:g}{at_most}.")
        return int(parsed) if parsed.is_integer() else parsed

    return parse


def integer(value: object) -> int:
    """A whole number."""
    parsed = finite(value)
    if parsed is None or not parsed.is_integer():
        raise RefusedValueError("Use a whole number.")
    return int(parsed)


def period(value: object) -> int:
    """An alarm period in seconds.

    Metric filters aggregate per minute, so 60 is the minimum and the step. CloudWatch accepts at
    most a day (AWS API Reference, PutMetricAlarm, Period).
    """
    parsed = finite(value)
    if parsed is None or parsed % 60 or not 60 <= parsed <= 86_400:
        raise RefusedValueError(
            "Use a multiple of 60 seconds, from 60 to 86400: metric filters count per minute."
        )
    return int(parsed)


def boolean(value: object) -> bool:
    """A bool, or one of the words that environments use."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise RefusedValueError("Use true or false (1 or 0, yes or no, on or off).")


def text_to_export(value: object) -> str:
    """A string that CloudFormation takes as it is.

    CloudFormation resolves a dynamic reference in any string of a template, also in one that an
    intrinsic function made, and has no way to write one that is not resolved. It could put a secret
    of the account into a name or a description.
    """
    text = string(value)
    if DYNAMIC in text:
        raise RefusedValueError(f"Leave out {DYNAMIC!r}: CloudFormation would resolve it.")
    return text


def url(value: object) -> str:
    """An http or https URL with a host."""
    address = text_to_export(value)
    try:
        parts = urlsplit(address)
        is_valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # the port or the IPv6 host is not valid
        is_valid = False
    if not is_valid or any(char.isspace() for char in address):
        raise RefusedValueError("Use a URL such as 'http://127.0.0.1:5000'.")
    return address


def field_path(value: object) -> str:
    """Parses the path of a numeric field, as patterns, metric filters and queries all write it.

    Example:
        >>> field_path("$.data.amount")
        '$.data.amount'
    """
    path = value if isinstance(value, str) else ""
    names = path.removeprefix("$.").split(".")
    is_path = path.startswith("$.") and all(consists_of(name, _IN_FIELD) for name in names)
    if not is_path or len(path) > _PATH_LENGTH:
        raise RefusedValueError(
            "Use the path of a numeric field, such as $.suspicion or $.data.amount: names of "
            f"letters, digits and _, without a wildcard or an index, at most {_PATH_LENGTH} "
            "characters."
        )
    return path


def one_of(allowed: tuple[str, ...]) -> Callable[[object], str]:
    """The parser for one of the allowed strings, spelled exactly."""

    def parse(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise RefusedValueError(f"Use one of: {', '.join(allowed)}.")

    return parse


def problems_of(key: str, value: object, parse: Callable[[object], object]) -> list[Problem]:
    """A list with the problem of a field's value, empty when the parser accepts it."""
    try:
        parse(value)
    except RefusedValueError as refused:
        return [Problem(key=key, value=value, remedy=str(refused))]
    return []


def typed(exact: type | UnionType, parse: Callable[[object], object]) -> Callable[[object], object]:
    """The parser for a field of a declaration in Python code: None, or a value of the exact type.

    Only environment variables may be strings.
    """
    return lambda value: None if value is None else parse(value if isinstance(value, exact) else "")
