"""Hooks: what they may add and change, and that none of them can break a request or a line."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import pytest
from flask import Flask, g
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch import ConfigurationError, ErrWatch
from flask_errwatch._guard import Guard
from flask_errwatch.capture.hooks import Hooks
from tests.foreign_values import Nameless
from tests.wsgi_driver import Event, events_of, serve, watched


def app_with(*, path: str = "/x", **hooks: Any) -> tuple[Flask, Event | None]:
    """A watched app with these hooks that served one failing request, and its event."""
    app = Flask(__name__)
    errwatch = watched(app)
    for name, hook in hooks.items():
        getattr(errwatch, name)(hook)
    assert serve(app, path).status == "404 NOT FOUND"
    events = events_of(app)
    return app, events[0] if events else None


def event_with(**hooks: Any) -> Event:
    event = app_with(**hooks)[1]
    assert event is not None
    return event


def test_enriched_fields_are_under_data() -> None:
    """A field that is not in the schema goes under `data`."""
    event = event_with(enrich=lambda _event: {"tenant": "acme", "nothing": None})
    assert event["data"] == {"tenant": "acme"}


def test_the_fields_that_only_the_app_knows() -> None:
    """Hooks may set `user`, `request_id` and `trace_id`. Numbers become strings."""
    event = event_with(
        enrich=lambda _event: {"user": 7, "request_id": "r-1", "trace_id": "t" * 600}
    )
    assert event["user"] == "7"
    assert event["request_id"] == "r-1"
    assert event["trace_id"] == "t" * 512 + "…[88 more]"
    assert "data" not in event


class Lying(str):
    """A string that claims to be short."""

    __slots__ = ()

    def __len__(self) -> int:
        return 1

    def __str__(self) -> str:
        return self


def test_a_user_that_lies_about_its_length() -> None:
    """A `str` subclass is cut by its characters, whatever it returns as its length."""
    user, cut = Lying("x" * 60_000), f"{'x' * 512}…[59488 more]"
    assert event_with(enrich=lambda _event: {"user": user})["user"] == cut
    app = Flask(__name__)
    watched(app)
    serve(app, "/x", REMOTE_USER=user)
    assert events_of(app)[0]["user"] == cut


def test_a_hook_whose_type_hides_its_name() -> None:
    """Such a hook works like any other, and may return values of such a type."""

    class Hook(metaclass=Nameless):
        def __call__(self, _event: object) -> object:
            return self

    app, event = app_with(enrich=Hook())
    assert event is not None
    assert app.extensions["errwatch"].recorder.guard.last_error == (
        "the enrich hook 'Hook': TypeError: it returned Hook instead of a mapping or None"
    )


def test_a_user_that_is_not_a_string() -> None:
    """An object returned as the user is not a top-level field."""
    assert event_with(enrich=lambda _event: {"user": ["ann"]})["data"] == {"user": ["ann"]}


def test_hooks_run_in_the_request() -> None:
    """A hook has the request's context: `g`, `request`, `session`."""
    app = Flask(__name__)
    errwatch = watched(app)

    @app.before_request
    def log_in() -> None:
        g.who = "ann"

    @errwatch.enrich
    def who(_event: Event) -> dict[str, str]:
        return {"user": g.who}

    serve(app, "/x")
    assert events_of(app)[0]["user"] == "ann"


def test_hooks_run_in_their_order() -> None:
    """Each hook sees what those before it added, and `before_emit` hooks run last."""
    app = Flask(__name__)
    errwatch = watched(app)

    @errwatch.before_emit
    def last(event: Event) -> Event:
        return {**event, "seen": [event["first"], event["second"]]}

    @errwatch.enrich
    def first(_event: Event) -> dict[str, int]:
        return {"first": 1}

    @errwatch.enrich
    def second(event: Event) -> dict[str, int]:
        return {"second": event["first"] + 1}

    serve(app, "/x")
    assert events_of(app)[0]["data"] == {"first": 1, "second": 2, "seen": [1, 2]}


def test_a_hook_may_change_its_copy() -> None:
    """A hook that changes the event in place and returns None has added its fields."""

    def in_place(event: Event) -> None:
        event["tenant"] = "acme"

    assert event_with(enrich=in_place)["data"] == {"tenant": "acme"}


