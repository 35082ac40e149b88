"""The detectors of every app by default, and those that configuration adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from flask_errwatch.alarms import Alarm, SourceAlarm
from flask_errwatch.detectors.conditions import CLIENT_FAILURE, NOT_A_LINK_OF_THE_SITE, SUSPICIOUS
from flask_errwatch.detectors.detector import Detector

#: Lines of a flood, in five minutes: docs/detection.md derives it, as the lowest threshold that
#: gives at most 0.5 alarms a week without an attack.
FLOOD = 40


CRITICAL_ERROR = Detector(
    name="critical-error",
    event="Critical Error",
    statuses=("5xx",),
    level="critical",
    description="The app crashed, or responded that it failed.",
)
#: In the catalogue while `ERRWATCH_LOGGED_ERRORS` is on, unless the app has its own of this name.
LOGGED_ERROR = Detector(
    name="logged-error", event="Logged Error", level="error", description="The app logged an error."
)

#: First those that have lines, then those that count lines of these.
DEFAULT_DETECTORS: tuple[Detector, ...] = (
    CRITICAL_ERROR,
    Detector(
        name="authentication-error",
        event="Authentication Error",
        statuses=(401, 403),
        # Flask-Principal and Authlib leave them to the app, and without a handler that is a 500.
        exceptions=(
            "flask_principal.PermissionDenied",
            "authlib.integrations.base_client.errors.OAuthError",
        ),
        # Forged tokens, which Flask-JWT-Extended answers with 422. Where nothing answers, it may be
        # a token that the app itself fetched.
        answered_exceptions=("jwt.exceptions.InvalidTokenError",),
        level="error",
        description="A client is guessing passwords, or requests pages without permission.",
        where=NOT_A_LINK_OF_THE_SITE,
    ),
    Detector(
        name="bad-request-error",
        event="Bad Request Error",
        statuses=(400, 422),
        alarm=Alarm(notify=False),
        description="Malformed requests: a client is broken, or probing inputs.",
    ),
    Detector(
        name="not-found-error",
        event="Not Found Error",
        statuses=(404, 410),
        alarm=Alarm(notify=False),
        description="Paths that do not exist: a client is scanning, or a link is broken.",
    ),
    Detector(
        name="method-not-allowed-error",
        event="Method Not Allowed Error",
        statuses=(405,),
        alarm=Alarm(notify=False),
        description="Methods that a path does not allow: a client is probing the API.",
    ),
    Detector(
        name="rate-limit-error",
        event="Rate Limit Error",
        statuses=(429,),
        exceptions=("flask_limiter.errors.RateLimitExceeded",),
        description="A client sends requests faster than the app allows.",
    ),
    Detector(
        name="client-error",
        event="Client Error",
        statuses=("4xx",),
        alarm=None,
        description="Every other refused request.",
    ),
    Detector(
        name="scan",
        alarm=SourceAlarm(threshold=16, period=600, site_threshold=20, site_period=300),
        description="A client asks for paths that no one who uses the app would ask for.",
        where=SUSPICIOUS,
        value="$.suspicion",
    ),
    Detector(
        name="failure-flood",
        alarm=Alarm(threshold=FLOOD, period=300),
        description="Many requests are refused, whoever sends them and whatever they ask for.",
        where=CLIENT_FAILURE,
    ),
)


def as_in_0_1(detectors: Iterable[Detector]) -> Iterator[Detector]:
    """Yields the detectors, those of the default catalogue as they were in version 0.1.

    A detector that the app declares itself is left, also if it has the name of a default one.
    """
    for detector in detectors:
        if detector not in DEFAULT_DETECTORS:
            yield detector
        elif detector.event is not None:
            yield replace(_notifying(detector), where=None, exceptions=(), answered_exceptions=())


def notifying(detectors: Iterable[Detector]) -> Iterator[Detector]:
    """Yields the detectors, those of the default catalogue with alarms that notify."""
    for detector in detectors:
        yield _notifying(detector) if detector in DEFAULT_DETECTORS else detector


def _notifying(detector: Detector) -> Detector:
    alarm = detector.alarm
    if not isinstance(alarm, Alarm):
        return detector
    return replace(detector, alarm=replace(alarm, notify=True))
