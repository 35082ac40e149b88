"""The current request's state, found by code that runs inside Flask: receivers, `report`."""

from __future__ import annotations

from flask import Request, has_request_context, request

from flask_errwatch._guard import Guard
from flask_errwatch.capture.request_state import REQUEST_STATE, RequestState
from flask_errwatch.capture.security_events import SecuritySignals


def current_request_object() -> Request | None:
    """Flask's request itself, not the proxy, or None outside of requests.

    It takes less time than `contexts.current_request`, which finalizers may call too.
    """
    if not has_request_context():
        return None
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return current


def current_state() -> RequestState | None:
    """The state of the current request, or None if it did not pass the middleware."""
    return _state_of(current_request_object())


def _state_of(of_request: Request | None) -> RequestState | None:
    state = None if of_request is None else of_request.environ.get(REQUEST_STATE)
    return state if isinstance(state, RequestState) else None


def signals_of(state: RequestState) -> SecuritySignals:
    """What signals showed of the request until now, to take note of more."""
    if state.signals is None:
        state.signals = SecuritySignals()
    return state.signals


def note_report(detector: str, of_request: Request | None, guard: Guard) -> None:
    """Notes that the app reported an event itself: a signal or an exception adds no other.

    Args:
        detector: The name of the event's detector.
        of_request: The current request, or None.
        guard: That of the app. A request of another one has lines of its own.
    """
    state = _state_of(of_request)
    if state is not None and state.guard is guard:
        signals_of(state).reported.add(detector)
