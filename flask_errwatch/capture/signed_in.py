"""The id of the signed-in user, from the session of Flask-Login."""

from __future__ import annotations

from flask import session

from flask_errwatch.capture.contexts import current_request
from flask_errwatch.capture.events import short

#: The key of the user's id in the session (Flask-Login, `login_user`).
_USER_ID = "_user_id"


def signed_in_user(request: object) -> str | None:
    """The id of the user who is signed in, or None.

    Call it only once the session was saved, as it is when the response starts: Flask adds
    `Vary: Cookie` to the response of whoever reads the session before. `current_user` would load
    the user, for example from a database.

    Args:
        request: The request. Another one may be current.
    """
    if request is None or current_request() is not request:
        return None
    user_id = session.get(_USER_ID)
    return None if user_id is None else short(str(user_id))
