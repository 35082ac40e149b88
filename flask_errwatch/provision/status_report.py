"""The status of an app's resources as a value, and as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_errwatch._text import one_line
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.plan_text import shown
from flask_errwatch.provision.resources import AlarmState, CompositeAlarm, MetricAlarm, Subscription

#: What each pending action says about what stands.
_DRIFT = {"create": "missing", "update": "differs", "delete": "undeclared"}
_UNKNOWN = AlarmState(value="INSUFFICIENT_DATA")


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedPublish:
    """An alarm told somebody, and was refused: nobody heard of it.

    Attributes:
        alarm: The alarm's name.
        at: When.
        reason: What CloudWatch wrote into the alarm's history.
    """

    alarm: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deliveries:
    """What the processes last said of their delivery, added up.

    Attributes:
        processes: How many spoke in the last quarter of an hour.
        newest: When the newest heartbeat was written.
        emitted: Lines handed over.
        delivered: Lines that CloudWatch accepted.
        pending: Lines that wait.
        dropped: Events that a hook dropped, and lines that were lost.
    """

    processes: int
    newest: datetime
    emitted: int = 0
    delivered: int = 0
    pending: int = 0
    dropped: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """How an app's resources stand; `print` shows it.

    Attributes:
        plan: What `apply` would do: the drift. What somebody else made under a declared name
            is marked as adopted there.
        alarms: The app's own alarms, with their state, as declared or not.
        subscriptions: Those of the topic.
        refused: Publishes that were refused, newest first; None when that could not be read.
        deliveries: None when no process spoke lately.
        notes: What could not be looked at, in sentences.
    """

    plan: Plan
    alarms: tuple[MetricAlarm | CompositeAlarm, ...]
    subscriptions: tuple[Subscription, ...]
    refused: tuple[RefusedPublish, ...] | None = ()
    deliveries: Deliveries | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The status as JSON values: `flask errwatch status --json`."""
        return _values(self)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def _lines(status: Status) -> Iterator[str]:
    """Sections of lines, each with a heading."""
    yield from _drift(status)
    yield from _alarms(status)
    yield from _subscriptions(status)
    yield from _refused(status)
    yield _delivery(status)
    for note in (*status.plan.notes, *status.notes):
        yield f"Not looked at: {one_line(note)}"


def _drift(status: Status) -> Iterator[str]:
    changes = status.plan.changes
    same = status.plan.count("unchanged")
    yield f"Drift: {len(changes) or 'none'}; {same} resources stand as declared."
    for each in changes:
        yield f"  {_drifted(each):<10}  {each.resource.kind}  {one_line(each.resource.label)}"
        for field in each.differences:
            told = f"{shown(field.old)}, declared {shown(field.new)}"
            yield f"              {one_line(field.field)}: {told}"


def _drifted(change: Change) -> str:
    return "foreign" if change.is_adopted else _DRIFT[change.action]


def _alarms(status: Status) -> Iterator[str]:
    ringing = sum((each.state or _UNKNOWN).value == "ALARM" for each in status.alarms)
    yield f"Alarms: {len(status.alarms)}, {ringing} in ALARM."
    for each in status.alarms:
        state = each.state or _UNKNOWN
        since = "" if state.since is None else f" since {_moment(state.since)}"
        reason = f": {one_line(state.reason)}" if state.reason else ""
        yield f"  {state.value:<17}  {one_line(each.name)}{since}{reason}"


def _subscriptions(status: Status) -> Iterator[str]:
    if status.subscriptions:
        waiting = sum(each.arn is None for each in status.subscriptions)
        yield f"Subscriptions: {len(status.subscriptions)}, {waiting} not confirmed."
    for each in status.subscriptions:
        yield f"  {'confirmed' if each.arn else 'waiting':<9}  {each.protocol}  {each.label}"


def _refused(status: Status) -> Iterator[str]:
    if status.refused is None:
        yield "Refused publishes in two weeks: not known."
        return
    yield f"Refused publishes in two weeks: {len(status.refused) or 'none'}."
    for each in status.refused:
        yield f"  {_moment(each.at)}  {one_line(each.alarm)}: {one_line(each.reason)}"


def _delivery(status: Status) -> str:
    found = status.deliveries
    if found is None:
        return "Delivery: no heartbeat in the last 15 minutes."
    return (
        f"Delivery: {found.processes} processes, {found.emitted} emitted, "
        f"{found.delivered} delivered, {found.pending} pending, {found.dropped} dropped; "
        f"newest heartbeat {_moment(found.newest)}."
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _values(status: Status) -> dict[str, object]:
    """A status as JSON values."""
    found = status.deliveries
    return {
        "drift": status.plan.to_dict(),
        "alarms": [_alarm_values(each.name, each.state or _UNKNOWN) for each in status.alarms],
        "subscriptions": [
            {"protocol": each.protocol, "endpoint": each.label, "confirmed": each.arn is not None}
            for each in status.subscriptions
        ],
        "refused": None
        if status.refused is None
        else [
            {"alarm": each.alarm, "at": each.at.isoformat(), "reason": each.reason}
            for each in status.refused
        ],
        "delivery": None
        if found is None
        else {
            "processes": found.processes,
            "newest": found.newest.isoformat(),
            "emitted": found.emitted,
            "delivered": found.delivered,
            "pending": found.pending,
            "dropped": found.dropped,
        },
        "notes": list(status.notes),
    }


def _alarm_values(name: str, state: AlarmState) -> dict[str, object]:
    since = None if state.since is None else state.since.isoformat()
    return {"name": name, "state": state.value, "since": since, "reason": state.reason}
