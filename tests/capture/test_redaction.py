"""Redaction: secrets never appear in a line, and other values stay readable."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.capture.plain_values import PlainValues
from flask_errwatch.capture.redaction import Redactor, texts
from tests.wsgi_driver import events_of, lines_of, serve, watched


def redacted(fields: dict[str, object], *keys: str) -> dict[str, object]:
    """The fields as a line has them. The keys are those of `ERRWATCH_REDACT_KEYS`."""
    return PlainValues(Redactor(keys)).fields(fields)


@pytest.mark.parametrize(
    "key",
    [
        *("password", "Password", "new_password2", "X-Api-Key", "apiKey", "access-key", "pin"),
        *("PIN", "Set-Cookie", "session", "csrf_token", "creditCard", "cvv", "client_secret"),
    ],
)
def test_a_secret_key(key: str) -> None:
    """Known names of secrets, in any spelling."""
    assert redacted({key: "hunter2"}) == {key: "[redacted]"}
    assert redacted({"deep": [{key: ["hunter2"]}]}) == {"deep": [{key: "[redacted]"}]}


@pytest.mark.parametrize(
    "key", ["shipping", "user", "spinning", "keyboard", "path", "sessions_open"]
)
def test_a_key_that_is_not_secret(key: str) -> None:
    """A short name counts only as the whole key."""
    assert redacted({key: "shown"}) == {key: "shown"}


def test_keys_of_the_app() -> None:
    """`ERRWATCH_REDACT_KEYS` adds names. Separators and case are ignored."""
    added = ("Date of Birth", "-")
    assert redacted({"date_of_birth": "x", "name": "ann"}, *added) == {
        "date_of_birth": "[redacted]",
        "name": "ann",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://app:hunter2@db/x", "postgres://[redacted]@db/x"),
        ("password=hunter2&user=ann", "password=[redacted]&user=ann"),
        ("{'api_key': 'abc', 'n': 1}", "{'api_key': [redacted], 'n': 1}"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("MY_DB-PASSWORD = hunter2", "MY_DB-PASSWORD = [redacted]"),
        ("x" * 99 + "token=abc", "x" * 99 + "token=[redacted]"),
        ("clé_token=abc cléToken:abc", "clé_token=[redacted] cléToken:[redacted]"),
        ("token_count=3", "token_count=3"),
        ("the password is wrong", "the password is wrong"),
        ("see https://example.com/a@b", "see https://example.com/a@b"),
        ("time: 10:30, a=b", "time: 10:30, a=b"),
    ],
)
def test_a_secret_inside_a_text(text: str, expected: str) -> None:
    """Passwords in URLs and assignments are masked, other text is unchanged."""
    assert Redactor().text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A comma belongs to the value unless a name follows: here that of an option, which is
        # masked with the sign behind it.
        ("token=,--pass token=", "token=[redacted] [redacted]"),
        ("token=;--pass token=", "token=[redacted] [redacted]"),
        ("token=,bearer abcdefgh12=", "token=[redacted] [redacted]"),
        # A value is none without a letter or a digit, and the mask has some.
        ("token=:=://app:hunter2@db", "token=[redacted]"),
        # A number beside digits is part of a longer one, until these are masked.
        ("4111111111111111/4111111111111111", "[redacted]/[redacted]"),
        (
            "4111111111111111/4111111111111111Bearer aB3dE5gH7jK9mN1p",
            "[redacted]/[redacted]Bearer [redacted]",
        ),
        ("token=password\x85token=password", "token=[redacted]\x85token=[redacted]"),
        # What is masked already.
        ("token=[redacted] x", "token=[redacted] x"),
        ("--pass [redacted] x", "--pass [redacted] x"),
        ("identified by '[redacted]' x", "identified by [redacted] x"),
        ("Authorization: [redacted] x", "Authorization: [redacted] x"),
        ("Authorization: Bearer [redacted] x", "Authorization: [redacted] x"),
        ("token=x[redacted] y", "token=[redacted] y"),
        ("Cookie: [redacted]; a=b", "Cookie: [redacted]; a=b"),
        ("db://[redacted]@db/x", "db://[redacted]@db/x"),
        ("mysql -p[redacted] x", "mysql -p[redacted] x"),
    ],
)
def test_what_one_mask_changes_beside_it_is_masked_too(text: str, expected: str) -> None:
    """Masking a second time changes nothing, whatever is beside a secret."""
    assert Redactor().text(text) == expected
    assert Redactor().text(expected) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("by ann, token=hunter2 x", 16, "by ann, token=…[12 more]"),
        ("by ann, token=hunter2 x", 22, "by ann, token=…[12 more]"),
        ("by ann, token=hunter2 x", 24, "by ann, token=[redacted]…[2 more]"),
        ("token=,a b=3 and more", 11, "token=,a b=…[10 more]"),
        ("token=,a b=3 and more", 10, "token=…[23 more]"),
        ("token=…[9 more]", 99, "token=…[9 more]"),
        ("token=hunter2…[9 more]", 99, "token=[redacted]…[9 more]"),
        ("many words…[9 more]", 6, "many w…[13 more]"),
    ],
)
def test_a_text_that_is_cut_is_masked_as_it_is_then(text: str, limit: int, expected: str) -> None:
    """No mask is cut in two, no mark of a cut is a value, and a second time changes nothing."""
    assert Redactor().text(text, limit) == expected
    assert Redactor().text(expected, limit) == expected


def test_a_text_that_is_not_settled_after_the_last_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of passes is bounded. What would need more is masked as a whole."""
    monkeypatch.setattr(texts, "_PASSES", 2)
    text = "4111111111111111/4111111111111111"
    assert Redactor().text(text) == "[redacted]"
    assert Redactor().text("[redacted]") == "[redacted]"


def test_reports_and_exceptions_are_redacted() -> None:
    """Reported data and exception messages are redacted in the line."""
    app = Flask(__name__)
    errwatch = watched(app, redact_keys="iban")

    @app.get("/")
    def home() -> str:
        raise ConnectionError("cannot reach db://app:hunter2@db.internal")

    serve(app)
    errwatch.report("client-error", iban="DE1", form={"passwort": "shown", "password": "hunter2"})
    crash, report = events_of(app)
    assert crash["exception"]["message"] == "cannot reach db://[redacted]@db.internal"
    assert report["data"]["iban"] == "[redacted]"
    assert report["data"]["form"] == {"passwort": "shown", "password": "[redacted]"}
    assert not any(b"hunter2" in line for line in lines_of(app))


@given(st.text(), st.text())
def test_any_text(before: str, after: str) -> None:
    """Whatever surrounds it, the password of a URL is masked."""
    text = f"{before} db://app:hunter2@db {after}"
    assert "app:hunter2" not in Redactor().text(text)


def test_a_text_made_to_be_slow() -> None:
    """A long string without word boundaries takes no longer."""
    text = "a-" * 16_000 + ":"
    assert Redactor().text(text) == text
