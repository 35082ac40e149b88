"""`Status`: the state of an app's resources as a value, for people and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flask_errwatch._text import one_line
from flask_errwatch.provision.plan import Plan
from flask_errwatch.provision.plan_text import table_lines
from flask_errwatch.provision.resources import AwsAlarm, LogAlarm, Subscription
from flask_errwatch.provision.shortcomings import shortcomings
from flask_errwatch.provision.status_records import (
    Contributor,
    DeliveryFigures,
    FailedNotification,
    NewFailure,
)
from flask_errwatch.provision.status_sections import (
    UNKNOWN,
    StatusSection,
    alarms_section,
    delivery_section,
    drift_section,
    failed_notifications_section,
    mutes_section,
    new_failures_section,
    subscriptions_section,
)


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
        mutes: The rules that mute the alarms, in words.
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
    mutes: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[StatusSection, ...]:
        """Drift, alarms, mutes and subscriptions if any, failures of either kind, delivery."""
        return (
            drift_section(self.plan),
            alarms_section(self.alarms, self.contributors),
            *([mutes_section(self.mutes)] if self.mutes else []),
            *([subscriptions_section(self.subscriptions)] if self.subscriptions else []),
            failed_notifications_section(self.failed_notifications),
            new_failures_section(self.new_failures),
            delivery_section(self.delivery, self.why_no_heartbeats),
        )

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """Why a person might not be notified, or not as declared: what `status --check` refuses.

        Neither an alarm that fires counts, nor a quiet app without heartbeats, nor a notification
        that failed in the past.
        """
        return (*map(one_line, shortcomings(self.plan, self.alarms, self.subscriptions)),)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The lines below the sections: what was not checked, and what to do."""
        notes = (*self.plan.notes, *self.notes)
        return (
            *(f"Not checked: {one_line(note)}" for note in notes),
            *(f"Warning: {shortcoming}" for shortcoming in self.shortcomings),
        )

    def to_dict(self) -> dict[str, object]:
        """Returns the status as JSON values: `flask errwatch status --json`."""
        return _values(self)

    def __str__(self) -> str:
        return "\n".join([*_section_lines(self.sections), *self.remarks])


def _section_lines(sections: tuple[StatusSection, ...]) -> Iterator[str]:
    for section in sections:
        yield section.heading
        yield from table_lines([(row.cells, row.details) for row in section.rows], indent="  ")


def _values(status: Status) -> dict[str, object]:
    failed, new_failures = status.failed_notifications, status.new_failures
    return {
        "drift": status.plan.to_dict(),
        "alarms": [
            _alarm_values(alarm, status.contributors.get(alarm.name, ())) for alarm in status.alarms
        ],
        "subscriptions": [*map(_subscription_values, status.subscriptions)],
        # Programs read this key, so it stays, although the attribute is `failed_notifications`.
        "refused": None if failed is None else [*map(_notification_values, failed)],
        "new_failures": None if new_failures is None else [*map(_failure_values, new_failures)],
        "delivery": None if status.delivery is None else _delivery_values(status.delivery),
        "mutes": list(status.mutes),
        "notes": list(status.notes),
        "shortcomings": list(status.shortcomings),
    }


def _subscription_values(subscription: Subscription) -> dict[str, object]:
    return {
        "protocol": subscription.protocol,
        "endpoint": subscription.label,
        "confirmed": subscription.arn is not None,
    }


def _notification_values(notification: FailedNotification) -> dict[str, object]:
    return {
        "alarm": notification.alarm,
        "at": notification.at.isoformat(),
        "reason": notification.reason,
    }


def _failure_values(failure: NewFailure) -> dict[str, object]:
    return {
        "at": failure.at.isoformat(),
        "type": failure.type,
        "where": failure.where,
        "fingerprint": failure.fingerprint,
    }


def _delivery_values(figures: DeliveryFigures) -> dict[str, object]:
    return {
        "processes": figures.processes,
        "newest": figures.newest.isoformat(),
        "emitted": figures.emitted,
        "delivered": figures.delivered,
        "pending": figures.pending,
        "dropped": figures.dropped,
    }


def _alarm_values(alarm: AwsAlarm, contributors: tuple[Contributor, ...]) -> dict[str, object]:
    state = alarm.state or UNKNOWN
    since = None if state.since is None else state.since.isoformat()
    values: dict[str, object] = {
        "name": alarm.name,
        "state": state.value,
        "since": since,
        "reason": state.reason,
    }
    if not alarm.actions_enabled:
        values["actions_enabled"] = False
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
