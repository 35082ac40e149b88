"""Flask-Login: sign-ins, denials and the failed logins that it has no signal for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import flask_login
import pytest
from flask import Flask, Response, abort, jsonify, redirect, request, session

from tests.capture.extensions.visits import Visited, Visits, get, post, post_json

Visit = Callable[..., Visited]


class User(flask_login.UserMixin):  # type: ignore[misc]  # it has no types
    """A user, who is known by a name."""

    def __init__(self, name: str) -> None:
        self.id = name


def login() -> Any:
    """The login form. It answers a wrong password and a right one as the query says."""
    answer = request.args.get("answer", "page")
    if request.form.get("password") == "right":
        flask_login.login_user(User(request.form["name"]))
        return after_sign_in(answer)
    if answer == "json":
        return jsonify(error="wrong")
    if answer == "redirect":
        return redirect("/login")
    return "<form>wrong</form>", int(answer) if answer.isdigit() else 200


def after_sign_in(answer: str) -> Any:
    """The answer to a right password."""
    if answer == "crash":
        raise RuntimeError("a bug after the sign-in")
    if answer.isdigit():
        abort(int(answer))
    pages = {"welcome": "welcome", "stream": Response(broken_stream())}
    return pages.get(answer) or redirect("/")


def broken_stream() -> Iterator[str]:
    """A body that fails after its first part."""
    yield "welcome"
    raise RuntimeError("a bug in the middle of the body")


def shop(**settings: Any) -> Flask:
    """An app with a login form, whose password is "right"."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="k", ERRWATCH_LOGIN_ENDPOINTS="login")
    app.config.update({key: value for key, value in settings.items() if key.isupper()})
    manager = flask_login.LoginManager(app)
    manager.login_view = settings.get("login_view")
    manager.session_protection = settings.get("session_protection", "basic")

    @manager.user_loader  # type: ignore[untyped-decorator]  # it has no types
    def load(_name: str) -> User:
        raise AssertionError("nothing loads a user but the app's own views")

    if settings.get("loads"):
        manager.user_loader(User)

    app.route("/login", methods=["GET", "POST"])(login)

    @app.get("/private")
    @flask_login.login_required  # type: ignore[untyped-decorator]  # it has no types
    def private() -> str:
        return "private"

    @app.get("/fresh")
    @flask_login.fresh_login_required  # type: ignore[untyped-decorator]  # it has no types
    def fresh() -> str:
        return "fresh"

    @app.get("/gone")
    def gone() -> str:
        abort(410)

    return app


def with_login_view() -> Flask:
    return shop(login_view="login")


def test_a_wrong_password(visit: Visit) -> None:
    """A login form that is shown again is a failed login, without the name that was typed."""
    seen = visit(shop, post("/login", name="hunter2", password="wrong"))
    assert seen.seen == (200, "Login Failed")
    assert seen.event["detector"] == "login-failed"
    assert seen.event["level"] == "warning"
    assert seen.event["data"] == {"owasp": "authn_login_fail"}
    assert seen.event["endpoint"] == "login"
    assert "user" not in seen.event
    assert "hunter2" not in str(seen.event)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("page", (200, "Login Failed")),
        ("400", (400, "Login Failed")),
        ("401", (401, "Login Failed")),
        ("403", (403, "Login Failed")),
        ("422", (422, "Login Failed")),
        ("json", (200, None)),
        ("redirect", (302, None)),
        ("404", (404, "Not Found Error")),
        ("429", (429, "Rate Limit Error")),
        ("503", (503, "Critical Error")),
    ],
)
def test_the_answers_to_a_wrong_password(
    visit: Visit, answer: str, expected: tuple[int, str | None]
) -> None:
    """A redirect and JSON may ask for a second factor. Other statuses stay what they are."""
    assert visit(shop, post(f"/login?answer={answer}", password="wrong")).seen == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_only_a_post_is_a_login(visit: Visit, method: str) -> None:
    """The form itself is no failed login."""
    assert visit(shop, get("/login", REQUEST_METHOD=method)).seen == (200, None)


def test_without_login_endpoints(visit: Visit) -> None:
    """Flask-Login alone has no signal for a failed login."""

    def build() -> Flask:
        return shop(ERRWATCH_LOGIN_ENDPOINTS=())

    assert visit(build, post("/login", password="wrong")).seen == (200, None)


