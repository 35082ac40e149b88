"""Judges the tally of a log: which alarms would have fired, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_errwatch.detectors import HEARTBEAT, Catalogue, Detector
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.source_alarms import family
from flask_errwatch.simulation.alarm_state import Transition
from flask_errwatch.simulation.composite import CompositeCondition
from flask_errwatch.simulation.conditions import AlarmCondition, decisive
from flask_errwatch.simulation.definitions import Definitions
from flask_errwatch.simulation.feeding import Changes, feed_tally
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
from flask_errwatch.simulation.kinds import LineKind
from flask_errwatch.simulation.log_conditions import LogAlarmCondition
from flask_errwatch.simulation.metrics import MINUTE
from flask_errwatch.simulation.report import Report
from flask_errwatch.simulation.source_sums import SourceSums
from flask_errwatch.simulation.tally import Tally

_LONGEST_GAP = 7 * 86_400


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
        tally: The log. Its kinds are those of the resources (`LineKinds`).
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
    changes = feed_tally(judge, tally, heartbeat=heartbeat, requests=coverage.requests)
    minutes = tally.minutes
    start, end = (minutes[0], minutes[-1] + MINUTE) if minutes else (None, None)
    gaps = tuple(tally.gaps(_LONGEST_GAP))
    log = _LogJudgement(
        tally=tally,
        catalogue=catalogue,
        desired=desired,
        definitions=Definitions.read(resources),
        reports={report.name: report for report in judge.reports()},
        changes=changes,
        period=period,
        days=max(1.0, days_of(start, end, gaps)),
    )
    own = {detector.resource_name(desired.app_name) for detector in catalogue}
    own -= {alarm.name for alarm in log.definitions.log_alarms}
    return JudgedLog(
        start=start,
        end=end,
        period=period,
        lines=tally.lines,
        heartbeat=heartbeat,
        gaps=gaps,
        detectors=tuple(map(log.of_detector, catalogue)),
        others=tuple(log.of_alarm(name) for name in judge.states if name not in own),
        unjudged=tuple(
            Unjudged(alarm=log.short_name(entry.alarm), reason=entry.reason) for entry in unjudged
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _LogJudgement:
    """Everything that the judge found in one log."""

    tally: Tally
    catalogue: Catalogue
    desired: Desired
    definitions: Definitions
    reports: dict[str, Report]
    changes: Changes
    period: int
    days: float

    def short_name(self, alarm: str) -> str:
        """The alarm's name without the app's."""
        return alarm.removeprefix(f"{self.desired.app_name}-")

    def of_detector(self, detector: Detector) -> JudgedDetector:
        """A detector, with the alarm on its metric."""
        name = detector.resource_name(self.desired.app_name)
        kinds = self._kinds_of([name])
        report = self.reports.get(name)
        condition = None if report is None else report.alarm
        period = self.period if condition is None else condition.period
        alarms = () if report is None else self._alarms(report, kinds)
        return JudgedDetector(
            detector=detector,
            condition=condition,
            lines=self.tally.total(kinds),
            periods=self.tally.periods(kinds, period),
            worst=self._worst(report, kinds, period),
            alarms=alarms,
            alarms_per_day=len(alarms) / self.days,
        )

    def of_alarm(self, name: str) -> JudgedAlarm:
        """An alarm that is not on a detector's own metric."""
        report = self.reports.get(name)
        sums = SourceSums.of(name, self.definitions, self.tally)
        threshold: float | None = None
        worst: Worst | None = None
        if sums is not None and isinstance(sums.condition, LogAlarmCondition):
            condition, threshold = str(sums.condition), sums.condition.threshold
            alarms = tuple(sums.fired(self.changes, self._end))
            worst = _highest(alarms)
        elif report is not None and report.alarm is not None:
            condition, threshold = str(report.alarm), report.alarm.threshold
            alarms = self._other_alarms(report, sums)
            worst = _farthest(report)
        else:
            (composite,) = (one for one in self.definitions.composites if one.name == name)
            condition, alarms = str(composite), self._composite_alarms(composite)
        app_name = self.desired.app_name
        owners = {detector.resource_name(app_name): detector for detector in self.catalogue}
        return JudgedAlarm(
            name=self.short_name(name),
            condition=condition,
            alarms=alarms,
            alarms_per_day=len(alarms) / self.days,
            detector=owners.get(family(name)) if name in self.desired.source_alarms else None,
            threshold=threshold,
            worst=worst,
        )

    @property
    def _end(self) -> int:
        return self.tally.minutes[-1] + MINUTE if self.tally.minutes else 0

    def _kinds_of(self, filters: Sequence[str]) -> tuple[LineKind, ...]:
        """The kinds that one of the metric filters counts."""
        return tuple(kind for kind in self.tally.kinds if not kind.filters.isdisjoint(filters))

    def _alarms(
        self, report: Report, kinds: Sequence[LineKind], *, since: int | None = None
    ) -> tuple[FiredAlarm, ...]:
        return tuple(self._fired(span, kinds) for span in self._spans(report, since))

    def _other_alarms(self, report: Report, sums: SourceSums | None) -> tuple[FiredAlarm, ...]:
        if sums is None:
            kinds = self._kinds_of([line_filter.name for line_filter, _ in report.filters])
            return self._alarms(report, kinds, since=self._first_heartbeat())
        return tuple(
            replace(
                self._fired(span, [*sums.weights]), offences=sums.offences(span.since, span.start)
            )
            for span in self._spans(report, None)
        )

    def _spans(self, report: Report, since: int | None) -> list[Span]:
        """When an alarm was in ALARM.

        Args:
            report: What the judge saw of it.
            since: The second from which the log shows that lines are missing. None for its start.
        """
        condition = report.alarm
        if condition is None:
            return []
        last_peak = report.current_peak.datapoint.value if report.current_peak else None
        spans = spans_of(condition, self.changes, last_peak)
        if spans and condition.is_worse(0, 1):
            # Lines are missing after the log's end, and heartbeats before the first one, only
            # because the log does not show them.
            start = self.tally.minutes[0] if since is None else since
            spans = [span for span in spans if start <= span.start <= self._end]
        return spans

    def _first_heartbeat(self) -> int:
        minutes = self.tally.minutes
        beats = {kind for kind in self.tally.kinds if kind.event.get("event") == HEARTBEAT}
        with_beats = self.tally.periods(beats, MINUTE)
        return min(with_beats, default=minutes[-1]) + MINUTE if minutes else 0

    def _composite_alarms(self, composite: CompositeCondition) -> tuple[FiredAlarm, ...]:
        children = [self.reports[name].alarm for name in composite.children if name in self.reports]
        longest = max((child.period for child in children if child is not None), default=MINUTE)
        names = [detector.resource_name(self.desired.app_name) for detector in self.catalogue]
        parts = [name for name in names if name in composite.children]
        spans = [
            Span(begun.at, ended.at if ended else None, None, begun.at - longest)
            for begun, ended in self.changes.times_in_alarm(composite.name)
        ]
        # The alarm of the whole app has no detector whose sources could be shown.
        kinds = self._kinds_of(parts if len(parts) == 1 else ())
        return tuple(self._fired(span, kinds) for span in spans)

    def _worst(self, report: Report | None, kinds: Sequence[LineKind], period: int) -> Worst | None:
        if not self.tally.total(kinds):
            return None
        farthest = None if report is None else _farthest(report)
        if farthest is not None:
            return farthest
        periods = self.tally.sliding(kinds, period)
        end, lines = max(periods, key=lambda ended: (ended[1], -ended[0]))
        return Worst(end - period, end, float(lines))

    def _fired(self, span: Span, kinds: Sequence[LineKind]) -> FiredAlarm:
        """The alarm with the names of the sources and paths that made it fire."""
        end = self._end if span.end is None else span.end
        return FiredAlarm(
            span=span,
            sources=self.tally.sources(kinds, span.since, end),
            paths=self.tally.paths(kinds, span.since, end),
        )


