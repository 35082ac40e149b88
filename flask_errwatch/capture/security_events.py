"""Which security event a request is, by the signals of the extensions that it passed.

One request has one event. A crash, and an exception that a detector names, come before these
events. They come before the event of the status.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from flask_errwatch.capture.failures import FIRST_FAILURE, SERVER_ERROR, Outcome
from flask_errwatch.detectors import (
    ACCESS_DENIED,
    LOGIN_FAILED,
    LOGIN_SUCCEEDED,
    OWASP,
    Catalogue,
    Detector,
)

#: The statuses with which a login endpoint refuses a password, besides a page with the form.
_REFUSALS: Final = frozenset({400, 401, 403, 422})
_OK: Final = 200
#: The detectors whose events are recognised by signals.
BY_SIGNALS: Final = (LOGIN_FAILED, LOGIN_SUCCEEDED, ACCESS_DENIED)
#: The event has no user, whoever is signed in.
_NO_USER: Final = ""


@dataclass(kw_only=True, slots=True)
class SecuritySignals:
    """What signals showed of a request until now.

    Attributes:
        is_login_attempt: Whether it is a POST to a login endpoint.
        has_signed_in: Whether the app signed a user in.
        was_signed_in: Whether that user's session came with the request.
        has_failed: Whether the password or code of a known user was wrong.
        is_denied: Whether it was refused because no user is signed in, or not freshly.
        is_protected: Whether Flask-Login took the session for that of another browser, which it
            does with every session in which no user signed in.
        is_of_another_browser: Whether it was denied, and a user had signed in to that session.
        user: The id of the user who signed in, or whose password was wrong.
        reported: Detectors of which the app reported an event itself.
    """

    is_login_attempt: bool = False
    has_signed_in: bool = False
    was_signed_in: bool = False
    has_failed: bool = False
    is_denied: bool = False
    is_protected: bool = False
    is_of_another_browser: bool = False
    user: str | None = None
    reported: set[str] = field(default_factory=set)


def with_security(
    signals: SecuritySignals, found: Outcome, code: int, headers: object, catalogue: Catalogue
) -> Outcome:
    """The outcome of a request of which there were signals.

    Args:
        signals: What they showed.
        found: The outcome by exception and status.
        code: The status that was sent, or 0 when nothing was sent.
        headers: The headers of the response, as the app passed them to the server.
        catalogue: The app's detectors.
    """
    decided = _decided(signals, found, code, headers, catalogue)
    detector = decided.detector
    is_of_status = not found.is_named and detector is found.detector
    if detector is not None and detector.name in signals.reported and not is_of_status:
        return decided._replace(detector=None)
    if signals.has_signed_in and decided.user is None:
        return decided._replace(user=signals.user)
    return decided


def _decided(
    signals: SecuritySignals, found: Outcome, code: int, headers: object, catalogue: Catalogue
) -> Outcome:
    """The outcome, whatever the app reported itself."""
    is_crash = not 0 < code < SERVER_ERROR or (found.error is not None and not found.is_handled)
    if is_crash or found.is_named:
        return found
    is_sign_in = signals.has_signed_in and not signals.was_signed_in
    if is_sign_in and code < FIRST_FAILURE:
        return _with(found, LOGIN_SUCCEEDED, signals.user, catalogue)
    is_refused = signals.is_login_attempt and _is_refused(code, headers)
    if not signals.has_signed_in and (signals.has_failed or is_refused):
        # Whoever is signed in is not the one whose password was tried.
        return _with(found, LOGIN_FAILED, signals.user or _NO_USER, catalogue)
    return _denied(signals, found, code, catalogue) if signals.is_denied else found


def _with(found: Outcome, shipped: Detector, user: str | None, catalogue: Catalogue) -> Outcome:
    detector = catalogue.like(shipped)
    if detector is None:
        return found
    return found._replace(detector=detector, user=user, data={"owasp": OWASP[detector.name]})


def _is_refused(code: int, headers: object) -> bool:
    """Whether a login endpoint answered as to a wrong password: by a refusal, or the form again.

    A redirect, or JSON with 200, may ask for the second of two factors.
    """
    return code in _REFUSALS or (
        code == _OK and (response_header(headers, "content-type") or "").startswith("text/html")
    )


def response_header(headers: object, name: str) -> str | None:
    """The value of a response's header, in lower case, or None.

    Args:
        headers: The headers as the app passed them to the server.
        name: The header's name, in lower case.
    """
    pairs: Iterable[tuple[object, object]] = headers if isinstance(headers, list) else ()
    return next((str(value).lower() for key, value in pairs if str(key).lower() == name), None)


def _denied(signals: SecuritySignals, found: Outcome, code: int, catalogue: Catalogue) -> Outcome:
    """A denial with a failing status, such as 401, stays what its status is."""
    detector = found.detector if code >= FIRST_FAILURE else catalogue.like(ACCESS_DENIED)
    if detector is None:
        return found
    data: dict[str, object] = {"owasp": OWASP[ACCESS_DENIED.name]}
    if signals.is_of_another_browser:
        data["reason"] = "session protection"
    return found._replace(detector=detector, data=data)
