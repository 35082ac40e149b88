"""How it stands: drift, alarms, subscriptions, refused publishes and the delivery, read only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from flask_errwatch.capture.log_lines import read_line
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.alarm_factory import beats_filter
from flask_errwatch.provision.diff import diff
from flask_errwatch.provision.from_aws import Actual, Entry
from flask_errwatch.provision.refresh import read_state
from flask_errwatch.provision.resources import CompositeAlarm, LogGroup, MetricAlarm, Subscription
from flask_errwatch.provision.status_report import Deliveries, RefusedPublish, Status

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

T = TypeVar("T")

#: How far back refused publishes are looked for; CloudWatch keeps two weeks of history.
HISTORY = timedelta(days=14)
#: How old a heartbeat may be whose figures count.
FRESH = timedelta(minutes=15)
#: Entries that are read at most: both listings hold those of others too.
_MOST = 1000
_FIGURES = ("emitted", "delivered", "pending", "dropped")


def read_status(
    aws: Aws, catalogue: Catalogue, config: Config, *, now: datetime | None = None
) -> Status:
    """Reads how everything stands; changes nothing.

    Args:
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration.
        now: The present, with a time zone; None means the clock.

    Raises:
        ProvisioningError: When AWS cannot be read. What only adds to the picture, history and
            heartbeats, is noted as missing instead.
        ConfigurationError: When a value cannot work in this region.
    """
    moment = datetime.now(UTC) if now is None else now
    declared, stands = read_state(aws, catalogue, config)
    # Adopting shows what is in the way as a difference, where a plan would stop.
    plan = diff(declared, stands, adopt=True)
    alarms = tuple(_own_alarms(stands, config.app_name))
    notes: list[str] = []
    names = {each.name for each in alarms}
    refused = _tried("alarm history", notes, lambda: _refused(aws, names, moment - HISTORY))
    beats = _tried("heartbeats", notes, lambda: _beats(aws, stands, config, moment - FRESH))
    return Status(
        plan=plan,
        alarms=alarms,
        subscriptions=stands.of(Subscription),
        refused=None if refused is None else tuple(refused),
        deliveries=_added_up(beats or ()),
        notes=tuple(notes),
    )


def _own_alarms(stands: Actual, app_name: str) -> Iterator[MetricAlarm | CompositeAlarm]:
    for each in stands.resources:
        if isinstance(each, MetricAlarm | CompositeAlarm) and each.belongs_to(app_name):
            yield each


def _tried(what: str, notes: list[str], look: Callable[[], Iterable[T]]) -> list[T] | None:
    try:
        return [*look()]
    except AwsCallError as error:
        notes.append(f"{what}: {error}")
        return None


def _refused(aws: Aws, alarms: set[str], since: datetime) -> Iterator[RefusedPublish]:
    """The failed actions in the history; one listing for all alarms, those of others included."""
    if not alarms:
        return
    listed = aws.pages(
        "cloudwatch",
        "describe_alarm_history",
        "AlarmHistoryItems",
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        HistoryItemType="Action",
        StartDate=since,
        ScanBy="TimestampDescending",
        MaxRecords=100,
    )
    for entry in islice(listed, _MOST):
        if entry["AlarmName"] in alarms and _has_failed(entry):
            reason = str(entry.get("HistorySummary") or entry.get("HistoryData"))
            yield RefusedPublish(alarm=entry["AlarmName"], at=entry["Timestamp"], reason=reason)


def _has_failed(entry: Entry) -> bool:
    """CloudWatch writes `Failed to execute action …` (re:Post, cloudwatch-configure-alarm-sns)."""
    summary, data = str(entry.get("HistorySummary")), str(entry.get("HistoryData"))
    return summary.startswith("Failed") or '"actionState":"Failed"' in data.replace(" ", "")


def _beats(
    aws: Aws, stands: Actual, config: Config, since: datetime
) -> Iterator[dict[str, object]]:
    """The heartbeats since then, as events."""
    if not stands.of(LogGroup):
        return
    listed = aws.pages(
        "logs",
        "filter_log_events",
        "events",
        logGroupName=config.log_group,
        filterPattern=beats_filter(config).pattern,
        startTime=round(since.timestamp() * 1000),
    )
    for entry in islice(listed, _MOST):
        event = read_line(entry["message"])
        # A log group may be shared, and an emulator answers with every line.
        if event and event["event"] == HEARTBEAT and event.get("app") == config.app_name:
            yield {**event, "at": entry["timestamp"]}


def _added_up(beats: Iterable[dict[str, object]]) -> Deliveries | None:
    """The newest figures of each process, together."""
    newest: dict[object, dict[str, object]] = {}
    for each in sorted(beats, key=_written):
        newest[each.get("process")] = each
    if not newest:
        return None
    figures = {
        name: sum(_count(each.get("data"), name) for each in newest.values()) for name in _FIGURES
    }
    at = max(map(_written, newest.values())) / 1000
    moment = datetime.fromtimestamp(at, UTC)
    return Deliveries(processes=len(newest), newest=moment, **figures)


def _written(event: dict[str, object]) -> int:
    at = event["at"]
    return at if isinstance(at, int) else 0


def _count(data: object, name: str) -> int:
    found = data.get(name) if isinstance(data, dict) else None
    return found if isinstance(found, int) else 0
