"""The parsers of values that few keys have. Those of names in AWS are in `aws_values`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from flask_errwatch import _parsers as parsers
from flask_errwatch._parsers import Network, RefusedValueError, Secret, TrustedProxies

MEBIBYTE = 1_048_576
SINKS = ("cloudwatch", "stdout", "memory")
#: What AWS WAF protects: a load balancer, an API …, or a CloudFront distribution.
WAF_SCOPES = ("regional", "cloudfront")

#: Longest heartbeat interval, in seconds, that an alarm can watch: five of them fit into an alarm's
#: longest period, a day (AWS API Reference, PutMetricAlarm, Period).
LONGEST_HEARTBEAT = 17_280
#: Periods of a minute in a day, the longest window of an alarm with such periods.
_MOST_PERIODS = 1440
#: IPv6 networks whose last 32 bits are IPv4 addresses: mapped (RFC 4291) and NAT64 (RFC 6052).
CARRIERS = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))
#: More proxies than any request passes.
_MOST_PROXIES = 32
#: How an entry of addresses that are never blocked names a file of them.
FILE = "file:"
#: Shorter keys could be found by trying.
_SECRET_LENGTH = 16
#: Shorter parts are in the user agents of many.
_AGENT_PART = 4


def sinks(value: object) -> tuple[str, ...]:
    """Parses the names of sinks. `none` alone means no sink."""
    names = parsers.list_of(parsers.string)(value)
    if names == ("none",):
        return ()
    unknown = [name for name in names if name not in SINKS]
    if unknown or not names or len(set(names)) != len(names):
        raise RefusedValueError(
            "Use 'cloudwatch', 'stdout' and 'memory', each at most once, or only 'none'."
        )
    return names


def journal_bytes(value: object) -> int:
    """Parses the journal's size."""
    size = parsers.integer(value)
    if size < MEBIBYTE:
        raise RefusedValueError(f"Use a number of bytes of at least {MEBIBYTE} (1 MiB).")
    return size


def quiet_periods(value: object) -> int:
    """Parses a number of periods of a minute in a day at most."""
    number = parsers.integer(value)
    if not 1 <= number <= _MOST_PERIODS:
        raise RefusedValueError(f"Use a whole number from 1 to {_MOST_PERIODS}.")
    return number


def tag(value: object) -> str:
    """Parses a short printable string, for every line."""
    short = parsers.string(value)
    if len(short) > 256 or not short.isprintable():
        raise RefusedValueError("Use at most 256 printable characters.")
    return short


def secret(value: object) -> Secret:
    """Parses a secret that cannot be guessed."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or len(value.strip()) < _SECRET_LENGTH:
        raise RefusedValueError(f"Use a secret string of at least {_SECRET_LENGTH} characters.")
    return Secret(value.strip())


def path_pattern(value: object) -> str:
    """Parses a pattern of paths, in lower case."""
    pattern = parsers.string(value).lower()
    if pattern[0] not in "/*" or not pattern.strip("/*"):
        raise RefusedValueError(
            "Use paths that begin with '/', such as '/old/' (all below it) or '/feeds/*.php', "
            "where '*' matches any characters. A pattern of every path would hide all scans."
        )
    return pattern


def agent_part(value: object) -> str:
    """Parses a part of a user agent that only an expected client sends, in lower case."""
    part = parsers.string(value).lower()
    if len(part) < _AGENT_PART:
        raise RefusedValueError(
            f"Use parts of user agents of at least {_AGENT_PART} characters, such as 'uptime-kuma'."
        )
    return part


def overrides(value: object) -> dict[str, dict[str, object]]:
    """Overrides per detector: a mapping of mappings, or its JSON. Names are checked later."""
    by_detector = value
    if isinstance(value, str):
        try:
            by_detector = parsers.parse_json(value) if value.strip() else {}
        except ValueError as error:
            raise RefusedValueError(f"It is not valid JSON ({error}).") from error
    if not isinstance(by_detector, Mapping) or not all(
        isinstance(entry, Mapping) for entry in by_detector.values()
    ):
        raise RefusedValueError(
            'Use a mapping per detector, such as {"not-found-error": {"threshold": 50}}.'
        )
    return {str(name): dict(entry) for name, entry in by_detector.items()}


def loggers(value: object) -> tuple[str, ...]:
    """Names of loggers. True means the root logger, which is above all others; false none."""
    try:
        return ("root",) if parsers.boolean(value) else ()
    except RefusedValueError:
        pass
    try:
        return parsers.list_of(parsers.string)(value)
    except RefusedValueError:
        raise RefusedValueError("Use true, false or names of loggers, such as 'shop'.") from None


def thresholds(value: object) -> dict[str, float | None]:
    """Detector names with a threshold or None, from a list of names, a mapping or its JSON."""
    detectors = value
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            detectors = parsers.parse_json(value)
        except ValueError:
            detectors = None
    if isinstance(detectors, Mapping):
        parse = parsers.number(minimum=0)
        if all(isinstance(name, str) for name in detectors):
            return {
                name: None if threshold is None else parse(threshold)
                for name, threshold in detectors.items()
            }
    elif detectors is not None:
        return dict.fromkeys(parsers.list_of(parsers.string)(detectors))
    raise RefusedValueError(
        "Use names of detectors, such as 'not-found-error,authentication-error', or a number of "
        'lines for each, such as {"not-found-error": 5}.'
    )


def trusted_proxies(value: object) -> TrustedProxies:
    """A number of hops, the networks of the proxies in CIDR notation or by name, or `none`."""
    if isinstance(value, str) and value.strip() == "none":
        return "none"
    if parsers.finite(value) is not None:
        return proxies(value)
    return tuple(network for networks in parsers.list_of(_networks)(value) for network in networks)


def proxies(value: object) -> int:
    """Parses a number of proxies."""
    number = parsers.finite(value)
    if number is None or not number.is_integer() or not 0 <= number <= _MOST_PROXIES:
        raise RefusedValueError(f"Use a number of proxies from 0 to {_MOST_PROXIES}.")
    return int(number)


def never_blocked(value: object) -> str:
    """Parses an address, a network, or `file:` with the path of a file, which is not read here."""
    entry = parsers.string(value)
    if entry.startswith(FILE):
        is_valid = bool(entry.removeprefix(FILE).strip()) and entry.isprintable()
    else:
        try:
            is_valid = ipaddress.ip_network(entry, strict=False) is not None
        except ValueError:
            is_valid = False
    if not is_valid:
        raise RefusedValueError(
            f"{entry[:80]!r} is not an entry: use addresses, networks such as '192.0.2.0/24', and "
            "'file:PATH' for a file of them."
        )
    return entry


def _networks(value: object) -> tuple[Network, ...]:
    """The network, or those behind a name."""
    text = parsers.string(value)
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
    for carrier in CARRIERS:
        if network.subnet_of(carrier):
            number = int(network.network_address) & 0xFFFF_FFFF
            return ipaddress.IPv4Network((number, network.prefixlen - carrier.prefixlen))
        if carrier.subnet_of(network):
            raise RefusedValueError(
                f"{network} holds all IPv4 addresses. Use smaller IPv6 networks, and "
                "IPv4 networks besides, such as '10.0.0.0/8'."
            )
    return network


def header_name(value: object) -> str:
    """The name of an HTTP header, with hyphens: servers do not tell underscores from them."""
    name = parsers.string(value)
    if len(name) > 64 or not name.replace("-", "").isalnum() or not name.isascii():
        raise RefusedValueError(
            "Use the name of a header of letters, digits and '-', such as 'X-Forwarded-For'."
        )
    return name
