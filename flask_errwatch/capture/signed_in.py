"""The id of the signed-in user, from the session of Flask-Login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import current_app, request, session

from flask_errwatch.capture.contexts import current_request
from flask_errwatch.capture.events import short

#: The key of the user's id in the session (Flask-Login, `login_user`).
USER_ID: Final = "_user_id"
#: That of the hash of the browser that signed in.
_BROWSER: Final = "_id"


def signed_in_user(of_request: object) -> str | None:
    """The id of the user who is signed in, or None.

    Call it only once the session was saved, as it is when the response starts: Flask adds
    `Vary: Cookie` to the response of whoever reads the session before. `current_user` would load
    the user, for example from a database.

    Args:
        of_request: The request. Another one may be current.
    """
    if of_request is None or current_request() is not of_request:
        return None
    return session_user()


def session_user() -> str | None:
    """The id in the session of the current request, or None."""
    user_id = session.get(USER_ID)
    return None if user_id is None else short(str(user_id))


def was_signed_in() -> bool:
    """Whether the request came with a session of the user that it has now, of the same browser."""
    before = _session_before()
    return _has_login(before) and all(
        before[key] == session.get(key) for key in (USER_ID, _BROWSER)
    )


def came_with_login() -> bool:
    """Whether the request came with the session of a user who signed in with some browser.

    A session that a cookie of Flask-Login renewed ("remember me") is of no browser.
    """
    return _has_login(_session_before())


def _has_login(of_session: Mapping[str, Any]) -> bool:
    return all(of_session.get(key) is not None for key in (USER_ID, _BROWSER))


def _session_before() -> Mapping[str, Any]:
    """The session as the request brought it, read once more. Empty if that is not known.

    Flask-Login changes the session before it sends a signal.
    """
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - not the proxy
    interface = app.session_interface
    if interface.get_cookie_name(app) not in request.cookies:
        return {}
    opened = interface.open_session(app, current_request())
    # An interface may keep its sessions in memory: that one has changed already.
    is_same = opened is session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return {} if opened is None or is_same else opened
