"""The sections of a status: a heading with figures, and rows. All are safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask_errwatch._text import counted, one_line
from flask_errwatch._time import readable
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.plan_text import difference_lines
from flask_errwatch.provision.resources import AlarmState, AwsAlarm, LogAlarm, Subscription
from flask_errwatch.provision.status_records import (
    Contributor,
    DeliveryFigures,
    FailedNotification,
    NewFailure,
)

#: What each pending action means for the actual resource.
_DRIFT = {"create": "missing", "update": "differs", "delete": "undeclared"}
#: New failures that have a row. All are in the JSON.
_NEW_FAILURES = 20
#: The state of an alarm that CloudWatch has not returned.
UNKNOWN = AlarmState(value="INSUFFICIENT_DATA")


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusRow:
    """A row of a section. Every string is one line that is safe for a terminal.

    Attributes:
        cells: The columns, at least two. The first one is the state, or the time of an event.
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


def drift_section(plan: Plan) -> StatusSection:
    """What differs from the declarations."""
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


def alarms_section(
    alarms: tuple[AwsAlarm, ...], contributors: Mapping[str, tuple[Contributor, ...]]
) -> StatusSection:
    """The alarms with their states, and the contributors of those that are in ALARM."""
    states = [alarm.state or UNKNOWN for alarm in alarms]
    firing = sum(state.value == "ALARM" for state in states)
    return StatusSection(
        heading=f"Alarms: {len(alarms)}, {firing} in ALARM.",
        rows=tuple(
            StatusRow(
                cells=(
                    state.value,
                    one_line(alarm.name),
                    "" if state.since is None else f"since {readable(state.since.timestamp())}",
                    "" if state.value == "OK" else one_line(state.reason),
                ),
                details=(
                    *(() if alarm.actions_enabled else (_DISABLED,)),
                    *_evaluation(alarm),
                    *(_in_alarm(contributor) for contributor in contributors.get(alarm.name, ())),
                ),
            )
            for alarm, state in zip(alarms, states, strict=True)
        ),
    )


#: How an alarm is shown whose actions a person disabled.
_DISABLED = "its actions are disabled: no one is notified (aws cloudwatch enable-alarm-actions)"
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


def mutes_section(mutes: tuple[str, ...]) -> StatusSection:
    """The rules that mute the alarms."""
    return StatusSection(
        heading="Muted: the alarms notify no one (flask errwatch unmute).",
        rows=tuple(StatusRow(cells=("muted", one_line(mute))) for mute in mutes),
    )


def subscriptions_section(subscriptions: tuple[Subscription, ...]) -> StatusSection:
    """The subscriptions, and which of them wait for their confirmation."""
    waiting = sum(subscription.arn is None for subscription in subscriptions)
    return StatusSection(
        heading=f"Subscriptions: {len(subscriptions)}, {waiting} not confirmed.",
        rows=tuple(
            StatusRow(
                cells=(
                    "confirmed" if subscription.arn else "waiting",
                    subscription.protocol,
                    one_line(f"{subscription.label} of {subscription.topic_name}"),
                )
            )
            for subscription in subscriptions
        ),
    )


def failed_notifications_section(failed: tuple[FailedNotification, ...] | None) -> StatusSection:
    """The notifications that failed, newest first."""
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


def new_failures_section(failures: tuple[NewFailure, ...] | None) -> StatusSection:
    """The newest of the new failures."""
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


def delivery_section(
    figures: DeliveryFigures | None, why_no_heartbeats: str | None
) -> StatusSection:
    """The figures of the newest heartbeats, or why none is expected."""
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
