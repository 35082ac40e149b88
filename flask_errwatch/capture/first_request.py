"""What is done once per app, right before its first request is dispatched."""

from __future__ import annotations

import threading
import weakref
from typing import Final

from flask import Flask

from flask_errwatch._fork import PerProcess
from flask_errwatch.capture.error_handlers import observe_error_handlers
from flask_errwatch.capture.recorder import Recorder
from flask_errwatch.capture.security_events import BY_SIGNALS
from flask_errwatch.config import Config
from flask_errwatch.detectors import LOGIN_FAILED

_NO_DETECTOR: Final = (
    "ERRWATCH_LOGIN_ENDPOINTS: the app has no detector 'login-failed' as in SECURITY_DETECTORS, so "
    "no failed login is recorded: add them, "
    "ErrWatch(app, detectors=[*DEFAULT_DETECTORS, *SECURITY_DETECTORS])."
)
_GENERIC_NAME: Final = (
    "ERRWATCH_APP_NAME: {name!r}, which Flask took from the module, is the name of many apps, so "
    "that `flask errwatch apply` refuses it: set ERRWATCH_APP_NAME, or create the app as "
    'Flask("shop").'
)


class FirstRequest:
    """Observes the app's error handlers and security extensions, once.

    Args:
        app_ref: The app.
        config: The app's configuration.
        recorder: That of the app.
    """

    def __init__(self, app_ref: weakref.ref[Flask], config: Config, recorder: Recorder) -> None:
        self._is_done = False
        self._app_ref = app_ref
        self._config = config
        self._recorder = recorder
        self._lock = PerProcess(threading.Lock)
        # Signals refer to them weakly: they are gone with the app.
        self._receivers: object = None

    def __call__(self) -> None:
        """Observes them, unless that has been done."""
        with self._lock.get():
            app = self._app_ref()
            if app is None or self._is_done:
                return
            self._is_done = True  # also after a failure: nothing is wrapped twice
            guard = self._recorder.guard
            catalogue = self._recorder.catalogue
            if not (self._config.has_own_name or app.testing or app.debug):
                guard.warn_once("app name", _GENERIC_NAME.format(name=self._config.app_name))
            guard.run("observing error handlers", observe_error_handlers, app, catalogue, guard)
            if self._config.login_endpoints and catalogue.like(LOGIN_FAILED) is None:
                guard.warn_once(LOGIN_FAILED.name, _NO_DETECTOR)
            if any(catalogue.like(detector) for detector in BY_SIGNALS):
                # Imported only here: most apps have none of these detectors.
                from flask_errwatch.capture.security_signals import connect_security_signals

                self._receivers = guard.run(
                    "connecting signals",
                    connect_security_signals,
                    app,
                    self._config,
                    catalogue,
                    guard,
                )
