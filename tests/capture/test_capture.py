"""Exactly one event per failing request, whatever produced the response, which never changes.

`both` serves each request to the app without and with the extension. It fails when status,
headers, body, exception, the calls of `close` or the app's log differ.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Blueprint, Flask, Response, abort, request
from werkzeug.exceptions import NotFound

from tests.wsgi_driver import Both, Event, events_of, serve, watched

Serve = Callable[..., Both]


class SoldOutError(Exception):
    """Raised by the app's own code."""


def functions(event: Event) -> list[str]:
    """The functions of the event's frames that are in this file, outermost first."""
    frames = event["exception"]["frames"]
    return [frame["function"] for frame in frames if frame["file"].endswith("test_capture.py")]


def shop() -> Flask:
    """A small app with every kind of failure."""
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        return "welcome"

    @app.get("/crash")
    def crash() -> str:
        return buy()

    @app.get("/forbidden")
    def forbidden() -> str:
        abort(403)

    @app.get("/value/<int:status>")
    def value(status: int) -> tuple[str, int]:
        return "as a value", status

    @app.post("/form")
    def form() -> str:
        return request.form["missing"]

    return app


def buy() -> str:
    raise SoldOutError("the last one is gone")


def test_a_request_that_does_not_fail_has_no_event(both: Serve) -> None:
    """Responses below 400 are not recorded."""
    seen = both(shop)
    assert seen.answer.body == b"welcome"
    assert seen.events == []


def test_a_path_without_a_route(both: Serve) -> None:
    """No route: one event without route and exception, because Flask's NotFound is a response."""
    event = both(shop, "/wp-login.php?token=abc").event
    assert event["event"] == "Not Found Error"
    assert event["detector"] == "not-found-error"
    assert event["status"] == 404
    assert event["path"] == "/wp-login.php"
    assert event["method"] == "GET"
    assert event["client_ip"] == "192.0.2.7"
    assert "exception" not in event
    assert "route" not in event


def test_a_method_that_the_route_does_not_allow(both: Serve) -> None:
    """405: one event, and the headers are unchanged, `Allow` included."""
    seen = both(shop, "/", REQUEST_METHOD="DELETE")
    assert seen.event["event"] == "Method Not Allowed Error"
    assert seen.event["status"] == 405
    assert seen.event["method"] == "DELETE"
    assert "exception" not in seen.event
    assert "Allow" in dict(seen.answer.headers)


def test_abort(both: Serve) -> None:
    """`abort(403)` is a response: one event with route and endpoint, without an exception."""
    event = both(shop, "/forbidden").event
    assert event["event"] == "Authentication Error"
    assert event["status"] == 403
    assert event["route"] == "/forbidden"
    assert event["endpoint"] == "forbidden"
    assert "exception" not in event


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (500, "Critical Error"),
        (503, "Critical Error"),
        (401, "Authentication Error"),
        (404, "Not Found Error"),
        (410, "Not Found Error"),
        (422, "Bad Request Error"),
        (429, "Rate Limit Error"),
        (418, "Client Error"),
    ],
)
def test_a_status_returned_as_a_value(both: Serve, status: int, phrase: str) -> None:
    """`return x, 500` has its event like any other response, without an exception."""
    event = both(shop, f"/value/{status}").event
    assert (event["status"], event["event"]) == (status, phrase)
    assert "exception" not in event


def test_a_status_beyond_http_has_no_event(both: Serve) -> None:
    """A status that no detector can claim has no event and is passed on."""
    seen = both(shop, "/value/799")
    assert seen.answer.status == "799 UNKNOWN"
    assert seen.events == []


def test_a_missing_form_key(both: Serve) -> None:
    """A missing form key is a response with 400, not an exception."""
    event = both(shop, "/form", REQUEST_METHOD="POST", body=b"a=b").event
    assert event["event"] == "Bad Request Error"
    assert event["status"] == 400
    assert "exception" not in event


