"""Reads the app's own lines from its log group, which other programs may share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.config import Config

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


class LoggedLine(NamedTuple):
    """A line of the app.

    Attributes:
        at: Its time in milliseconds since the epoch.
        event: The parsed line. Its values may be of any JSON type.
        text: The line.
    """

    at: int
    event: Mapping[str, object]
    text: str = ""


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
    yield from own_lines(islice(entries, limit), config)


def newest_lines(
    aws: Aws, config: Config, pattern: str, since: float, *, calls: int
) -> tuple[list[LoggedLine], bool]:
    """Returns the app's newest lines that match a pattern, and whether these are all.

    A call that finds nothing has read only a part of a large log group. A boto3 that cannot ask
    for the newest lines first gets the oldest ones.

    Args:
        aws: The account and region.
        config: The app's configuration.
        pattern: A filter pattern.
        since: The earliest time of a line, in seconds since the epoch.
        calls: How many calls to make at most.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    arguments: dict[str, object] = {
        "logGroupName": config.log_group,
        "filterPattern": pattern,
        "startTime": round(since * 1000),
    }
    if aws.takes("logs", "FilterLogEvents", "startFromHead"):
        arguments["startFromHead"] = False
    lines: list[LoggedLine] = []
    for _ in range(calls):
        page = aws.call("logs", "filter_log_events", **arguments)
        lines += own_lines(page.get("events", ()), config)
        if not page.get("nextToken"):
            return lines, True
        arguments["nextToken"] = page["nextToken"]
    return lines, False


def own_lines(entries: Iterable[Mapping[str, Any]], config: Config) -> Iterator[LoggedLine]:
    """Yields the app's lines among the events of a log group, which others may share."""
    for entry in entries:
        event = read_line(entry["message"])
        # An emulator returns every line, whatever the pattern.
        if event and event.get("app") == config.app_name:
            yield LoggedLine(entry["timestamp"], event, entry["message"])
