"""Follows the lines of a log group with StartLiveTail, which is billed by the minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from flask_errwatch.errors import AwsCallError, Problem
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.reading.line_reading import no_log_group
from flask_errwatch.respond.tail.polling import TailedLine
from flask_errwatch.respond.tail.wanted_lines import WantedLines

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: What a session costs (https://aws.amazon.com/cloudwatch/pricing/, Logs, us-east-1). The free tier
#: has 1,800 minutes a month.
DOLLARS_A_MINUTE: Final = 0.01
#: Why a session ends by itself (API Reference, StartLiveTail).
_OVER: Final = "SessionTimeoutException"
#: How services and emulators answer an operation that they do not have.
_UNKNOWN: Final = frozenset(
    {"UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented", "404"}
)


def live_lines(
    aws: Aws, log_group: str, wanted: WantedLines, note: Callable[[str], object]
) -> Iterator[TailedLine]:
    """Yields the lines that arrive, until the session ends after three hours.

    Args:
        aws: The account and region.
        log_group: The log group.
        wanted: Which of its lines.
        note: Gets what the session leaves out, and its end.

    Raises:
        NoAnswerError: When the log group does not exist, or the region has no live tail.
        AwsCallError: When a call fails, or the connection breaks.
    """
    if not aws.has("logs", "StartLiveTail"):
        raise _no_live_tail("The installed boto3 does not have StartLiveTail: update it.")
    events = aws.stream(
        *("logs", "start_live_tail", "responseStream"),
        logGroupIdentifiers=[_arn(aws, log_group)],
        logEventFilterPattern=wanted.filter_pattern,
    )
    try:
        for event in events:
            yield from _lines(event, wanted, note)
    except AwsCallError as error:
        if error.code in _UNKNOWN:
            raise _no_live_tail("The endpoint does not have StartLiveTail.") from error
        if error.is_not_found:
            raise no_log_group(aws, (log_group,)) from error
        if error.code != _OVER:
            raise
    note("The session has ended (AWS ends each after three hours): run the command again.")


def _lines(
    event: dict[str, dict[str, object]], wanted: WantedLines, note: Callable[[str], object]
) -> Iterator[TailedLine]:
    """The lines of one update, which comes every second."""
    update = event.get("sessionUpdate", {})
    metadata, results = update.get("sessionMetadata"), update.get("sessionResults")
    if isinstance(metadata, dict) and metadata.get("sampled"):
        note("More than 500 lines in a second: some are left out.")
    for entry in results if isinstance(results, list) else ():
        found = wanted.event_of(entry["message"])
        if found is not None:
            yield TailedLine(entry["timestamp"] / 1000, found)


def _arn(aws: Aws, name: str) -> str:
    """The ARN of a log group, of parts that need no permission."""
    account = aws.call("sts", "get_caller_identity")["Account"]
    scope = AwsScope(partition=aws.partition(), region=aws.region(), account=account)
    return scope.log_group_arn(name)


def _no_live_tail(remedy: str) -> NoAnswerError:
    return NoAnswerError(
        Problem(key="--live", value=True, remedy=f"{remedy} Leave --live out: polling is free.")
    )
