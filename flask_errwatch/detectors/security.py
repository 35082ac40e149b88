"""The detectors of security events that no status shows. An app adds them to its catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from flask_errwatch.alarms import Alarm
from flask_errwatch.detectors.detector import Detector

LOGIN_FAILED = Detector(
    name="login-failed",
    event="Login Failed",
    description="A client is guessing passwords, or a user has forgotten one.",
)
#: Shows whether a client that guesses passwords found one.
LOGIN_SUCCEEDED = Detector(
    name="login-succeeded",
    event="Login Succeeded",
    level="info",
    alarm=None,
    description="A user signed in.",
)
CSRF_ERROR = Detector(
    name="csrf-error",
    event="CSRF Error",
    exceptions=("flask_wtf.csrf.CSRFError",),
    description="Forms that this site did not make, or whose session has ended.",
)
#: Every visitor who is not signed in is sent to the login page, so no one is notified.
ACCESS_DENIED = Detector(
    name="access-denied",
    event="Access Denied",
    alarm=Alarm(notify=False),
    description="Requests without permission that are answered with the login page.",
)
SECURITY_DETECTORS: tuple[Detector, ...] = (
    LOGIN_FAILED,
    LOGIN_SUCCEEDED,
    CSRF_ERROR,
    ACCESS_DENIED,
)

#: The word of the OWASP Logging Vocabulary for the events of a detector that are recognised by a
#: signal or by the class of an exception, which is `data.owasp` of their lines. The vocabulary has
#: none for CSRF: `malicious_csrf` follows its `malicious_cors`.
OWASP: Mapping[str, str] = {
    LOGIN_FAILED.name: "authn_login_fail",
    LOGIN_SUCCEEDED.name: "authn_login_success",
    CSRF_ERROR.name: "malicious_csrf",
    ACCESS_DENIED.name: "authz_fail",
    "authentication-error": "authz_fail",
    "rate-limit-error": "excess_rate_limit_exceeded",
}
