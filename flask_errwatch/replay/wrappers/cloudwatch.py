"""What exports and tools of CloudWatch Logs write around its events, one event per line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from flask_errwatch.patterns import read_event
from flask_errwatch.replay.wrappers.cloudwatch_times import MILLISECONDS, event_second
from flask_errwatch.replay.wrappers.wrapper import (
    ADDRESS,
    BEGINNING,
    COLOURS,
    LOCAL_TIME,
    NO_LOGGER,
    Wrapped,
    Wrapper,
    prefix,
    whole_text,
)

# A log stream's name has no colon and no asterisk (API Reference, CreateLogStream). Of those with
# blanks only the last word is taken.
_STREAM = r"[^\s:*]{1,511}[^\s:*,]"
# A column of `awslogs`. The second column of an access line is a hyphen.
_COLUMN = rf"{COLOURS}(?!- )[^\s:*|\"{{\x1b]{{1,512}}{COLOURS} {{1,512}}"
_EXPORTED = rf"{LOCAL_TIME}\.\d{{3}}Z"
# `aws logs … --output text` sorts an event's keys, of which GetLogEvents returns three:
# event, ingestion, stream, message, time, or ingestion, message, time.
_ROW = re.compile(
    rf"(?:EVENTS\t)?(?:(?!{MILLISECONDS}\t)\d{{1,80}}\t\d{{1,16}}\t[^\t:*]{{1,512}}\t"
    rf"|{MILLISECONDS}\t(?=.*\t))(.*)\t({MILLISECONDS})",
    re.ASCII | re.DOTALL,
)
_TIME_FIRST = re.compile(rf"({MILLISECONDS})\t(.*)", re.ASCII | re.DOTALL)
_TIME_LAST = re.compile(rf"(.*)\t({MILLISECONDS})", re.ASCII | re.DOTALL)
# What it prints beside the events: tokens, and the streams that were searched.
_NO_EVENT = re.compile(
    r"(?:(?:SEARCHEDLOGSTREAMS|NEXTTOKEN)\t.*|[bf]/\d{1,80}(?:/\w)?(?:\t[bf]/\d{1,80}(?:/\w)?)?)",
    re.ASCII,
)
# Keys that CloudWatch Logs adds to the message and the time of an event.
_OF_EVENT = frozenset({"ingestionTime", "eventId", "logStreamName", "id"})


def _row(line: str) -> Wrapped | None:
    if "\t" not in line:
        return Wrapped(None, "") if _NO_EVENT.fullmatch(line) else None
    if match := _ROW.fullmatch(line):
        return _timed(match[2], match[1])
    if match := _TIME_FIRST.fullmatch(line):
        return _timed(match[1], match[2])
    if match := _TIME_LAST.fullmatch(line):
        return _timed(match[2], match[1])
    return Wrapped(None, "") if _NO_EVENT.fullmatch(line) else None


def _event_line(line: str) -> Wrapped | None:
    event = read_event(line)
    if event is None or _OF_EVENT.isdisjoint(event):
        return None
    return _timed(event.get("timestamp"), event.get("message"))


def _insights_line(line: str) -> Wrapped | None:
    row = read_event(line)
    return None if row is None else _timed(row.get("@timestamp"), row.get("@message"))


def _timed(time: object, message: object) -> Wrapped | None:
    at = event_second(time)
    text = message_text(message)
    return None if at is None or text is None else Wrapped(at, text)


def message_text(message: object) -> str | None:
    r"""The text of an event's message, without a line break at its end.

    None for what is neither a text nor an object.

    Logs Insights' console exports a message that is JSON as an object.

    Example:
        >>> message_text("hello\r\n"), message_text({"schema": 1}), message_text(7)
        ('hello', '{"schema": 1}', None)
    """
    if isinstance(message, str):
        return whole_text(message).rstrip("\r\n")
    if not isinstance(message, Mapping):
        return None
    try:
        return json.dumps(message)
    except RecursionError:  # it was parsed by what follows deeper nesting
        return None


#: An export to S3: `2026-11-25T01:17:12.687Z`, a blank, the message. Exactly three digits of a
#: second, or none, distinguish it from `docker logs --timestamps`.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
EXPORT: Final = Wrapper(
    name="a CloudWatch export",
    unwrap=prefix(rf"(?P<time>{LOCAL_TIME}(?:\.\d{{3}})?Z) {NO_LOGGER}"),
    is_of_cloudwatch=True,
)
#: `aws logs tail`: time, stream, message. With `--format json` the time has no fraction where that
#: is zero. The time ends with +00:00.
#: https://github.com/aws/aws-cli/blob/v2/awscli/customizations/logs/tail.py
TAIL: Final = Wrapper(
    name="aws logs tail",
    unwrap=prefix(
        rf"{COLOURS}(?P<time>{LOCAL_TIME}(?:\.\d{{6}})?\+00:00){COLOURS} (?!- ){_STREAM} "
        r"(?=(?!- )|- - \S{1,128} \[)"  # not a client for a stream, unless one follows it
    ),
    is_of_cloudwatch=True,
)
#: `aws logs tail --format short`: time without a zone, message.
TAIL_SHORT: Final = Wrapper(
    name="aws logs tail --format short",
    unwrap=prefix(rf"{COLOURS}(?P<time>{LOCAL_TIME}){COLOURS} {NO_LOGGER}"),
    is_of_cloudwatch=True,
)
#: `awslogs get --timestamp`: group, stream, time, perhaps the time of ingestion, message. Group or
#: stream may be left out. Without both it is like an export. https://github.com/jorgebastida/awslogs
AWSLOGS_TIMESTAMP: Final = Wrapper(
    name="awslogs --timestamp",
    unwrap=prefix(
        rf"(?:{_COLUMN}){{1,2}}{COLOURS}(?P<time>{_EXPORTED}){COLOURS} "
        rf"(?:{COLOURS}{_EXPORTED}{COLOURS} )?"
    ),
    is_of_cloudwatch=True,
)
#: `awslogs get`: group, stream, message. No group is an address: lighttpd writes one, then the host
#: that was asked for, then a user who may be called like the beginning of a line.
AWSLOGS: Final = Wrapper(
    name="awslogs",
    unwrap=prefix(rf"(?!{ADDRESS} )(?:{_COLUMN}){{2}}(?={BEGINNING})"),
    is_of_cloudwatch=True,
)
#: `aws logs filter-log-events` and `get-log-events` with `--output text`, also with `--query
#: 'events[].[timestamp,message]'`.
#: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-output-format.html#text-output
TEXT_OUTPUT: Final = Wrapper(name="aws logs --output text", unwrap=_row, is_of_cloudwatch=True)
#: Events as JSON, one per line: `jq -c '.events[]'`.
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilteredLogEvent.html
EVENT_LINES: Final = Wrapper(
    name="events of CloudWatch Logs", unwrap=_event_line, is_of_cloudwatch=True
)
#: Rows of Logs Insights as JSON, one per line.
INSIGHTS_LINES: Final = Wrapper(
    name="rows of Logs Insights", unwrap=_insights_line, is_of_cloudwatch=True
)
