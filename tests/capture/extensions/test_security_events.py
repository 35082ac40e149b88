"""Security events as such: what is connected, for which app, and what becomes of one request."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from types import SimpleNamespace
from typing import Any

import flask_login
import pytest
from blinker import Namespace
from flask import Flask, request_started
from flask.sessions import SessionInterface, SessionMixin
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_errwatch import DEFAULT_DETECTORS, SECURITY_DETECTORS, Detector, ErrWatch
from flask_errwatch.capture.events import KEYS
from tests.capture.extensions.test_flask_login import User, shop
from tests.capture.extensions.visits import SECURED, Visitor, Visits, get, post
from tests.wsgi_driver import Event, events_of, serve

SIGNALS = (
    flask_login.user_logged_in,
    flask_login.user_unauthorized,
    flask_login.user_needs_refresh,
    flask_login.session_protected,
    request_started,
)


def connected(app: Flask) -> list[bool]:
    """For each signal, whether it has a receiver for the app."""
    return [any(signal.receivers_for(app)) for signal in SIGNALS]


class DeclinedError(Exception):
    """An exception that a detector claims."""


def watched_shop(*detectors: Detector, **settings: Any) -> Flask:
    """The shop with these detectors, after its first request."""
    app = shop(login_view="login", **settings)
    app.config["ERRWATCH_SINKS"] = "memory"
    ErrWatch(app, detectors=detectors)
    serve(app, "/login")
    return app


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], [False, False, False, False, False]),
        (["csrf-error"], [False, False, False, False, False]),
        (["login-failed"], [True, False, False, False, True]),
        (["login-succeeded"], [True, False, False, False, False]),
        (["access-denied"], [False, True, True, True, False]),
        (["login-failed", "login-succeeded", "access-denied"], [True, True, True, True, True]),
    ],
)
def test_what_no_detector_needs_is_not_connected(names: list[str], expected: list[bool]) -> None:
    """Signals are connected for the detectors of the catalogue."""
    chosen = [detector for detector in SECURITY_DETECTORS if detector.name in names]
    assert connected(watched_shop(*DEFAULT_DETECTORS, *chosen)) == expected


OWN_DENIALS = Detector(name="access-denied", event="Access Denied", statuses=(403,))
OWN_LOGINS = Detector(name="login-failed", event="Wrong Password")
OWN_SIGN_INS = Detector(
    name="login-succeeded", event="Login Succeeded", exceptions=("shop.SignedIn",)
)
LIKE_SHIPPED = Detector(name="login-failed", event="Login Failed", level="error", alarm=None)


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        (OWN_DENIALS, [False, False, False, False, False]),
        (OWN_LOGINS, [False, False, False, False, False]),
        (OWN_SIGN_INS, [False, False, False, False, False]),
        (LIKE_SHIPPED, [True, False, False, False, True]),
    ],
)
def test_own_detectors_of_these_names(detector: Detector, expected: list[bool]) -> None:
    """They keep their meaning, unless they have the event and no claims of their own."""
    names = {"authentication-error"} if detector.statuses else set()
    kept = [each for each in DEFAULT_DETECTORS if each.name not in names]
    app = watched_shop(*kept, detector)
    assert connected(app) == expected
    serve(app, "/private")
    assert events_of(app) == []


def test_own_denials_are_of_their_status() -> None:
    """A detector of 403 has the lines of 403, and no redirects to the login page."""
    kept = [each for each in SECURED if each.name not in {"authentication-error", "access-denied"}]
    app = watched_shop(*kept, OWN_DENIALS)
    serve(app, "/private")
    serve(app, "/login?answer=403", REQUEST_METHOD="POST", body=b"name=ann&password=right")
    assert [(event["event"], event["status"]) for event in events_of(app)] == [
        ("Access Denied", 403)
    ]


@pytest.mark.parametrize("endpoint", ["login", "nowhere"])
def test_login_endpoints_without_the_detector(
    endpoint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """They need the detector, which is said once, and connect nothing without it."""
    app = watched_shop(*DEFAULT_DETECTORS, ERRWATCH_LOGIN_ENDPOINTS=[endpoint])
    serve(app, "/login", REQUEST_METHOD="POST", body=b"password=wrong")
    assert events_of(app) == []
    assert capfd.readouterr().err == (
        "flask-errwatch: ERRWATCH_LOGIN_ENDPOINTS: the app has no detector 'login-failed' as in "
        "SECURITY_DETECTORS, so no failed login is recorded: add them, "
        "ErrWatch(app, detectors=[*DEFAULT_DETECTORS, *SECURITY_DETECTORS]).\n"
    )


def test_a_sign_in_without_its_detector() -> None:
    """It is no failed login, and has no line."""
    app = watched_shop(*(detector for detector in SECURED if detector.name != "login-succeeded"))
    serve(app, "/login?answer=welcome", REQUEST_METHOD="POST", body=b"name=ann&password=right")
    assert events_of(app) == []


def test_an_app_without_the_extensions() -> None:
    """Login endpoints need no extension."""
    app = Flask("bare")
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_LOGIN_ENDPOINTS=["login"])
    app.post("/login", endpoint="login")(lambda: ("wrong", 401))
    ErrWatch(app, detectors=SECURED)
    serve(app, "/login", REQUEST_METHOD="POST")
    assert connected(app) == [False, False, False, False, True]
    assert [event["event"] for event in events_of(app)] == ["Login Failed"]
    assert app.extensions["errwatch"].recorder.guard.failures == 0


def test_an_endpoint_that_does_not_exist(capfd: pytest.CaptureFixture[str]) -> None:
    """It is named once on stderr, and the app serves."""
    app = watched_shop(*SECURED, ERRWATCH_LOGIN_ENDPOINTS=["logn", "login"])
    serve(app, "/login", REQUEST_METHOD="POST")
    assert capfd.readouterr().err == (
        "flask-errwatch: ERRWATCH_LOGIN_ENDPOINTS: 'logn' is not an endpoint of the app: "
        "`flask routes` lists them.\n"
    )
    assert [event["event"] for event in events_of(app)] == ["Login Failed"]


def test_nothing_is_imported() -> None:
    """An app that uses none of the extensions does not load them, with all detectors."""
    program = """
