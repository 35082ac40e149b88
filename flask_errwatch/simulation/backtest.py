"""Judges the tally of a log: which alarms would have fired, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.provision.desired import Desired
from flask_errwatch.simulation.alarm_state import Transition
from flask_errwatch.simulation.composite import CompositeCondition
from flask_errwatch.simulation.conditions import AlarmCondition, decisive
from flask_errwatch.simulation.contributors import ContributorMetric, ContributorRule
from flask_errwatch.simulation.inputs import InputCoverage, Unjudged, split_judgeable
from flask_errwatch.simulation.judge import Judge
from flask_errwatch.simulation.judged_log import (
    FiredAlarm,
    JudgedAlarm,
    JudgedDetector,
    JudgedLog,
    Span,
    Worst,
    days_of,
)
from flask_errwatch.simulation.line_matcher import LineMatch
from flask_errwatch.simulation.metrics import MINUTE
from flask_errwatch.simulation.report import Report
from flask_errwatch.simulation.tally import Tally

_LONGEST_GAP = 7 * 86_400
# Minutes that are counted before they are evaluated together.
_TOGETHER = 1_000


def judge_log(
    tally: Tally,
    catalogue: Catalogue,
    desired: Desired,
    coverage: InputCoverage,
    *,
    heartbeat: bool = True,
    period: int = 300,
) -> JudgedLog:
    """Judges the tally of a log by the resources that `apply` creates.

    The alarms are created at the log's first minute and evaluated to the end of its last one: an
    alarm that is in ALARM then has no end. With a heartbeat they are evaluated on until they
    settle.

    Args:
        tally: Its columns are those of the metric filters, in their order.
        catalogue: The detectors, configured (`Catalogue.configured`).
        desired: Their resources (`desired_resources`).
        coverage: What the log shows beside failures.
        heartbeat: Whether a minute without a line has zeros, as in an app with its heartbeat on
            (`Judge.assume_heartbeats`). Otherwise it has no data.
        period: Seconds of a period, for detectors without an alarm.

    Raises:
        JudgeError: When an alarm that the log shows cannot be evaluated.
    """
    resources, unjudged = split_judgeable(desired.resources, coverage)
    judge = Judge(resources)
    transitions = feed_tally(
        judge,
        tally,
        columns_of(catalogue, desired),
        heartbeat=heartbeat,
        requests=coverage.requests,
    )
    minutes = tally.minutes
    start, end = (minutes[0], minutes[-1] + MINUTE) if minutes else (None, None)
    gaps = tuple(tally.gaps(_LONGEST_GAP))
    log = _LogJudgement(
        tally=tally,
        catalogue=catalogue,
        desired=desired,
        reports={report.name: report for report in judge.reports()},
        transitions=transitions,
        period=period,
        days=max(1.0, days_of(start, end, gaps)),
    )
    own = {detector.resource_name(desired.app_name) for detector in catalogue}
    return JudgedLog(
        start=start,
        end=end,
        period=period,
        lines=tally.lines,
        heartbeat=heartbeat,
        gaps=gaps,
        detectors=tuple(log.of_detector(index) for index in range(len(catalogue))),
        others=tuple(log.of_alarm(name) for name in judge.states if name not in own),
        unjudged=tuple(
            Unjudged(alarm=log.short_name(entry.alarm), reason=entry.reason) for entry in unjudged
        ),
    )


def columns_of(catalogue: Catalogue, desired: Desired) -> tuple[dict[str, str], ...]:
    """For each column of a tally, the shortest event that belongs in it.

    Columns are those of the metric filters, then that of all other lines.
    """
    events = [*(detector.event for detector in catalogue), *desired.operational_events]
    return (*({"event": event} for event in events), {})


def feed_tally(
    judge: Judge,
    tally: Tally,
    columns: Sequence[dict[str, str]],
    *,
    heartbeat: bool,
    requests: bool = False,
) -> list[Transition]:
    """Feeds a judge the tally minute by minute, and returns every transition.

    Args:
        judge: A new judge. It is advanced to the end of the last minute, and with a heartbeat on
            until no alarm sees a line any more.
        tally: What is judged.
        columns: The event of each column (`columns_of`).
        heartbeat: Whether quiet minutes have zeros.
        requests: Whether each line of the tally is one request.
    """
    transitions: list[Transition] = []
    minutes = tally.minutes
    if heartbeat and minutes:
        judge.assume_heartbeats(minutes[0])
    matches = [_match(judge, event) for event in columns]
    for number, minute in enumerate(minutes, 1):
        row = tally.row(minute)
        for column, lines in enumerate(row):
            by_source = tally.by_source(column, minute)
            for source, count in by_source.items():
                match = _match(judge, {**columns[column], "client_ip": source})
                judge.count(minute * 1000, match, count)
            unnamed = lines - sum(by_source.values())
            if unnamed:
                judge.count(minute * 1000, matches[column], unnamed)
        if requests:
            judge.count_requests(minute * 1000, sum(row))
        if number % _TOGETHER == 0 or number == len(minutes):
            transitions += judge.advance(minute + MINUTE)
    if heartbeat and minutes:
        conditions = [report.alarm for report in judge.reports() if report.alarm is not None]
        settled = max((alarm.horizon + alarm.interval for alarm in conditions), default=0)
        transitions += judge.advance(minutes[-1] + MINUTE + settled)
    return transitions


def _match(judge: Judge, event: dict[str, str]) -> LineMatch:
    # A heartbeat's exact text is HEARTBEAT_LINE. Patterns read fields, not spacing.
    return judge.match_event(dict(event), json.dumps(event))


@dataclass(frozen=True, kw_only=True, slots=True)
class _LogJudgement:
    """Everything that the judge found in one log."""

    tally: Tally
    catalogue: Catalogue
    desired: Desired
    reports: dict[str, Report]
    transitions: Sequence[Transition]
    period: int
    days: float

    def short_name(self, alarm: str) -> str:
        """The alarm's name without the app's."""
        return alarm.removeprefix(f"{self.desired.app_name}-")

    def of_detector(self, column: int) -> JudgedDetector:
        """The detector of a column, with the alarm on its metric."""
        detector: Detector = self.catalogue.detectors[column]
        report = self.reports[detector.resource_name(self.desired.app_name)]
        condition = report.alarm
        period = self.period if condition is None else condition.period
        alarms = () if condition is None else self._alarms(report, condition, column)
        return JudgedDetector(
            detector=detector,
            condition=condition,
            lines=self.tally.total(column),
            periods=self.tally.periods(column, period),
            worst=self._worst(report, column, period),
            alarms=alarms,
            alarms_per_day=len(alarms) / self.days,
        )

    def of_alarm(self, name: str) -> JudgedAlarm:
        """An alarm that is not on a detector's own metric."""
        report = self.reports.get(name)
        if report is not None and report.alarm is not None:
            condition = str(report.alarm)
            alarms = self._alarms(report, report.alarm, self._column_of(report.alarm))
        else:
            composite = self._composite(name)
            condition, alarms = str(composite), self._composite_alarms(composite)
        return JudgedAlarm(
            name=self.short_name(name),
            condition=condition,
            alarms=alarms,
            alarms_per_day=len(alarms) / self.days,
        )

    def _alarms(
        self, report: Report, condition: AlarmCondition, column: int | None
    ) -> tuple[FiredAlarm, ...]:
        last_peak = report.current_peak.datapoint.value if report.current_peak else None
        spans = spans_of(condition, self.transitions, last_peak)
        if spans and condition.is_worse(0, 1):
            # Lines are missing after the log's end, and heartbeats before the first one, only
            # because the log does not show them.
            end = self.tally.minutes[-1] + MINUTE
            start = self._first_heartbeat() if column is None else self.tally.minutes[0]
            spans = [span for span in spans if start <= span.start <= end]
        return tuple(self._fired(span, column) for span in spans)

    def _first_heartbeat(self) -> int:
        column = len(self.catalogue)
        minutes = (minute for minute in self.tally.minutes if self.tally.row(minute)[column])
        return next(minutes, self.tally.minutes[-1]) + MINUTE

    def _composite(self, name: str) -> CompositeCondition:
        composites = (*self.desired.composites, *self.desired.app_alarms)
        (resource,) = (alarm for alarm in composites if alarm.name == name)
        return CompositeCondition.of(resource)

    def _composite_alarms(self, composite: CompositeCondition) -> tuple[FiredAlarm, ...]:
        children = [self.reports[name].alarm for name in composite.children if name in self.reports]
        longest = max((child.period for child in children if child is not None), default=MINUTE)
        names = [detector.resource_name(self.desired.app_name) for detector in self.catalogue]
        columns = [index for index, name in enumerate(names) if name in composite.children]
        spans = [
            Span(begun.at, ended.at if ended else None, None, begun.at - longest)
            for begun, ended in _times_in_alarm(composite.name, self.transitions)
        ]
        # The alarm of the whole app has no detector whose sources could be shown.
        column = columns[0] if len(columns) == 1 else None
        return tuple(self._fired(span, column) for span in spans)

    def _column_of(self, condition: AlarmCondition) -> int | None:
        """The column of the detector whose lines an insight rule counts."""
        if not isinstance(condition.metric, ContributorMetric):
            return None
        for resource in self.desired.insight_rules:
            if resource.name == condition.metric.rule:
                events = ContributorRule.of(resource).events
                names = [detector.event for detector in self.catalogue]
                return next((column for column, name in enumerate(names) if name in events), None)
        return None

    def _worst(self, report: Report, column: int, period: int) -> Worst | None:
        if not self.tally.total(column):
            return None
        if report.peak is not None:
            start, end, value = report.peak.datapoint
            return Worst(start, end, value or 0.0)
        periods = self.tally.sliding(column, period)
        end, lines = max(periods, key=lambda ended: (ended[1], -ended[0]))
        return Worst(end - period, end, float(lines))

    def _fired(self, span: Span, column: int | None) -> FiredAlarm:
        """The alarm with the names of the sources and paths that made it fire."""
        if column is None:
            return FiredAlarm(span=span, sources=(), paths=())
        end = self.tally.minutes[-1] + MINUTE if span.end is None else span.end
        return FiredAlarm(
            span=span,
            sources=self.tally.sources(column, span.since, end),
            paths=self.tally.paths(column, span.since, end),
        )


