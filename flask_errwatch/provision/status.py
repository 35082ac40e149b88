"""Reads the status: drift, alarms, subscriptions, failed notifications, new failures, delivery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from flask_errwatch._text import text_of
from flask_errwatch.capture.log_lines import fingerprint_of
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, Catalogue
from flask_errwatch.patterns import field
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.alarm_factory import heartbeat_filter
from flask_errwatch.provision.diff import diff, missing_service_group
from flask_errwatch.provision.discovery import read_if_allowed
from flask_errwatch.provision.from_aws import action_failed
from flask_errwatch.provision.ip_set_problems import unusable_ip_sets
from flask_errwatch.provision.log_lines import LoggedLine, lines_since, newest_lines
from flask_errwatch.provision.mute import read_mutes
from flask_errwatch.provision.queries import NEW_FAILURES
from flask_errwatch.provision.refresh import read_state
from flask_errwatch.provision.resources import AwsAlarm, LogAlarm, LogGroup, Subscription
from flask_errwatch.provision.status_records import (
    Contributor,
    DeliveryFigures,
    FailedNotification,
    NewFailure,
)
from flask_errwatch.provision.status_report import Status

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: How far back failed notifications are read. CloudWatch keeps two weeks of history.
HISTORY = timedelta(days=14)
#: The maximum age of a heartbeat whose figures count.
FRESH = timedelta(minutes=15)
#: The maximum of entries that are read. Both list calls return those of other apps too.
_MOST = 1000
#: The most contributors of an alarm that are in ALARM (CloudWatch User Guide, Log alarms).
_MOST_CONTRIBUTORS = 100
#: How far back new failures are read, and by how many calls at most.
_NEW_FAILURES, _NEW_FAILURE_CALLS = timedelta(days=1), 20
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
    missing = missing_service_group(desired, actual)
    notes: list[str] = [] if missing is None else [str(missing)]
    notes += map(str, unusable_ip_sets(desired.ip_sets, actual, desired.app_name))
    failed = read_if_allowed(
        "alarm history", partial(_failed_notifications, aws, alarms, moment - HISTORY), notes
    )
    contributors: dict[str, tuple[Contributor, ...]] = {}
    for alarm in alarms:
        if isinstance(alarm, LogAlarm) and alarm.state and alarm.state.value == "ALARM":
            read = partial(_contributors, aws, alarm.name)
            kinds = f"contributors of {alarm.name}"
            contributors[alarm.name] = tuple(read_if_allowed(kinds, read, notes) or ())
    heartbeats = read_if_allowed(
        "heartbeats", partial(_heartbeats, aws, actual, config, moment - FRESH), notes
    )
    mutes = read_if_allowed("mute rules", partial(read_mutes, aws, config), notes) if alarms else ()
    new_failures = read_if_allowed(
        "new failures",
        partial(_new_failures, aws, actual, config, moment - _NEW_FAILURES, notes),
        notes,
    )
    return Status(
        plan=plan,
        alarms=alarms,
        subscriptions=actual.of_type(Subscription),
        failed_notifications=None if failed is None else tuple(failed),
        new_failures=None if new_failures is None else tuple(new_failures),
        delivery=_delivery_figures(heartbeats or ()),
        why_no_heartbeats=config.why_no_heartbeats,
        notes=tuple(notes),
        contributors=contributors,
        mutes=tuple(map(str, mutes or ())),
    )


def _managed_alarms(actual: Actual, app_name: str) -> Iterator[AwsAlarm]:
    for resource in actual.resources:
        if isinstance(resource, AwsAlarm) and resource.belongs_to(app_name):
            yield resource


def _failed_notifications(
    aws: Aws, alarms: Sequence[AwsAlarm], since: datetime
) -> Iterator[FailedNotification]:
    """Reads the history of all alarms of the account with one list call, and of each log alarm."""
    if not alarms:
        return
    names = {alarm.name for alarm in alarms}
    read = partial(
        aws.pages,
        "cloudwatch",
        "describe_alarm_history",
        "AlarmHistoryItems",
        StartDate=since,
        ScanBy="TimestampDescending",
        MaxRecords=100,
    )
    types = ["MetricAlarm", "CompositeAlarm"]
    histories = [islice(read(AlarmTypes=types, HistoryItemType="Action"), _MOST)]
    # Without a name, CloudWatch lists no actions of contributors.
    histories += [
        islice(read(AlarmName=alarm.name, HistoryItemType="AlarmContributorAction"), _MOST)
        for alarm in alarms
        if isinstance(alarm, LogAlarm)
    ]
    for entry in chain.from_iterable(histories):
        if entry["AlarmName"] in names and action_failed(entry):
            reason = str(entry.get("HistorySummary") or entry.get("HistoryData"))
            yield FailedNotification(alarm=entry["AlarmName"], at=entry["Timestamp"], reason=reason)


def _contributors(aws: Aws, alarm: str) -> Iterator[Contributor]:
    """Reads what is in ALARM of a log alarm. CloudWatch keeps at most a hundred."""
    entries = aws.pages(
        "cloudwatch", "describe_alarm_contributors", "AlarmContributors", AlarmName=alarm
    )
    for entry in islice(entries, _MOST_CONTRIBUTORS):
        yield Contributor(
            attributes=tuple(sorted(entry["ContributorAttributes"].items())),
            reason=entry["StateReason"],
            since=entry.get("StateTransitionedTimestamp"),
        )


def _heartbeats(aws: Aws, actual: Actual, config: Config, since: datetime) -> Iterator[LoggedLine]:
    """Yields the app's heartbeats since then."""
    if not actual.of_type(LogGroup):
        return
    pattern = heartbeat_filter(config).pattern
    for line in lines_since(aws, config, pattern, since.timestamp(), limit=_MOST):
        if line.event["event"] == HEARTBEAT:  # an emulator returns every line
            yield line


def _new_failures(
    aws: Aws, actual: Actual, config: Config, since: datetime, notes: list[str]
) -> list[NewFailure]:
    """The new failures since then, the newest first."""
    if not actual.of_type(LogGroup):
        return []
    pattern = field("$.exception.new").is_true() & (field("$.app") == config.app_name)
    lines, are_all = newest_lines(
        aws, config, str(pattern), since.timestamp(), calls=_NEW_FAILURE_CALLS
    )
    if not are_all:
        notes.append(
            f"new failures: {_NEW_FAILURE_CALLS} calls read only a part of the last day; run the "
            f"saved query {NEW_FAILURES.name_for(config.app_name)}"
        )
    found = [_new_failure(line) for line in lines]
    return sorted(filter(None, found), key=lambda failure: failure.at, reverse=True)


def _new_failure(line: LoggedLine) -> NewFailure | None:
    """The new failure in a line, or None. Whoever may write into the log group wrote the line."""
    exception = line.event.get("exception")
    if not isinstance(exception, dict) or exception.get("new") is not True:
        return None  # an emulator returns every line
    return NewFailure(
        at=datetime.fromtimestamp(line.at / 1000, UTC),
        type=text_of(exception.get("type")),
        where=text_of(exception.get("where")),
        fingerprint=fingerprint_of(line.event),
    )


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
