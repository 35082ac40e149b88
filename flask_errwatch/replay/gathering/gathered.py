"""What is gathered from all logs: the tally, the bad lines, and what the logs show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flask_errwatch.capture.suspicion import Suspicion
from flask_errwatch.detectors import HEARTBEAT, OPERATIONAL_EVENTS
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.replay.gathering.client_rule import ClientRule
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.sites import UNKNOWN_SITE, SeenSite
from flask_errwatch.replay.sources import ALWAYS, TimeRange
from flask_errwatch.simulation import MINUTE, InputCoverage, LineKind, LineKinds, Tally

#: Seconds from the first to the last one of a minute.
_LAST_SECOND = MINUTE - 1
#: The fields that the sensor derives of a request's path, referrer and user agent.
CLASSES = frozenset(Suspicion._fields)
# Combinations of values whose kind is remembered.
_KNOWN = 10_000
# Characters of such a combination. Longer ones do not come again, and would fill the memory.
_LONGEST_KNOWN = 4_096

#: The values of a line that decide its kind.
Values = tuple[object, ...]
#: The sources and the paths of lines that are alike.
SourcesAndPaths = tuple[list[str | None], list[str | None]]
#: Stands for the value of a field that a line does not have.
MISSING = object()


class BadLine(NamedTuple):
    """A line that could not be read.

    Attributes:
        log: Name of its log.
        number: Number of the line, from 1.
        text: Its beginning.
    """

    log: str
    number: int
    text: str


class JumpBack(NamedTuple):
    """The first place at which a log's clock jumped back.

    Attributes:
        log: Name of the log.
        number: Number of the line, from 1.
        seconds: How far, in whole minutes.
        times: How often it jumped in that log.
    """

    log: str
    number: int
    seconds: int
    times: int


class Gathered:
    """Everything that is gathered from all logs.

    Args:
        detectors: The detectors that judge.
        site: What the access logs show of their site.
        within: The time whose lines are judged.

    Attributes:
        detectors: The detectors that judge.
        site: What the access logs show of their site.
        tally: The lines that were read.
        kinds: The kinds of these lines.
        bad_lines: How many lines could not be read.
        bad: The first of those.
        jumps: The first jump back of the clock, for each log whose clock jumped back.
        has_heartbeats: Whether a log holds a Heartbeat line: then it shows when an app ran.
        has_operational: Whether a log holds an operational line, such as that: then it would hold
            those of processes that died.
        shows_requests: Whether every log so far shows all requests, as an access log does.
        shown: The fields that lines other than operational ones have.
        clients: Derives whose a request is.
        hidden_lines: How many of the app's lines are inside something else in a log group, where
            no metric filter matches them.
        repeated_requests: How many requests are beside the app's own lines, which count them.
        lacks_referrers: Whether requests that were classified have no referrer in their log.
        outside: How many lines are not within the time that is judged.
        hidden: The fields that counts do not show of some lines that have them.
        shows_sources: Whether it is shown whose every line is.
        has_sums_only: Whether only sums of what filters count are known, as of metrics.
    """

    def __init__(
        self,
        detectors: DetectorSet,
        site: SeenSite = UNKNOWN_SITE,
        within: TimeRange = ALWAYS,
    ) -> None:
        self.detectors = detectors
        self.site = site
        self._within = within
        self.clients = ClientRule(detectors.config.trusted_proxies)
        self.hidden_lines = self.repeated_requests = self.outside = 0
        self.lacks_referrers = False
        self.tally = Tally()
        self.kinds = LineKinds(detectors.desired.resources)
        self.bad_lines = 0
        self.bad: list[BadLine] = []
        self.jumps: dict[str, JumpBack] = {}
        self.has_heartbeats = self.has_operational = False
        self.shows_requests = True
        self.shown: set[str] = set()
        self.hidden: set[str] = set()
        self.shows_sources = True
        self.has_sums_only = False
        app_name = detectors.desired.app_name
        self._named = frozenset(
            detector.resource_name(app_name)
            for detector in detectors.catalogue
            if detector.alarm is not None
        )
        self._known: dict[Values, LineKind] = {}

    @property
    def reads_classes(self) -> bool:
        """Whether a filter reads what the sensor derives of a request."""
        return not CLASSES.isdisjoint(self.kinds.fields)

    @property
    def coverage(self) -> InputCoverage:
        """What the logs show beside failures."""
        return InputCoverage(
            requests=self.shows_requests,
            heartbeats=self.has_heartbeats,
            deaths=self.has_operational,
            # Where no request failed, no line lacks a field.
            fields=frozenset(self.shown - self.hidden) if self.shown else None,
            sources=self.shows_sources,
            sums_only=self.has_sums_only,
        )

    def kind_of(self, values: Values) -> LineKind:
        """The kind of a line with a client and these values.

        Args:
            values: Those of `kinds.fields`, in their order.

        Raises:
            TypeError: When one of them is a list or an object.
        """
        kind = self._known.get(values)
        if kind is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            pairs = zip(self.kinds.fields, values, strict=True)
            event = {field: value for field, value in pairs if value is not MISSING}
            # Whose address it is decides no kind, only that there is one.
            kind = self.kind_of_line({"client_ip": "", **event})
            if sum(len(value) for value in values if isinstance(value, str)) <= _LONGEST_KNOWN:
                self._known[values] = kind
        return kind

    def kind_of_line(self, event: JsonEvent, text: str | None = None) -> LineKind:
        """The kind of any line of JSON.

        Args:
            event: The line as `patterns.read_event` gives it, or the fields that are read.
            text: The line.
        """
        name = event.get("event")
        if isinstance(name, str) and name in OPERATIONAL_EVENTS:
            self.has_operational = True
            self.has_heartbeats = self.has_heartbeats or name == HEARTBEAT
        else:
            self.shown.update(field for field in self.kinds.fields if field in event)
        return self.kinds.of(event, text)

    def count(
        self,
        minute: int,
        kind: LineKind,
        sources: Sequence[str | None],
        paths: Sequence[str | None],
    ) -> None:
        """Counts lines of one kind, with their sources and paths if an alarm may name them."""
        if not self._is_judged(minute):
            self.outside += len(sources)
        elif self._may_be_named(kind):
            self.tally.add(minute, kind, sources, paths)
        else:
            self.tally.add_unnamed(minute, kind, len(sources))

    def count_equal(
        self, minute: int, kind: LineKind, lines: int, *, source: str | None, path: str | None
    ) -> None:
        """Counts lines of one kind that have the same source and path."""
        if not self._is_judged(minute):
            self.outside += lines
        elif self._may_be_named(kind):
            self.tally.add_equal(minute, kind, lines, source=source, path=path)
        else:
            self.tally.add_unnamed(minute, kind, lines)

    def count_other(self, minute: int, lines: int) -> None:
        """Counts lines that no filter matches."""
        if not self._is_judged(minute):
            self.outside += lines
        else:
            self.tally.add_unnamed(minute, self.kinds.other, lines)

    def _is_judged(self, minute: int) -> bool:
        return self._within.overlaps(minute, minute + _LAST_SECOND)

    def _may_be_named(self, kind: LineKind) -> bool:
        """Whether an alarm may name the sources and paths of lines."""
        return kind.is_by_source or not kind.filters.isdisjoint(self._named)
