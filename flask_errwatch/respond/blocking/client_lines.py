"""Reads the app's lines from some networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from itertools import islice
from typing import TYPE_CHECKING, Final

from flask_errwatch._parsers import Network
from flask_errwatch.config import Config
from flask_errwatch.respond.alarm.counted_lines import Counting
from flask_errwatch.respond.blocking.brakes import Seen
from flask_errwatch.respond.blocking.durations import DAY
from flask_errwatch.respond.blocking.seen import Answers, seen_by_network
from flask_errwatch.respond.ranking.summarize import TimedEvent
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.line_reading import LineReading

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds after the present: the clocks of hosts differ.
_AHEAD: Final = 60
#: Lines that are kept for the second reading. Of more, all are read again.
_KEPT: Final = 20_000
#: Characters of a filter pattern (AWS API Reference, FilterLogEvents).
_LONGEST_PATTERN: Final = 1024
_EVERY_CLIENT: Final = '{ $.client_ip = "*" }'


def seen_in_lines(
    aws: Aws,
    config: Config,
    networks: Sequence[Network],
    now: float,
    answers: Answers | None = None,
) -> Mapping[Network, Seen]:
    """What the lines of the last 24 hours have of each network.

    Args:
        aws: The account and region.
        config: The app's configuration.
        networks: The networks.
        now: The present, in seconds since the epoch.
        answers: The requests of access logs in a window. None without logs.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    if not networks:
        return {}
    window = seen_window(now)
    return seen_by_network(
        _Kept(reading_of(aws, config, networks, window)), networks, window, answers
    )


def seen_window(now: float) -> Window:
    """The time whose lines `seen_in_lines` reads."""
    return Window(start=now - DAY, end=now + _AHEAD)


def client_pattern(networks: Iterable[Network]) -> str:
    """A filter pattern of the lines from some networks, and of few others where it can be.

    Example:
        >>> from ipaddress import ip_network
        >>> client_pattern([ip_network("203.0.113.66/32")])
        '{ ($.client_ip = "203.0.113.66") }'
        >>> client_pattern([ip_network("203.0.112.0/23"), ip_network("2001:db8::/64")])
        '{ ($.client_ip = "203.0.*") || ($.client_ip = "2001:*") }'
    """
    conditions = [f'($.client_ip = "{_beginning(network)}")' for network in networks]
    pattern = f"{{ {' || '.join(dict.fromkeys(conditions))} }}"
    return pattern if conditions and len(pattern) <= _LONGEST_PATTERN else _EVERY_CLIENT


def _beginning(network: Network) -> str:
    """The text that addresses of the network begin with, as lines write them."""
    if isinstance(network, IPv4Network):
        parts = str(network.network_address).split(".")
        kept = network.prefixlen // 8
        return ".".join(parts) if kept == 4 else ".".join([*parts[:kept], "*"])
    # The text of an IPv6 address leaves out zeros: only its first group is where it is expected.
    number = int(network.network_address) >> 112
    return f"{number:x}:*" if network.prefixlen >= 16 and number else "*"


def reading_of(
    aws: Aws, config: Config, networks: Iterable[Network], window: Window
) -> LineReading:
    """A reading of the app's lines from some networks, and of others that match the pattern."""
    counting = Counting(
        log_groups=(config.log_group,),
        counts=lambda _: True,
        query=None,
        filter_pattern=client_pattern(networks),
    )
    return LineReading(aws, counting, window)


class _Kept:
    """A reading whose lines are kept, where they are few, so that AWS is asked once."""

    def __init__(self, reading: LineReading) -> None:
        self._reading = reading
        self._lines: list[TimedEvent] | None = None

    def __call__(self) -> Iterator[TimedEvent]:
        if self._lines is not None:
            yield from self._lines
            return
        lines = self._reading()
        kept = [*islice(lines, _KEPT)]
        yield from kept
        if len(kept) < _KEPT:
            self._lines = kept
        else:
            yield from lines
