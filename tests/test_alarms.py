"""The types of alarm that a detector may have, and the values that each refuses."""

from __future__ import annotations

from dataclasses import fields

import pytest

from flask_errwatch import AnomalyAlarm, BusyAlarm, ConfigurationError, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch.detectors import Alarm, Catalogue, Detector

REQUESTS = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount")
BUSY = BusyAlarm(requests=REQUESTS, minimum_requests=100)


def configured(alarm: Alarm | AnomalyAlarm | BusyAlarm, **settings: object) -> object:
    """The detector's alarm after the configuration."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    detector = Detector(name="login", event="Login", alarm=alarm)
    return Catalogue((detector,)).configured(config).named("login").alarm


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("band", 0),
        ("band", -1),
        ("band", "2"),
        ("period", 61),
        ("evaluation_periods", 0),
        ("datapoints_to_alarm", 2),
        ("statistic", "Median"),
        ("treat_missing_data", "never"),
    ],
)
def test_anomaly_alarm_refuses_what_cloudwatch_would(field: str, value: object) -> None:
    """The error names the field."""
    with pytest.raises(ConfigurationError) as caught:
        AnomalyAlarm(**{field: value})  # type: ignore[arg-type]  # that is the point
    assert [problem.key for problem in caught.value.problems] == [field]


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"minimum_requests": 0}, "minimum_requests"),
        ({"requests": RequestMetric(namespace="a:b", name="n")}, "requests.namespace"),
        ({"requests": RequestMetric(namespace="N", name="")}, "requests.name"),
        (
            {"requests": RequestMetric(namespace="N", name="n", statistic="p99")},  # type: ignore[arg-type]
            "statistic",
        ),
    ],
)
def test_busy_alarm_refuses_what_cloudwatch_would(changed: dict[str, object], key: str) -> None:
    """The error names the field."""
    values: dict[str, object] = {"requests": REQUESTS, "minimum_requests": 1, **changed}
    with pytest.raises(ConfigurationError) as caught:
        BusyAlarm(**values)  # type: ignore[arg-type]  # that is the point
    assert [problem.key for problem in caught.value.problems] == [key]


def test_configured_values_reach_every_type() -> None:
    """None means the configured value. In a busy alarm those are the values of `errors`."""
    assert configured(Alarm(threshold=0), ALARM_THRESHOLD=4) == Alarm(threshold=0, period=300)
    assert configured(AnomalyAlarm(), ALARM_PERIOD=60) == AnomalyAlarm(period=60)
    assert configured(AnomalyAlarm(period=120), ALARM_PERIOD=60) == AnomalyAlarm(period=120)
    assert configured(BUSY, ALARM_PERIOD=60, ALARM_THRESHOLD=4) == BusyAlarm(
        requests=REQUESTS, minimum_requests=100, errors=Alarm(threshold=4, period=60)
    )


def test_overrides_reach_every_type() -> None:
    """A field of the type is overridden. Another is refused, with the known fields."""
    takes = (
        "This detector has an AnomalyAlarm, which takes band, datapoints_to_alarm, "
        "evaluation_periods, period, statistic, treat_missing_data."
    )
    alarm = configured(AnomalyAlarm(), DETECTORS={"login": {"band": 4, "period": 60}})
    assert alarm == AnomalyAlarm(band=4, period=60)
    alarm = configured(BUSY, DETECTORS={"login": {"threshold": 3}})
    assert isinstance(alarm, BusyAlarm)
    assert alarm.errors == Alarm(threshold=3, period=300)
    with pytest.raises(ConfigurationError, match=takes):
        configured(AnomalyAlarm(), DETECTORS={"login": {"threshold": 3}})


@pytest.mark.parametrize("kind", [Alarm, AnomalyAlarm])
def test_every_field_can_be_overridden(kind: type[Alarm | AnomalyAlarm]) -> None:
    """The configuration can set every field of every type of alarm."""
    alarm = kind(period=60)
    settings = {field.name: getattr(alarm, field.name) for field in fields(kind)}
    settings["datapoints_to_alarm"] = 1
    overridden = configured(kind(), ALARM_THRESHOLD=3, DETECTORS={"login": settings})
    filled = {"threshold": 3} if kind is Alarm else {}
    assert overridden == kind(period=60, datapoints_to_alarm=1, **filled)  # type: ignore[arg-type]
