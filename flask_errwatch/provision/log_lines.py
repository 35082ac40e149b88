"""Reads the app's own lines from its log group, which other programs may share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.config import Config

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


class LoggedLine(NamedTuple):
    """A line of the app.

    Attributes:
        at: Its time in milliseconds since the epoch.
        event: The parsed line. Its values may be of any JSON type.
    """

    at: int
    event: Mapping[str, object]


def lines_since(
    aws: Aws, config: Config, pattern: str, since: float, *, limit: int | None = None
) -> Iterator[LoggedLine]:
    """Yields the app's lines that match a pattern.

    Args:
        aws: The account and region.
        config: The app's configuration.
        pattern: A filter pattern.
        since: The earliest time of a line, in seconds since the epoch.
        limit: How many log events to read at most, those of other apps included.

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
    for entry in islice(entries, limit):
        event = read_line(entry["message"])
        # The group may be shared, and an emulator returns every line.
        if event and event.get("app") == config.app_name:
            yield LoggedLine(entry["timestamp"], event)
