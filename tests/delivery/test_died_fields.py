"""The fields of a `Process Died` line are bounded, whatever was under way."""

from __future__ import annotations

import orjson
import pytest
from flask import Flask
from werkzeug.routing import BaseConverter

from flask_errwatch._guard import Guard
from flask_errwatch.capture.rendering import LINE_LENGTH
from flask_errwatch.delivery.death_line import died_fields
from flask_errwatch.delivery.journal.deaths import Death
from flask_errwatch.delivery.journal.requests import UnderWay


def _death(*paths: str, more: int = 0) -> Death:
    return Death(
        pid=4711,
        host="web-1",
        process=None,
        began=0,
        last_seen=2000,
        last_line=None,
        requests=tuple(UnderWay(1000, "GET", path, 0) for path in paths),
        more=more,
    )


def test_without_an_app_there_are_no_routes() -> None:
    """It was garbage-collected: everything else is there."""
    assert died_fields(_death("/a"), None, Guard()) == {
        "pid": 4711,
        "host": "web-1",
        "started": "1970-01-01T00:00:00.000Z",
        "last_seen": "1970-01-01T00:00:02.000Z",
        "count": 1,
        "requests": [{"method": "GET", "path": "/a", "started": "1970-01-01T00:00:01.000Z"}],
    }


@pytest.mark.parametrize(("path", "named"), [("/orders", 100), ("/" + "x" * 800, 27)])
def test_many_requests_fit_into_a_line(path: str, named: int) -> None:
    """The oldest ones are named, and the others are counted."""
    fields = died_fields(_death(*[path] * 1024, more=5), None, Guard())
    requests = fields["requests"]
    assert isinstance(requests, list)
    assert len(requests) == named
    assert (fields["count"], fields["more"]) == (1029, 1029 - named)
    assert len(orjson.dumps(fields)) < LINE_LENGTH - 2000


class Angry(BaseConverter):
    """A converter of the app that fails outside a request."""

    def to_python(self, value: str) -> str:
        """Fails."""
        raise RuntimeError(value)


def test_a_converter_that_fails_costs_only_the_route() -> None:
    """The app's own code runs in the look-up."""
    app = Flask("shop")
    app.url_map.converters["angry"] = Angry
    app.add_url_rule("/<angry:value>/x", "angry", str)
    app.add_url_rule("/fine", "fine", lambda: "")
    requests = died_fields(_death("/a/x", "/fine"), app, Guard())["requests"]
    assert isinstance(requests, list)
    assert [request.get("endpoint") for request in requests] == [None, "fine"]
