"""`Status`: the state of an app's resources as a value, for people and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask_errwatch._text import counted, one_line
from flask_errwatch._time import readable
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.plan_text import difference_lines, table_lines
from flask_errwatch.provision.resources import (
    AlarmState,
    AwsAlarm,
    LogAlarm,
    Pairs,
    Subscription,
)

#: What each pending action means for the actual resource.
_DRIFT = {"create": "missing", "update": "differs", "delete": "undeclared"}
#: New failures that have a row. All are in the JSON.
_NEW_FAILURES = 20
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
class NewFailure:
    """A critical failure that the app had not shown for a week, as its line says.

    Attributes:
        at: The time of the line.
        type: The type of the exception.
        where: The innermost frame of the app's code. Empty when there is none.
        fingerprint: What all lines of this failure have in common.
    """

    at: datetime
    type: str
    where: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contributor:
    """A contributor of a log alarm that is in ALARM.

    Attributes:
        attributes: Names and values that identify it, such as `client_ip` and an address.
        reason: CloudWatch's reason.
        since: When it went to ALARM. None when CloudWatch does not return it.
    """

    attributes: Pairs
    reason: str
    since: datetime | None = None


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
        new_failures: Those of the last day, newest first. None if they could not be read.
        delivery: None if no process sent a heartbeat lately.
        why_no_heartbeats: Why the app's processes send none. None if they do.
        notes: What could not be checked, in sentences.
        contributors: What is in ALARM of each log alarm, by its name.
    """

    plan: Plan
    alarms: tuple[AwsAlarm, ...]
    subscriptions: tuple[Subscription, ...]
    failed_notifications: tuple[FailedNotification, ...] | None = ()
    new_failures: tuple[NewFailure, ...] | None = ()
    delivery: DeliveryFigures | None = None
    why_no_heartbeats: str | None = None
    notes: tuple[str, ...] = ()
    contributors: Mapping[str, tuple[Contributor, ...]] = field(default_factory=dict)

    @property
    def sections(self) -> tuple[StatusSection, ...]:
        """Drift, alarms, subscriptions if any, failed notifications, new failures, delivery."""
        return (
            _drift(self.plan),
            _alarms(self.alarms, self.contributors),
            *([_subscriptions(self.subscriptions)] if self.subscriptions else []),
            _failed_notifications(self.failed_notifications),
            _new_failures(self.new_failures),
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


def _alarms(
    alarms: tuple[AwsAlarm, ...], contributors: Mapping[str, tuple[Contributor, ...]]
) -> StatusSection:
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
                ),
                details=(
                    *_evaluation(alarm),
                    *(_in_alarm(contributor) for contributor in contributors.get(alarm.name, ())),
                ),
            )
            for alarm, state in zip(alarms, states, strict=True)
        ),
    )


#: What each EvaluationState of a log alarm means, and what to do.
_EVALUATIONS = {
    "PARTIAL_DATA": "more than 500 sources have lines: only the first ones are compared.",
    "EVALUATION_FAILURE": "CloudWatch could not evaluate it: wait, the fault is AWS's.",
    "EVALUATION_ERROR": "its query was refused: no one would be notified.",
}


def _evaluation(alarm: AwsAlarm) -> Iterator[str]:
    """Yields what is wrong with the query of a log alarm, and the query if it was refused."""
    if not isinstance(alarm, LogAlarm) or alarm.evaluation_state is None:
        return
    yield f"{alarm.evaluation_state}: {_EVALUATIONS.get(alarm.evaluation_state, '')}".rstrip(": ")
    if alarm.evaluation_state == "EVALUATION_ERROR":
        yield one_line(f"query: {alarm.query} | stats {alarm.aggregation}")
        yield one_line(f"role: {alarm.role}; it must be allowed to query {alarm.log_groups[0]}")


def _in_alarm(contributor: Contributor) -> str:
    since = "" if contributor.since is None else f" since {readable(contributor.since.timestamp())}"
    attributes = ", ".join(f"{name} {value}" for name, value in contributor.attributes)
    return one_line(f"{attributes}{since}: {contributor.reason}")


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


def _new_failures(failures: tuple[NewFailure, ...] | None) -> StatusSection:
    if failures is None:
        return StatusSection(heading="New failures in a day: unknown.")
    shown = failures[:_NEW_FAILURES]
    more = "" if shown == failures else f", the newest {len(shown)} are shown"
    return StatusSection(
        heading=f"New failures in a day: {len(failures) or 'none'}{more}.",
        rows=tuple(
            StatusRow(
                cells=(
                    readable(failure.at.timestamp()),
                    one_line(failure.type),
                    one_line(failure.where),
                    one_line(failure.fingerprint),
                )
            )
            for failure in shown
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
        "alarms": [
            _alarm_values(alarm, status.contributors.get(alarm.name, ())) for alarm in status.alarms
        ],
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
        "new_failures": None
        if status.new_failures is None
        else [
            {
                "at": failure.at.isoformat(),
                "type": failure.type,
                "where": failure.where,
                "fingerprint": failure.fingerprint,
            }
            for failure in status.new_failures
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


def _alarm_values(alarm: AwsAlarm, contributors: tuple[Contributor, ...]) -> dict[str, object]:
    state = alarm.state or _UNKNOWN
    since = None if state.since is None else state.since.isoformat()
    values: dict[str, object] = {
        "name": alarm.name,
        "state": state.value,
        "since": since,
        "reason": state.reason,
    }
    if isinstance(alarm, LogAlarm):
        values["evaluation"] = alarm.evaluation_state
        values["contributors"] = [
            {
                "attributes": dict(contributor.attributes),
                "reason": contributor.reason,
                "since": None if contributor.since is None else contributor.since.isoformat(),
            }
            for contributor in contributors
        ]
    return values