def test_core_keys_are_restored() -> None:
    """No hook changes or removes a key of the schema that the library set."""
    plain = event_with()
    changed = event_with(
        before_emit=lambda event: dict.fromkeys(event, "forged") | {"event": "Critical Error"}
    )
    varying = {"timestamp", "id", "duration_ms", "process", "pid", "host", "app"}
    assert {key: changed[key] for key in plain if key not in varying} == {
        key: plain[key] for key in plain if key not in varying
    }
    removed = event_with(before_emit=lambda _event: {})
    assert [*removed] == [*plain]


def test_a_hook_cannot_add_keys_of_the_schema() -> None:
    """Keys of the schema that the library did not set go under `data`."""
    event = event_with(
        enrich=lambda _event: {"exception": "forged", "route": "/admin", "app": "x", "seq": 0}
    )
    assert event["data"] == {"exception": "forged", "route": "/admin", "app": "x", "seq": 0}
    assert "route" not in event
    assert event["seq"] == 1


def test_the_exception_of_an_event_is_restored() -> None:
    """Values inside a core key are copies too."""
    app = Flask(__name__)
    errwatch = watched(app)
    app.get("/")(lambda: str(1 // 0))

    @errwatch.enrich
    def forge(event: Event) -> None:
        event["exception"]["type"] = "forged"
        event["exception"]["frames"].clear()

    serve(app)
    (event,) = events_of(app)
    assert event["exception"]["type"] == "ZeroDivisionError"
    assert len(event["exception"]["frames"]) == 1


def test_reported_data_may_be_removed() -> None:
    """`data` is the app's: a `before_emit` hook may remove it, for instance for privacy."""
    app = Flask(__name__)
    errwatch = watched(app)

    @errwatch.before_emit
    def private(event: Event) -> Event:
        return {key: value for key, value in event.items() if key != "data"}

    mail = {"mail": "ann@example.com"}
    errwatch.report("client-error", form=mail)
    assert "data" not in events_of(app)[0]
    assert mail == {"mail": "ann@example.com"}


def test_a_broken_hook_undoes_nothing() -> None:
    """The changes of a hook to its copy are discarded when it raises."""
    app = Flask(__name__)
    errwatch = watched(app)

    @errwatch.enrich
    def clears(event: Event) -> None:
        event["data"].clear()
        raise LookupError("after the harm")

    errwatch.report("client-error", kept=True)
    assert events_of(app)[0]["data"] == {"kept": True}


def test_a_dropped_event_is_counted() -> None:
    """None drops the event: no line, no signal, and one more in `stats().dropped`."""
    app = Flask(__name__)
    errwatch = watched(app)

    @errwatch.before_emit
    def without_health(event: Event) -> Event | None:
        return None if event["path"] == "/health" else event

    @errwatch.before_emit
    def never_sees_it(event: Event) -> Event:
        assert event["path"] != "/health"
        return event

    serve(app, "/health")
    serve(app, "/x")
    assert [event["path"] for event in events_of(app)] == ["/x"]
    assert (errwatch.stats(app).emitted, errwatch.stats(app).dropped) == (1, 1)
    assert events_of(app)[0]["seq"] == 1


def raises(_event: Event) -> Event:
    raise LookupError("hook")


def takes_nothing() -> Event:
    return {}


class Unreadable(Mapping[str, object]):
    """A mapping that raises while it is read."""

    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("unreadable")

    def __len__(self) -> int:
        return 3


class BadKey:
    """A key that cannot become a string."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("kind", ["enrich", "before_emit"])
@pytest.mark.parametrize(
    "hook",
    [
        raises,
        lambda _event: 42,
        lambda _event: "text",
        lambda _event: [("a", 1)],
        lambda _event: Unreadable(),
        lambda _event: {BadKey(): 1},
        takes_nothing,
    ],
    ids=["raises", "number", "text", "pairs", "unreadable", "key", "signature"],
)
def test_a_hook_that_misbehaves(kind: str, hook: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken hook is skipped and logged once to stderr. Event and response are unchanged."""
    app, event = app_with(**{kind: hook})
    serve(app, "/y")
    assert event is not None
    assert event["event"] == "Not Found Error"
    assert "data" not in event
    assert len(events_of(app)) == 2
    assert capsys.readouterr().err.count("flask-errwatch: ") == 1
    assert app.extensions["errwatch"].delivery.stats().last_error is not None


def test_a_broken_hook_spares_the_others() -> None:
    """The fields of the other hooks are in the event."""
    app = Flask(__name__)
    errwatch = watched(app)
    errwatch.enrich(lambda _event: {"one": 1})
    errwatch.enrich(raises)
    errwatch.enrich(lambda _event: {"two": 2})
    serve(app, "/x")
    assert events_of(app)[0]["data"] == {"one": 1, "two": 2}


def test_a_hook_with_the_keys_of_an_attacker() -> None:
    """Names that a client chooses, as in a form, never appear at the top level."""
    form = {"event": "Critical Error", "$.event": "x", "level": "critical", "": "", "\n": "\x00"}
    event = event_with(enrich=lambda _event: form)
    assert event["event"] == "Not Found Error"
    assert event["level"] == "warning"
    assert event["data"] == {"$.event": "x", "": "", "\n": "\x00"}


def test_secrets_from_hooks_are_masked() -> None:
    """Redaction runs after the hooks."""
    event = event_with(enrich=lambda _event: {"form": {"password": "hunter2", "name": "ann"}})
    assert event["data"] == {"form": {"password": "[redacted]", "name": "ann"}}


@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.dictionaries(
            st.text() | st.integers() | st.sampled_from(["event", "data", "user", "id"]),
            st.one_of(st.none(), st.text(), st.integers(), st.lists(st.integers())),
        ),
    )
)
def test_whatever_a_hook_returns_the_core_stays(returned: Any) -> None:
    """For any return value, all core keys keep their values."""
    core: Event = {"event": "E", "id": "i", "path": "/x"}
    for hooks in (
        Hooks(enrich=[lambda _event: returned]),
        Hooks(before_emit=[lambda _e: returned]),
    ):
        event = hooks.apply(core, Guard())
        if not event:
            assert returned is None
            continue
        assert {key: event[key] for key in core} == core
        assert set(event) <= {*core, "data", "user"}


