"""When an alarm fired, and for what: its state's evidence, its history, or its metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from flask_errwatch._parsers import parse_json
from flask_errwatch.errors import AwsCallError, JudgeError, Problem
from flask_errwatch.provision.from_aws import Entry, history_data
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm
from flask_errwatch.respond.alarm.breach import fires_below, is_number, numbers_in
from flask_errwatch.respond.alarm.counted_lines import LineAlarm
from flask_errwatch.respond.alarm.metric_time import MetricClock, window_of_lines
from flask_errwatch.respond.alarm.metrics_in_aws import newest_breaching
from flask_errwatch.respond.alarm.subject import NoAnswerError, Subject
from flask_errwatch.respond.ranking.window import EARLIEST, Window
from flask_errwatch.simulation.metrics import MINUTE

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds around a time within which a change to ALARM is the one that is meant.
_NEAR: Final = 90
#: Seconds before a time that are read for a detector that has no alarm.
_WITHOUT_ALARM: Final = 300
#: The most seconds that an alarm evaluates: seven days, and its two further periods.
_LONGEST: Final = 9 * 86_400
#: Entries of a history that are read: a year of an alarm that goes on and off each day.
_MOST = 1000
_INSTEAD = "give --at or --since."
#: Kinds of errors after which the next way is tried: an emulator lacks some of these calls.
_REFUSALS = frozenset({"permission", "fault", "other"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Firing:
    """One time that an alarm went to ALARM.

    Attributes:
        alarms: The names of the alarms on lines that did.
        window: The time of the lines that were evaluated.
        value: What they added up to, None where AWS does not return it.
        contributor: The one that it was for, in a log alarm.
    """

    alarms: tuple[str, ...]
    window: Window
    value: float | None = None
    contributor: str | None = None


def length_of(alarm: LineAlarm) -> int:
    """Seconds before an evaluation at which its window begins."""
    if isinstance(alarm, LogAlarm):
        return alarm.window + alarm.delay
    periods = [alarm.period, *(term.period for term in alarm.metrics)]
    return max(filter(None, periods), default=MINUTE) * (alarm.evaluation_periods or 1)


def firing_at(aws: Aws, subject: Subject, moment: float, clock: MetricClock) -> Firing:
    """What was evaluated at a time, such as that of an alarm's message.

    It is what the history has of a change to ALARM about then. Without one it is what an evaluation
    at that time looked at, and for a detector without an alarm the minutes before.

    Args:
        aws: The account and region.
        subject: What is asked about.
        moment: The time, in seconds since the epoch.
        clock: The time of metrics.

    Raises:
        AwsCallError: When AWS cannot be read.
    """
    if not subject.line_alarms:
        return Firing(alarms=(), window=Window(start=moment - _WITHOUT_ALARM, end=moment))
    at = clock.lab_time(moment)
    about = window_of_lines(clock, at - _NEAR, at + _NEAR)
    found = [
        firing
        for alarm in subject.line_alarms
        if (firing := _first_of([partial(_of_history, aws, alarm, clock, about)], [])) is not None
    ]
    if found:
        return _together(found)
    windows = [_window_at(alarm, moment, clock) for alarm in subject.line_alarms]
    window = Window(
        start=min(each.start for each in windows), end=max(each.end for each in windows)
    )
    return Firing(alarms=tuple(alarm.name for alarm in subject.line_alarms), window=window)


def newest_firing(aws: Aws, subject: Subject, clock: MetricClock, now: float) -> Firing:
    """The newest time that an alarm went to ALARM. Of a composite alarm, that of its alarms.

    Those of its alarms that evaluated the same lines fired together.

    Raises:
        NoAnswerError: When it never did, or no way to find out is allowed.
        AwsCallError: When AWS cannot be read.
    """
    denied: list[AwsCallError] = []
    found = [
        firing
        for alarm in subject.line_alarms
        if (firing := _newest_of(aws, alarm, clock, now, denied)) is not None
    ]
    if found:
        return _together(found)
    key = "detector" if subject.alarm is None else "alarm"
    if any(error.kind != "permission" for error in denied):
        raise denied[0]
    if denied:
        actions = " and ".join(dict.fromkeys(error.action for error in denied))
        remedy = f"When it fired cannot be read: allow {actions}, or {_INSTEAD}"
    elif subject.alarm is None:
        remedy = f"It has no alarm in AWS: {_INSTEAD}"
    else:
        remedy = f"It never fired, as far back as CloudWatch keeps its history: {_INSTEAD}"
    raise NoAnswerError(Problem(key=key, value=subject.name, remedy=remedy))


def _together(firings: list[Firing]) -> Firing:
    """The newest of several, with those whose windows overlap it."""
    last = max(firings, key=lambda firing: firing.window.end)
    same = [firing for firing in firings if firing.window.end > last.window.start]
    window = Window(start=min(firing.window.start for firing in same), end=last.window.end)
    names = tuple(name for firing in same for name in firing.alarms)
    return last if len(same) == 1 else Firing(alarms=names, window=window)


def _newest_of(
    aws: Aws, alarm: LineAlarm, clock: MetricClock, now: float, denied: list[AwsCallError]
) -> Firing | None:
    """Tries one way after the other. One that is denied is noted, and the next is tried."""
    ways = (
        partial(_of_state, aws, alarm, clock, now),
        partial(_of_history, aws, alarm, clock),
        partial(_of_metric, aws, alarm, clock, now),
        partial(_of_since, alarm, clock),
    )
    return _first_of(ways, denied)


def _first_of(
    ways: Iterable[Callable[[], Firing | None]], denied: list[AwsCallError]
) -> Firing | None:
    for way in ways:
        try:
            firing = way()
        except AwsCallError as error:
            if error.kind not in _REFUSALS:
                raise
            denied.append(error)
        else:
            if firing is not None:
                return firing
    return None


def _of_state(aws: Aws, alarm: LineAlarm, clock: MetricClock, now: float) -> Firing | None:
    """What its present state has, if that is ALARM."""
    if alarm.state is None or alarm.state.value != "ALARM":
        return None
    if isinstance(alarm, LogAlarm):
        return _of_contributors(aws, alarm, clock)
    try:
        firing = _of_evidence(alarm, parse_json(alarm.state.evidence or "{}"), clock)
    except ValueError:
        return None
    return _begun(firing, now)


def _of_contributors(aws: Aws, alarm: LogAlarm, clock: MetricClock) -> Firing | None:
    """The contributor that went to ALARM last. AWS lists those that are in it."""
    entries = aws.pages(
        *("cloudwatch", "describe_alarm_contributors", "AlarmContributors"), AlarmName=alarm.name
    )
    dated = [entry for entry in entries if entry.get("StateTransitionedTimestamp")]
    if not dated:
        return None
    last = max(dated, key=lambda entry: entry["StateTransitionedTimestamp"])
    at = last["StateTransitionedTimestamp"].timestamp()
    return _of_run(alarm, at, _name(last["ContributorAttributes"]), clock)


def _of_run(alarm: LogAlarm, at: float, contributor: str | None, clock: MetricClock) -> Firing:
    window = _evaluated_at(alarm, at, clock)
    return Firing(alarms=(alarm.name,), window=window, contributor=contributor)


def _evaluated_at(alarm: LineAlarm, at: float, clock: MetricClock) -> Window:
    """What an evaluation at a time of metrics looked at.

    They are at whole minutes, and their result is stored a little later.
    """
    end = at // MINUTE * MINUTE
    if isinstance(alarm, LogAlarm):
        return window_of_lines(clock, end - alarm.delay - alarm.window, end - alarm.delay)
    return window_of_lines(clock, end - length_of(alarm), end)


def _of_history(
    aws: Aws, alarm: LineAlarm, clock: MetricClock, about: Window | None = None
) -> Firing | None:
    """The newest change to ALARM in the history, or in a part of it."""
    kind = "AlarmContributorStateUpdate" if isinstance(alarm, LogAlarm) else "StateUpdate"
    entries = aws.pages(
        *("cloudwatch", "describe_alarm_history", "AlarmHistoryItems"),
        AlarmName=alarm.name,
        HistoryItemType=kind,
        ScanBy="TimestampDescending",
        MaxRecords=100,
        **({} if about is None else _dates(about)),
    )
    fired = (entry for entry in islice(entries, _MOST) if _is_change_to_alarm(entry))
    for entry in fired:
        evidence = _new_state(entry).get("stateReasonData")
        if isinstance(alarm, MetricAlarm):
            firing = _of_evidence(alarm, evidence, clock)
            known = _begun(firing, entry["Timestamp"].timestamp())
            return known or _of_time(alarm, entry["Timestamp"], clock)
        at = _time(evidence.get("queryDate")) if isinstance(evidence, dict) else None
        if at is None:
            at = clock.lab_time(entry["Timestamp"].timestamp())
        return _of_run(alarm, at, _name(entry.get("AlarmContributorAttributes") or {}), clock)
    return None


def _dates(span: Window) -> dict[str, datetime]:
    return {
        "StartDate": datetime.fromtimestamp(span.start, UTC),
        "EndDate": datetime.fromtimestamp(span.end, UTC),
    }


def _is_change_to_alarm(entry: Entry) -> bool:
    state = _new_state(entry).get("stateValue")
    return state == "ALARM" or (state is None and entry["HistorySummary"].endswith("to ALARM"))


def _new_state(entry: Entry) -> Mapping[str, Any]:
    state = history_data(entry).get("newState")
    return state if isinstance(state, dict) else {}


def _begun(firing: Firing | None, moment: float) -> Firing | None:
    """The firing, unless its window begins later: then its evidence is invented."""
    return firing if firing is not None and firing.window.start <= moment else None


def _of_evidence(alarm: MetricAlarm, evidence: object, clock: MetricClock) -> Firing | None:
    """The window and value in `StateReasonData`.

    CloudWatch writes it, and so may anyone who may set an alarm's state: any part of it may be
    missing or of another type.
    """
    if not isinstance(evidence, dict):
        return None
    start, values = _time(evidence.get("startDate")), [*numbers_in(evidence, "recentDatapoints")]
    period = evidence.get("period")
    if start is None or not is_number(period) or not isinstance(period, int):
        return None
    if not 0 < period <= _LONGEST:
        return None
    times = [*_evaluated(evidence)]
    last = max(times, default=start + (max(len(values), 1) - 1) * period)
    end = max(last, start) + period
    if start < EARLIEST or end - start > _LONGEST:
        return None  # CloudWatch evaluated no such time
    window = window_of_lines(clock, start, end)
    return Firing(alarms=(alarm.name,), window=window, value=_worst(alarm, values))


def _evaluated(evidence: Mapping[str, object]) -> Iterator[float]:
    """The starts of the periods that were evaluated and have a value."""
    entries = evidence.get("evaluatedDatapoints")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and is_number(entry.get("value")):
            at = _time(entry.get("timestamp"))
            if at is not None:
                yield at


def _worst(alarm: MetricAlarm, values: list[float]) -> float | None:
    choose = min if fires_below(alarm) else max
    return choose(values, default=None)


def _of_since(alarm: LineAlarm, clock: MetricClock) -> Firing | None:
    """The evaluation at which it went to ALARM, if it is in it: no datapoint is known."""
    state = alarm.state
    if state is None or state.value != "ALARM" or state.since is None:
        return None
    return _of_time(alarm, state.since, clock)


def _of_time(alarm: LineAlarm, at: datetime, clock: MetricClock) -> Firing:
    return Firing(alarms=(alarm.name,), window=_window_at(alarm, at.timestamp(), clock))


def _window_at(alarm: LineAlarm, at: float, clock: MetricClock) -> Window:
    """The same at a time of lines."""
    return _evaluated_at(alarm, clock.lab_time(at), clock)


def _of_metric(aws: Aws, alarm: LineAlarm, clock: MetricClock, now: float) -> Firing | None:
    """The newest period that breached the threshold."""
    if not isinstance(alarm, MetricAlarm):
        return None
    try:
        found = newest_breaching(aws, alarm, clock.lab_time(now))
    except JudgeError:
        return None  # an expression, or a statistic that is not evaluated here
    if found is None:
        return None
    start, value = found
    window = window_of_lines(clock, start, start + (alarm.period or MINUTE))
    return Firing(alarms=(alarm.name,), window=window, value=value)


def _time(value: object) -> float | None:
    """A time as CloudWatch writes it: `2026-11-29T02:06:00.000+0000`."""
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError):
        return None


def _name(attributes: Mapping[str, object]) -> str | None:
    """The value of a contributor that is grouped by one field."""
    values = [str(value) for value in attributes.values()]
    return values[0] if len(values) == 1 else None