import sys
from flask import Flask
from flask_errwatch import DEFAULT_DETECTORS, SECURITY_DETECTORS, ErrWatch
app = Flask("bare")
app.testing = True
ErrWatch(app, detectors=[*DEFAULT_DETECTORS, *SECURITY_DETECTORS])
app.test_client().get("/")
print(sorted({name.partition(".")[0] for name in sys.modules if name.startswith("flask_")}))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert result.stdout == b"['flask_errwatch']\n"


def test_two_apps_in_one_process() -> None:
    """Each has its own lines, and an app without these detectors has none."""
    first, second = watched_shop(*SECURED), watched_shop(*SECURED)
    third = watched_shop(*DEFAULT_DETECTORS)
    for app in (first, third):
        serve(app, "/private")
    assert [event["event"] for event in events_of(first)] == ["Access Denied"]
    assert events_of(second) == events_of(third) == []


def test_receivers_do_not_keep_an_app() -> None:
    """An app that nobody needs any more is freed."""
    app = watched_shop(*SECURED)
    serve(app, "/private")
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_no_receiver_is_left() -> None:
    """The receivers of an app that is gone are gone."""
    before = [len(signal.receivers) for signal in SIGNALS]
    app = watched_shop(*SECURED)
    assert [len(signal.receivers) for signal in SIGNALS] == [count + 1 for count in before]
    del app
    gc.collect()
    assert [len(signal.receivers) for signal in SIGNALS] == before


def test_signals_outside_of_requests() -> None:
    """A job may sign a user in, in a request context that no server made."""
    app = watched_shop(*SECURED)
    with app.test_request_context("/login", method="POST"):
        flask_login.login_user(User("ann"))
    with app.app_context():
        flask_login.user_unauthorized.send(app)
    assert events_of(app) == []
    assert app.extensions["errwatch"].recorder.guard.failures == 0


def test_a_request_inside_a_request() -> None:
    """The sign-in belongs to the inner one, which has a line of its own."""
    app = shop(login_view="login")

    @app.get("/outer")
    def outer() -> str:
        answer = app.test_client().post("/login", data={"name": "ann", "password": "right"})
        return answer.status

    visitor = Visitor.watching(app)
    visitor.visit(get("/outer"))
    assert [(event["event"], event["path"]) for event in visitor.events] == [
        ("Login Succeeded", "/login")
    ]


