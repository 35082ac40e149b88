"""The four fields of `suspicion` in the line of a failing response, by the app's URL map."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Blueprint, Flask, abort
from flask import Request as FlaskRequest
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Request as WerkzeugRequest

from flask_errwatch import Detector, ErrWatch
from flask_errwatch.detectors import DEFAULT_DETECTORS
from tests.wsgi_driver import serve

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
FIELDS = ("agent", "referrer", "path_class", "suspicion")

Line = dict[str, Any]


class Everything(BaseConverter):
    """A converter of an app's own, for paths with slashes."""

    regex = ".*?"
    part_isolating = False


class Slug(BaseConverter):
    """Another one, for names of pages."""

    regex = "[a-z0-9-]+"


def shop(**settings: Any) -> Flask:
    app = Flask("shop")
    app.config.update({"ERRWATCH_SINKS": "memory", **settings})
    return app


def lines(app: Flask) -> list[Line]:
    return [json.loads(line) for line in app.extensions["errwatch"].delivery.memory.lines]


def fields(app: Flask, path: str, **environ: Any) -> tuple[Any, ...]:
    """The four fields of the line of a request."""
    serve(app, path, **{"HTTP_USER_AGENT": BROWSER, "HTTP_HOST": "shop.example", **environ})
    line = lines(app)[-1]
    assert "status" in line
    keys = [*line]
    start = keys.index("agent")
    assert tuple(keys[start : start + 4]) == FIELDS
    return tuple(line[name] for name in FIELDS)


def view(**_: Any) -> str:
    abort(404)


def routed(rule: str, **options: Any) -> Flask:
    app = shop()
    app.url_map.converters.update(all=Everything, slug=Slug)
    ErrWatch(app)
    app.add_url_rule(rule, "view", view, **options)
    return app


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("/item/<int:id>", "/item/4", ("own", 0)),
        ("/files/<path:name>", "/files/a/.env", ("own", 0)),
        ("/<int:id>", "/4", ("own", 0)),
        ("/<any(en,de):lang>/<path:rest>", "/en/a", ("own", 0)),
        ("/<slug>", "/old-page", ("own", 0)),
        ("/<slug>", "/wp-login.php", ("probe", 2)),
        ("/<slug:name>", "/old-page", ("own", 0)),
        ("/<slug:name>", "/phpmyadmin", ("probe", 2)),
        ("/<user>/<project>", "/wp-admin/x", ("probe", 2)),
        ("/<path:rest>", "/a/b", ("unknown", 1)),
        ("/<path:rest>", "/.env", ("probe", 2)),
        ("/<all:rest>", "/a/b", ("unknown", 1)),
        ("/<lang>/<path:rest>", "/a/b/c", ("unknown", 1)),
        ("/item/<int:id>", "/item/4?id=1'--", ("injection", 2)),
        ("/item/<int:id>", "/item/x", ("unknown", 1)),
    ],
)
def test_a_route(rule: str, path: str, expected: tuple[str, int]) -> None:
    """A view that aborts with 404 is the app's own. A catch-all route is no route."""
    assert fields(routed(rule), path)[2:] == expected


@pytest.mark.parametrize("word", ["admin", "manager", "console", "setup", "backup", "wp-shop"])
def test_a_blueprint_named_like_a_product(word: str) -> None:
    """Its paths are the app's own, and what it does not have is only unknown."""
    app = shop()
    ErrWatch(app)
    pages = Blueprint("pages", __name__, url_prefix=f"/{word}")
    pages.add_url_rule("/user/<int:id>", "view", view)
    app.register_blueprint(pages)
    assert fields(app, f"/{word}/user/4")[2:] == ("own", 0)
    assert fields(app, f"/{word}/other")[2:] == ("unknown", 1)
    assert fields(app, f"/{word}/.env")[2:] == ("probe", 2)


@pytest.mark.parametrize("host_matching", [True, False])
def test_a_route_of_a_host(*, host_matching: bool) -> None:
    """A route of another method is found on the host, or the subdomain, that it belongs to."""
    options: dict[str, Any] = {"host_matching": True, "static_host": "shop.example"}
    app = Flask("shop", **(options if host_matching else {"subdomain_matching": True}))
    app.config.update(ERRWATCH_SINKS="memory", SERVER_NAME="shop.example")
    ErrWatch(app)
    where: dict[str, Any] = {"host": "api.shop.example"} if host_matching else {"subdomain": "api"}
    app.add_url_rule("/cart", "cart", view, methods=["GET"], **where)
    app.add_url_rule("/<path:rest>", "rest", view, methods=["GET"], **where)
    api = {"HTTP_HOST": "api.shop.example", "REQUEST_METHOD": "POST"}
    assert fields(app, "/cart", **api)[2:] == ("own", 0)
    assert fields(app, "/a/b", **api)[2:] == ("unknown", 1)
    assert fields(app, "/cart", HTTP_HOST="shop.example")[2:] == ("unknown", 1)


