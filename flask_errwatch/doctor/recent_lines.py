"""Reads the app's newest lines from its log group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flask_errwatch.capture.addresses import parse_address
from flask_errwatch.capture.client_address import Client, ClientAddress, UnknownClient
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
        if any("client_ip" in line.event or "peer_ip" in line.event for line in lines):
            break
    return lines


def clients(lines: Sequence[LoggedLine]) -> list[Client]:
    """Returns whom the lines name: a client, or only the peer. Other values are left out."""
    found: list[Client] = []
    for line in lines:
        ip, source = _address(line, "client_ip"), line.event.get("client_ip_source")
        trust = line.event.get("client_ip_trust")
        peer = _address(line, "peer_ip")
        if ip and isinstance(source, str):
            found.append(ClientAddress(ip, source, trust if isinstance(trust, str) else ""))
        elif peer:
            found.append(UnknownClient(peer, ""))
    return found


def _address(line: LoggedLine, key: str) -> str:
    value = line.event.get(key)
    return value if isinstance(value, str) and parse_address(value) is not None else ""
