"""What docs/security-events.md advises: for steps of a login, API keys, gates and redirects."""

from __future__ import annotations

from typing import Any

import flask_login
import pytest
from flask import Flask, g, redirect, request
from flask.typing import ResponseReturnValue

from flask_errwatch import ErrWatch
from flask_errwatch.testing import TrafficJudge
from tests.capture.extensions.test_flask_login import User, shop
from tests.capture.extensions.visits import SECURED
from tests.wsgi_driver import Event, events_of, serve


def watched_shop(**settings: Any) -> tuple[Flask, ErrWatch]:
    """The shop, whose lines stay in memory."""
    app = shop(**settings)
    app.config["ERRWATCH_SINKS"] = "memory"
    return app, ErrWatch(app, detectors=SECURED)


def names_of(app: Flask) -> list[str]:
    """The events of the app."""
    return [event["event"] for event in events_of(app)]


def test_a_step_is_no_failure() -> None:
    """A view says that it shows the next step, and a hook drops the line."""
    app, errwatch = watched_shop(ERRWATCH_LOGIN_ENDPOINTS=["step", "login"])

    @app.post("/step")
    def step() -> str:
        g.is_login_step = True
        return "<form>the code?</form>"

    @errwatch.before_emit
    def without_steps(event: Event) -> Event | None:
        is_step = event["event"] == "Login Failed" and "is_login_step" in g
        return None if is_step else event

    serve(app, "/step", REQUEST_METHOD="POST")
    assert names_of(app) == []
    serve(app, "/login", REQUEST_METHOD="POST", body=b"password=wrong")
    assert names_of(app) == ["Login Failed"]


def test_only_logins_are_sign_ins() -> None:
    """A hook drops the sign-ins of API keys."""
    app, errwatch = watched_shop()

    @app.get("/api")
    def api() -> str:
        flask_login.login_user(User("ann"))
        return "data"

    @errwatch.before_emit
    def only_logins(event: Event) -> Event | None:
        is_other = event["event"] == "Login Succeeded" and event.get("endpoint") != "login"
        return None if is_other else event

    serve(app, "/api")
    assert names_of(app) == []
    serve(app, "/login", REQUEST_METHOD="POST", body=b"name=ann&password=right")
    assert names_of(app) == ["Login Succeeded"]


def test_a_redirect_after_a_wrong_password() -> None:
    """The app reports it: one line, and none without."""
    app, errwatch = watched_shop(ERRWATCH_LOGIN_ENDPOINTS=["refuse"])

    @app.post("/refuse")
    def refuse() -> ResponseReturnValue:
        if request.args.get("reports"):
            errwatch.report("login-failed")
        return redirect("/login")

    serve(app, "/refuse", REQUEST_METHOD="POST")
    assert names_of(app) == []
    serve(app, "/refuse?reports=1", REQUEST_METHOD="POST")
    assert names_of(app) == ["Login Failed"]


@pytest.mark.parametrize(
    ("passes_unrouted", "alarms"), [(False, {"access-denied"}), (True, {"scan", "not-found-error"})]
)
def test_a_gate(*, passes_unrouted: bool, alarms: set[str]) -> None:
    """A scan is one only where the gate lets what has no route through."""
    app, _ = watched_shop(login_view="login", loads=True)

    @app.before_request
    def gate() -> Any:
        if request.endpoint == "login" or (passes_unrouted and request.endpoint is None):
            return None
        is_known = flask_login.current_user.is_authenticated
        return None if is_known else app.login_manager.unauthorized()  # type: ignore[attr-defined]

    with TrafficJudge() as judge:
        for number in range(17):
            app.test_client().get(f"/backup/{number}.sql")
    assert judge.alarms() == alarms
