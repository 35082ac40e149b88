"""The detectors of every app by default, and those that configuration adds."""

from __future__ import annotations

from flask_errwatch.detectors.detector import Detector

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

DEFAULT_DETECTORS: tuple[Detector, ...] = (
    CRITICAL_ERROR,
    Detector(
        name="authentication-error",
        event="Authentication Error",
        statuses=(401, 403),
        level="error",
        description="A client is guessing passwords, or requests pages without permission.",
    ),
    Detector(
        name="bad-request-error",
        event="Bad Request Error",
        statuses=(400, 422),
        description="Malformed requests: a client is broken, or probing inputs.",
    ),
    Detector(
        name="not-found-error",
        event="Not Found Error",
        statuses=(404, 410),
        description="Paths that do not exist: a client is scanning, or a link is broken.",
    ),
    Detector(
        name="method-not-allowed-error",
        event="Method Not Allowed Error",
        statuses=(405,),
        description="Methods that a path does not allow: a client is probing the API.",
    ),
    Detector(
        name="rate-limit-error",
        event="Rate Limit Error",
        statuses=(429,),
        description="A client sends requests faster than the app allows.",
    ),
    Detector(
        name="client-error",
        event="Client Error",
        statuses=("4xx",),
        alarm=None,
        description="Every other refused request.",
    ),
)
