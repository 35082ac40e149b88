"""The judge: lines in, alarm states out, with the time as an argument."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from types import MappingProxyType

from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import Resource
from flask_errwatch.simulation.agenda import Agenda, Watch
from flask_errwatch.simulation.alarm_state import AlarmWatch, Cadence, Transition
from flask_errwatch.simulation.conditions import StateValue
from flask_errwatch.simulation.contributors import ContributorFeed
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.line_matcher import (
    Feed,
    FeedKey,
    LineMatch,
    LineMatcher,
    SampleOf,
    new_feed,
    request_feeds,
)
from flask_errwatch.simulation.log_alarms import ContributorTransition, LogAlarmWatch
from flask_errwatch.simulation.log_conditions import LogCadence
from flask_errwatch.simulation.metrics import MINUTE, Heartbeats
from flask_errwatch.simulation.report import (
    LogAlarmReport,
    Report,
    explanation,
    log_reports_of,
    reports_of,
)

_DAY = 86_400

#: A heartbeat as far as any pattern is concerned: the line of an app in which nothing failed.
HEARTBEAT_LINE = f'{{"event": "{HEARTBEAT}"}}'


class Judge:
    """Evaluates metric filters and alarms as CloudWatch would.

    It reads the resources that `apply` creates (`provision.resources`). Feed it lines and advance
    it: every whole minute up to that time is evaluated, at minute t over the lines of
    [t - period, t). Minutes in which no datapoint can change are skipped, which does not change
    the result.

    Lines may come in any order within what is not evaluated yet. A line whose minute is already
    evaluated counts as late: past decisions stay, and the line is part of its period in every
    later evaluation that still sees that minute, as on the live service.

    Args:
        resources: Metric filters, insight rules, metric alarms, log alarms and composite alarms.
            Resources of other kinds decide no alarm and are ignored.
        start: When the alarms were created, in seconds since the epoch: they are evaluated
            from the next minute on. None means the minute of the earliest line fed before
            the first evaluation, or without a line the minute before that.

    Attributes:
        late_lines: How many lines were late, counted when time advances.

    Raises:
        JudgeError: When the judge cannot evaluate one of them (`split_judgeable` leaves those
            out), two filters or two alarms have one name, or a composite alarm names an alarm that
            does not exist.

    Example:
        >>> from flask_errwatch.provision.resources import MetricAlarm, MetricFilter
        >>> errors = MetricFilter(log_group="shop", name="error", pattern="Error",
        ...     namespace="Shop", metric_name="errors")
        >>> alarm = MetricAlarm(name="error", description="", namespace="Shop",
        ...     metric_name="errors", statistic="Sum", threshold=1, period=60,
        ...     evaluation_periods=1, comparison_operator="GreaterThanThreshold",
        ...     treat_missing_data="notBreaching")
        >>> judge = Judge([errors, alarm])
        >>> for second in (0, 1, 59):
        ...     judge.feed(second * 1000, "Error: no stock")
        >>> [(transition.at, transition.new) for transition in judge.advance(60)]
        [(60, 'ALARM')]
    """

    def __init__(self, resources: Iterable[Resource] = (), *, start: float | None = None) -> None:
        self._lines = 0
        self.late_lines = 0
        self._at: int | None = None if start is None else _whole_minute(start)
        self._earliest: int | None = None
        self._pruned: dict[Feed, int] = {}
        self._moves: list[ContributorTransition] = []
        self._log_watches: list[LogAlarmWatch] = []
        self._states: dict[str, StateValue] = {}
        self._feeds: dict[FeedKey, Feed] = {}
        self._matcher = LineMatcher((), (), {})
        self.redefine(resources)

    def redefine(self, resources: Iterable[Resource]) -> None:
        """Replaces every resource, as putting filters and alarms again does.

        An alarm that keeps its name keeps its state, except a log alarm with another query or
        schedule. A metric that is still watched keeps its samples. Lines fed before were matched by
        the filters before: filters are not retroactive. Every alarm is evaluated at the next
        minute, and reports start from zero.

        Raises:
            JudgeError: As the constructor does. Nothing has changed then.
        """
        definitions = Definitions.read(resources)
        self._collect_arrivals()
        self._composites = definitions.composites
        keys: set[FeedKey] = {(alarm.metric, alarm.unit) for alarm in definitions.alarms}
        keys |= {(alarm.metric, None) for alarm in definitions.log_alarms}
        self._feeds = {key: self._feeds.get(key) or new_feed(key) for key in keys}
        self._request_feeds = request_feeds(self._feeds, definitions.filters)
        self._states = {
            name: self._states.get(name, "INSUFFICIENT_DATA") for name in definitions.alarm_names
        }
        self._matcher = LineMatcher(definitions.filters, definitions.insight_rules, self._feeds)
        self._metric_watches = [
            AlarmWatch(alarm, self._feeds[alarm.metric, alarm.unit], self._states[alarm.name])
            for alarm in definitions.alarms
        ]
        self._log_watches = self._watch_logs(definitions)
        self._watches: list[Watch] = [*self._metric_watches, *self._log_watches]
        self._pruned = {}
        self._heartbeats: Heartbeats | None = None
        self._uneven: list[Watch] = []
        self._assumed_zeros: set[SampleOf] = set()
        self._readers: dict[Feed, list[Watch]] = {}
        for watch in self._watches:
            self._readers.setdefault(watch.feed, []).append(watch)
        self._agenda = Agenda()
        self._are_composites_due = True
        for feed, readers in self._readers.items():
            feed.fill(None, ())
            for minute in feed.minutes():
                self._schedule(readers, minute)
        if self._at is not None:
            self._schedule_first(self._at)

    def feed(self, timestamp_ms: int, message: str) -> None:
        """Counts one line.

        Args:
            timestamp_ms: Its time in milliseconds since the epoch.
            message: The line.
        """
        self._matcher.count(timestamp_ms, self._matcher.match(message), 1)

    def match(self, message: str) -> LineMatch:
        """What a line gives, for `count`: a caller with many equal lines matches them once.

        It is valid until the next `redefine`.
        """
        return self._matcher.match(message)

    def match_event(self, event: JsonEvent | None, message: str) -> LineMatch:
        """Like `match`, for a caller that has parsed the line already.

        Args:
            event: The line as `patterns.read_event` gives it.
            message: The line.
        """
        return self._matcher.match_event(event, message)

    def count(self, timestamp_ms: int, match: LineMatch, lines: int = 1) -> None:
        """Counts lines that were matched before. `feed` does both for one line.

        Args:
            timestamp_ms: Their time in milliseconds since the epoch.
            match: What `match` returned.
            lines: How many there are.
        """
        self._matcher.count(timestamp_ms, match, lines)

    def count_sources(
        self, timestamp_ms: int, match: LineMatch, by_source: Mapping[str, int]
    ) -> None:
        """Counts lines that are equal but for their client.

        Args:
            timestamp_ms: Their time in milliseconds since the epoch.
            match: What `match` returned for such a line of the client `ANYONE`.
            by_source: The lines of each client.
        """
        self._matcher.count_sources(timestamp_ms, match, by_source)

    def count_requests(self, timestamp_ms: int, requests: int = 1) -> None:
        """Counts requests, failed or not, in every watched metric that no metric filter feeds.

        Among the resources of an app such a metric is `BusyAlarm.requests`, which a load
        balancer publishes: one sample of 1 for each request.

        Args:
            timestamp_ms: Their time in milliseconds since the epoch.
            requests: How many there are.
        """
        minute = _whole_minute(timestamp_ms // 1000)
        for feed in self._request_feeds:
            self._matcher.add_sample(minute, feed, 1.0, requests)

    def assume_heartbeats(self, since: float, *, every: int = MINUTE) -> Heartbeats:
        """Makes minutes without a line, from that time on, count as having a Heartbeat line.

        An app with its heartbeat on writes such a line each minute, so that a quiet minute has
        zeros and not missing data. It costs nothing, however long the quiet lasts, unless rarer
        heartbeats change an alarm's datapoints. It applies until the next `redefine`.

        Args:
            since: The first such minute, in seconds since the epoch.
            every: Seconds between two heartbeats, at least a minute.

        Returns:
            The heartbeats. Those of minutes with lines are not assumed: feed them.
        """
        self._collect_arrivals()
        first = _whole_minute(since)
        beats = self._heartbeats = Heartbeats(since=first, every=every)
        given = self._matcher.match(HEARTBEAT_LINE).samples
        self._assumed_zeros = set()
        for feed, watches in self._readers.items():
            if feed in self._request_feeds:
                continue
            samples = [sample for sample in given if sample.feed is feed]
            feed.fill(beats, samples)
            values = [sample.value for sample in samples]
            metric_watches = [watch for watch in watches if isinstance(watch, AlarmWatch)]
            if every == MINUTE and all(one.condition.statistic == "Sum" for one in metric_watches):
                self._assumed_zeros.update(one for one in samples if one[1:] == (0.0, False))
            for watch in watches:
                self._evaluate_throughout(watch, first)
            for watch in metric_watches:
                condition = watch.condition
                if not beats.are_even(condition.statistic, condition.period, values):
                    self._uneven.append(watch)
                    watch.stay_awake()
                    for minute in feed.minutes():
                        self._schedule([watch], minute)
        return beats

    def without_assumed(self, match: LineMatch) -> LineMatch:
        """The match without samples that assumed heartbeats make superfluous.

        A zero changes no sum of a minute that has one already. No line may be before the first.
        """
        return match.without(self._assumed_zeros)

    def count_assumed(self, heartbeats: int) -> None:
        """Counts assumed heartbeats as lines, in `lines` and in reports."""
        self._lines += heartbeats
        self._matcher.count_assumed(self._matcher.match(HEARTBEAT_LINE), heartbeats)

    def advance(self, to_seconds: float) -> list[Transition]:
        """Evaluates every whole minute up to that time that is not evaluated yet.

        Args:
            to_seconds: The time in seconds since the epoch. A time in the past does nothing.

        Returns:
            Every transition of an alarm, in order of time. Within a minute: metric alarms in the
            order of their definition, then log alarms, then composite alarms. Those of the
            contributors of log alarms are `take_contributor_transitions`.
        """
        end = _whole_minute(to_seconds)
        self._collect_arrivals()
        if self._at is None:
            first = end - MINUTE if self._earliest is None else self._earliest
            if first >= end:
                return []
            self._at = first
            self._schedule_first(first)
        transitions: list[Transition] = []
        for until in self._stages(self._at, end):
            for at, due in self._agenda.until(until):
                transitions += self._evaluate(at, due)
        self._at = max(self._at, end)
        self._prune(self._at)
        return transitions

    def take_contributor_transitions(self) -> list[ContributorTransition]:
        """Returns, and forgets, each change of a contributor of a log alarm, in order of time.

        CloudWatch notifies each, and not the change of the log alarm itself.
        """
        moves, self._moves[:] = [*self._moves], []
        return moves

    @property
    def at(self) -> int | None:
        """The last evaluated minute, in seconds since the epoch, or None before the first one."""
        return self._at

    @property
    def lines(self) -> int:
        """How many lines were fed."""
        self._collect_arrivals()
        return self._lines

    @property
    def states(self) -> Mapping[str, StateValue]:
        """The state of each alarm, composite alarms last."""
        return MappingProxyType(self._states)

    def reports(self) -> tuple[Report, ...]:
        """A report on each alarm, and on each metric filter that no alarm watches."""
        self._collect_arrivals()
        return reports_of(self._metric_watches, self._matcher.filters, self._matcher.matched)

    def log_reports(self) -> tuple[LogAlarmReport, ...]:
        """A report on each log alarm."""
        return log_reports_of(self._log_watches)

    def explain(self) -> str:
        """The states and how they came about, for the message of a failed assertion.

        Per alarm its state, its condition, how many lines each of its metric filters matched,
        and the period that came nearest to the threshold.
        """
        composites = [(condition, self._states[condition.name]) for condition in self._composites]
        reports: list[Report | LogAlarmReport] = [*self.reports(), *self.log_reports()]
        return explanation(reports, composites, lines=self.lines, at=self._at)

    def _watch_logs(self, definitions: Definitions) -> list[LogAlarmWatch]:
        before = {watch.condition.name: watch for watch in self._log_watches}
        watches = []
        for alarm in definitions.log_alarms:
            feed = self._feeds[alarm.metric, None]
            assert isinstance(feed, ContributorFeed)  # noqa: S101 - as `new_feed` makes it
            watch = LogAlarmWatch(alarm, feed, self._moves.append)
            if alarm.name in before:
                watch.succeed(before[alarm.name])
            self._states[alarm.name] = watch.state
            watches.append(watch)
        return watches

    def _collect_arrivals(self) -> None:
        """Adds what was fed to the metrics, and schedules the alarms that it can change."""
        for minute, arrival in self._matcher.take_arrivals().items():
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

    def _evaluate_throughout(self, watch: Watch, first: int) -> None:
        """Evaluates an alarm in each minute until its horizon is full of heartbeats.

        From then on a datapoint changes only when lines enter or leave it.
        """
        for minute in range(first, first + watch.condition.horizon, MINUTE):
            moment = watch.cadence.after(minute)
            if self._at is None or moment > self._at:
                self._agenda.add(moment, [watch])
        watch.forget()

    def _schedule(self, watches: Iterable[Watch], minute: int) -> None:
        together: dict[Cadence | LogCadence, list[Watch]] = {}
        for watch in watches:
            together.setdefault(watch.wakes, []).append(watch)
        for cadence, group in together.items():
            for moment in cadence.moments(minute):
                if self._at is None or moment > self._at:
                    self._agenda.add(moment, group)

    def _stages(self, at: int, end: int) -> Iterator[int]:
        """Schedules the alarms that heartbeats alone change, a day at a time: it takes memory."""
        if self._heartbeats is not None and self._uneven:
            for start in range(at, end, _DAY):
                until = min(start + _DAY, end)
                for minute in self._heartbeats.minutes(start, until):
                    self._schedule(self._uneven, minute)
                yield until
        yield end

    def _schedule_first(self, start: int) -> None:
        self._agenda.add(start + MINUTE, self._metric_watches)
        for watch in self._log_watches:  # between its runs it reads nothing
            self._agenda.add(watch.cadence.after(start), [watch])

    def _evaluate(self, at: int, due: Container[Watch]) -> Iterator[Transition]:
        is_changed = False
        for watch in self._watches:
            if watch not in due:
                continue
            changed = watch.evaluate(at)
            moment = watch.next_moment(at)
            if moment is not None:
                self._agenda.add(moment, [watch])
            if changed is not None:
                is_changed = True
                self._states[changed.alarm] = changed.new
                yield changed
        if is_changed or self._are_composites_due:
            self._are_composites_due = False
            yield from self._evaluate_composites(at)

    def _evaluate_composites(self, at: int) -> Iterator[Transition]:
        for condition in self._composites:
            old, new = self._states[condition.name], condition.state(self._states)
            if new != old:
                reason = condition.reason(self._states)
                self._states[condition.name] = new
                yield Transition(condition.name, at, old, new, reason)

    def _prune(self, at: int) -> None:
        """Drops samples that no alarm can see any more. It walks over all of them, so seldom."""
        for feed, watches in self._readers.items():
            horizon = max(watch.condition.horizon for watch in watches)
            if at - self._pruned.get(feed, 0) >= horizon:
                self._pruned[feed] = at
                feed.prune(at - horizon)


def _whole_minute(seconds: float) -> int:
    return int(seconds // MINUTE) * MINUTE
