"""The types of alarm that a detector may choose, and what each refuses."""

from __future__ import annotations

from dataclasses import fields

import pytest

from flask_errwatch import AnomalyAlarm, BusyAlarm, ConfigurationError, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch.detectors import Alarm, Catalogue, Detector

REQUESTS = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount")
BUSY = BusyAlarm(requests=REQUESTS, minimum_requests=100)


def configured(alarm: Alarm | AnomalyAlarm | BusyAlarm, **settings: object) -> object:
    """The alarm as the app has it after the configuration."""
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
    """The field is named."""
    with pytest.raises(ConfigurationError) as caught:
        AnomalyAlarm(**{field: value})  # type: ignore[arg-type]  # that is the point
    assert [each.key for each in caught.value.problems] == [field]


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
    """The field is named."""
    values: dict[str, object] = {"requests": REQUESTS, "minimum_requests": 1, **changed}
    with pytest.raises(ConfigurationError) as caught:
        BusyAlarm(**values)  # type: ignore[arg-type]  # that is the point
    assert [each.key for each in caught.value.problems] == [key]


def test_configured_values_reach_every_type() -> None:
    """What is None means the configured value; a busy alarm's are those of its failures."""
    assert configured(Alarm(threshold=0), ALARM_THRESHOLD=4) == Alarm(threshold=0, period=300)
    assert configured(AnomalyAlarm(), ALARM_PERIOD=60) == AnomalyAlarm(period=60)
    assert configured(AnomalyAlarm(period=120), ALARM_PERIOD=60) == AnomalyAlarm(period=120)
    assert configured(BUSY, ALARM_PERIOD=60, ALARM_THRESHOLD=4) == BusyAlarm(
        requests=REQUESTS, minimum_requests=100, errors=Alarm(threshold=4, period=60)
    )


def test_overrides_reach_every_type() -> None:
    """A field that the type has is overridden, another is refused with those there are."""
    takes = (
        "This detector has an AnomalyAlarm, which takes band, datapoints_to_alarm, "
        "evaluation_periods, period, statistic, treat_missing_data."
    )
    found = configured(AnomalyAlarm(), DETECTORS={"login": {"band": 4, "period": 60}})
    assert found == AnomalyAlarm(band=4, period=60)
    found = configured(BUSY, DETECTORS={"login": {"threshold": 3}})
    assert isinstance(found, BusyAlarm)
    assert found.errors == Alarm(threshold=3, period=300)
    with pytest.raises(ConfigurationError, match=takes):
        configured(AnomalyAlarm(), DETECTORS={"login": {"threshold": 3}})


@pytest.mark.parametrize("kind", [Alarm, AnomalyAlarm])
def test_every_field_can_be_overridden(kind: type[Alarm | AnomalyAlarm]) -> None:
    """Whatever a type of alarm has, the configuration can say."""
    alarm = kind(period=60)
    settings = {each.name: getattr(alarm, each.name) for each in fields(kind)}
    settings["datapoints_to_alarm"] = 1
    found = configured(kind(), ALARM_THRESHOLD=3, DETECTORS={"login": settings})
    filled = {"threshold": 3} if kind is Alarm else {}
    assert found == kind(period=60, datapoints_to_alarm=1, **filled)  # type: ignore[arg-type]