def test_an_app_inside_another() -> None:
    """Two watched apps see one request, which has one line: that of the app that it is about."""
    inner = watched_shop(*SECURED)
    outer = watched_shop(*SECURED)
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/inner": inner})  # type: ignore[method-assign]
    serve(outer, "/inner/private")
    assert [event["path"] for event in events_of(inner)] == ["/inner/private"]
    assert events_of(outer) == []


def test_wrap() -> None:
    """The outermost callable has the line of what it sends."""
    app = shop(login_view="login")
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=SECURED)
    served = errwatch.wrap(DispatcherMiddleware(NotFound(), {"/shop": app}))
    serve(served, "/shop/private")
    serve(served, "/shop/login", REQUEST_METHOD="POST", body=b"name=ann&password=right")
    serve(served, "/shop/login", REQUEST_METHOD="POST", body=b"password=wrong")
    serve(served, "/elsewhere")
    assert [event["event"] for event in events_of(app)] == [
        *("Access Denied", "Login Succeeded", "Login Failed", "Not Found Error")
    ]


@pytest.mark.parametrize("status", [200, 401])
def test_an_app_that_reports_failed_logins_itself(status: int) -> None:
    """A report is not followed by a second line of the same event."""
    app = Flask("shop")
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_LOGIN_ENDPOINTS="login")
    errwatch = ErrWatch(app, detectors=SECURED)

    @app.post("/login")
    def login() -> tuple[str, int]:
        errwatch.report("login-failed", tries=3)
        return "wrong", status

    serve(app, "/login", REQUEST_METHOD="POST")
    assert [(event["event"], event["data"]) for event in events_of(app)] == [
        ("Login Failed", {"tries": 3})
    ]


@pytest.mark.parametrize("handles", [True, False])
def test_an_app_that_reports_an_exception_itself(*, handles: bool) -> None:
    """A report is not followed by a second line of the detector that claims the exception."""
    app = Flask("shop")
    app.config.update(ERRWATCH_SINKS="memory", PROPAGATE_EXCEPTIONS=False)
    declined = Detector(
        name="declined", event="Declined", exceptions=(f"{__name__}.DeclinedError",)
    )
    errwatch = ErrWatch(app, detectors=(*DEFAULT_DETECTORS, declined))
    if handles:
        app.register_error_handler(DeclinedError, lambda _error: ("declined", 402))

    @app.get("/pay")
    def pay() -> str:
        errwatch.report("declined", order=7)
        raise DeclinedError

    serve(app, "/pay")
    assert [(event["event"], event["data"]) for event in events_of(app)] == [
        ("Declined", {"order": 7})
    ]


def test_a_report_and_another_event() -> None:
    """A request has both: the report of one detector, and the line of another, or of its status."""
    app = shop(login_view="login")
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=SECURED)

    @app.before_request
    def report() -> None:
        errwatch.report("login-failed")

    serve(app, "/private")
    serve(app, "/gone")
    assert [event["event"] for event in events_of(app)] == [
        *("Login Failed", "Access Denied", "Login Failed", "Not Found Error")
    ]


def test_a_report_of_another_app() -> None:
    """It is in the log of that one, and the request has its own line."""
    other = watched_shop(*SECURED)
    app = Flask("front")
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_LOGIN_ENDPOINTS="login")
    errwatch = ErrWatch(app, detectors=SECURED)

    @app.post("/login")
    def login() -> tuple[str, int]:
        errwatch.report("login-failed", app=other)
        return "wrong", 401

    serve(app, "/login", REQUEST_METHOD="POST")
    for each in (app, other):
        assert [event["event"] for event in events_of(each)] == ["Login Failed"]


def test_hooks_see_these_events() -> None:
    """They are events as any other: fields are added, and an event can be dropped."""
    app = shop(login_view="login")
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=SECURED)
    errwatch.enrich(lambda _event: {"tenant": "acme"})

    @errwatch.before_emit
    def without_denials(event: Event) -> Event | None:
        return None if event["event"] == "Access Denied" else event

    serve(app, "/private")
    serve(app, "/login", REQUEST_METHOD="POST", body=b"password=wrong")
    (event,) = events_of(app)
    assert event["data"] == {"owasp": "authn_login_fail", "tenant": "acme"}
    assert errwatch.stats(app).dropped == 1


