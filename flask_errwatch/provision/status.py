"""Reads the status: drift, alarm states, subscriptions, failed notifications, delivery figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.alarm_factory import heartbeat_filter
from flask_errwatch.provision.diff import diff, missing_service_group
from flask_errwatch.provision.discovery import read_if_allowed
from flask_errwatch.provision.from_aws import action_failed
from flask_errwatch.provision.log_lines import LoggedLine, lines_since
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
        ProvisioningError: When AWS cannot be read. If only the history or the heartbeats cannot be
            read, the status has a note instead.
        ConfigurationError: When a value cannot work in this region.
    """
    moment = datetime.now(UTC) if now is None else now
    desired, actual = read_state(aws, catalogue, config)
    # With `import_unmanaged`, an unmanaged resource is drift, where a plan would stop.
    plan = diff(desired, actual, import_unmanaged=True)
    alarms = tuple(_managed_alarms(actual, config.app_name))
    names = {alarm.name for alarm in alarms}
    missing = missing_service_group(desired, actual)
    notes: list[str] = [] if missing is None else [str(missing)]
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
        why_no_heartbeats=config.why_no_heartbeats,
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


def _heartbeats(aws: Aws, actual: Actual, config: Config, since: datetime) -> Iterator[LoggedLine]:
    """Yields the app's heartbeats since then."""
    if not actual.of_type(LogGroup):
        return
    pattern = heartbeat_filter(config).pattern
    for line in lines_since(aws, config, pattern, since.timestamp(), limit=_MOST):
        if line.event["event"] == HEARTBEAT:  # an emulator returns every line
            yield line


def _delivery_figures(heartbeats: Iterable[LoggedLine]) -> DeliveryFigures | None:
    """Adds up the newest figures of each process.

    Whoever may write into the log group can write any heartbeat: what is not a figure counts as 0.
    """
    newest: dict[str, LoggedLine] = {}
    for heartbeat in sorted(heartbeats, key=_timestamp):
        process = heartbeat.event.get("process")
        if isinstance(process, str):
            newest[process] = heartbeat
    if not newest:
        return None
    figures = {
        name: sum(_figure(heartbeat.event.get("data"), name) for heartbeat in newest.values())
        for name in _FIGURES
    }
    moment = datetime.fromtimestamp(max(map(_timestamp, newest.values())) / 1000, UTC)
    return DeliveryFigures(processes=len(newest), newest=moment, **figures)


def _timestamp(line: LoggedLine) -> int:
    return line.at


def _figure(data: object, name: str) -> int:
    figure = data.get(name) if isinstance(data, dict) else None
    return figure if type(figure) is int and figure > 0 else 0  # a bool is an int too
