"""`ErrWatch`, the extension, and `AppState`, which holds everything that belongs to one app."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, got_request_exception

from flask_errwatch import config as configuration
from flask_errwatch._guard import Guard, warn
from flask_errwatch.capture.contexts import current_app, current_request
from flask_errwatch.capture.current_state import note_report
from flask_errwatch.capture.error_handlers import note_signal
from flask_errwatch.capture.first_request import FirstRequest
from flask_errwatch.capture.hooks import EmitHook, EnrichHook, Hooks
from flask_errwatch.capture.jobs import Watch, failure_recorder
from flask_errwatch.capture.middleware import Middleware, OutermostMiddleware
from flask_errwatch.capture.opt_in import watch_as_configured
from flask_errwatch.capture.recorder import Recorder
from flask_errwatch.config import Config, Origin
from flask_errwatch.delivery import Delivery, Stats
from flask_errwatch.delivery.sigterm import stop_at_sigterm
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.errors import (
    AlreadyInitialisedError,
    ConfigurationError,
    NoAppError,
    Problem,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from flask_errwatch.provision import Plan

KEY = "errwatch"

EnrichHookT = TypeVar("EnrichHookT", bound=EnrichHook)
EmitHookT = TypeVar("EmitHookT", bound=EmitHook)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class AppState:
    """Everything that belongs to one app: `app.extensions["errwatch"]`.

    Attributes:
        config: The app's configuration, read in `init_app`.
        origins: Where the value of each of its keys came from.
        catalogue: The app's detectors with all thresholds and periods.
        recorder: Builds and emits the app's events.
        delivery: Delivers the app's lines.
    """

    config: Config
    origins: Mapping[str, Origin]
    catalogue: Catalogue
    recorder: Recorder
    delivery: Delivery


class ErrWatch:
    """Makes a Flask application its own intrusion and failure detector on AWS.

    Args:
        app: The application. Without it, call `init_app`. One object serves several apps.
        detectors: The catalogue, for every app of this object.

    Raises:
        ConfigurationError: Lists all problems of the detectors and the configuration.

    Example:
        >>> from flask import Flask
        >>> app = Flask("shop")
        >>> errwatch = ErrWatch(app)
        >>> app.extensions["errwatch"].config.log_group
        'shop'
    """

    def __init__(
        self, app: Flask | None = None, *, detectors: Iterable[Detector] = DEFAULT_DETECTORS
    ) -> None:
        try:
            self._catalogue = Catalogue(_listed(detectors))
        except ConfigurationError as error:
            # Together with the problems of the configuration, if the app is known.
            further = () if app is None else _config_problems(app)
            raise ConfigurationError(*error.problems, *further) from None
        self._hooks = Hooks()
        self._initialised = 0
        self._only: weakref.ref[Flask] | None = None
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Reads the app's `ERRWATCH_…` configuration and observes its requests from now on.

        It makes no AWS call and touches no file: the first request does.

        Args:
            app: The application, before its first request.

        Raises:
            ConfigurationError: Lists all problems.
            AlreadyInitialisedError: When the app is already initialised.
        """
        _check_app(app)
        if KEY in app.extensions:
            remedy = "Call init_app once per app, or create a new app in its factory."
            raise AlreadyInitialisedError(Problem(key="app", value=app.name, remedy=remedy))
        config, origins, catalogue = self._configured(app)
        app_ref = weakref.ref(app)
        guard = Guard()
        delivery = Delivery(config, guard, app=app_ref)
        recorder = Recorder(
            app,
            root=str(app.root_path),  # a Path if the app was created with one
            config=config,
            catalogue=catalogue,
            hooks=self._hooks,
            guard=guard,
            delivery=delivery,
        )
        delivery.set_emitter(recorder.emit_operational)
        state = AppState(
            config=config,
            origins=origins,
            catalogue=catalogue,
            recorder=recorder,
            delivery=delivery,
        )
        app.extensions[KEY] = state
        got_request_exception.connect(note_signal, sender=app, weak=False)
        watch_as_configured(app, config, recorder)
        app.wsgi_app = Middleware(  # type: ignore[method-assign]  # Flask's documented way
            app.wsgi_app, recorder, FirstRequest(app_ref, config, recorder)
        )
        guard.run("installing the handler of SIGTERM", stop_at_sigterm)
        if config.track_requests:
            from flask_errwatch.capture.request_tracking import TrackRequests

            app.wsgi_app = TrackRequests(  # type: ignore[method-assign]  # as above
                app.wsgi_app, delivery, guard, recorder.request_redactor
            )
        self._initialised += 1
        self._only = app_ref if self._initialised == 1 else None

    def report(
        self, detector: str, /, *, app: Flask | None = None, error: object = None, **data: object
    ) -> str:
        """Records an event that no HTTP status shows, such as a failed login answered with 200.

        Args:
            detector: The name of a detector of the app.
            app: The app, if it does not follow from the context.
            error: An exception, which the line then has with type, frames and fingerprint, marked
                as handled. Any other value is a field, as those of `data` are.
            **data: Fields of the line, under `data`. Secret keys are masked.

        Returns:
            The event's id, as in the line.

        Raises:
            UnknownDetectorError: When the app has no detector with this name, or one that only
                counts the lines of others.
            NoAppError: When it is not clear which app is meant.

        Example:
            >>> from flask import Flask
            >>> app = Flask("shop")
            >>> app.testing = True  # its lines stay in memory
            >>> errwatch = ErrWatch(app, detectors=[
            ...     Detector(name="login-failed", event="Login Failed")])
            >>> len(errwatch.report("login-failed", username="ann"))
            36
        """
        state = self._state(app, "report")
        reported = state.catalogue.to_report(detector)
        exception = error if isinstance(error, BaseException) else None
        if error is not None and exception is None:
            data["error"] = error
        request = current_request()
        note_report(reported.name, request, state.recorder.guard)
        return state.recorder.report(reported, data, request, exception, handled=True)

    def wrap(self, wsgi_callable: WSGIApplication, *, app: Flask | None = None) -> WSGIApplication:
        """Records what the outermost WSGI callable responds, where others surround the app.

        Middleware that is added after `init_app`, or around the app, may answer by itself or fail.
        Its responses have events too if the server calls what this returns. A request still has
        one event: that of the response which leaves the outermost callable.

        Args:
            wsgi_callable: What the server would call, such as a `DispatcherMiddleware`.
            app: The app that records, if it does not follow from the context.

        Returns:
            The callable for the server.

        Raises:
            NoAppError: When it is not clear which app is meant.

        Example:
            >>> from flask import Flask
            >>> from werkzeug.middleware.dispatcher import DispatcherMiddleware
            >>> from werkzeug.exceptions import NotFound
            >>> app = Flask("shop")
            >>> errwatch = ErrWatch(app)
            >>> application = errwatch.wrap(DispatcherMiddleware(NotFound(), {"/shop": app}))
        """
        state = self._state(app, "wrap")
        return OutermostMiddleware(wsgi_callable, state.recorder, _nothing_to_observe)

    def watch(self, name: str, *, app: Flask | None = None) -> Watch:
        """Watches a job or command: an escaping exception is recorded and re-raised.

        Args:
            name: The job's name, in the line under `data.job`.
            app: The app, if it does not follow from the context when the job starts.

        Returns:
            A context manager that is also a decorator, for functions and coroutine functions.
            Entering it raises `NoAppError` when it is not clear which app is meant.

        Example:
            >>> from flask import Flask
            >>> app = Flask("shop")
            >>> app.testing = True  # its lines stay in memory
            >>> errwatch = ErrWatch(app)
            >>> with errwatch.watch("nightly-import"):
            ...     1 / 0
            Traceback (most recent call last):
                ...
            ZeroDivisionError: division by zero
        """
        return Watch(name, lambda: failure_recorder(self._state(app, "watch").recorder))

    def enrich(self, hook: EnrichHookT) -> EnrichHookT:
        """Registers a function that adds fields to every event: `fn(event) -> Mapping | None`.

        It runs in the request context if there is one. The fields go under `data`, except
        `user`, which may be replaced, `request_id` and `trace_id`. `suspicion` may be set to a
        number from 0 to 2. The other keys of the schema cannot be changed.

        Example:
            >>> errwatch = ErrWatch()
            >>> @errwatch.enrich
            ... def tenant(event):
            ...     return {"tenant": "acme"}
        """
        _check_hook(hook)
        self._hooks.enrich.append(hook)
        return hook

    def before_emit(self, hook: EmitHookT) -> EmitHookT:
        """Registers a function that may change or drop every event: `fn(event) -> event | None`.

        It runs after all `enrich` hooks, and may remove `user`, too. Dropped events are counted in
        `stats().dropped`.

        Example:
            >>> errwatch = ErrWatch()
            >>> @errwatch.before_emit
            ... def without_health_checks(event):
            ...     return None if event.get("path") == "/health" else event
        """
        _check_hook(hook)
        self._hooks.before_emit.append(hook)
        return hook

    def plan(self, app: Flask | None = None) -> Plan:
        """Returns what `bootstrap_alarms` would change. Reads from AWS and changes nothing.

        Raises:
            ProvisioningError: When AWS cannot be read.
            ConfigurationError: When the app's name is one that many apps have.
        """
        return self.bootstrap_alarms(app, dry_run=True)

    def bootstrap_alarms(self, app: Flask | None = None, *, dry_run: bool = False) -> Plan:
        """Creates or updates log group, metric filters, alarms and subscriptions as declared.

        Idempotent: resources that exist as declared are not changed, and resources that the app
        created and no longer declares are deleted. Unmanaged resources are never touched.

        Args:
            app: The app, if it does not follow from the context.
            dry_run: Only compute the plan.

        Returns:
            The plan that was applied. `print` shows it as a table.

        Raises:
            ProvisioningError: When AWS refused a call, an unmanaged resource has a declared name,
                or the plan would delete more than half of the alarms or shorten the retention.
                It lists what was applied and what was not.
            ConfigurationError: When the app's name is one that many apps have, such as `app`, and
                `ERRWATCH_APP_NAME` is not set.
        """
        from flask_errwatch._aws import PROVISIONING, Aws
        from flask_errwatch.provision.apply import bootstrap

        state = self._state(app, "bootstrap_alarms")
        config = state.config
        aws = Aws.from_config(config, PROVISIONING)
        return bootstrap(aws, state.catalogue, config, dry_run=dry_run)

    def flush(self, timeout: float = 5.0, *, app: Flask | None = None) -> bool:
        """Waits until every line is delivered.

        Args:
            timeout: Longest time to wait, in seconds.
            app: The app, if it does not follow from the context.

        Returns:
            Whether no line is pending.
        """
        return self._state(app, "flush").delivery.flush(timeout)

    def stats(self, app: Flask | None = None) -> Stats:
        """Returns the current delivery figures of this process."""
        return self._state(app, "stats").delivery.stats()

    def _configured(self, app: Flask) -> tuple[Config, Mapping[str, Origin], Catalogue]:
        """Configuration, its origins, and catalogue, or one error that lists all problems."""
        config, problems, origins = configuration.read(app.config, os.environ, app_name=app.name)
        try:
            catalogue = self._catalogue.configured(config)
        except ConfigurationError as error:
            raise ConfigurationError(*problems, *error.problems) from None
        if problems:
            raise ConfigurationError(*problems)
        for variable, key in configuration.misspelt_variables(os.environ):
            warn(f"the environment variable {variable} is not a key: did you mean {key}?")
        return config, origins, catalogue

    def _state(self, app: Flask | None, method: str) -> AppState:
        """The state of the given app, else of the current one, else of the only one."""
        if app is not None:
            _check_app(app)
        else:
            app = current_app()
        if app is None and self._only is not None:
            app = self._only()
        if app is not None:
            return state_of(app)
        remedy = (
            f"Call {method}(…, app=app), or call it inside an app context: "
            f"init_app was called for {self._initialised} apps."
        )
        raise NoAppError(Problem(key="app", value=None, remedy=remedy))