def test_an_exception_without_a_handler(both: Serve) -> None:
    """An unhandled exception: 500, with the exception and the frames of the app's code."""
    seen = both(shop, "/crash")
    event = seen.event
    assert seen.answer.status == "500 INTERNAL SERVER ERROR"
    assert event["event"] == "Critical Error"
    assert event["level"] == "critical"
    assert event["status"] == 500
    assert event["route"] == "/crash"
    assert event["exception"]["type"] == "tests.capture.test_capture.SoldOutError"
    assert event["exception"]["message"] == "the last one is gone"
    assert event["exception"]["handled"] is False
    assert functions(event) == ["crash", "buy"]
    assert event["exception"]["where"].startswith("capture/test_capture.py:")
    assert event["exception"]["where"].endswith(" in buy")
    assert len(event["exception"]["frames"]) == 2


def test_an_exception_with_a_handler_for_500(both: Serve) -> None:
    """`errorhandler(500)` only words the response: Flask counts the exception as unhandled."""

    def build() -> Flask:
        app = shop()

        @app.errorhandler(500)
        def sorry(_error: Exception) -> tuple[str, int]:
            return "sorry", 500

        return app

    seen = both(build, "/crash")
    assert seen.answer.body == b"sorry"
    assert seen.event["event"] == "Critical Error"
    assert seen.event["status"] == 500
    assert seen.event["exception"]["type"] == "tests.capture.test_capture.SoldOutError"
    assert seen.event["exception"]["handled"] is False
    assert functions(seen.event) == ["crash", "buy"]


def test_a_handler_for_500_that_hides_the_failure(both: Serve) -> None:
    """An unhandled exception is critical, even when the page is sent with 200."""

    def build() -> Flask:
        app = shop()
        app.register_error_handler(500, lambda _error: ("all is well", 200))
        return app

    event = both(build, "/crash").event
    assert (event["event"], event["status"]) == ("Critical Error", 200)
    assert event["exception"]["handled"] is False


def test_an_exception_with_a_handler_for_every_exception(both: Serve) -> None:
    """`errorhandler(Exception)` answers it: handled, and critical by its status."""

    def build() -> Flask:
        app = shop()
        app.register_error_handler(Exception, lambda error: (f"oh: {error}", 500))
        return app

    event = both(build, "/crash").event
    assert event["event"] == "Critical Error"
    assert event["exception"]["handled"] is True
    assert functions(event) == ["crash", "buy"]


def test_a_response_with_a_handler_for_every_exception(both: Serve) -> None:
    """`errorhandler(Exception)` also gets Flask's NotFound, which is still not an exception."""

    def build() -> Flask:
        app = shop()
        app.register_error_handler(Exception, lambda error: (str(error), 404))
        return app

    event = both(build, "/nowhere").event
    assert event["event"] == "Not Found Error"
    assert "exception" not in event


def test_an_exception_that_a_handler_answers_with_400(both: Serve) -> None:
    """`errorhandler(ValueError)` with 400: a bad request, with the exception, handled."""

    def build() -> Flask:
        app = Flask(__name__)

        @app.get("/")
        def home() -> str:
            return str(int("no number"))

        @app.errorhandler(ValueError)
        def refuse(error: ValueError) -> tuple[str, int]:
            return str(error), 400

        return app

    event = both(build).event
    assert event["event"] == "Bad Request Error"
    assert event["status"] == 400
    assert event["exception"]["type"] == "ValueError"
    assert event["exception"]["handled"] is True
    assert functions(event) == ["home"]


def test_an_exception_that_a_handler_answers_with_200(both: Serve) -> None:
    """An exception that an error handler turns into a 200 is not a failure."""

    def build() -> Flask:
        app = shop()
        app.register_error_handler(SoldOutError, lambda _error: "come back tomorrow")
        return app

    assert both(build, "/crash").events == []


def test_a_404_that_the_app_answers_with_200(both: Serve) -> None:
    """A single-page app that answers every path has no event."""

    def build() -> Flask:
        app = shop()
        app.register_error_handler(404, lambda _error: ("index", 200))
        return app

    seen = both(build, "/some/page")
    assert seen.answer.body == b"index"
    assert seen.events == []


def test_a_404_that_the_app_answers_with_403(both: Serve) -> None:
    """The event has the status that was sent, not the one that was raised."""

    def build() -> Flask:
        app = shop()
        app.register_error_handler(404, lambda _error: ("no", 403))
        return app

    assert both(build, "/some/page").event["event"] == "Authentication Error"


