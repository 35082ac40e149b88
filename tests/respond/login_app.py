"""A small app with Flask-Login, and the logins of a real log sent to it at their own times."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import flask_login
import pytest
from flask import Flask, redirect, request
from flask.testing import FlaskClient

from flask_errwatch import DEFAULT_DETECTORS, SECURITY_DETECTORS, ErrWatch
from flask_errwatch.testing import capture_events

LOG = Path(__file__).parents[3] / "shared" / "data" / "farmer_farmwork" / "access.log.gz"
_OWNER, _PASSWORD = "owner", "right"
_LOGIN = re.compile(
    r'(?P<source>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>POST /login|GET /logout)[ ?][^"]*" '
    r'(?P<status>\d{3}) \S+ "[^"]*" "(?P<agent>[^"]*)"'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A request of the log.

    Attributes:
        at: Its time, in seconds since the epoch.
        source: The client's address.
        agent: Its user agent.
        path: `/login` or `/logout`.
        status: The answer: the site sent the form again, or redirected who had signed in.
    """

    at: float
    source: str
    agent: str
    path: str
    status: int


def visits(since: float, until: float) -> Iterator[Visit]:
    """The logins and logouts of that time, in the order of the log."""
    with gzip.open(LOG, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = _LOGIN.match(line)
            if found is None:
                continue
            at = datetime.strptime(found["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
            if since <= at < until:
                yield Visit(
                    at=at,
                    source=found["source"],
                    agent=found["agent"],
                    path=found["request"].split()[1],
                    status=int(found["status"]),
                )


def create_app() -> Flask:
    """An app with a login form: a wrong password is answered with the form, in 200."""
    app = Flask("farm")
    app.config.update(SECRET_KEY="k", ERRWATCH_SINKS="memory", ERRWATCH_LOGIN_ENDPOINTS="login")
    manager = flask_login.LoginManager(app)

    @manager.user_loader  # type: ignore[untyped-decorator]  # it has no types
    def load(name: str) -> flask_login.UserMixin:
        user = flask_login.UserMixin()
        user.id = name
        return user

    @app.post("/login")
    def login() -> Any:
        if request.form["password"] != _PASSWORD:
            return "<form>Wrong name or password.</form>"
        flask_login.login_user(load(request.form["name"]))
        return redirect("/")

    @app.get("/logout")
    def logout() -> Any:
        flask_login.logout_user()
        return redirect("/")

    ErrWatch(app, detectors=[*DEFAULT_DETECTORS, *SECURITY_DETECTORS])
    return app


def lines_of(sent: list[Visit], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines that the app writes, with the clock at the time of each visit.

    Args:
        sent: What to send. Each source keeps its cookies.
        monkeypatch: Sets the clock.
    """
    app = create_app()
    clients: defaultdict[str, FlaskClient] = defaultdict(app.test_client)
    with capture_events() as events, monkeypatch.context() as patched:
        for visit in sent:
            patched.setattr("time.time", lambda at=visit.at: at)
            _send(clients[visit.source], visit)
    return events


def _send(client: FlaskClient, visit: Visit) -> None:
    environ = {"REMOTE_ADDR": visit.source, "HTTP_USER_AGENT": visit.agent}
    # Buffered: as from a server, the whole body is read before the next request.
    if visit.path == "/logout":
        answer = client.get("/logout", environ_base=environ, buffered=True)
    else:
        password = _PASSWORD if visit.status == 302 else "wrong"
        form = {"name": _OWNER, "password": password}
        answer = client.post("/login", data=form, environ_base=environ, buffered=True)
    assert answer.status_code == visit.status