def _check_app(app: object) -> None:
    """Refuses anything but an app: a caller of `report` might mean a field named `app`."""
    if not isinstance(app, Flask):
        remedy = "Pass the Flask application. A field of a report needs another name."
        raise NoAppError(Problem(key="app", value=app, remedy=remedy))


def _config_problems(app: Flask) -> tuple[Problem, ...]:
    _check_app(app)
    return configuration.read(app.config, os.environ, app_name=app.name).problems


def _listed(detectors: object) -> tuple[Detector, ...]:
    if isinstance(detectors, Iterable) and not isinstance(detectors, str):
        return tuple(detectors)
    remedy = "Use a list, such as [*DEFAULT_DETECTORS, Detector(…)]."
    raise ConfigurationError(Problem(key="detectors", value=detectors, remedy=remedy))


def _check_hook(hook: object) -> None:
    """Refuses objects that are not callable, and coroutine functions."""
    if not callable(hook) or iscoroutinefunction(hook):
        remedy = "Register a function that is not async: it runs without an event loop."
        raise ConfigurationError(Problem(key="hook", value=hook, remedy=remedy))


def state_of(app: Flask) -> AppState:
    """Returns the state of the app.

    Raises:
        NoAppError: When `init_app` was not called for the app.
    """
    state = app.extensions.get(KEY)
    if isinstance(state, AppState):
        return state
    remedy = "Call ErrWatch(app), or init_app in its factory."
    raise NoAppError(Problem(key="app", value=app.name, remedy=remedy))


def _nothing_to_observe() -> None:
    """The app's own middleware observes its handlers, before the app's first request."""
