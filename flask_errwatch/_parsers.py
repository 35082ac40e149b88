"""Parsers of single configuration values, from Python values or environment strings.

Each takes any value and returns the parsed one, or raises `RefusedValueError` with the remedy.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Literal, TypeVar
from unicodedata import category
from urllib.parse import urlsplit

from flask_errwatch.errors import Problem

T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: IPv6 networks whose last 32 bits are IPv4 addresses: mapped (RFC 4291) and NAT64 (RFC 6052).
_CARRIERS = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
#: What is known about the proxies in front of an app: their number (0: nothing), their networks, or
#: that there are none.
TrustedProxies = int | tuple[Network, ...] | Literal["none"]

# Compiled at their first use: most configurations need none, and the import stays cheap.
_MAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_PHONE = r"\+[1-9]\d{1,14}"  # E.164
#: The beginning of a dynamic reference of CloudFormation.
DYNAMIC = "{{resolve:"
#: Shorter keys could be found by trying.
_SECRET_LENGTH = 16
_ENDPOINT_ARN = r"arn:[a-z-]+:(lambda|sqs):[a-z0-9-]+:\d{12}:\S+"


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
    """Whether CloudWatch accepts the metric name (PutMetricFilter: without `:` `*` `$`)."""
    # Nor a control character or a lone surrogate. A regex would take a third of `init_app`.
    return bool(name) and all(
        char not in ":*$" and category(char) not in {"Cc", "Cs"} for char in name
    )


def string(value: object) -> str:
    """A string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise RefusedValueError("Use a string that is not empty.")
    return value.strip()


def tag(value: object) -> str:
    """A short printable string, for every line."""
    short = string(value)
    if len(short) > 256 or not short.isprintable():
        raise RefusedValueError("Use at most 256 printable characters.")
    return short


