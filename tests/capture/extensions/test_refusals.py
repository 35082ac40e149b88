"""Extensions that refuse by raising: the class of the exception says what the status does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.capture.extensions.visits import Visited, get, post

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the libraries that they use
    import flask_restx
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address
    from flask_wtf import CSRFProtect, FlaskForm
    from flask_wtf.csrf import CSRFError

Visit = Callable[..., Visited]

pytestmark = pytest.mark.filterwarnings("ignore")


def wtf(**settings: Any) -> Flask:
    """An app whose forms are protected, unless `protects` is False."""
    app = Flask("shop")
    app.config.update(SECRET_KEY="k", TRAP_HTTP_EXCEPTIONS=settings.get("traps", False))
    if settings.get("protects", True):
        CSRFProtect(app)
    if "answers" in settings:
        app.register_error_handler(
            settings.get("handles", CSRFError), lambda _error: ("try again", settings["answers"])
        )
    if "api" in settings:
        api = flask_restx.Api(app)
        api.add_resource(type("Api", (flask_restx.Resource,), {"post": lambda _self: {}}), "/api")

    @app.post("/form")
    def form() -> str:
        return "valid" if FlaskForm().validate_on_submit() else "not valid"

    return app


def test_a_form_without_token(visit: Visit) -> None:
    """A 400 that says what happened, without exception: it is an answer."""
    seen = visit(wtf, post("/form"))
    assert seen.seen == (400, "CSRF Error")
    assert seen.event["detector"] == "csrf-error"
    assert seen.event["data"] == {"owasp": "malicious_csrf"}
    assert "exception" not in seen.event


@pytest.mark.parametrize("handles", [CSRFError, CSRFError.__base__, Exception, 400])
@pytest.mark.parametrize("answers", [200, 302, 403, 418])
def test_a_handler_answers_it(visit: Visit, answers: int, handles: Any) -> None:
    """Whatever the app answers, by whatever handler, it is recorded as what it was."""

    def build() -> Flask:
        return wtf(answers=answers, handles=handles)

    assert visit(build, post("/form")).seen == (answers, "CSRF Error")


def test_a_form_that_protects_itself(visit: Visit) -> None:
    """FlaskForm alone neither raises nor signals: that stays invisible."""

    def build() -> Flask:
        return wtf(protects=False)

    seen = visit(build, post("/form"))
    assert seen.answers[0].body == b"not valid"
    assert seen.seen == (200, None)


def test_it_is_trapped(visit: Visit) -> None:
    """Where Flask lets HTTP exceptions become failures, this one still has its name."""

    def build() -> Flask:
        return wtf(traps=True)

    assert visit(build, post("/form")).seen == (500, "CSRF Error")


def test_a_framework_answers_it(visit: Visit) -> None:
    """Flask-RESTX answers in Flask's place."""

    def build() -> Flask:
        return wtf(api=True)

    assert visit(build, post("/api")).seen == (400, "CSRF Error")


def test_a_login_form_without_token(visit: Visit) -> None:
    """No password was tried."""

    def build() -> Flask:
        app = wtf()
        app.config["ERRWATCH_LOGIN_ENDPOINTS"] = ["form"]
        return app

    assert visit(build, post("/form")).seen == (400, "CSRF Error")


def test_other_refusals(visit: Visit) -> None:
    """What no detector claims has the event of its status."""
    assert visit(wtf, get("/nowhere")).seen == (404, "Not Found Error")
    assert visit(wtf, get("/form")).seen == (405, "Method Not Allowed Error")


def limited(**settings: Any) -> Flask:
    """An app that allows one request."""
    app = Flask("shop")
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri="memory://",
        on_breach=settings.get("on_breach"),
    )
    if "answers" in settings:
        app.register_error_handler(429, lambda _error: ("slowly", settings["answers"]))

    @app.get("/")
    @limiter.limit("1 per day")
    def home() -> str:
        return "home"

    return app


def test_a_limit(visit: Visit) -> None:
    """The second request is one too many."""
    seen = visit(limited, get("/"), get("/"))
    assert seen.names == ["Rate Limit Error"]
    assert seen.status == 429
    assert seen.event["data"] == {"owasp": "excess_rate_limit_exceeded"}


@pytest.mark.parametrize("answers", [200, 302, 503])
def test_a_handler_answers_the_limit(visit: Visit, answers: int) -> None:
    """Whatever the app answers."""

    def build() -> Flask:
        return limited(answers=answers)

    assert visit(build, get("/"), get("/")).seen == (answers, "Rate Limit Error")


def test_on_breach_answers_the_limit(visit: Visit) -> None:
    """A response of the app's own function."""

    def build() -> Flask:
        from flask import make_response

        return limited(on_breach=lambda _limit: make_response("slowly", 200))

    assert visit(build, get("/"), get("/")).seen == (200, "Rate Limit Error")