@pytest.mark.parametrize("answer", ["redirect", "welcome"])
def test_a_sign_in(visit: Visit, answer: str) -> None:
    """It has a line with the user, whatever the app answers. It is no failed login."""
    seen = visit(shop, post(f"/login?answer={answer}", name="ann", password="right"))
    assert seen.event["event"] == "Login Succeeded"
    assert seen.event["level"] == "info"
    assert seen.event["user"] == "ann"
    assert seen.event["data"] == {"owasp": "authn_login_success"}


def test_a_user_whose_id_is_a_number(visit: Visit) -> None:
    """The id is text, as in the session."""

    def build() -> Flask:
        app = Flask("shop")
        app.config.update(SECRET_KEY="k")
        flask_login.LoginManager(app)

        @app.post("/login")
        def login() -> str:
            user = User("ann")
            user.id = 7  # type: ignore[assignment]
            flask_login.login_user(user)
            return "welcome"

        return app

    assert visit(build, post("/login")).event["user"] == "7"


def test_a_sign_in_before_a_crash(visit: Visit) -> None:
    """The crash is the line: nobody may miss it."""
    seen = visit(shop, post("/login?answer=crash", name="ann", password="right"))
    assert seen.seen == (500, "Critical Error")
    assert seen.event["exception"]["type"] == "RuntimeError"


def test_a_sign_in_before_a_crash_that_leaves_the_app(visit: Visit) -> None:
    """So it is where exceptions propagate to the server."""

    def build() -> Flask:
        return shop(PROPAGATE_EXCEPTIONS=True)

    seen = visit(build, post("/login?answer=crash", name="ann", password="right"))
    assert [event["event"] for event in seen.events[0]] == ["Critical Error"]


def test_a_sign_in_before_a_crash_of_the_body(visit: Visit) -> None:
    """So it is where a streamed body fails after its first part."""
    seen = visit(shop, post("/login?answer=stream", name="ann", password="right"))
    assert seen.answers[0].body == b"welcome"
    assert [event["event"] for event in seen.events[0]] == ["Critical Error"]


@pytest.mark.parametrize(
    ("answer", "event"), [("404", "Not Found Error"), ("503", "Critical Error")]
)
def test_a_sign_in_that_is_answered_with_an_error(visit: Visit, answer: str, event: str) -> None:
    """The line is that of the status, with the user."""
    seen = visit(shop, post(f"/login?answer={answer}", name="ann", password="right"))
    assert seen.seen == (int(answer), event)
    assert seen.event["user"] == "ann"
    assert "data" not in seen.event


def with_api_keys() -> Flask:
    """An app that signs a user in on every request that has a key."""
    app = shop(login_view="login")

    @app.before_request
    def sign_in() -> None:
        name = request.headers.get("X-Api-Key")
        if name is not None:
            flask_login.login_user(User(name))

    app.get("/public")(lambda: "public")
    return app


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/gone", (410, "Not Found Error")),
        ("/login", (200, "Login Succeeded")),
        ("/.env", (404, "Not Found Error")),
        ("/public", (200, "Login Succeeded")),
    ],
)
def test_a_sign_in_on_each_request(
    visit: Visit, path: str, expected: tuple[int, str | None]
) -> None:
    """It hides no failure. Without a session each request is a sign-in."""
    seen = visit(with_api_keys, get(path, HTTP_X_API_KEY="ann"))
    assert seen.seen == expected
    assert seen.event["user"] == "ann"


def test_a_user_whom_the_session_already_held(visit: Visit) -> None:
    """It is no sign-in, unless it is another user, or another browser."""
    seen = visit(
        with_api_keys,
        get("/public", HTTP_X_API_KEY="ann"),
        get("/public", HTTP_X_API_KEY="ann"),
        get("/gone", HTTP_X_API_KEY="ann"),
        get("/public", HTTP_X_API_KEY="bob"),
        get("/public", HTTP_X_API_KEY="bob", HTTP_USER_AGENT="another browser"),
    )
    assert [[(line["event"], line["user"]) for line in lines] for lines in seen.events] == [
        [("Login Succeeded", "ann")],
        [],
        [("Not Found Error", "ann")],
        [("Login Succeeded", "bob")],
        [("Login Succeeded", "bob")],
    ]


def test_a_password_that_is_typed_again(visit: Visit) -> None:
    """The page that welcomes a user once more is no failed login."""
    login = post("/login?answer=welcome", name="ann", password="right")
    assert visit(shop, login, login).names == ["Login Succeeded"]


