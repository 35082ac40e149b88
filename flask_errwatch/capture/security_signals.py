"""Connects the signals of security extensions that the detectors of an app need.

An extension is found where it registers itself with the app, and its signals in `sys.modules`.
Nothing is imported. The receivers have no reference to an app, and take note on the current
request's state.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from blinker import Signal
from flask import Flask, request, request_started

from flask_errwatch._guard import Guard
from flask_errwatch.capture.current_state import current_state, signals_of
from flask_errwatch.capture.events import short
from flask_errwatch.capture.security_events import SecuritySignals
from flask_errwatch.capture.signed_in import came_with_login, session_user, was_signed_in
from flask_errwatch.config import Config
from flask_errwatch.detectors import (
    ACCESS_DENIED,
    LOGIN_FAILED,
    LOGIN_SUCCEEDED,
    Catalogue,
    Detector,
)

#: The endpoints of Flask-Security, in its blueprint, that check a password, a passcode, a recovery
#: code or a passkey. Where it checks a second factor it has the user, and sends a signal.
_SECURITY_LOGINS: Final = ("login", "us_signin", "mf_recovery", "wan_signin_response")


def connect_security_signals(
    app: Flask, config: Config, catalogue: Catalogue, guard: Guard
) -> list[object]:
    """Connects what the detectors in the catalogue need, once, before the app's first request.

    Args:
        app: The app, with all its extensions.
        config: The app's configuration.
        catalogue: The app's detectors.
        guard: Keeps failures away from the app, and shows a login endpoint that does not exist.

    Returns:
        The receivers, to be kept as long as the app: signals refer to them weakly.
    """
    receivers: list[object] = []
    for listed in _EXTENSION_SIGNALS:
        signal = getattr(_module(app, listed.module), listed.signal, None)
        is_needed = any(catalogue.like(detector) for detector in listed.detectors)
        if is_needed and isinstance(signal, Signal):
            receivers.append(signal.connect(_Receiver(listed.note, guard), sender=app))
    if catalogue.like(LOGIN_FAILED):
        endpoints = frozenset(_login_endpoints(app, config, guard))
        if endpoints:
            receiver = _AttemptReceiver(endpoints, guard)
            receivers.append(request_started.connect(receiver, sender=app))
    return receivers


def _module(app: Flask, name: str) -> object:
    """The module of the extension, if the app uses it."""
    is_used = "security" in app.extensions if name == _SECURITY else hasattr(app, "login_manager")
    return sys.modules.get(name) if is_used else None


def _login_endpoints(app: Flask, config: Config, guard: Guard) -> Iterator[str]:
    """The endpoints that are configured, and those of Flask-Security."""
    for endpoint in config.login_endpoints:
        if endpoint not in app.view_functions:
            remedy = f"{endpoint!r} is not an endpoint of the app: `flask routes` lists them."
            guard.warn_once(endpoint, f"ERRWATCH_LOGIN_ENDPOINTS: {remedy}")
        yield endpoint
    security = app.extensions.get("security")
    # Its passwordless login sends a link, and answers every address with the same page.
    if security is not None and not getattr(security, "passwordless", False):
        blueprint = app.config.get("SECURITY_BLUEPRINT_NAME", "security")
        for name in _SECURITY_LOGINS:
            endpoint = f"{blueprint}.{name}"
            if endpoint in app.view_functions:
                yield endpoint


class _AttemptReceiver:
    """Receiver of Flask's `request_started`: notes a POST to a login endpoint."""

    def __init__(self, endpoints: frozenset[str], guard: Guard) -> None:
        self._endpoints = endpoints
        self._guarded = guard.suppress("noting a login")

    def __call__(self, _sender: object, **_: object) -> None:
        with self._guarded:
            if request.method == "POST" and request.endpoint in self._endpoints:
                state = current_state()
                if state is not None:
                    signals_of(state).is_login_attempt = True


#: Takes note of a signal, which was sent by the app with the user, or without any.
_Note = Callable[[SecuritySignals, Any, Any], None]


class _Receiver:
    """Receiver of a signal of an extension: takes note on the current request, if it is watched."""

    def __init__(self, note: _Note, guard: Guard) -> None:
        self._note = note
        self._guarded = guard.suppress("noting a signal")

    def __call__(self, sender: object, **sent: object) -> None:
        with self._guarded:
            state = current_state()
            if state is not None:
                self._note(signals_of(state), sender, sent.get("user"))


def _note_sign_in(signals: SecuritySignals, _app: Any, _user: Any) -> None:
    signals.has_signed_in, signals.user = True, None
    signals.user = session_user()
    signals.was_signed_in = was_signed_in()


def _note_failure(signals: SecuritySignals, app: Any, user: Any) -> None:
    if not signals.has_signed_in:
        signals.has_failed = True
        user_id = getattr(user, getattr(app.login_manager, "id_attribute", "get_id"))()
        signals.user = None if user_id is None else short(str(user_id))


def _note_denial(signals: SecuritySignals, _app: Any, _user: Any) -> None:
    signals.is_denied = True
    signals.is_of_another_browser = signals.is_protected and came_with_login()


def _note_protection(signals: SecuritySignals, _app: Any, _user: Any) -> None:
    signals.is_protected = True


class _ExtensionSignal(NamedTuple):
    """A signal of an extension.

    Attributes:
        module: The module that defines it.
        signal: Its name there.
        note: Takes note.
        detectors: The detectors that need it.
    """

    module: str
    signal: str
    note: _Note
    detectors: tuple[Detector, ...]


_LOGIN: Final = "flask_login.signals"
_SECURITY: Final = "flask_security.signals"
#: Both need sign-ins: a request to a login endpoint in which a user signed in has not failed.
_LOGINS: Final = (LOGIN_FAILED, LOGIN_SUCCEEDED)
_DENIALS: Final = (ACCESS_DENIED,)
_EXTENSION_SIGNALS: Final = (
    _ExtensionSignal(_LOGIN, "user_logged_in", _note_sign_in, _LOGINS),
    _ExtensionSignal(_LOGIN, "user_unauthorized", _note_denial, _DENIALS),
    _ExtensionSignal(_LOGIN, "user_needs_refresh", _note_denial, _DENIALS),
    _ExtensionSignal(_LOGIN, "session_protected", _note_protection, _DENIALS),
    _ExtensionSignal(_SECURITY, "user_authenticated", _note_sign_in, _LOGINS),
    _ExtensionSignal(_SECURITY, "user_failed_authn", _note_failure, _LOGINS[:1]),
    _ExtensionSignal(_SECURITY, "user_unauthenticated", _note_denial, _DENIALS),
)
