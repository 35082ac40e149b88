"""Frameworks that answer errors in their own way: their answers are unchanged, the events true.

`both` serves each request to the app without and with the extension, and compares every byte.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort, got_request_exception
from werkzeug.exceptions import Forbidden

from tests.wsgi_driver import Both, Event

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the frameworks, about the libraries that they use
    import apiflask
    import connexion
    import flask_restful
    import flask_restx
    import flask_smorest
    from flask_appbuilder import AppBuilder
    from flask_appbuilder.api import BaseApi, expose
    from flask_sqlalchemy import SQLAlchemy
    from sqlalchemy import Engine

Serve = Callable[..., Both]

pytestmark = pytest.mark.filterwarnings("ignore")


class TakenError(Exception):
    """Raised by the app's own code."""


def recorded(seen: Both) -> tuple[int, str, str, bool] | tuple[int, str] | None:
    """Status, detector and, where there is an exception, its type and `handled`."""
    if not seen.events:
        return None
    event: Event = seen.event
    exception = event.get("exception")
    if exception is None:
        return event["status"], event["detector"]
    kind = exception["type"].rpartition(".")[2]
    return event["status"], event["detector"], kind, exception["handled"]


def raising(error: Exception) -> Callable[..., Any]:
    def view(*_args: object) -> Any:
        raise error

    view.__name__ = f"raises_{type(error).__name__}"
    return view


ERRORS = {
    "TakenError": {"message": "taken", "status": 409},
    "TimeoutError": {"message": "own page", "status": 500},
}


def restful() -> Flask:
    app = Flask("shop")
    api = flask_restful.Api(app, errors=ERRORS)
    views: dict[str, Callable[..., Any]] = {
        "/not-there": lambda _self: flask_restful.abort(404, message="no"),
        "/forbidden": raising(Forbidden()),
        "/crash": raising(ValueError("a bug")),
        "/taken": raising(TakenError()),
        "/own-page": raising(TimeoutError()),
        "/teapot": lambda _self: ({"short": "and stout"}, 418),
        "/fine": lambda _self: {"fine": True},
    }
    for path, view in views.items():
        api.add_resource(type(path[1:], (flask_restful.Resource,), {"get": view}), path)
    return app


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/not-there", (404, "not-found-error")),
        ("/forbidden", (403, "authentication-error")),
        ("/crash", (500, "critical-error", "ValueError", False)),
        ("/taken", (409, "client-error", "TakenError", True)),
        ("/own-page", (500, "critical-error", "TimeoutError", True)),
        ("/teapot", (418, "client-error")),
        ("/fine", None),
        ("/nowhere", (404, "not-found-error")),
    ],
)
def test_flask_restful(both: Serve, path: str, expected: object) -> None:
    """It signals exceptions that it answers: the status that was sent decides."""
    assert recorded(both(restful, path)) == expected


def test_flask_restful_that_propagates(both: Serve) -> None:
    """With PROPAGATE_EXCEPTIONS an abort stays an answer, and a bug leaves the app."""

    def build() -> Flask:
        app = restful()
        app.config["PROPAGATE_EXCEPTIONS"] = True
        return app

    assert recorded(both(build, "/not-there")) == (404, "not-found-error")
    assert recorded(both(build, "/crash")) == (500, "critical-error", "ValueError", False)


def restx() -> Flask:
    app = Flask("shop")
    api = flask_restx.Api(app)
    space = flask_restx.Namespace("space", path="/space")
    api.errorhandler(TakenError)(lambda _error: ({"message": "taken"}, 409))
    api.errorhandler(TimeoutError)(lambda _error: ({"message": "maintenance"}, 503))
    api.errorhandler(ArithmeticError)(lambda _error: ({"message": "own page"}, 500))
    space.errorhandler(LookupError)(lambda _error: ({"message": "in a namespace"}, 400))
    app.errorhandler(BufferError)(lambda _error: ("never asked by Flask-RESTX", 410))
    views: dict[str, Callable[..., Any]] = {
        "/not-there": lambda _self: flask_restx.abort(404, "no"),
        "/crash": raising(ValueError("a bug")),
        "/taken": raising(TakenError()),
        "/maintenance": raising(TimeoutError()),
        "/own-page": raising(ZeroDivisionError()),
        "/flasks": raising(BufferError()),
    }
    for path, view in views.items():
        api.add_resource(type(path[1:], (flask_restx.Resource,), {"get": view}), path)
    missing = type("missing", (flask_restx.Resource,), {"get": raising(KeyError("key"))})
    space.add_resource(missing, "/missing")
    api.add_namespace(space)
    return app


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/not-there", (404, "not-found-error")),
        ("/crash", (500, "critical-error", "ValueError", False)),
        ("/taken", (409, "client-error", "TakenError", True)),
        ("/maintenance", (503, "critical-error", "TimeoutError", True)),
        ("/own-page", (500, "critical-error", "ZeroDivisionError", True)),
        ("/flasks", (500, "critical-error", "BufferError", False)),
        ("/space/missing", (400, "bad-request-error", "KeyError", True)),
        ("/swagger.json", None),
    ],
)
def test_flask_restx(both: Serve, path: str, expected: object) -> None:
    """Its own handlers, of an API or a namespace, answer: the exception is there, handled."""
    assert recorded(both(restx, path)) == expected