def spans_of(
    condition: AlarmCondition, transitions: Sequence[Transition], last_peak: float | None
) -> list[Span]:
    """When the alarm was in ALARM.

    Args:
        condition: The alarm.
        transitions: The transitions of all alarms.
        last_peak: The farthest datapoint of the alarm that is in ALARM at the end, if any.
    """
    spans: list[Span] = []
    for begun, ended in _times_in_alarm(condition.name, transitions):
        since = _since(condition, begun)
        if ended is None:
            spans.append(Span(begun.at, None, last_peak, since))
        else:
            peak = ended.peak.datapoint.value if ended.peak else None
            spans.append(Span(begun.at, ended.at, peak, since))
    return spans


def _times_in_alarm(
    alarm: str, transitions: Sequence[Transition]
) -> Iterator[tuple[Transition, Transition | None]]:
    """Each transition of an alarm to ALARM, with the one that ended it, if any."""
    begun: Transition | None = None
    for transition in transitions:
        if transition.alarm != alarm:
            continue
        if transition.new == "ALARM":
            begun = transition
        elif begun is not None:
            yield begun, transition
            begun = None
    if begun is not None:
        yield begun, None


def _since(condition: AlarmCondition, begun: Transition) -> int:
    """The first second of the lines that made it fire: across gaps, the alarm sees far back."""
    evaluated = decisive(condition, begun.datapoints)
    return evaluated[0].start if evaluated else begun.at - condition.period
