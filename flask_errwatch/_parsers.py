"""Parsers of single configuration values: from Python values or environment strings.

Each takes any value and returns the checked one, or raises `RefusedValueError` with the remedy.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import TypeVar
from unicodedata import category
from urllib.parse import urlsplit

from flask_errwatch.errors import Problem

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Seconds between heartbeats up to which their absence can be watched: five of them fit into the
#: longest period of an alarm, a day (AWS API Reference, PutMetricAlarm, Period).
LONGEST_HEARTBEAT = 17_280

# Compiled at their first use: an import is not to pay for what most configurations lack.
_MAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_PHONE = r"\+[1-9]\d{1,14}"  # E.164
_ENDPOINT_ARN = r"arn:[a-z-]+:(lambda|sqs):[a-z0-9-]+:\d{12}:\S+"


class RefusedValueError(ValueError):
    """A value that cannot be used; the text is the remedy."""


def is_metric_name(name: str) -> bool:
    """Whether CloudWatch takes it in a metric name (PutMetricFilter: none of `:` `*` `$`)."""
    # Nor a control character or half a surrogate pair. A pattern takes a third of `init_app`.
    return bool(name) and all(
        char not in ":*$" and category(char) not in {"Cc", "Cs"} for char in name
    )


def text(value: object) -> str:
    """A string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise RefusedValueError("Write a text that is not empty.")
    return value.strip()


def tag(value: object) -> str:
    """A short printable text that stands in every line."""
    short = text(value)
    if len(short) > 256 or not short.isprintable():
        raise RefusedValueError("Use at most 256 printable characters.")
    return short


def optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    """An empty string, as an unset variable in a compose file gives it, means not set."""
    return lambda value: None if value == "" else parse(value)


def each(parse: Callable[[object], T]) -> Callable[[object], tuple[T, ...]]:
    """A sequence, or a string of entries with commas between them."""

    def parse_each(value: object) -> tuple[T, ...]:
        if isinstance(value, str):
            return tuple(parse(entry) for entry in value.split(",") if entry.strip())
        if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
            entries = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return tuple(_entry(parse, entry) for entry in entries)
        raise RefusedValueError("Write a list, or a text with commas between the entries.")

    return parse_each


def _entry(parse: Callable[[object], T], entry: object) -> T:
    if not isinstance(entry, str):
        raise RefusedValueError(f"Write every entry as a text; {ascii(entry)[:80]} is none.")
    return parse(entry)


def _finite(value: object) -> float | None:
    """The number, or None. A bool is none: it is a number only to Python."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def number(*, minimum: float, maximum: float = math.inf) -> Callable[[object], float]:
    """A finite number within the bounds, both included; whole ones come back as int."""

    def parse(value: object) -> float:
        found = _finite(value)
        if found is None or not minimum <= found <= maximum:
            above = "" if maximum == math.inf else f" and at most {maximum:g}"
            raise RefusedValueError(f"Use a finite number of at least {minimum:g}{above}.")
        return int(found) if found.is_integer() else found

    return parse


def whole(value: object) -> int:
    """A whole number."""
    found = _finite(value)
    if found is None or not found.is_integer():
        raise RefusedValueError("Use a whole number.")
    return int(found)


def period(value: object) -> int:
    """An alarm period in seconds.

    Metric filters aggregate per minute, so 60 is the floor and the step; a day is the most
    that CloudWatch takes (AWS API Reference, PutMetricAlarm, Period).
    """
    found = _finite(value)
    if found is None or found % 60 or not 60 <= found <= 86_400:
        raise RefusedValueError(
            "Use a multiple of 60 seconds, from 60 to 86400: metric filters count per minute."
        )
    return int(found)


def overrides(value: object) -> dict[str, dict[str, object]]:
    """Overrides per detector: a mapping of mappings, or its JSON. Names are checked later."""
    given = value
    if isinstance(value, str):
        try:
            given = json.loads(value) if value.strip() else {}
        except ValueError as error:
            raise RefusedValueError(f"It is no JSON ({error}).") from error
    if not isinstance(given, Mapping) or not all(
        isinstance(entry, Mapping) for entry in given.values()
    ):
        raise RefusedValueError(
            'Write a mapping per detector, such as {"not-found-error": {"threshold": 50}}.'
        )
    return {str(name): dict(entry) for name, entry in given.items()}


def switch(value: object) -> bool:
    """On or off: a bool, or the words that environments use for one."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else None
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise RefusedValueError("Use true or false (1 or 0, yes or no, on or off).")


def thresholds(value: object) -> dict[str, float | None]:
    """Detector names, each with a number of its own or None; from names, a mapping or JSON."""
    given = value
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            given = json.loads(value)
        except ValueError:
            given = None
    if isinstance(given, Mapping):
        parse = number(minimum=0)
        if all(isinstance(name, str) for name in given):
            return {name: None if one is None else parse(one) for name, one in given.items()}
    elif given is not None:
        return dict.fromkeys(each(text)(given))
    raise RefusedValueError(
        "Name detectors, as 'not-found-error,authentication-error', or give each a number of "
        'lines, as {"not-found-error": 5}.'
    )


def url(value: object) -> str:
    """An http or https URL with a host."""
    address = text(value)
    try:
        parts = urlsplit(address)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port or an IPv6 host that is none
        valid = False
    if not valid or any(char.isspace() for char in address):
        raise RefusedValueError("Use a URL such as 'http://127.0.0.1:5000'.")
    return address


def subscription(value: object) -> str:
    """An SNS subscription as one URL: its scheme is its protocol."""
    address = text(value)
    scheme, _, rest = address.partition(":")
    if scheme in {"http", "https"}:
        return url(address)
    checks = {"mailto": (_MAIL, rest), "sms": (_PHONE, rest), "arn": (_ENDPOINT_ARN, address)}
    check, checked = checks.get(scheme, (None, ""))
    if check is None or not re.fullmatch(check, checked):
        raise RefusedValueError(
            f"{address[:80]!r} is no subscription: use 'mailto:ops@example.com', "
            "'https://example.com/hook', 'http://…', 'sms:+4915112345678' or the ARN of a "
            "Lambda function or SQS queue."
        )
    return address


def trusted_proxies(value: object) -> int | tuple[Network, ...]:
    """A number of hops, or the networks of the proxies in CIDR notation."""
    hops = _finite(value)
    if hops is not None:
        if not hops.is_integer() or not 0 <= hops <= 32:
            raise RefusedValueError("Use a number of proxies from 0 to 32.")
        return int(hops)
    return each(_network)(value)


def _network(value: object) -> Network:
    try:
        return ipaddress.ip_network(text(value), strict=False)
    except ValueError as error:
        raise RefusedValueError(
            "Use the number of trusted proxies, or their networks, such as '10.0.0.0/8'."
        ) from error


def one_of(allowed: tuple[str, ...]) -> Callable[[object], str]:
    """One of the allowed strings, spelled exactly so."""

    def parse(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise RefusedValueError(f"Use one of: {', '.join(allowed)}.")

    return parse


def problems_of(key: str, value: object, parse: Callable[[object], object]) -> list[Problem]:
    """Why the parser refuses the value of a field, as a list of one problem or of none."""
    try:
        parse(value)
    except RefusedValueError as refused:
        return [Problem(key=key, value=value, remedy=str(refused))]
    return []


def declared(
    exact: type | UnionType, parse: Callable[[object], object]
) -> Callable[[object], object]:
    """The parser for a field of a declaration: None is allowed, other types are not converted.

    Environment variables may be strings; in Python code the exact type is required.
    """
    return lambda value: None if value is None else parse(value if isinstance(value, exact) else "")