def test_a_handler_of_flask_restx_for_every_exception(both: Serve) -> None:
    """The default handler of an API answers, also with 500."""

    def build() -> Flask:
        app = Flask("shop")
        api = flask_restx.Api(app)
        api.errorhandler(lambda _error: ({"message": "own page"}, 500))
        api.add_resource(
            type("crash", (flask_restx.Resource,), {"get": raising(ValueError())}), "/crash"
        )
        return app

    assert recorded(both(build, "/crash")) == (500, "critical-error", "ValueError", True)


def test_connexion(both: Serve) -> None:
    """It signals an empty InternalServerError after the bug: the event has the bug's frames."""

    def build() -> Flask:
        app: Flask = connexion.FlaskApp("shop").app
        app.get("/value")(raising(ValueError("one bug")))
        app.get("/key")(raising(KeyError("another bug")))
        app.get("/forbidden")(lambda: abort(403))
        return app

    first, second = both(build, "/value"), both(build, "/key")
    assert recorded(first) == (500, "critical-error", "ValueError", False)
    assert recorded(second) == (500, "critical-error", "KeyError", False)
    assert first.event["exception"]["frames"][-1]["function"] == "view"
    fingerprints = {seen.event["exception"]["fingerprint"] for seen in (first, second)}
    assert len(fingerprints) == 2
    assert recorded(both(build, "/forbidden")) == (403, "authentication-error")


def test_flask_smorest(both: Serve) -> None:
    """`abort` with its own fields is an answer, and so is its page for a bug."""

    def build() -> Flask:
        app = Flask("shop")
        app.config.update(API_TITLE="shop", API_VERSION="1", OPENAPI_VERSION="3.0.2")
        api = flask_smorest.Api(app)
        blueprint = flask_smorest.Blueprint("blueprint", "shop")
        blueprint.route("/invalid")(lambda: flask_smorest.abort(422, message="no"))
        blueprint.route("/crash")(raising(ValueError("a bug")))
        api.register_blueprint(blueprint)
        return app

    assert recorded(both(build, "/invalid")) == (422, "bad-request-error")
    assert recorded(both(build, "/crash")) == (500, "critical-error", "ValueError", False)
    assert recorded(both(build, "/nowhere")) == (404, "not-found-error")


def test_apiflask(both: Serve) -> None:
    """Its HTTPError, which is not Werkzeug's, is an exception that its handler answered."""

    def build() -> Flask:
        app = apiflask.APIFlask("shop")
        app.get("/gone")(lambda: apiflask.abort(410, message="gone"))
        app.get("/crash")(raising(ValueError("a bug")))
        return app

    assert recorded(both(build, "/gone")) == (410, "not-found-error", "HTTPError", True)
    assert recorded(both(build, "/crash")) == (500, "critical-error", "ValueError", False)
    assert recorded(both(build, "/nowhere")) == (404, "not-found-error")


def test_flask_appbuilder(both: Serve) -> None:
    """Its own 404, 401 and 500 are recorded as they were sent."""
    engines: list[Engine] = []

    class ShopApi(BaseApi):  # type: ignore[misc]  # it has no types
        resource_name = "shop"
        gone = expose("/gone")(lambda self: self.response_404())
        crash = expose("/crash")(raising(ValueError("a bug")))

    def build() -> Flask:
        app = Flask("shop")
        app.config.update(
            SECRET_KEY="k", SQLALCHEMY_DATABASE_URI="sqlite://", FAB_RATE_LIMITED=False
        )
        logging.disable(logging.WARNING)
        with app.app_context():
            database = SQLAlchemy(app)
            AppBuilder(app, database.session).add_api(ShopApi)
            engines.append(database.engine)
        logging.disable(logging.NOTSET)
        return app

    assert recorded(both(build, "/api/v1/shop/gone")) == (404, "not-found-error")
    assert recorded(both(build, "/api/v1/shop/crash")) == (
        *(500, "critical-error", "ValueError", False),
    )
    assert recorded(both(build, "/api/v1/security/login", REQUEST_METHOD="POST")) == (
        *(400, "bad-request-error"),
    )
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize(("status", "expected"), [(200, None), (409, (409, "client-error"))])
def test_a_signal_sent_by_hand(both: Serve, status: int, expected: tuple[int, str] | None) -> None:
    """An app that answers an exception and signals it for its tracker has not crashed."""

    def build() -> Flask:
        app = Flask("shop")

        @app.get("/")
        def order() -> tuple[str, int]:
            got_request_exception.send(app, exception=TakenError())
            return "taken", status

        return app

    handled = None if expected is None else (*expected, "TakenError", True)
    assert recorded(both(build, "/")) == handled


def test_a_handler_that_signals_what_it_answers(both: Serve) -> None:
    """An error handler that tells a tracker by the signal still answers the exception."""

    def build() -> Flask:
        app = Flask("shop")
        app.get("/")(raising(TakenError()))

        @app.errorhandler(TakenError)
        def taken(error: TakenError) -> tuple[str, int]:
            got_request_exception.send(app, exception=error)
            return "taken", 409

        return app

    assert recorded(both(build, "/")) == (409, "client-error", "TakenError", True)