def test_a_single_page_app() -> None:
    """Its catch-all route tells nothing, but its root is a route."""
    app = shop()
    ErrWatch(app)
    app.add_url_rule("/", "root", view, defaults={"rest": ""})
    app.add_url_rule("/<path:rest>", "page", view)
    assert fields(app, "/")[2:] == ("own", 0)
    assert fields(app, "/a/b")[2:] == ("unknown", 1)
    assert fields(app, "/.git/config")[2:] == ("probe", 2)


def test_converters_that_ask_a_database() -> None:
    """Telling what a rule takes calls no code of the app that converts values."""
    asked_for: list[str] = []

    class Stored(BaseConverter):
        def to_python(self, value: str) -> str:
            asked_for.append(value)
            return value

    app = shop()
    app.url_map.converters["stored"] = Stored
    ErrWatch(app)
    app.add_url_rule("/<stored:name>", "view", view)
    assert fields(app, "/old-page")[2:] == ("own", 0)
    assert asked_for == ["old-page"]


def test_a_static_folder_at_the_root() -> None:
    """Flask's own catch-all route."""
    app = Flask("shop", static_url_path="")
    app.config["ERRWATCH_SINKS"] = "memory"
    ErrWatch(app)
    assert fields(app, "/.env")[2:] == ("probe", 2)
    assert fields(app, "/nowhere.css")[2:] == ("unknown", 1)


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("/cart", "/cart", ("own", 0)),
        ("/<path:rest>", "/wp-login.php", ("probe", 2)),
        ("/<path:rest>", "/a", ("unknown", 1)),
        ("/<slug>", "/a", ("own", 0)),
    ],
)
def test_a_method_that_a_route_does_not_take(
    rule: str, path: str, expected: tuple[str, int]
) -> None:
    """405 is an answer of the route whose method is another. Elsewhere an odd one is a probe."""
    app = routed(rule, methods=["GET"])
    assert fields(app, path, REQUEST_METHOD="POST")[2:] == expected
    assert lines(app)[-1]["status"] == 405
    odd = ("own", 0) if rule == "/cart" else ("probe", 2)
    assert fields(app, path, REQUEST_METHOD="PROPFIND")[2:] == odd


def test_the_agent_and_the_referrer_of_a_request() -> None:
    """Each line has both. The host is that of the request."""
    app = shop()
    ErrWatch(app)
    same = "http://shop.example/a"
    assert fields(app, "/b", HTTP_REFERER=same) == ("browser", "same", "linked", 0)
    assert fields(app, "/b", HTTP_USER_AGENT="curl/8") == ("library", "none", "unknown", 1)
    serve(app, "/b")
    assert [lines(app)[-1][name] for name in FIELDS] == ["empty", "none", "unknown", 1]


def test_the_sites_own_words() -> None:
    """They are read from the URL map at the first failing request: it may grow until then."""
    app = shop()
    ErrWatch(app)
    app.add_url_rule("/legacy/<name>.php", "view", view)
    assert fields(app, "/other.php")[2:] == ("unknown", 1)
    assert fields(app, "/other.asp")[2:] == ("probe", 2)


def test_an_oddity_of_the_site() -> None:
    """Ignored paths have no suspicion, but an injection; expected agents are declared crawlers."""
    app = shop(
        ERRWATCH_IGNORED_PATHS="/Old/,/feeds/*.php", ERRWATCH_EXPECTED_AGENTS=["Uptime-Kuma"]
    )
    ErrWatch(app)
    assert fields(app, "/old/wp-login.php")[2:] == ("asset", 0)
    assert fields(app, "/FEEDS/a/b.php")[2:] == ("asset", 0)
    assert fields(app, "/feeds/b.asp")[2:] == ("probe", 2)
    assert fields(app, "/old/x?id=1'--")[2:] == ("injection", 2)
    monitor = {"HTTP_USER_AGENT": "uptime-kuma/1.23"}
    assert fields(app, "/nowhere", **monitor) == ("crawler", "none", "unknown", 0)
    assert fields(app, "/.env", **monitor)[2:] == ("probe", 2)


