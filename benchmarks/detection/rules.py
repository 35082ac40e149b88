"""The rules that are compared: alarms of catalogues, as `apply` would create them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask_errwatch.alarms import Alarm, SourceAlarm
from flask_errwatch.config import load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.detectors.conditions import CLIENT_FAILURE
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.resources import LogAlarm, MetricAlarm
from flask_errwatch.provision.topics import Topics
from flask_errwatch.replay.gathering.detector_set import DetectorSet

_APP = "site"
_TOPIC = "arn:aws:sns:eu-central-1:123456789012:errors"
_ROLE = "arn:aws:iam::123456789012:role/errwatch"
#: The thresholds that are tried for all client errors together.
FLOODS = (10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500)

_OLD_LOGIN = Detector(
    name="old-authentication-error", where='$.event = "Authentication Error"', alarm=Alarm()
)
#: So that each failure is counted by source and minute.
_EVERY = Detector(
    name="every-failure",
    where="$.status > 399",
    alarm=SourceAlarm(threshold=1e12, period=60),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: What the table calls it.
        alarms: The names of its alarms, without the app's.
        source_alarms: The value of `ERRWATCH_SOURCE_ALARMS` with which they exist.
        has_role: Whether log alarms can be created.
        notifies: Whether all of them notify, also those that no longer do by default.
    """

    name: str
    alarms: tuple[str, ...]
    source_alarms: str = "each"
    has_role: bool = True
    notifies: bool = False


_NOT_NOTIFYING = ("bad-request-error", "not-found-error", "method-not-allowed-error")
#: In the order of the table.
RULES = (
    Rule(
        name="0.1: each group of statuses > 10 / 300 s",
        alarms=("critical-error", _OLD_LOGIN.name, *_NOT_NOTIFYING, "rate-limit-error"),
        notifies=True,
    ),
    Rule(name="`scan` as a log alarm: > 16 / 600 s, one client", alarms=("scan",)),
    Rule(name="`scan` as an insight rule: the same", alarms=("scan-one-source",), has_role=False),
    Rule(name="`scan` site-wide: > 20 / 300 s", alarms=("scan-all",), source_alarms="site"),
    Rule(name="`critical-error` > 10 / 300 s", alarms=("critical-error",)),
    Rule(
        name="`authentication-error` > 10 / 300 s, with its `where`",
        alarms=("authentication-error",),
    ),
    Rule(name="`rate-limit-error` > 10 / 300 s", alarms=("rate-limit-error",)),
    Rule(name="`failure-flood`", alarms=("failure-flood",)),
    Rule(
        name="0.2: all that notify",
        alarms=(
            *("scan", "critical-error", "authentication-error"),
            *("rate-limit-error", "failure-flood"),
        ),
    ),
)
#: Those that are on scans.
SCANS = RULES[1:4]


def detectors(source_alarms: str = "each", *, has_role: bool = True) -> DetectorSet:
    """The default detectors and those of rules that are compared with them."""
    values: dict[str, object] = {"ERRWATCH_SOURCE_ALARMS": source_alarms}
    if has_role:
        values["ERRWATCH_LOG_ALARM_ROLE"] = _ROLE
    config = load(values, {}, app_name=_APP)
    catalogue = Catalogue((*DEFAULT_DETECTORS, _OLD_LOGIN, _EVERY, *_floods()))
    return DetectorSet("the rules", catalogue.configured(config), config)


def notified(detectors: DetectorSet) -> dict[str, tuple[bool, bool]]:
    """For each alarm whether it notifies of ALARM and of OK, as with a topic."""
    desired = desired_resources(
        detectors.catalogue, detectors.config, topics=Topics(default=_TOPIC)
    )
    return {
        short_name(alarm.name): (bool(alarm.alarm_actions), bool(alarm.ok_actions))
        for alarm in alarms(desired)
    }


def alarms(desired: Desired) -> tuple[MetricAlarm | LogAlarm, ...]:
    """The alarms of a catalogue."""
    return (*desired.alarms, *desired.log_alarms)


def short_name(alarm: str) -> str:
    """An alarm's name without the app's."""
    return alarm.removeprefix(f"{_APP}-")


def flood_name(threshold: int) -> str:
    """The name of the detector of client errors with a threshold."""
    return f"flood-{threshold}"


def _floods() -> Iterator[Detector]:
    for threshold in FLOODS:
        yield Detector(
            name=flood_name(threshold),
            where=CLIENT_FAILURE,
            alarm=Alarm(threshold=threshold, period=300),
        )
