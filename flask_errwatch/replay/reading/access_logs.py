"""Access logs in the NCSA common or combined format, as Apache, nginx and gunicorn write them."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from flask_errwatch.replay.formats.clients import client_of
from flask_errwatch.replay.formats.minutes import minute_of_stamp
from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.formats.requests import REQUEST, Request, plain_headers
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.request_counter import FAILED, MinuteRequests
from flask_errwatch.replay.reading.messages import MessageReader
from flask_errwatch.replay.reading.shapes import Reading, Shape

#: An access log with nothing around its lines.
PLAIN_ACCESS_LOG: Final = Shape(readings=(Reading((), COMBINED),))

# Clients that are remembered, beside those of one block.
_REMEMBERED: Final = 10_000
# What ends the time of a line, and nothing else in it: in a value a quote is escaped.
_BEFORE_REQUEST: Final = '] "'

_SOURCE: Final = itemgetter(0)
# Source, minute, zone, request, status, and what follows.
_Row = tuple[str, str, str, str, str, str]


class AccessLogReader(MessageReader):
    """An access log: a line counts as the app's line for such a request would.

    A block in which every line has the plain format is read in a sweep. Any other one is read line
    by line.

    Args:
        gathered: Where the lines are counted.
        log: The log's name.
    """

    def __init__(self, gathered: Gathered, log: str) -> None:
        super().__init__(gathered, log, PLAIN_ACCESS_LOG)
        self._clients: dict[str, str] = {}

    def _read(self, block: bytes) -> int:
        text = block.decode("utf-8", "replace")
        count = text.count("\n")
        rows = REQUEST.findall(text)
        # A line has at most one row. With another record behind it, both would count as one.
        is_plain = len(rows) == count == text.count(_BEFORE_REQUEST)
        if not is_plain or not self._know_clients({*map(_SOURCE, rows)}):
            return super()._read(block)
        self._sweep(rows, text)
        self._requests.settle()
        return count

    def _know_clients(self, sources: set[str]) -> bool:
        """Whether all sources are clients. Most of them are known from the blocks before."""
        if len(self._clients) > _REMEMBERED:
            self._clients.clear()
        for source in sources.difference(self._clients):
            client = client_of(source)
            if client is None:
                return False
            self._clients[source] = client
        return True

    def _sweep(self, rows: Sequence[_Row], text: str) -> None:
        """Adds the lines of a block to their minutes."""
        requests: MinuteRequests | None = None
        last, last_zone = "", ""
        lines: list[str] = []
        for index, (source, moment, zone, line, status, rest) in enumerate(rows):
            if moment != last or zone != last_zone:
                last, last_zone = moment, zone
                minute = minute_of_stamp(moment, zone)
                requests = None
                if minute is not None:
                    self._tick(minute, index)
                    requests = self._requests.of(minute)
            if requests is not None and status < FAILED:
                requests.others += 1
                continue
            headers = plain_headers(rest)
            if requests is None or headers is None:
                lines = lines or text.split("\n")
                self._take(index, lines[index], self._interpreter.read(lines[index]))
            else:
                request = Request("", status, line, *headers)
                self._requests.add_failed(requests, self._clients[source] or None, request)
