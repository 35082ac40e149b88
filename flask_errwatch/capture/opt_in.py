"""What is watched only where a configuration key asks for it: commands, threads, logged errors."""

from __future__ import annotations

from flask import Flask

from flask_errwatch.capture.recorder import Recorder
from flask_errwatch.config import Config


def watch_as_configured(app: Flask, config: Config, recorder: Recorder) -> None:
    """Watches what the configuration asks for, from now on.

    Args:
        app: The app, before its `wsgi_app` is wrapped by the middleware that records.
        config: The app's configuration.
        recorder: Records what fails.
    """
    # Imported only here: an app that asks for nothing does not pay for it.
    if config.watch_commands:
        from flask_errwatch.capture.watched_commands import watch_commands

        watch_commands(app, recorder)
    if config.watch_threads:
        from flask_errwatch.capture.watched_threads import watch_threads

        watch_threads(app, recorder)
    if config.logged_errors:
        from flask_errwatch.capture.logged_errors import LoggedErrors, watch_logged_errors
        from flask_errwatch.capture.request_scopes import RequestScopes

        observer = LoggedErrors(app, config.logged_errors, recorder)
        watch_logged_errors(observer)
        recorder.when_recorded.append(observer.note_recorded)
        app.wsgi_app = RequestScopes(app.wsgi_app, observer)  # type: ignore[method-assign]
