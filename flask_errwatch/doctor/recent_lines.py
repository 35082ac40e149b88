"""Reads the app's newest lines from its log group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from flask_errwatch.capture.client_address import ClientAddress, parse_address
from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.config import Config
from flask_errwatch.patterns import field as json_field

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: How far back to read, in seconds: the next window is read when no line came from a request.
_WINDOWS = (15 * 60, 3 * 3600, 24 * 3600)
#: How many lines to read at most: they are evidence, not statistics.
_MAX_LINES = 2000


class LoggedLine(NamedTuple):
    """A line of the app.

    Attributes:
        at: Its time in milliseconds since the epoch.
        event: The parsed line. Its values may be of any JSON type.
    """

    at: int
    event: Mapping[str, object]


def newest_lines(aws: Aws, config: Config, now: float) -> list[LoggedLine]:
    """Returns the app's lines of 15 minutes, or of up to 24 hours until one came from a request.

    Args:
        aws: The account and region.
        config: The app's configuration.
        now: The present, in seconds since the epoch.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    lines: list[LoggedLine] = []
    for seconds in _WINDOWS:
        pattern = str(json_field("$.app") == config.app_name)
        lines = list(islice(lines_since(aws, config, pattern, now - seconds), _MAX_LINES))
        if any("client_ip" in line.event for line in lines):
            break
    return lines


def lines_since(aws: Aws, config: Config, pattern: str, since: float) -> Iterator[LoggedLine]:
    """Yields the app's lines that match a pattern.

    Args:
        aws: The account and region.
        config: The app's configuration.
        pattern: A filter pattern.
        since: The earliest time of a line, in seconds since the epoch.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    entries = aws.pages(
        "logs",
        "filter_log_events",
        "events",
        logGroupName=config.log_group,
        filterPattern=pattern,
        startTime=round(since * 1000),
    )
    for entry in entries:
        event = read_line(entry["message"])
        # The group may be shared, and an emulator answers with every line.
        if event and event.get("app") == config.app_name:
            yield LoggedLine(entry["timestamp"], event)


def client_addresses(lines: Sequence[LoggedLine]) -> list[ClientAddress]:
    """Returns the client addresses in the lines, without values that are not addresses."""
    addresses = []
    for line in lines:
        ip, source = line.event.get("client_ip"), line.event.get("client_ip_source")
        if isinstance(ip, str) and isinstance(source, str) and parse_address(ip) is not None:
            addresses.append(ClientAddress(ip=ip, source=source))
    return addresses