def secret(value: object) -> Secret:
    """A secret that nobody guesses."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or len(value.strip()) < _SECRET_LENGTH:
        raise RefusedValueError(f"Use a secret string of at least {_SECRET_LENGTH} characters.")
    return Secret(value.strip())


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


def _finite(value: object) -> float | None:
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
        parsed = _finite(value)
        if parsed is None or not minimum <= parsed <= maximum:
            at_most = "" if maximum == math.inf else f" and at most {maximum:g}"
            raise RefusedValueError(f"Use a finite number of at least {minimum:g}{at_most}.")
        return int(parsed) if parsed.is_integer() else parsed

    return parse


def integer(value: object) -> int:
    """A whole number."""
    parsed = _finite(value)
    if parsed is None or not parsed.is_integer():
        raise RefusedValueError("Use a whole number.")
    return int(parsed)


def period(value: object) -> int:
    """An alarm period in seconds.

    Metric filters aggregate per minute, so 60 is the minimum and the step. CloudWatch accepts at
    most a day (AWS API Reference, PutMetricAlarm, Period).
    """
    parsed = _finite(value)
    if parsed is None or parsed % 60 or not 60 <= parsed <= 86_400:
        raise RefusedValueError(
            "Use a multiple of 60 seconds, from 60 to 86400: metric filters count per minute."
        )
    return int(parsed)


def overrides(value: object) -> dict[str, dict[str, object]]:
    """Overrides per detector: a mapping of mappings, or its JSON. Names are checked later."""
    by_detector = value
    if isinstance(value, str):
        try:
            by_detector = parse_json(value) if value.strip() else {}
        except ValueError as error:
            raise RefusedValueError(f"It is not valid JSON ({error}).") from error
    if not isinstance(by_detector, Mapping) or not all(
        isinstance(entry, Mapping) for entry in by_detector.values()
    ):
        raise RefusedValueError(
            'Use a mapping per detector, such as {"not-found-error": {"threshold": 50}}.'
        )
    return {str(name): dict(entry) for name, entry in by_detector.items()}


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


def loggers(value: object) -> tuple[str, ...]:
    """Names of loggers. True means the root logger, which is above all others; false none."""
    try:
        return ("root",) if boolean(value) else ()
    except RefusedValueError:
        pass
    try:
        return list_of(string)(value)
    except RefusedValueError:
        raise RefusedValueError("Use true, false or names of loggers, such as 'shop'.") from None


def thresholds(value: object) -> dict[str, float | None]:
    """Detector names with a threshold or None, from a list of names, a mapping or its JSON."""
    detectors = value
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            detectors = parse_json(value)
        except ValueError:
            detectors = None
    if isinstance(detectors, Mapping):
        parse = number(minimum=0)
        if all(isinstance(name, str) for name in detectors):
            return {
                name: None if threshold is None else parse(threshold)
                for name, threshold in detectors.items()
            }
    elif detectors is not None:
        return dict.fromkeys(list_of(string)(detectors))
    raise RefusedValueError(
        "Use names of detectors, such as 'not-found-error,authentication-error', or a number of "
        'lines for each, such as {"not-found-error": 5}.'
    )


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


def subscription(value: object) -> str:
    """An SNS subscription as a URL, whose scheme is the protocol."""
    address = text_to_export(value)
    scheme, _, endpoint = address.partition(":")
    if scheme in {"http", "https"}:
        return url(address)
    patterns = {
        "mailto": (_MAIL, endpoint),
        "sms": (_PHONE, endpoint),
        "arn": (_ENDPOINT_ARN, address),
    }
    pattern, text = patterns.get(scheme, (None, ""))
    if pattern is None or not re.fullmatch(pattern, text):
        raise RefusedValueError(
            f"{address[:80]!r} is not a subscription: use 'mailto:ops@example.com', "
            "'https://example.com/hook', 'http://…', 'sms:+4915112345678' or the ARN of a "
            "Lambda function or SQS queue."
        )
    return address


def trusted_proxies(value: object) -> TrustedProxies:
    """A number of hops, the networks of the proxies in CIDR notation or by name, or `none`."""
    if isinstance(value, str) and value.strip() == "none":
        return "none"
    hops = _finite(value)
    if hops is not None:
        if not hops.is_integer() or not 0 <= hops <= 32:
            raise RefusedValueError("Use a number of proxies from 0 to 32.")
        return int(hops)
    return tuple(network for networks in list_of(_networks)(value) for network in networks)


def _networks(value: object) -> tuple[Network, ...]:
    """The network, or those behind a name."""
    text = string(value)
    if text.startswith("aws:"):
        from flask_errwatch._aws_networks import NAMES

        if text in NAMES:
            return tuple(map(ipaddress.ip_network, NAMES[text]))
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise RefusedValueError(
            "Use the number of trusted proxies, or their networks, such as '10.0.0.0/8', "
            "'aws:cloudfront' or 'aws:vpc', or 'none' where there is no proxy."
        ) from error
    return (_as_compared(network),)


def _as_compared(network: Network) -> Network:
    """The network as addresses are compared: those that IPv6 only carries are IPv4 addresses."""
    if isinstance(network, ipaddress.IPv4Network):
        return network
    for carrier in _CARRIERS:
        if network.subnet_of(carrier):
            number = int(network.network_address) & 0xFFFF_FFFF
            return ipaddress.IPv4Network((number, network.prefixlen - carrier.prefixlen))
        if carrier.subnet_of(network):
            raise RefusedValueError(
                f"{network} holds all IPv4 addresses ({carrier}). Use smaller IPv6 networks, and "
                "IPv4 networks besides, such as '10.0.0.0/8'."
            )
    return network


def header_name(value: object) -> str:
    """The name of an HTTP header, with hyphens: servers do not tell underscores from them."""
    name = string(value)
    if len(name) > 64 or not name.replace("-", "").isalnum() or not name.isascii():
        raise RefusedValueError(
            "Use the name of a header of letters, digits and '-', such as 'X-Forwarded-For'."
        )
    return name


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