def test_a_hook_may_return_any_mapping() -> None:
    """A mapping of any class is accepted, not only a dict."""
    core: Event = {"event": "E", "id": "i"}

    def last_look(event: Event) -> Any:
        return UserDict(event, shift="night")

    hooks = Hooks(
        enrich=[lambda _event: MappingProxyType({"tenant": "a"})], before_emit=[last_look]
    )
    guard = Guard()
    assert hooks.apply(core, guard)["data"] == {"tenant": "a", "shift": "night"}
    assert guard.failures == 0


@pytest.mark.parametrize("key", [404, None, ("a", 1), b"a", 1.5])
def test_a_hook_may_use_any_key(key: object) -> None:
    """The key becomes a string, and the changes of other hooks are kept."""
    hooks = Hooks(
        enrich=[lambda _event: cast("dict[str, Any]", {key: 1})],
        before_emit=[lambda event: {**event, "data": {"scrubbed": True}}],
    )
    guard = Guard()
    core: Event = {"event": "E", "id": "i", "data": {"email": "ann@example.com"}}
    assert hooks.apply(core, guard)["data"] == {"scrubbed": True, str(key): 1}
    assert guard.failures == 0


def test_enriching_never_removes_reported_data() -> None:
    """A hook that returns `data`, or empties its copy, adds to the reported data."""

    def replace(event: Event) -> dict[str, object]:
        event.clear()
        return {"data": {"tenant": "acme"}}

    app = Flask("shop")
    errwatch = watched(app)
    errwatch.enrich(replace)
    errwatch.report("critical-error", app=app, username="ann")
    assert events_of(app)[0]["data"] == {"username": "ann", "tenant": "acme"}


def test_a_hook_does_not_see_its_own_report() -> None:
    """A `before_emit` hook that reports writes one more line, without recursion."""
    app = Flask("shop")
    errwatch = watched(app)

    @errwatch.before_emit
    def again(event: Event) -> Event:
        errwatch.report("client-error", app=app, about=event["id"])
        return event

    errwatch.report("critical-error", app=app)
    assert [event["event"] for event in events_of(app)] == ["Client Error", "Critical Error"]


@pytest.mark.parametrize("hook", [None, 3, "name"])
def test_a_hook_that_is_not_callable_is_refused(hook: Any) -> None:
    """A hook that is not callable is refused when it is registered."""
    errwatch = ErrWatch()
    with pytest.raises(ConfigurationError, match="Register a function"):
        errwatch.enrich(hook)
    with pytest.raises(ConfigurationError, match="Register a function"):
        errwatch.before_emit(hook)


def test_an_async_hook_is_refused() -> None:
    """A coroutine function is refused when it is registered."""

    async def later(event: Event) -> Event:
        return event

    errwatch: Any = ErrWatch()
    with pytest.raises(ConfigurationError, match="not async"):
        errwatch.before_emit(later)
