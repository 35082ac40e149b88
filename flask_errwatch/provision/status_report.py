"""`Status`: the state of an app's resources as a value, for people and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask_errwatch._text import counted, one_line
from flask_errwatch._time import readable
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.plan_text import difference_lines, table_lines
from flask_errwatch.provision.resources import AlarmState, CompositeAlarm, MetricAlarm, Subscription

#: What each pending action means for the actual resource.
_DRIFT = {"create": "missing", "update": "differs", "delete": "undeclared"}
_UNKNOWN = AlarmState(value="INSUFFICIENT_DATA")


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedNotification:
    """An alarm's action that failed: no one was notified.

    Attributes:
        alarm: The alarm's name.
        at: When it failed.
        reason: The entry in the alarm's history.
    """

    alarm: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFigures:
    """The figures of the newest heartbeat of each process, added up.

    Attributes:
        processes: Processes with a heartbeat in the last 15 minutes.
        newest: The time of the newest heartbeat.
        emitted: Lines handed over to delivery.
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
class StatusRow:
    """A row of a section. Every string is one line that is safe for a terminal.

    Attributes:
        cells: The columns. The first one is the state, or the time of an event.
        details: Lines below the row.
    """

    cells: tuple[str, ...]
    details: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSection:
    """A part of the status.

    Attributes:
        heading: A sentence with its figures.
        rows: The rows, all with the same number of cells.
    """

    heading: str
    rows: tuple[StatusRow, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of an app's resources. `print` shows it.

    Attributes:
        plan: What `apply --adopt` would do: the drift. An unmanaged resource with a declared name
            is in it as an import.
        alarms: The alarms that the app manages, with their state, declared or not.
        subscriptions: The topic's subscriptions.
        failed_notifications: Newest first. None if they could not be read.
        delivery: None if no process sent a heartbeat lately.
        why_no_heartbeats: Why the app's processes send none. None if they do.
        notes: What could not be checked, in sentences.
    """

    plan: Plan
    alarms: tuple[MetricAlarm | CompositeAlarm, ...]
    subscriptions: tuple[Subscription, ...]
    failed_notifications: tuple[FailedNotification, ...] | None = ()
    delivery: DeliveryFigures | None = None
    why_no_heartbeats: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[StatusSection, ...]:
        """Drift, alarms, subscriptions if there are any, failed notifications and delivery."""
        return (
            _drift(self.plan),
            _alarms(self.alarms),
            *([_subscriptions(self.subscriptions)] if self.subscriptions else []),
            _failed_notifications(self.failed_notifications),
            _delivery(self.delivery, self.why_no_heartbeats),
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """The lines below the sections: what was not checked."""
        return tuple(f"Not checked: {one_line(note)}" for note in (*self.plan.notes, *self.notes))

    def to_dict(self) -> dict[str, object]:
        """Returns the status as JSON values: `flask errwatch status --json`."""
        return _values(self)

    def __str__(self) -> str:
        return "\n".join([*_section_lines(self.sections), *self.remarks])


def _section_lines(sections: tuple[StatusSection, ...]) -> Iterator[str]:
    for section in sections:
        yield section.heading
        yield from table_lines([(row.cells, row.details) for row in section.rows], indent="  ")


def _drift(plan: Plan) -> StatusSection:
    return StatusSection(
        heading=(
            f"Drift: {len(plan.changes) or 'none'}; "
            f"{counted(plan.count('unchanged'), 'resource')} as declared."
        ),
        rows=tuple(
            StatusRow(
                cells=(_drifted(change), change.resource.kind, one_line(change.resource.label)),
                details=tuple(difference_lines(change, "{old}, declared {new}")),
            )
            for change in plan.changes
        ),
    )


def _drifted(change: Change) -> str:
    return "unmanaged" if change.is_import else _DRIFT[change.action]


def _alarms(alarms: tuple[MetricAlarm | CompositeAlarm, ...]) -> StatusSection:
    states = [alarm.state or _UNKNOWN for alarm in alarms]
    firing = sum(state.value == "ALARM" for state in states)
    return StatusSection(
        heading=f"Alarms: {len(alarms)}, {firing} in ALARM.",
        rows=tuple(
            StatusRow(
                cells=(
                    state.value,
                    one_line(alarm.name),
                    "" if state.since is None else f"since {readable(state.since.timestamp())}",
                    one_line(state.reason),
                )
            )
            for alarm, state in zip(alarms, states, strict=True)
        ),
    )


def _subscriptions(subscriptions: tuple[Subscription, ...]) -> StatusSection:
    waiting = sum(subscription.arn is None for subscription in subscriptions)
    return StatusSection(
        heading=f"Subscriptions: {len(subscriptions)}, {waiting} not confirmed.",
        rows=tuple(
            StatusRow(
                cells=(
                    "confirmed" if subscription.arn else "waiting",
                    subscription.protocol,
                    one_line(subscription.label),
                )
            )
            for subscription in subscriptions
        ),
    )


def _failed_notifications(failed: tuple[FailedNotification, ...] | None) -> StatusSection:
    if failed is None:
        return StatusSection(heading="Failed notifications in two weeks: unknown.")
    return StatusSection(
        heading=f"Failed notifications in two weeks: {len(failed) or 'none'}.",
        rows=tuple(
            StatusRow(
                cells=(
                    readable(notification.at.timestamp()),
                    one_line(notification.alarm),
                    one_line(notification.reason),
                )
            )
            for notification in failed
        ),
    )


def _delivery(figures: DeliveryFigures | None, why_no_heartbeats: str | None) -> StatusSection:
    if figures is None:
        reason = "" if why_no_heartbeats is None else f", and none is expected: {why_no_heartbeats}"
        return StatusSection(heading=f"Delivery: no heartbeat in the last 15 minutes{reason}.")
    return StatusSection(
        heading=(
            f"Delivery: {counted(figures.processes, 'process')}, {figures.emitted} emitted, "
            f"{figures.delivered} delivered, {figures.pending} pending, "
            f"{figures.dropped} dropped; newest heartbeat {readable(figures.newest.timestamp())}."
        )
    )


def _values(status: Status) -> dict[str, object]:
    failed, figures = status.failed_notifications, status.delivery
    return {
        "drift": status.plan.to_dict(),
        "alarms": [_alarm_values(alarm.name, alarm.state or _UNKNOWN) for alarm in status.alarms],
        "subscriptions": [
            {
                "protocol": subscription.protocol,
                "endpoint": subscription.label,
                "confirmed": subscription.arn is not None,
            }
            for subscription in status.subscriptions
        ],
        # Programs read this key, so it stays, although the attribute is `failed_notifications`.
        "refused": None
        if failed is None
        else [
            {
                "alarm": notification.alarm,
                "at": notification.at.isoformat(),
                "reason": notification.reason,
            }
            for notification in failed
        ],
        "delivery": None
        if figures is None
        else {
            "processes": figures.processes,
            "newest": figures.newest.isoformat(),
            "emitted": figures.emitted,
            "delivered": figures.delivered,
            "pending": figures.pending,
            "dropped": figures.dropped,
        },
        "notes": list(status.notes),
    }


def _alarm_values(name: str, state: AlarmState) -> dict[str, object]:
    since = None if state.since is None else state.since.isoformat()
    return {"name": name, "state": state.value, "since": since, "reason": state.reason}