def blueprints() -> Flask:
    app = Flask(__name__)
    outer = Blueprint("outer", __name__, url_prefix="/outer")
    inner = Blueprint("inner", __name__, url_prefix="/inner")

    @outer.get("/")
    @inner.get("/")
    def crash() -> str:
        return buy()

    inner.register_error_handler(SoldOutError, lambda _error: ("inner", 409))
    outer.register_error_handler(SoldOutError, lambda _error: ("outer", 410))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    return app


@pytest.mark.parametrize(
    ("path", "body", "phrase", "endpoint"),
    [
        ("/outer/", b"outer", "Not Found Error", "outer.crash"),
        ("/outer/inner/", b"inner", "Client Error", "outer.inner.crash"),
    ],
)
def test_a_blueprints_handler(
    both: Serve, path: str, body: bytes, phrase: str, endpoint: str
) -> None:
    """Handlers of blueprints and of nested blueprints are observed like the app's."""
    seen = both(blueprints, path)
    assert seen.answer.body == body
    assert seen.event["event"] == phrase
    assert seen.event["endpoint"] == endpoint
    assert seen.event["exception"]["handled"] is True
    assert functions(seen.event) == ["crash", "buy"]


def test_handlers_registered_after_the_extension() -> None:
    """Handlers and blueprints registered after `init_app` are observed too."""
    app = shop()
    watched(app)
    late = Blueprint("late", __name__, url_prefix="/late")
    late.get("/")(buy)
    late.register_error_handler(SoldOutError, lambda _error: ("late", 409))
    app.register_blueprint(late)
    app.register_error_handler(SoldOutError, lambda _error: ("app", 400))
    assert serve(app, "/late/").body == b"late"
    assert serve(app, "/crash").body == b"app"
    assert [event["status"] for event in events_of(app)] == [409, 400]
    assert [event["exception"]["handled"] for event in events_of(app)] == [True, True]


def test_handlers_are_observed_after_an_early_report() -> None:
    """A report before the first request does not keep the handlers from being observed."""
    app = shop()
    errwatch = watched(app)
    errwatch.report("critical-error", why="at start")
    app.register_error_handler(SoldOutError, lambda _error: ("app", 400))
    serve(app, "/crash")
    assert events_of(app)[1]["exception"]["handled"] is True


def test_propagated_exceptions(both: Serve) -> None:
    """PROPAGATE_EXCEPTIONS: the exception reaches the server, and its event has 500."""

    def build() -> Flask:
        app = shop()
        app.config["PROPAGATE_EXCEPTIONS"] = True
        return app

    seen = both(build, "/crash")
    assert isinstance(seen.answer.raised, SoldOutError)
    assert seen.answer.status == ""
    assert seen.event["event"] == "Critical Error"
    assert seen.event["status"] == 500
    assert seen.event["route"] == "/crash"
    assert seen.event["exception"]["handled"] is False
    assert functions(seen.event) == ["crash", "buy"]


def test_hooks_see_the_request_of_a_propagated_exception() -> None:
    """Hooks still have the request context, although it ended before the exception arrived."""
    app = shop()
    app.config["PROPAGATE_EXCEPTIONS"] = True
    errwatch = watched(app)

    @errwatch.enrich
    def who(_event: Event) -> dict[str, str]:
        return {"host_header": request.host}

    serve(app, "/crash")
    assert events_of(app)[0]["data"] == {"host_header": "localhost"}


def test_a_before_request_that_raises(both: Serve) -> None:
    """A failure before the view is a failure of the request."""

    def build() -> Flask:
        app = shop()
        app.before_request(buy)
        return app

    event = both(build).event
    assert event["status"] == 500
    assert functions(event)[-1] == "buy"


def test_another_after_request_that_raises(both: Serve) -> None:
    """A good response that another extension's `after_request` broke is a 500 with its cause."""

    def build() -> Flask:
        app = shop()

        @app.after_request
        def broken(_response: Response) -> Response:
            raise SoldOutError("while finishing")

        return app

    seen = both(build)
    assert seen.answer.status == "500 INTERNAL SERVER ERROR"
    assert seen.event["status"] == 500
    assert seen.event["exception"]["message"] == "while finishing"
    assert functions(seen.event) == ["broken"]


