"""`ERRWATCH_USER`: the user who is signed in by Flask-Login, without a trace in the response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask_login
import pytest
from flask import Flask, abort, session

from tests.wsgi_driver import Both, events_of, serve, watched

Serve = Callable[..., Both]


class User(flask_login.UserMixin):  # type: ignore[misc]  # it has no types
    """A user, whom loading must not cost anything."""

    def __init__(self, name: str) -> None:
        self.id = name


def shop(loaded: list[str] | None = None, **settings: object) -> Flask:
    """An app with Flask-Login. Names of the users that it loads are appended to the list."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="k", ERRWATCH_USER=True, **settings)
    manager = flask_login.LoginManager(app)

    @manager.user_loader  # type: ignore[untyped-decorator]  # it has no types
    def load(name: str) -> User:
        if loaded is not None:
            loaded.append(name)
        return User(name)

    @app.get("/login")
    def login() -> str:
        flask_login.login_user(User("ann"))
        return "welcome"

    @app.get("/gone")
    def gone() -> str:
        abort(410)

    @app.get("/crash")
    def crash() -> str:
        raise RuntimeError("a bug")

    @app.get("/logout")
    def logout() -> str:
        flask_login.logout_user()
        abort(403)

    return app


def cookie_of(app: Flask) -> str:
    """The session's cookie of a user who has signed in."""
    headers = dict(serve(app, "/login").headers)
    return headers["Set-Cookie"].partition(";")[0]


@pytest.mark.parametrize("propagates", [False, True])
@pytest.mark.parametrize("path", ["/gone", "/crash", "/nowhere"])
def test_the_user_of_a_failed_request(both: Serve, path: str, *, propagates: bool) -> None:
    """The line has the id, the response is the same, and the user is not loaded for it."""
    loaded: list[str] = []

    def build() -> Flask:
        return shop(loaded, PROPAGATE_EXCEPTIONS=propagates)

    cookie = cookie_of(build())
    seen = both(build, path, HTTP_COOKIE=cookie)
    assert seen.event["user"] == "ann"
    assert loaded == []


def test_no_vary_header_appears() -> None:
    """Where nothing else reads the session, the response says nothing of cookies."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="k", ERRWATCH_USER=True)
    watched(app)
    answer = serve(app, "/nowhere", HTTP_COOKIE=cookie_of(shop()))
    assert [name for name, _ in answer.headers if name in {"Vary", "Set-Cookie"}] == []
    assert events_of(app)[0]["user"] == "ann"


def test_nobody_is_signed_in(both: Serve) -> None:
    """Without a session, with a forged one, and after the logout, the line has no user."""
    assert "user" not in both(shop, "/gone").event
    assert (
        "user" not in both(shop, "/gone", HTTP_COOKIE="session=eyJfdXNlcl9pZCI6ImFubiJ9.x.y").event
    )
    assert "user" not in both(shop, "/logout", HTTP_COOKIE=cookie_of(shop())).event


def test_it_is_off_by_default(both: Serve) -> None:
    """Without the setting the session is never read."""

    def build() -> Flask:
        app = shop()
        del app.config["ERRWATCH_USER"]
        return app

    assert "user" not in both(build, "/gone", HTTP_COOKIE=cookie_of(shop())).event


def test_an_app_without_sessions(both: Serve) -> None:
    """Without a secret key there is no session, and a line without a user."""

    def build() -> Flask:
        app = Flask("shop")
        app.config["ERRWATCH_USER"] = True
        return app

    seen = both(build, "/nowhere")
    assert "user" not in seen.event
    assert seen.app.extensions["errwatch"].recorder.guard.failures == 0


@pytest.mark.parametrize("user", [7, "x" * 5000, ["a"], None])
def test_ids_of_any_kind(user: Any) -> None:
    """An id that is a number is shown, and a long one is cut."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="k", ERRWATCH_USER=True)

    @app.get("/")
    def view() -> str:
        session["_user_id"] = user
        abort(410)

    watched(app)
    serve(app, "/")
    expected = {7: "7", None: None}.get(user) if isinstance(user, int | None) else str(user)
    if expected is not None and len(expected) > 512:
        expected = "x" * 512 + "…[4488 more]"
    assert events_of(app)[0].get("user") == expected
