"""The apps that are exported in these tests."""

from __future__ import annotations

from typing import Any

from flask_errwatch import AnomalyAlarm, BusyAlarm, RequestMetric, SourceAlarm
from flask_errwatch import config as configuration
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector

SECRET = "https://hooks.example.com/services/s3cr3t"
#: Every optional feature.
EVERYTHING: dict[str, Any] = {
    "SNS_TOPIC": "ops",
    "SUBSCRIPTIONS": f"mailto:ops@example.com,{SECRET}",
    "SILENCE_ALARM": True,
    "PROCESS_ALARM": True,
    "DASHBOARD": True,
    "SAVED_QUERIES": True,
    "DATA_PROTECTION": True,
    "QUIET_PERIODS": 3,
    "NOTIFY": "app",
    "PER_SOURCE_ALARMS": {"not-found-error": 3},
    "WAF_SCOPE": "regional",
}
REQUESTS = RequestMetric(
    namespace="AWS/ApplicationELB",
    name="RequestCount",
    dimensions=(("LoadBalancer", "app/shop/1234567890abcdef"),),
)
EVERY_KIND = (
    *DEFAULT_DETECTORS,
    Detector(name="login-failed", event="Login Failed", alarm=AnomalyAlarm()),
    Detector(
        name="payment-failed",
        event="Payment Failed",
        alarm=BusyAlarm(errors=Alarm(threshold=0.5), requests=REQUESTS, minimum_requests=100),
    ),
)
#: With a log alarm, whose role may be created with it.
SCAN = Detector(
    name="scan",
    where="$.suspicion > 0",
    value="$.suspicion",
    alarm=SourceAlarm(threshold=16, period=600),
)


def shop(
    detectors: tuple[Detector, ...] = DEFAULT_DETECTORS, *, name: str = "shop", **settings: object
) -> tuple[Catalogue, Config]:
    """The catalogue and configuration of an app. `RETENTION_DAYS=30` sets that key."""
    keys = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = configuration.load(keys, {}, app_name=name)
    return Catalogue(detectors).configured(config), config