def test_what_surrounds_the_app() -> None:
    """A middleware's failure has the fields too, by the app's URL map: a route of it is its own."""
    app = shop()
    errwatch = ErrWatch(app)
    app.add_url_rule("/item/<int:id>", "view", view)
    app.add_url_rule("/cart", "cart", view, methods=["POST"])

    def refuse(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("403 Forbidden", [])
        return [b"no"]

    outermost = errwatch.wrap(refuse)

    def refused(path: str) -> tuple[Any, ...]:
        serve(outermost, path, HTTP_USER_AGENT=BROWSER)
        return tuple(lines(app)[-1][name] for name in FIELDS)

    assert refused("/item/4") == ("browser", "none", "own", 0)
    assert refused("/cart") == ("browser", "none", "own", 0)
    assert refused("/nowhere") == ("browser", "none", "unknown", 1)
    assert refused("/.env") == ("browser", "none", "probe", 2)


@pytest.mark.parametrize("request_class", [WerkzeugRequest, FlaskRequest])
def test_a_middleware_that_builds_a_request(request_class: type[WerkzeugRequest]) -> None:
    """Flask did not route it, so the path is looked up as if there were none."""
    app = shop()
    errwatch = ErrWatch(app)
    app.add_url_rule("/item/<int:id>", "view", view)

    def refuse(environ: Any, start_response: Callable[..., object]) -> list[bytes]:
        request_class(environ)
        start_response("403 Forbidden", [])
        return [b"no"]

    outermost = errwatch.wrap(refuse)
    for path, expected in (("/item/4", ("own", 0)), ("/nowhere", ("unknown", 1))):
        serve(outermost, path, HTTP_USER_AGENT=BROWSER)
        assert (lines(app)[-1]["path_class"], lines(app)[-1]["suspicion"]) == expected


def test_an_exception() -> None:
    """The line of a crash has the fields: on a route it is the app's own fault."""
    app = shop()
    ErrWatch(app)
    app.add_url_rule("/crash", "crash", lambda: str(1 / 0))
    assert fields(app, "/crash") == ("browser", "none", "own", 0)
    assert fields(app, "/crash?x=<script>") == ("browser", "none", "injection", 2)


def test_a_line_without_a_response() -> None:
    """A report has no status, and none of the fields, also in a request."""
    app = shop()
    errwatch = ErrWatch(
        app, detectors=[*DEFAULT_DETECTORS, Detector(name="login-failed", event="Login Failed")]
    )

    @app.get("/login")
    def login() -> str:
        errwatch.report("login-failed")
        return "no"

    serve(app, "/login", HTTP_USER_AGENT=BROWSER)
    (line,) = lines(app)
    assert line["user_agent"] == BROWSER
    assert [name for name in FIELDS if name in line] == []


@pytest.mark.parametrize(
    ("returned", "kept"),
    [
        (0, 0),
        (1, 1),
        (0.5, 0.5),
        (1.0, 1),
        (9, 2),
        (10**400, 2),
        (-1, 0),
        (True, 2),
        ("0", 2),
        (None, 2),
        (float("nan"), 2),
        (float("inf"), 2),
        ([0], 2),
    ],
)
def test_a_hook_may_lower_the_suspicion(returned: object, kept: float) -> None:
    """It stays a number from 0 to 2. The three other fields are those of the request."""
    app = shop()
    errwatch = ErrWatch(app)

    @errwatch.enrich
    def lower(event: Mapping[str, Any]) -> dict[str, Any]:
        assert event["suspicion"] == 2
        return {"suspicion": returned, "agent": "x", "referrer": "same", "path_class": "own"}

    assert fields(app, "/.env") == ("browser", "none", "probe", kept)
    assert "data" not in lines(app)[-1]


def test_a_hook_cannot_give_a_report_a_suspicion() -> None:
    """Its line has none, so the field is the app's own, under `data`."""
    app = shop()
    errwatch = ErrWatch(app, detectors=[Detector(name="login-failed", event="Login Failed")])
    errwatch.enrich(lambda _event: {"suspicion": 2})
    errwatch.report("login-failed", app=app)
    (line,) = lines(app)
    assert "suspicion" not in line
    assert line["data"] == {"suspicion": 2}


SCAN = ["/.env", "/a", "/b", "/favicon.ico", "/.git/config", "/c?x=<script>", "/d", "/wp-login.php"]


def test_a_folded_scan_has_the_same_sum() -> None:
    """Suspicion by client is the same, folded and not folded."""

    def sums(window: float) -> tuple[Counter[object], int]:
        app = shop(ERRWATCH_COLLAPSE_SECONDS=window)
        errwatch = ErrWatch(app)
        for number in range(10):
            for path in SCAN:
                for referrer in ("", "http://shop.example/"):
                    serve(
                        app,
                        path,
                        HTTP_USER_AGENT=BROWSER if number % 2 else "curl/8",
                        HTTP_REFERER=referrer,
                        HTTP_HOST="shop.example",
                    )
        assert errwatch.flush(10)
        total: Counter[object] = Counter()
        for line in lines(app):
            total[line["client_ip"]] += line["suspicion"]
        return total, len(lines(app))

    folded, few = sums(60)
    unfolded, many = sums(0)
    assert folded == unfolded
    # Of each ten: three probes and an injection whatever the referrer, and three unknown once.
    assert unfolded["192.0.2.7"] == 10 * (2 * (3 * 2 + 2) + 3)
    assert (few, many) == (2, 160)


def test_what_cannot_be_classified_keeps_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the classification costs neither the line nor the fields, and excuses nobody."""
    app = shop()
    ErrWatch(app)

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("flask_errwatch.capture.request_classifier.classify", fail)
    assert fields(app, "/nowhere") == ("library", "none", "unknown", 1)