def test_an_after_request_that_raises_after_a_failure(both: Serve) -> None:
    """A 404 that ends as a 500 is one event, with the 500 that was sent."""

    def build() -> Flask:
        app = shop()

        @app.after_request
        def broken(_response: Response) -> Response:
            raise SoldOutError("while finishing")

        return app

    assert both(build, "/nowhere").event["status"] == 500


def test_an_after_request_that_changes_the_status(both: Serve) -> None:
    """The status that was sent counts."""

    def build() -> Flask:
        app = shop()

        @app.after_request
        def teapot(response: Response) -> Response:
            response.status_code = 418
            return response

        return app

    assert both(build).event["status"] == 418


def test_a_teardown_that_raises(both: Serve) -> None:
    """A `teardown_request` that raises prevents the response: one event with 500."""

    def build() -> Flask:
        app = shop()

        @app.teardown_request
        def broken(_error: BaseException | None) -> None:
            raise SoldOutError("while tearing down")

        return app

    seen = both(build)
    assert isinstance(seen.answer.raised, SoldOutError)
    assert seen.event["event"] == "Critical Error"
    assert seen.event["status"] == 500
    assert seen.event["route"] == "/"
    assert seen.event["exception"]["handled"] is False
    assert functions(seen.event) == ["broken"]


def test_a_teardown_that_raises_after_a_failure(both: Serve) -> None:
    """A 404 whose teardown raises is never sent: one event with the server's 500."""

    def build() -> Flask:
        app = shop()

        @app.teardown_request
        def broken(_error: BaseException | None) -> None:
            raise SoldOutError("while tearing down")

        return app

    assert both(build, "/nowhere").event["status"] == 500


def test_an_error_while_the_error_handler_runs(both: Serve) -> None:
    """The new exception is the unhandled one, with the frames of the handler."""

    def build() -> Flask:
        app = shop()

        @app.errorhandler(SoldOutError)
        def clumsy(_error: SoldOutError) -> str:
            raise LookupError("no template")

        return app

    seen = both(build, "/crash")
    assert seen.answer.status == "500 INTERNAL SERVER ERROR"
    assert seen.event["exception"]["type"] == "LookupError"
    assert seen.event["exception"]["handled"] is False
    assert functions(seen.event) == ["clumsy"]


def test_a_handler_that_raises_the_exception_again(both: Serve) -> None:
    """An exception that its handler re-raises is unhandled."""

    def build() -> Flask:
        app = shop()

        @app.errorhandler(SoldOutError)
        def rethrow(error: SoldOutError) -> str:
            raise error

        return app

    event = both(build, "/crash").event
    assert event["exception"]["type"] == "tests.capture.test_capture.SoldOutError"
    assert event["exception"]["handled"] is False


@pytest.mark.parametrize("status", [410, 500])
def test_a_handler_that_aborts(both: Serve, status: int) -> None:
    """Flask sends 500 for an `abort` in a handler: nobody has answered the exception."""

    def build() -> Flask:
        app = shop()

        @app.errorhandler(SoldOutError)
        def gone(_error: SoldOutError) -> str:
            abort(status)

        return app

    event = both(build, "/crash").event
    assert event["status"] == 500
    assert event["exception"]["type"] == "tests.capture.test_capture.SoldOutError"
    assert event["exception"]["handled"] is False
    assert functions(event) == ["crash", "buy"]


def test_an_abort_after_the_view(both: Serve) -> None:
    """Flask sends 500 for an `abort` in `after_request`: it is an exception without a handler."""

    def build() -> Flask:
        app = shop()
        app.after_request(lambda _response: abort(500))
        return app

    event = both(build, "/").event
    assert event["exception"]["type"] == "werkzeug.exceptions.InternalServerError"


def test_a_trapped_http_exception(both: Serve) -> None:
    """TRAP_HTTP_EXCEPTIONS makes an `abort` an unhandled exception."""

    def build() -> Flask:
        app = shop()
        app.config["TRAP_HTTP_EXCEPTIONS"] = True
        return app

    event = both(build, "/forbidden").event
    assert event["status"] == 500
    assert event["exception"]["type"] == "werkzeug.exceptions.Forbidden"