def _farthest(report: Report) -> Worst | None:
    """The period of the alarm's farthest datapoint."""
    if report.peak is None:
        return None
    start, end, value = report.peak.datapoint
    return Worst(start, end, value or 0.0)


def _highest(alarms: Sequence[FiredAlarm]) -> Worst | None:
    """The time in ALARM with the highest peak."""
    spans = [alarm.span for alarm in alarms if alarm.span.peak is not None]
    if not spans:
        return None
    span = max(spans, key=lambda span: (span.peak or 0.0, -span.start))
    return Worst(span.since, span.start, span.peak or 0.0)


def spans_of(condition: AlarmCondition, changes: Changes, last_peak: float | None) -> list[Span]:
    """When the alarm was in ALARM.

    Args:
        condition: The alarm.
        changes: What changed in the course of the log.
        last_peak: The farthest datapoint of the alarm that is in ALARM at the end, if any.
    """
    spans: list[Span] = []
    for begun, ended in changes.times_in_alarm(condition.name):
        since = _since(condition, begun)
        if ended is None:
            spans.append(Span(begun.at, None, last_peak, since))
        else:
            peak = ended.peak.datapoint.value if ended.peak else None
            spans.append(Span(begun.at, ended.at, peak, since))
    return spans


def _since(condition: AlarmCondition, begun: Transition) -> int:
    """The first second of the lines that made it fire: across gaps, the alarm sees far back."""
    for start, _, value in decisive(condition, begun.datapoints):
        if value is not None and condition.breaches(value):
            return start
    return begun.at - condition.period
