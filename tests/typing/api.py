"""The public API as users write it: type-checked by mypy strict, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from flask_errwatch import (
    DEFAULT_DETECTORS,
    SECURITY_DETECTORS,
    Alarm,
    AnomalyAlarm,
    BusyAlarm,
    Catalogue,
    ConfigurationError,
    Detector,
    ErrWatch,
    ErrWatchError,
    Plan,
    Problem,
    RequestMetric,
    Stats,
    event_recorded,
)

app = Flask(__name__)

login_failed = Detector(
    name="login-failed",
    event="Login Failed",
    statuses=(418, "4xx"),
    level="error",
    alarm=Alarm(threshold=5, period=60, evaluation_periods=3, datapoints_to_alarm=2),
    description="Somebody guesses passwords.",
    runbook_url="https://example.com/runbook",
)
declined = Detector(
    name="declined",
    event="Declined",
    exceptions=("shop.payments.Declined",),
    answered_exceptions=("shop.payments.Refused",),
)
secured = (*DEFAULT_DETECTORS, *SECURITY_DETECTORS, declined)
silent = Detector(name="silent", event="Silent", alarm=None)
unusual = Detector(name="unusual", event="Unusual", alarm=AnomalyAlarm(band=3, period=60))
requests = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount")
busy = Detector(
    name="busy",
    event="Busy",
    alarm=BusyAlarm(errors=Alarm(threshold=20), requests=requests, minimum_requests=500),
)

errwatch = ErrWatch(app)
errwatch = ErrWatch(app, detectors=[*DEFAULT_DETECTORS, login_failed])
errwatch = ErrWatch(detectors=(login_failed, silent))
errwatch.init_app(app)


@errwatch.enrich
def tenant(event: dict[str, Any]) -> Mapping[str, object] | None:
    return {"tenant": event.get("path")}


@errwatch.enrich
def nothing(event: Mapping[str, object]) -> None:
    del event


@errwatch.before_emit
def last_look(event: dict[str, Any]) -> dict[str, Any] | None:
    return None if event.get("path") == "/health" else event


@app.post("/login")
def login() -> str:
    identifier: str = errwatch.report("login-failed", username="ann", tries=3)
    errwatch.report("login-failed", app=app)
    return identifier


@errwatch.watch("nightly-import")
def nightly(day: int, *, dry: bool = False) -> list[int]:
    return [] if dry else [day]


@errwatch.watch("async-import", app=app)
async def asynchronous(day: int) -> str:
    return str(day)


async def use() -> str:
    days: list[int] = nightly(7, dry=True)
    return await asynchronous(days[0])


with errwatch.watch("job"):
    nightly(7)

plan: Plan = errwatch.plan()
plan = errwatch.plan(app)
plan = errwatch.bootstrap_alarms(app, dry_run=True)
done: bool = errwatch.flush(timeout=1.5)
done = errwatch.flush(1.5, app=app)
stats: Stats = errwatch.stats(app)
total: int = stats.emitted + stats.delivered + stats.pending + stats.dropped + stats.redelivered
error: str | None = stats.last_error

catalogue = Catalogue(DEFAULT_DETECTORS)
names: list[str] = [detector.name for detector in catalogue]
detector_of_404: Detector | None = catalogue.for_status(404)

try:
    ErrWatch(app)
except ConfigurationError as mistake:
    problems: tuple[Problem, ...] = mistake.problems
except ErrWatchError as root:
    first: str = root.problems[0].key


@event_recorded.connect
def hear(sender: Flask, event: dict[str, object]) -> None:
    sender.logger.info("%s", event["event"])
