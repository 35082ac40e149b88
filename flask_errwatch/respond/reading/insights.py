"""Runs a query of Logs Insights to its end, or stops it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from flask_errwatch.errors import AwsCallError, Problem
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.line_reading import no_log_group

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: The most rows of a result (CloudWatch Logs API Reference, StartQuery, limit).
MOST_ROWS: Final = 10_000
#: Seconds between two polls.
_POLL: Final = 1.0
_GOING: Final = frozenset({"Scheduled", "Running", "Unknown"})
#: Polls in a row whose status AWS does not know, after which it is given up.
_MOST_UNKNOWN: Final = 60
#: Why a query has no result, by its status, each with what to do.
_ENDS: Final = {
    "Failed": "Logs Insights could not run the query: try a shorter time with --since and --until.",
    "Timeout": "The query took too long: try a shorter time with --since and --until.",
    "Cancelled": "Somebody stopped the query: run the command again.",
}

_NO_RESULT: Final = "The query ended without a result: run the command again."

#: A row of a result: the texts by their fields.
Row = Mapping[str, str]


class Insights:
    """Queries of log groups.

    Args:
        aws: The account and region.
        log_groups: The names of the log groups, at most 50.
        progress: Called after each poll with the query's state and the bytes scanned so far.
        pause: Waits for so many seconds.

    Attributes:
        scanned: Bytes that all queries so far scanned, which is what AWS charges for.
    """

    def __init__(
        self,
        aws: Aws,
        log_groups: tuple[str, ...],
        *,
        progress: Callable[[str], object] = lambda _: None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._aws = aws
        self._log_groups = log_groups
        self._progress = progress
        self._pause = pause
        self.scanned = 0

    def rows(self, query: str, span: Window, *, about: str) -> list[Row]:
        """The rows of a query, when it is complete. One that is interrupted is stopped.

        Args:
            query: The query.
            span: The time of the lines.
            about: What it looks for, for `progress`.

        Raises:
            NoAnswerError: When it fails, takes too long, is stopped, or too many are running.
            AwsCallError: When a call fails.
        """
        query_id = self._start(query, span)
        try:
            return self._finish(query_id, about)
        except NoAnswerError:
            raise  # it has ended
        except BaseException:
            self._stop(query_id)
            raise

    def _start(self, query: str, span: Window) -> str:
        try:
            response = self._aws.call(
                *("logs", "start_query"),
                logGroupNames=[*self._log_groups],
                queryString=query,
                # In whole seconds, and both ends belong to it.
                startTime=int(span.start),
                endTime=max(int(span.start), -int(-span.end // 1) - 1),
                limit=MOST_ROWS,
            )
        except AwsCallError as error:
            if error.is_not_found:
                raise no_log_group(self._aws, self._log_groups) from error
            if error.kind != "quota":
                raise
            remedy = "The account runs as many queries as it may: try again in a minute."
            raise NoAnswerError(Problem(key="query", value=error.code, remedy=remedy)) from error
        return str(response["queryId"])

    def _finish(self, query_id: str, about: str) -> list[Row]:
        unknown = 0
        while True:
            response = self._aws.call("logs", "get_query_results", queryId=query_id)
            status = response["status"]
            statistics = response.get("statistics", {})
            if status == "Complete":
                self.scanned += int(statistics.get("bytesScanned", 0))
                # Before that AWS returns the rows so far, which are not the result.
                return [_row(cells) for cells in response.get("results", ())]
            if status not in _GOING:
                remedy = _ENDS.get(status, _NO_RESULT)
                raise NoAnswerError(Problem(key="query", value=status, remedy=remedy))
            unknown = unknown + 1 if status == "Unknown" else 0
            if unknown == _MOST_UNKNOWN:
                self._stop(query_id)
                remedy = "AWS does not know the state of the query: run the command again."
                raise NoAnswerError(Problem(key="query", value=status, remedy=remedy))
            scanned = (self.scanned + statistics.get("bytesScanned", 0)) / 1e6
            self._progress(f"{about}: {status.lower()}, {scanned:,.0f} MB scanned")
            self._pause(_POLL)

    def _stop(self, query_id: str) -> None:
        with suppress(AwsCallError):  # it has ended, or it goes on: what interrupted it counts
            self._aws.call("logs", "stop_query", queryId=query_id)


def _row(cells: list[Mapping[str, str]]) -> Row:
    return {cell["field"]: cell.get("value", "") for cell in cells}


def moment_of(text: str) -> float | None:
    """The time in a result, in seconds since the epoch: `2026-11-29 02:06:00.123`, or a number.

    Example:
        >>> moment_of("1970-01-01 00:01:00.500"), moment_of("60500"), moment_of("soon")
        (60.5, 60.5, None)
    """
    try:
        if text.replace(".", "", 1).isdigit():
            return float(text) / 1000
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def number_of(text: str | None) -> int:
    """A whole number in a result. 0 for anything else.

    Example:
        >>> number_of("41"), number_of("41.0"), number_of(None)
        (41, 41, 0)
    """
    return int(amount_of(text))


def amount_of(text: str | None) -> float:
    """A number in a result, which a sum of `suspicion` may have a fraction of. Else 0.

    Example:
        >>> amount_of("16.5"), amount_of("x"), amount_of("inf")
        (16.5, 0.0, 0.0)
    """
    try:
        amount = float(text or 0)
    except ValueError:
        return 0.0
    return amount if math.isfinite(amount) else 0.0
