"""Reads logs once more, each line with its time: for the minutes that are asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from flask_errwatch.replay.formats.minutes import minute_of_stamp
from flask_errwatch.replay.formats.requests import REQUEST, Request
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.request_kinds import RequestKinds
from flask_errwatch.replay.reading.access_logs import PLAIN_ACCESS_LOG
from flask_errwatch.replay.reading.contents import (
    Content,
    Interpreter,
    OwnLine,
    TimedRequest,
    contents,
    lines_of,
)
from flask_errwatch.replay.reading.shapes import Shape
from flask_errwatch.replay.sources import Log, TooLong
from flask_errwatch.respond.ranking.lines import Line
from flask_errwatch.simulation import MINUTE

#: A line with its time, in seconds since the epoch.
TimedLine = tuple[float, Line]

# Stamps and requests that are remembered: they come again.
_REMEMBERED: Final = 4_096


class TimedLineReader:
    """Reads the lines of logs that were judged.

    Args:
        gathered: What the first reading gathered: the site and the detectors.
        is_wanted: Whether the lines of a minute are asked for.
    """

    def __init__(self, gathered: Gathered, is_wanted: Callable[[int], bool]) -> None:
        self._is_wanted = is_wanted
        self._clients = gathered.clients
        self._requests = RequestKinds(gathered)
        self._line_of = lru_cache(_REMEMBERED)(self._requested)
        self._minute_of_stamp = lru_cache(_REMEMBERED)(minute_of_stamp)

    def read(self, log: Log, shape: Shape) -> Iterator[TimedLine]:
        """Yields the lines of a log. What cannot be read was reported before.

        Args:
            log: The log.
            shape: How it is built.
        """
        found = self._of_access_log(log) if shape == PLAIN_ACCESS_LOG else contents(log, shape)
        for content in found:
            if isinstance(content, OwnLine | TimedRequest):
                minute = int(content.at // MINUTE) * MINUTE
                if self._is_wanted(minute):
                    yield content.at, self._as_line(content)

    def _of_access_log(self, log: Log) -> Iterator[Content]:
        """The requests of the minutes that are asked for: the others are only looked at."""
        interpreter = Interpreter(PLAIN_ACCESS_LOG)
        for block in log.blocks():
            if isinstance(block, TooLong):
                continue
            for line in lines_of(block):
                match = REQUEST.match(line)
                minute = None if match is None else self._minute_of_stamp(match[2], match[3])
                if minute is None or self._is_wanted(minute):
                    yield interpreter.read(line)

    def _as_line(self, content: OwnLine | TimedRequest) -> Line:
        if isinstance(content, OwnLine):
            return Line.of(content.event)
        request = content.record.request
        find = self._line_of if request.is_short else self._requested
        return find(content.client(self._clients), request)

    def _requested(self, client: str | None, request: Request) -> Line:
        return Line.of(self._requests.event_of(client, request))
