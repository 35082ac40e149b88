"""Reads the app's newest lines from its log group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask_errwatch.capture.client_address import ClientAddress, parse_address
from flask_errwatch.config import Config
from flask_errwatch.patterns import field as json_field
from flask_errwatch.provision.log_lines import LoggedLine, lines_since

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: How far back to read, in seconds: the next window is read when no line came from a request.
_WINDOWS = (15 * 60, 3 * 3600, 24 * 3600)
#: How many lines to read at most: they are evidence, not statistics.
_MAX_LINES = 2000


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
        lines = list(lines_since(aws, config, pattern, now - seconds, limit=_MAX_LINES))
        if any("client_ip" in line.event for line in lines):
            break
    return lines


def client_addresses(lines: Sequence[LoggedLine]) -> list[ClientAddress]:
    """Returns the client addresses in the lines, without values that are not addresses."""
    addresses = []
    for line in lines:
        ip, source = line.event.get("client_ip"), line.event.get("client_ip_source")
        if isinstance(ip, str) and isinstance(source, str) and parse_address(ip) is not None:
            addresses.append(ClientAddress(ip=ip, source=source))
    return addresses