def test_a_client_that_leaves_before_the_end_of_the_body() -> None:
    """A sign-in whose line waits for the end of the body still has it."""
    app = shop()

    @app.post("/stream")
    def stream() -> Any:
        flask_login.login_user(User("ann"))
        return (part for part in ("one", "two", "three"))

    visitor = Visitor.watching(app)
    serve(app, "/stream", REQUEST_METHOD="POST", stop_after=1)
    assert [event["event"] for event in visitor.events] == ["Login Succeeded"]


def test_a_user_whose_id_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line has no user, and the app does not notice."""
    failed = Namespace().signal("user-failed-authn")

    class Broken:
        def get_id(self) -> str:
            raise RuntimeError("detached")

    app = shop()
    app.extensions["security"] = object()
    module = SimpleNamespace(user_failed_authn=failed)
    monkeypatch.setitem(sys.modules, "flask_security.signals", module)

    @app.post("/other")
    def other() -> str:
        failed.send(app, user=Broken())
        return "fine"

    visitor = Visitor.watching(app)
    assert visitor.visit(post("/other")).status == "200 OK"
    (event,) = visitor.events
    assert event["event"] == "Login Failed"
    assert "user" not in event


class OpenSession(dict[str, Any], SessionMixin):
    """A session with values that no cookie holds."""


class InMemory(SessionInterface):
    """Sessions whose values stay as they are."""

    def open_session(self, *_: object) -> OpenSession:
        """A new one."""
        return OpenSession()

    def save_session(self, *_: object) -> None:
        """Forgets it."""


class Detached(User):
    """A user whose id has no text."""

    def __init__(self) -> None:
        super().__init__("")

    def get_id(self) -> Detached:
        """Itself."""
        return self

    def __str__(self) -> str:
        raise RuntimeError("detached")


def test_an_id_without_text() -> None:
    """The app answers a sign-in as it does without the extension. The line has no user."""
    app = shop(ERRWATCH_LOGIN_ENDPOINTS=())
    app.session_interface = InMemory()

    @app.post("/in")
    def sign_in() -> str:
        flask_login.login_user(Detached())
        return "welcome"

    visitor = Visitor.watching(app)
    assert visitor.visit(post("/in")).status == "200 OK"
    (event,) = visitor.events
    assert event["event"] == "Login Succeeded"
    assert "user" not in event
    assert visitor.failures == 1


def test_hooks_replace_and_remove_the_user() -> None:
    """The user is a person: hooks see the id, and may replace or remove it."""
    app = shop(login_view="login")
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=SECURED)
    seen: list[str] = []

    @errwatch.before_emit
    def pseudonym(event: Event) -> Event:
        seen.append(event["user"])
        if event["user"] == "ann":
            return {**event, "user": "u-17"}
        return {key: value for key, value in event.items() if key != "user"}

    for name in (b"ann", b"bob"):
        serve(app, "/login", REQUEST_METHOD="POST", body=b"password=right&name=" + name)
    assert seen == ["ann", "bob"]
    assert [event.get("user") for event in events_of(app)] == ["u-17", None]
    assert [event["data"] for event in events_of(app)] == [{"owasp": "authn_login_success"}] * 2


@pytest.mark.parametrize(("masks", "user"), [(True, "[redacted]"), (False, "ann@example.com")])
def test_an_email_address_as_user(*, masks: bool, user: str) -> None:
    """`ERRWATCH_REDACT_EMAIL` masks it, whoever set it."""
    app = watched_shop(*SECURED, ERRWATCH_REDACT_EMAIL=masks)
    body = b"password=right&name=ann@example.com"
    serve(app, "/login", REQUEST_METHOD="POST", body=body)
    app.extensions["errwatch"].recorder._hooks.enrich.append(
        lambda _event: {"user": "ann@example.com"}
    )
    serve(app, "/gone")
    assert [event["user"] for event in events_of(app)] == [user, user]


@pytest.mark.parametrize("path", ["/login", "/gone"])
def test_the_order_of_keys(path: str) -> None:
    """A user from a signal, or from the session, is where the server's user is."""
    app = watched_shop(*SECURED, ERRWATCH_USER=True, loads=True)
    visitor = Visitor(app)
    visitor.visit(post("/login", name="ann", password="right"))
    visitor.visit(Visits(path=path, form=None, environ={"HTTP_USER_AGENT": "curl/8.7"}))
    event = visitor.events[-1]
    assert [key for key in KEYS if key in event] == [*event]
    assert event["user"] == "ann"
