"""Reads the status: drift, alarm states, subscriptions, failed notifications, delivery figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.alarm_factory import heartbeat_filter
from flask_errwatch.provision.diff import diff
from flask_errwatch.provision.discovery import read_if_allowed
from flask_errwatch.provision.from_aws import action_failed
from flask_errwatch.provision.refresh import read_state
from flask_errwatch.provision.resources import CompositeAlarm, LogGroup, MetricAlarm, Subscription
from flask_errwatch.provision.status_report import DeliveryFigures, FailedNotification, Status

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: How far back failed notifications are read. CloudWatch keeps two weeks of history.
HISTORY = timedelta(days=14)
#: The maximum age of a heartbeat whose figures count.
FRESH = timedelta(minutes=15)
#: The maximum of entries that are read. Both list calls return those of other apps too.
_MOST = 1000
_FIGURES = ("emitted", "delivered", "pending", "dropped")

Heartbeat = dict[str, object]


def read_status(
    aws: Aws, catalogue: Catalogue, config: Config, *, now: datetime | None = None
) -> Status:
    """Reads the status of an app's resources. Changes nothing.

    Args:
        aws: The account and region.
        catalogue: The app's detectors, as `Catalogue.configured` returns them.
        config: The app's configuration.
        now: The current time, with a time zone. None means the clock's.

    Raises:
        ProvisioningError: If AWS cannot be read. If only the history or the heartbeats cannot be
            read, the status has a note instead.
        ConfigurationError: If a value cannot work in this region.
    """
    moment = datetime.now(UTC) if now is None else now
    desired, actual = read_state(aws, catalogue, config)
    # With `adopt`, an unmanaged resource is drift, where a plan would stop.
    plan = diff(desired, actual, adopt=True)
    alarms = tuple(_managed_alarms(actual, config.app_name))
    names = {alarm.name for alarm in alarms}
    notes: list[str] = []
    failed = read_if_allowed(
        "alarm history", partial(_failed_notifications, aws, names, moment - HISTORY), notes
    )
    heartbeats = read_if_allowed(
        "heartbeats", partial(_heartbeats, aws, actual, config, moment - FRESH), notes
    )
    return Status(
        plan=plan,
        alarms=alarms,
        subscriptions=actual.of_type(Subscription),
        failed_notifications=None if failed is None else tuple(failed),
        delivery=_delivery_figures(heartbeats or ()),
        notes=tuple(notes),
    )


def _managed_alarms(actual: Actual, app_name: str) -> Iterator[MetricAlarm | CompositeAlarm]:
    for resource in actual.resources:
        if isinstance(resource, MetricAlarm | CompositeAlarm) and resource.belongs_to(app_name):
            yield resource


def _failed_notifications(
    aws: Aws, alarms: set[str], since: datetime
) -> Iterator[FailedNotification]:
    """Reads the history of all alarms of the account with one list call."""
    if not alarms:
        return
    entries = aws.pages(
        "cloudwatch",
        "describe_alarm_history",
        "AlarmHistoryItems",
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        HistoryItemType="Action",
        StartDate=since,
        ScanBy="TimestampDescending",
        MaxRecords=100,
    )
    for entry in islice(entries, _MOST):
        if entry["AlarmName"] in alarms and action_failed(entry):
            reason = str(entry.get("HistorySummary") or entry.get("HistoryData"))
            yield FailedNotification(alarm=entry["AlarmName"], at=entry["Timestamp"], reason=reason)


def _heartbeats(aws: Aws, actual: Actual, config: Config, since: datetime) -> Iterator[Heartbeat]:
    """Yields the app's heartbeats since then, as events, with their time in milliseconds."""
    if not actual.of_type(LogGroup):
        return
    entries = aws.pages(
        "logs",
        "filter_log_events",
        "events",
        logGroupName=config.log_group,
        filterPattern=heartbeat_filter(config).pattern,
        startTime=round(since.timestamp() * 1000),
    )
    for entry in islice(entries, _MOST):
        event = read_line(entry["message"])
        # A log group may be shared, and an emulator returns every line.
        if event and event["event"] == HEARTBEAT and event.get("app") == config.app_name:
            yield {**event, "at": entry["timestamp"]}


def _delivery_figures(heartbeats: Iterable[Heartbeat]) -> DeliveryFigures | None:
    """Adds up the newest figures of each process."""
    newest: dict[str, Heartbeat] = {}
    for heartbeat in sorted(heartbeats, key=_written):
        process = heartbeat.get("process")
        if isinstance(process, str):  # others may write into a shared log group
            newest[process] = heartbeat
    if not newest:
        return None
    figures = {
        name: sum(_figure(heartbeat.get("data"), name) for heartbeat in newest.values())
        for name in _FIGURES
    }
    at = max(map(_written, newest.values())) / 1000
    moment = datetime.fromtimestamp(at, UTC)
    return DeliveryFigures(processes=len(newest), newest=moment, **figures)


def _written(heartbeat: Heartbeat) -> int:
    at = heartbeat["at"]
    return at if isinstance(at, int) else 0


def _figure(data: object, name: str) -> int:
    figure = data.get(name) if isinstance(data, dict) else None
    return figure if isinstance(figure, int) else 0
