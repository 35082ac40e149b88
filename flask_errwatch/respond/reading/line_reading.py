"""Reads the lines of log groups with FilterLogEvents, as often as they are asked for."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.errors import AwsCallError, Problem
from flask_errwatch.respond.alarm.counted_lines import Counting
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.ranking.summarize import TimedEvent
from flask_errwatch.respond.ranking.window import Window

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: What CloudWatch Logs counts for an event beside its message (API Reference, PutLogEvents).
_OVERHEAD: Final = 26
#: Lines between two reports of progress.
_STEP: Final = 1000


class LineReading:
    """The lines of a time, read from AWS by each call. Memory holds one page of each log group.

    Args:
        aws: The account and region.
        counting: Where the lines are.
        span: Their time.
        progress: Called now and then with the number of lines that were read.

    Attributes:
        size: Bytes that the last reading read.
        skipped: Lines that it left out: no JSON object with an `event`, or too long.
    """

    def __init__(
        self,
        aws: Aws,
        counting: Counting,
        span: Window,
        progress: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._aws = aws
        self._counting = counting
        self._span = span
        self._progress = progress
        self.size = self.skipped = 0

    def __call__(self) -> Iterator[TimedEvent]:
        """Yields each line with its time in seconds since the epoch, in the order of time.

        Raises:
            NoAnswerError: When the log group does not exist.
            AwsCallError: When it cannot be read.
        """
        self.size = self.skipped = 0
        groups = [self._of_group(name) for name in self._counting.log_groups]
        lines = groups[0] if len(groups) == 1 else heapq.merge(*groups, key=itemgetter(0))
        for number, line in enumerate(lines, start=1):
            if number % _STEP == 0:
                self._progress(number)
            yield line

    def _of_group(self, name: str) -> Iterator[TimedEvent]:
        entries = self._aws.pages(
            *("logs", "filter_log_events", "events"),
            logGroupName=name,
            filterPattern=self._counting.filter_pattern,
            startTime=math.ceil(self._span.start * 1000),
            endTime=math.ceil(self._span.end * 1000) - 1,  # an event of that time is returned too
        )
        for entry in _existing(entries, self._aws, name):
            message = entry["message"]
            self.size += len(message.encode("utf-8", "replace")) + _OVERHEAD
            event = read_line(message)
            if event is None:
                self.skipped += 1
            else:
                yield entry["timestamp"] / 1000, event


def _existing(entries: Iterator[Any], aws: Aws, name: str) -> Iterator[Any]:
    """The entries of a log group, unless it does not exist."""
    try:
        yield from entries
    except AwsCallError as error:
        if not error.is_not_found:
            raise
        raise no_log_group(aws, (name,)) from error


def no_log_group(aws: Aws, names: tuple[str, ...]) -> NoAnswerError:
    """The error of log groups that do not exist: they were deleted, or are of another region."""
    remedy = (
        f"There is no such log group in {aws.region()}: set ERRWATCH_REGION to its region, or run "
        "flask errwatch apply if it was deleted."
    )
    return NoAnswerError(Problem(key="log group", value=", ".join(names), remedy=remedy))