def asynchronous() -> Flask:
    app = Flask(__name__)

    @app.get("/crash")
    async def crash() -> str:
        return buy()

    @app.get("/answered")
    async def answered() -> str:
        raise LookupError("no such thing")

    @app.get("/gone")
    async def gone() -> str:
        abort(410)

    @app.errorhandler(LookupError)
    async def missing(_error: LookupError) -> tuple[str, int]:
        return "missing", 404

    return app


def test_an_async_view_that_crashes(both: Serve) -> None:
    """Async views: the frames of the app's code, without those of the event loop's bridge."""
    event = both(asynchronous, "/crash").event
    assert event["event"] == "Critical Error"
    assert event["exception"]["handled"] is False
    assert functions(event) == ["crash", "buy"]


def test_an_async_handler(both: Serve) -> None:
    """An async handler is awaited, and the exception that it answered is recorded."""
    seen = both(asynchronous, "/answered")
    assert seen.answer.body == b"missing"
    assert seen.event["event"] == "Not Found Error"
    assert seen.event["exception"]["type"] == "LookupError"
    assert seen.event["exception"]["handled"] is True
    assert functions(seen.event) == ["answered"]


def test_an_async_view_that_aborts(both: Serve) -> None:
    """`abort` in an async view is a response."""
    event = both(asynchronous, "/gone").event
    assert event["status"] == 410
    assert "exception" not in event


def test_a_test_client_inside_a_request(both: Serve) -> None:
    """A request within a request is a separate request: each failure has its event."""

    def build() -> Flask:
        app = shop()

        @app.get("/outer/<int:status>")
        def outer(status: int) -> tuple[str, int]:
            inner = app.test_client().get("/nowhere")
            return inner.text, status

        return app

    good = both(build, "/outer/200")
    assert good.event["path"] == "/nowhere"
    bad = both(build, "/outer/403")
    assert [event["path"] for event in bad.events] == ["/nowhere", "/outer/403"]
    assert [event["status"] for event in bad.events] == [404, 403]
    assert [event.get("route") for event in bad.events] == [None, "/outer/<int:status>"]


def test_a_crash_in_a_nested_request(both: Serve) -> None:
    """The exception of the inner request is not the outer one's."""

    def build() -> Flask:
        app = shop()

        @app.get("/outer")
        def outer() -> tuple[str, int]:
            return app.test_client().get("/crash").text, 404

        return app

    inner, outer = both(build, "/outer").events
    assert inner["exception"]["type"] == "tests.capture.test_capture.SoldOutError"
    assert "exception" not in outer


def test_flasks_own_log_is_left_alone(both: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Flask logs the crash as without the extension: once, with its traceback."""
    both(shop, "/crash")
    (record,) = caplog.records
    assert record.getMessage() == "Exception on /crash [GET]"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], SoldOutError)


def test_a_routing_exception_passes(both: Serve) -> None:
    """A redirect to the path with a slash is not a failure."""

    def build() -> Flask:
        app = Flask(__name__)
        app.get("/folder/")(lambda: "inside")
        return app

    seen = both(build, "/folder")
    assert seen.answer.status == "308 PERMANENT REDIRECT"
    assert seen.events == []


def test_the_same_response_twice_has_two_events() -> None:
    """No state of a request is kept for the next one."""
    app = shop()
    watched(app)
    for path in ("/crash", "/nowhere", "/", "/crash"):
        serve(app, path)
    events = events_of(app)
    assert [event["status"] for event in events] == [500, 404, 500]
    assert ["exception" in event for event in events] == [True, False, True]
    assert events[0]["exception"]["fingerprint"] == events[2]["exception"]["fingerprint"]
    assert [event["seq"] for event in events] == [1, 2, 3]


def test_an_http_exception_with_a_response(both: Serve) -> None:
    """`abort(Response)` has a whole response, whose status counts."""

    def build() -> Flask:
        app = Flask(__name__)

        @app.get("/")
        def home() -> str:
            raise NotFound(response=Response("mine", 429))

        return app

    seen = both(build)
    assert seen.answer.body == b"mine"
    assert seen.event["event"] == "Rate Limit Error"
