"""The judge: lines in, alarm states out, with the time as an argument."""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator, Mapping
from types import MappingProxyType

from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.patterns import Event, parse
from flask_errwatch.simulation.alarm_state import AlarmWatch, Cadence, Transition
from flask_errwatch.simulation.alarms import AlarmRule, State
from flask_errwatch.simulation.composite import CompositeRule, in_order
from flask_errwatch.simulation.matching import Intake, MetricFeed, Outcome
from flask_errwatch.simulation.metrics import MINUTE, Metric, MetricRule
from flask_errwatch.simulation.report import Report, explained, reports_of

#: What an app writes where nothing failed, as far as any pattern is concerned.
HEARTBEAT_LINE = f'{{"event": "{HEARTBEAT}"}}'


class Judge:
    """Metric filters, alarms and composite alarms, evaluated as CloudWatch would.

    Feed it lines and advance it: every whole minute up to that time is evaluated, at minute t
    over the lines of [t - period, t). Minutes in which no datapoint can change are skipped,
    which does not change what comes out.

    Lines may come in any order within what is not evaluated yet. A line whose minute is
    already evaluated counts as late: what was decided stays, and it is part of its period in
    every later evaluation that still sees that minute, as on the live service.

    Args:
        metrics: The metric filters.
        alarms: The metric alarms.
        composites: The composite alarms.
        start: When the alarms were created, in seconds since the epoch: they are evaluated
            from the next minute on. None means the minute of the earliest line fed before
            the first evaluation, or the minute before that where there is no line.

    Attributes:
        late_lines: How many lines were late, counted when time advances.

    Raises:
        JudgeError: When two filters or two alarms have one name, or a composite alarm needs
            an alarm that does not exist.

    Example:
        >>> from flask_errwatch.patterns import parse
        >>> rule = MetricRule(name="error", pattern=parse("Error"), namespace="Shop",
        ...     metric_name="errors", default_value=0)
        >>> alarm = AlarmRule(name="error", namespace="Shop", metric_name="errors",
        ...     threshold=1, period=60)
        >>> judge = Judge([rule], [alarm])
        >>> for second in (0, 1, 59):
        ...     judge.feed(second * 1000, "Error: no stock")
        >>> [(each.at, each.new) for each in judge.advance(60)]
        [(60, 'ALARM')]
    """

    def __init__(
        self,
        metrics: Iterable[MetricRule] = (),
        alarms: Iterable[AlarmRule] = (),
        composites: Iterable[CompositeRule] = (),
        *,
        start: float | None = None,
    ) -> None:
        self._lines = 0
        self.late_lines = 0
        self._at: int | None = None if start is None else _whole_minute(start)
        self._earliest: int | None = None
        self._pruned: int | None = None
        self._states: dict[str, State] = {}
        self._feeds: dict[tuple[Metric, str | None], MetricFeed] = {}
        self._intake = Intake((), {})
        self.redefine(metrics, alarms, composites)

    @classmethod
    def for_catalogue(
        cls,
        catalogue: Catalogue,
        app_name: str,
        *,
        namespace: str = "Application Logs",
        start: float | None = None,
    ) -> Judge:
        """The judge of an app's detectors, with the names and values that bootstrap gives them.

        Args:
            catalogue: The detectors, as configured (`Catalogue.configured`).
            app_name: Prefix of every name.
            namespace: The metrics' namespace.
            start: When the alarms were created, as above.

        Raises:
            JudgeError: When an alarm has no threshold or period.
        """
        metrics: list[MetricRule] = []
        alarms: list[AlarmRule] = []
        for detector in catalogue:
            name = detector.resource_name(app_name)
            rule = MetricRule(
                name=name,
                pattern=parse(detector.pattern),
                namespace=namespace,
                metric_name=name,
                default_value=0.0,
                unit="Count",
            )
            metrics.append(rule)
            if detector.alarm is not None:
                metric = Metric(namespace, name)
                alarms.append(AlarmRule.from_alarm(detector.alarm, name=name, metric=metric))
        return cls(metrics, alarms, start=start)

    def redefine(
        self,
        metrics: Iterable[MetricRule] = (),
        alarms: Iterable[AlarmRule] = (),
        composites: Iterable[CompositeRule] = (),
    ) -> None:
        """Replaces every rule, as putting filters and alarms again does.

        An alarm that keeps its name keeps its state, and a metric that is still watched keeps
        its samples. Lines fed before were filtered by the rules before: filters are not
        retroactive. Every alarm is evaluated at the next minute; reports begin anew.

        Raises:
            JudgeError: As the constructor does; then nothing has changed.
        """
        rules, watched, composed = tuple(metrics), tuple(alarms), tuple(composites)
        names = [*(alarm.name for alarm in watched), *(rule.name for rule in composed)]
        _refuse_twice("metric filters", [rule.name for rule in rules])
        _refuse_twice("alarms", names)
        self._composites = in_order(composed, [alarm.name for alarm in watched])
        self._take_in()
        keys = {(alarm.metric, alarm.unit) for alarm in watched}
        self._feeds = {key: self._feeds.get(key, MetricFeed()) for key in keys}
        self._states = {name: self._states.get(name, "INSUFFICIENT_DATA") for name in names}
        self._intake = Intake(rules, self._feeds)
        for feed in self._feeds.values():
            feed.series.fill(0, ())
        self._watches = [
            AlarmWatch(each, self._feeds[each.metric, each.unit], self._states[each.name])
            for each in watched
        ]
        self._readers: dict[MetricFeed, list[AlarmWatch]] = {}
        for watch in self._watches:
            self._readers.setdefault(watch.feed, []).append(watch)
        self._agenda = _Agenda()
        self._are_composites_due = True
        for feed, readers in self._readers.items():
            for minute in feed.series:
                self._schedule(readers, minute)
        if self._at is not None:
            self._agenda.add(self._at + MINUTE, self._watches)

    def feed(self, timestamp_ms: int, message: str) -> None:
        """Takes one line.

        Args:
            timestamp_ms: Its time in milliseconds since the epoch.
            message: The line.
        """
        self._intake.count(timestamp_ms, self._intake.match(message), 1)

    def match(self, message: str) -> Outcome:
        """What a line gives, for `count`: whoever counts many equal lines matches them once.

        It is good until the next `redefine`.
        """
        return self._intake.match(message)

    def match_event(self, event: Event | None, message: str) -> Outcome:
        """As `match`, for whoever has read the line already.

        Args:
            event: What `patterns.read_event` made of the line.
            message: The line.
        """
        return self._intake.match_event(event, message)

    def count(self, timestamp_ms: int, outcome: Outcome, lines: int = 1) -> None:
        """Takes lines that were matched before; `feed` does both for one line.

        Args:
            timestamp_ms: Their time in milliseconds since the epoch.
            outcome: What `match` returned.
            lines: How many there are.
        """
        self._intake.count(timestamp_ms, outcome, lines)

    def beat(self, since: float) -> None:
        """Fills quiet minutes: from then on one without a line counts as holding a Heartbeat.

        An app with its heartbeat on writes such a line each minute, which makes zeros of what
        would be missing data. It costs nothing, however long the quiet lasts, and holds until
        the next `redefine`.

        Args:
            since: The first such minute, in seconds since the epoch.
        """
        self._take_in()
        first = _whole_minute(since)
        given = self._intake.match(HEARTBEAT_LINE).given
        for feed, watches in self._readers.items():
            feed.series.fill(first, [each.value for each in given if each.feed is feed])
            for watch in watches:
                # From then on only lines change a datapoint, as they come and go.
                horizon = watch.rule.horizon
                for minute in range(first, first + horizon, MINUTE):
                    moment = watch.cadence.after(minute)
                    if self._at is None or moment > self._at:
                        self._agenda.add(moment, [watch])
                watch.forget()

    def advance(self, to_seconds: float) -> list[Transition]:
        """Evaluates every whole minute up to that time that is not evaluated yet.

        Args:
            to_seconds: The time in seconds since the epoch; one in the past does nothing.

        Returns:
            Every change of a state, in order of time; within a minute metric alarms in the
            order of their definition, then composite alarms.
        """
        end = _whole_minute(to_seconds)
        self._take_in()
        if self._at is None:
            first = end - MINUTE if self._earliest is None else self._earliest
            if first >= end:
                return []
            self._at = first
            self._agenda.add(first + MINUTE, self._watches)
        transitions: list[Transition] = []
        for at, due in self._agenda.until(end):
            transitions += self._evaluate(at, due)
        self._at = max(self._at, end)
        self._prune(self._at)
        return transitions

    @property
    def at(self) -> int | None:
        """Until when it has evaluated, in seconds since the epoch; None before the first time."""
        return self._at

    @property
    def lines(self) -> int:
        """How many lines were fed."""
        self._take_in()
        return self._lines

    @property
    def states(self) -> Mapping[str, State]:
        """The state of each alarm, composite alarms last."""
        return MappingProxyType(self._states)

    def reports(self) -> tuple[Report, ...]:
        """What it saw of each alarm, and of each metric filter that no alarm watches."""
        self._take_in()
        return reports_of(self._watches, self._intake.rules, self._intake.matched)

    def explain(self) -> str:
        """The states and how they came about: what a failed assertion should show.

        Per alarm its state, what it waits for, how many lines each of its metric filters
        matched, and the period that came nearest to the threshold.
        """
        composites = [(rule, self._states[rule.name]) for rule in self._composites]
        return explained(self.reports(), composites, lines=self.lines, at=self._at)

    def _take_in(self) -> None:
        """Hands what was fed to the metrics, and notes which alarms it can change, and when."""
        for minute, arrival in self._intake.settle().items():
            if self._earliest is None or minute < self._earliest:
                self._earliest = minute
            self._lines += arrival.lines
            watches = [watch for feed in arrival.feeds for watch in self._readers[feed]]
            self._schedule(watches, minute)
            if self._at is not None and minute < self._at:
                self.late_lines += arrival.lines
                for watch in watches:
                    watch.forget()
                    self._agenda.add(watch.cadence.after(self._at), [watch])

    def _schedule(self, watches: Iterable[AlarmWatch], minute: int) -> None:
        together: dict[Cadence, list[AlarmWatch]] = {}
        for watch in watches:
            together.setdefault(watch.cadence, []).append(watch)
        for cadence, group in together.items():
            for moment in cadence.moments(minute):
                if self._at is None or moment > self._at:
                    self._agenda.add(moment, group)

    def _evaluate(self, at: int, due: Container[AlarmWatch]) -> Iterator[Transition]:
        is_changed = False
        for watch in self._watches:
            changed = watch.evaluate(at) if watch in due else None
            if changed is not None:
                is_changed = True
                self._states[changed.alarm] = changed.new
                yield changed
        if is_changed or self._are_composites_due:
            self._are_composites_due = False
            yield from self._evaluate_composites(at)

    def _evaluate_composites(self, at: int) -> Iterator[Transition]:
        for rule in self._composites:
            old, new = self._states[rule.name], rule.state(self._states)
            if new != old:
                reason = rule.reason(self._states)
                self._states[rule.name] = new
                yield Transition(rule.name, at, old, new, reason)

    def _prune(self, at: int) -> None:
        """Forgets what no alarm can see any more, now and then: a walk over all costs time."""
        longest = max((watch.rule.horizon for watch in self._watches), default=0)
        if self._pruned is None or at - self._pruned >= longest:
            self._pruned = at
            for feed, watches in self._readers.items():
                feed.prune(at - max(watch.rule.horizon for watch in watches))


class _Agenda:
    """Which alarms are to be evaluated when."""

    def __init__(self) -> None:
        self._due: dict[int, set[AlarmWatch]] = {}
        self._moments: list[int] = []

    def add(self, moment: int, watches: Iterable[AlarmWatch]) -> None:
        due = self._due.get(moment)
        if due is None:
            due = self._due[moment] = set()
            heapq.heappush(self._moments, moment)
        due.update(watches)

    def until(self, end: int) -> Iterator[tuple[int, set[AlarmWatch]]]:
        """Takes every moment up to that second, in order."""
        while self._moments and self._moments[0] <= end:
            moment = heapq.heappop(self._moments)
            yield moment, self._due.pop(moment)


def _whole_minute(seconds: float) -> int:
    return int(seconds // MINUTE) * MINUTE


def _refuse_twice(what: str, names: list[str]) -> None:
    problems = [
        Problem(key=f"name of {what}", value=name, remedy="Two have it: rename one of them.")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if problems:
        raise JudgeError(*problems)
