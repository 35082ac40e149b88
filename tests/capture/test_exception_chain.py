"""The `chain` of an exception: what Python prints of it beside the exception itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.capture.exception_chain import links
from tests.wsgi_driver import events_of, serve, watched


def exception_of(view: Callable[[], Any]) -> dict[str, Any]:
    """The `exception` of the only event, after a request to that view."""
    app = Flask(__name__)
    app.get("/")(view)
    watched(app)
    serve(app, "/")
    (event,) = events_of(app)
    exception: dict[str, Any] = event["exception"]
    return exception


def lines_of(exception: dict[str, Any]) -> list[tuple[str, ...]]:
    """Relation, type and message of each entry."""
    return [
        (entry["relation"], entry.get("type", ""), entry["message"]) for entry in exception["chain"]
    ]


def connect() -> None:
    raise ConnectionRefusedError("db-1:5432")


def parse() -> None:
    raise KeyError("price")


def test_causes_and_contexts_down_to_the_first() -> None:
    """`raise … from` is a cause, an exception during the handling of another a context."""

    def view() -> None:
        try:
            try:
                connect()
            except OSError as error:
                raise LookupError("no cart") from error
        except LookupError:
            raise RuntimeError("no page")  # noqa: B904 - it is the case

    exception = exception_of(view)
    assert exception["type"] == "RuntimeError"
    assert lines_of(exception) == [
        ("context", "LookupError", "no cart"),
        ("cause", "ConnectionRefusedError", "db-1:5432"),
    ]
    assert exception["chain"][1]["where"].endswith("in connect")


def test_a_suppressed_context_is_left_out() -> None:
    """`raise … from None` hides the context, as in a traceback."""

    def view() -> None:
        try:
            connect()
        except OSError:
            raise RuntimeError("no page") from None

    assert "chain" not in exception_of(view)


def test_members_of_a_group_and_their_causes() -> None:
    """Each member follows its group, and what belongs to a member follows the member."""

    def view() -> None:
        row = ValueError("row 3")
        row.__cause__ = KeyError("price")
        inner = ExceptionGroup("inner", [TypeError("row 9")])
        raise ExceptionGroup("batch", [row, inner])

    assert lines_of(exception_of(view)) == [
        ("member", "ValueError", "row 3"),
        ("cause", "KeyError", "'price'"),
        ("member", "ExceptionGroup", "inner (1 sub-exception)"),
        ("member", "TypeError", "row 9"),
    ]


def test_notes() -> None:
    """The notes of an exception come first, and those of a cause follow it."""

    def view() -> None:
        error = RuntimeError("no page")
        error.add_note("while reading row 17")
        error.__cause__ = KeyError("price")
        error.__cause__.add_note("password=hunter2")
        raise error

    assert lines_of(exception_of(view)) == [
        ("note", "", "while reading row 17"),
        ("cause", "KeyError", "'price'"),
        ("note", "", "password=[redacted]"),
    ]


def test_a_long_chain_keeps_both_ends() -> None:
    """Of a retry loop the first and the last exceptions are kept, with a mark between them."""

    def view() -> None:
        error: Exception = KeyError("the first")
        for number in range(100):
            later = ValueError(f"try {number}")
            later.__cause__ = error
            error = later
        raise error

    chain = exception_of(view)["chain"]
    assert len(chain) == 17
    assert chain[0]["message"] == "try 98"
    assert chain[8] == "[84 more]"
    assert chain[-1]["message"] == "'the first'"


@pytest.mark.parametrize("faults", [(connect, parse), (parse, connect)])
def test_two_faults_behind_one_wrapper(faults: tuple[Callable[[], None], ...]) -> None:
    """What an app raises for every fault does not make them one: the fingerprints differ."""

    def wrapped(fault: Callable[[], None]) -> Callable[[], None]:
        def view() -> None:
            try:
                fault()
            except Exception as error:
                raise RuntimeError("no page") from error

        return view

    fingerprints = [exception_of(wrapped(fault))["fingerprint"] for fault in faults]
    assert len({*fingerprints}) == 2
    assert exception_of(wrapped(faults[0]))["fingerprint"] == fingerprints[0]


def test_the_order_of_members_does_not_matter() -> None:
    """The same faults in another order, with other messages, have the same fingerprint."""
    groups = [[ValueError("row 1"), KeyError("a")], [KeyError("b"), ValueError(2), ValueError(3)]]

    def raising(members: list[Exception]) -> Callable[[], None]:
        def view() -> None:
            raise ExceptionGroup("batch", members)

        return view

    first, second = (exception_of(raising(members))["fingerprint"] for members in groups)
    assert first == second


def test_a_chain_that_is_a_circle_ends() -> None:
    """An exception that is its own cause, and two that cause each other, are listed once."""
    alone, one, other = ValueError("alone"), ValueError("one"), ValueError("other")
    alone.__cause__ = alone
    one.__cause__, other.__cause__ = other, one
    assert links(alone) == []
    assert [link.subject for link in links(one)] == [other]


@given(st.one_of(st.none(), st.integers(), st.text(), st.lists(st.one_of(st.text(), st.none()))))
def test_notes_of_any_kind_never_raise(notes: object) -> None:
    """`__notes__` is an ordinary attribute, which an app may set to anything."""
    error = ValueError("bad")
    error.__notes__ = notes  # type: ignore[assignment]
    shown = [link.subject for link in links(error)]
    expected = [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
    assert shown == expected


def test_an_exception_in_an_error_handler_shows_what_it_handled() -> None:
    """The new fault is the exception, and the one that the handler got is its context."""
    app = Flask(__name__)

    @app.get("/")
    def view() -> str:
        connect()
        return "never"

    @app.errorhandler(OSError)
    def clumsy(_error: OSError) -> str:
        parse()
        return "never"

    watched(app)
    serve(app, "/")
    (event,) = events_of(app)
    assert event["exception"]["type"] == "KeyError"
    assert lines_of(event["exception"]) == [("context", "ConnectionRefusedError", "db-1:5432")]