def test_a_login_view_that_redirects(visit: Visit) -> None:
    """A denial that no status shows."""
    seen = visit(with_login_view, get("/private"))
    assert seen.seen == (302, "Access Denied")
    assert seen.event["data"] == {"owasp": "authz_fail"}
    assert seen.event["suspicion"] == 0


def test_no_login_view(visit: Visit) -> None:
    """A denial with 401 stays an authentication error."""
    seen = visit(shop, get("/private"))
    assert seen.seen == (401, "Authentication Error")
    assert seen.event["data"] == {"owasp": "authz_fail"}


@pytest.mark.parametrize(
    ("login_view", "expected"),
    [("login", (302, "Access Denied")), (None, (401, "Authentication Error"))],
)
def test_the_cookie_of_another_browser(
    visit: Visit, login_view: str | None, expected: tuple[int, str]
) -> None:
    """The line says that the session was taken for that of another browser."""

    def build() -> Flask:
        return shop(login_view=login_view, session_protection="strong", loads=True)

    seen = visit(
        build,
        post("/login", name="ann", password="right"),
        get("/private", HTTP_USER_AGENT="another browser"),
    )
    assert seen.seen == expected
    assert seen.event["data"] == {"owasp": "authz_fail", "reason": "session protection"}


@pytest.mark.parametrize("protection", ["basic", "strong", None])
@pytest.mark.parametrize("login_view", ["login", None])
def test_a_visitor_who_never_signed_in(
    visit: Visit, protection: str | None, login_view: str | None
) -> None:
    """Flask-Login takes every session that nobody signed in to for one of another browser."""

    def build() -> Flask:
        app = shop(login_view=login_view, session_protection=protection, loads=True)
        app.get("/cart")(lambda: session.setdefault("cart", "tea"))
        return app

    seen = visit(build, get("/cart"), get("/private"), get("/private"), get("/fresh"))
    assert [event["data"] for events in seen.events for event in events] == [
        {"owasp": "authz_fail"},
        {"owasp": "authz_fail"},
        {"owasp": "authz_fail"},
    ]


def test_a_login_that_a_cookie_renewed(visit: Visit) -> None:
    """A session of "remember me" is of no browser, and that of another one is not named so."""

    def build() -> Flask:
        app = shop(loads=True)

        @app.get("/renewed")
        def renewed() -> str:
            session.update(_user_id="ann", _fresh=False)
            return "as Flask-Login does it"

        return app

    seen = visit(build, get("/renewed"), get("/fresh"))
    assert seen.event["data"] == {"owasp": "authz_fail"}


def test_a_changed_browser_is_no_denial(visit: Visit) -> None:
    """With the protection "basic" the request is answered, and has no line."""

    def build() -> Flask:
        return shop(loads=True)

    seen = visit(
        build,
        post("/login", name="ann", password="right"),
        get("/private", HTTP_USER_AGENT="the browser after its update"),
    )
    assert seen.seen == (200, None)


@pytest.mark.parametrize(
    ("refresh_view", "expected"),
    [(None, (401, "Authentication Error")), ("login", (302, "Access Denied"))],
)
def test_a_login_that_is_not_fresh(
    visit: Visit, refresh_view: str | None, expected: tuple[int, str]
) -> None:
    """It is a denial, as others: that of another browser, with the protection "basic"."""

    def build() -> Flask:
        app = shop(loads=True)
        app.login_manager.refresh_view = refresh_view  # type: ignore[attr-defined]
        return app

    seen = visit(
        build,
        post("/login", name="ann", password="right"),
        get("/fresh", HTTP_USER_AGENT="another browser"),
    )
    assert seen.seen == expected
    assert seen.event["data"] == {"owasp": "authz_fail", "reason": "session protection"}


def test_the_guesser_is_not_the_account(visit: Visit) -> None:
    """A signed-in guesser is not the user of a failed login, nor is the server's user."""

    def build() -> Flask:
        return shop(ERRWATCH_USER=True)

    seen = visit(
        build,
        post("/login", name="mallory", password="right"),
        Visits(path="/login", form={"password": "wrong"}, environ={"REMOTE_USER": "mallory"}),
        get("/gone"),
    )
    assert seen.names == ["Login Succeeded", "Login Failed", "Not Found Error"]
    assert "user" not in seen.events[1][0]
    assert seen.event["user"] == "mallory"


def test_json_is_posted(visit: Visit) -> None:
    """A refusal of posted JSON is a failed login too."""
    assert visit(shop, post_json("/login?answer=401", password="wrong")).seen == (
        401,
        "Login Failed",
    )
