"""Redaction: it never raises, a planted secret never stays, and masking twice changes nothing."""

from __future__ import annotations

import json
from typing import NamedTuple

from hypothesis import strategies as st

from flask_errwatch.capture.plain_values import PlainValues
from flask_errwatch.capture.redaction import Effort, Redactor, RequestRedactor
from tests.fuzz.inputs import texts

_LETTERS = "aB3dE5gH7jK9mN1pQ3sT5vX7zA9cD1fG3hJ5"
_PASSWORD = "hunter2-Tr0ub4dor"
_CARD = "4111" + "1111" * 3
#: What must not stay, and the text that has it.
_PLANTED = (
    (_LETTERS, f"ghp_{_LETTERS}"),
    (_LETTERS, f"sk_live_{_LETTERS}"),
    (_LETTERS, f"xoxb-123456789012-{_LETTERS}"),
    (_LETTERS, f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{_LETTERS}"),
    (_LETTERS, f"Bearer {_LETTERS}"),
    (_PASSWORD, f"token={_PASSWORD}"),
    (_PASSWORD, f'"password": "{_PASSWORD}"'),
    (_PASSWORD, f"db://app:{_PASSWORD}@db/x"),
    (_PASSWORD, f"<password>{_PASSWORD}</password>"),
    (_CARD, _CARD),
)
_TOKENS = (
    *("password", "token=", "pin", "Authorization: ", "Bearer ", "Basic ", "Cookie: ", "://", "@"),
    *("ghp_", "eyJ", "AKIA", "-----BEGIN ", "PRIVATE KEY-----", "-----END ", "--pass ", "4111"),
    *("1111", "2", "3d", "%3D", "%25", "=>", ":=", "identified by ", "[redacted]", "…[9 more]"),
    *("'", '"', "`", "(", ")", "<", ">", "&", ";", "/", "?", "#", "a", "sid", "key", "auth", "İ"),
)
#: Characters of a text that is long enough to show a cost that grows faster than the text.
_LONG = 131_072
_REDACTORS = (Redactor(), Redactor(["пароль", "employee no"], email=True))


class Text(NamedTuple):
    """A secret and what surrounds it.

    Attributes:
        before: The text before it.
        planted: What must not stay, and the text that has it.
        after: The text after it.
        long: What is repeated to be a long text, or None.
        limit: The characters that a text may have.
        email: Whether the second redactor is used, with further keys and e-mail addresses.
    """

    before: str
    planted: tuple[str, str]
    after: str
    long: str | None
    limit: int
    email: bool


TEXTS = st.builds(
    Text,
    before=texts(_TOKENS),
    planted=st.sampled_from(_PLANTED),
    after=texts(_TOKENS),
    long=st.one_of(*([st.none()] * 15), texts(_TOKENS, 4).filter(bool)),
    limit=st.integers(0, 80),
    email=st.booleans(),
)


def check(text: Text) -> None:
    """In a text, a path, a header and in reported data."""
    redactor = _REDACTORS[text.email]
    secret, with_secret = text.planted
    whole = f"{text.before} {with_secret} {text.after}"
    for limit in (_LONG, text.limit):
        masked = redactor.text(whole, limit)
        assert secret not in masked
        again = redactor.text(masked, limit)
        assert again == masked
    requests = RequestRedactor(redactor)
    header = requests.header(whole, 512)
    assert secret not in header
    again = requests.header(header, 512)
    assert again == header
    path, _ = requests.path(f"/{whole}".encode("utf-8", "surrogatepass").decode("latin-1"), None)
    assert secret not in path
    again, unread = requests.path(path, None)
    assert (again, unread) == (path, 0)
    fields = PlainValues(redactor).fields(
        {
            text.before: whole,
            "password": secret,
            "n": [{whole: 1}, whole.encode("utf-8", "replace")],
        }
    )
    assert secret not in json.dumps(fields)
    if text.long is not None:
        _check_long(redactor, text.long)


def _check_long(redactor: Redactor, piece: str) -> None:
    """A long text of what begins secrets ends, however many places are looked at."""
    whole = piece * (_LONG // len(piece))
    masked, unread = redactor.masked(whole, Effort(places=_LONG))
    assert unread == 0
    assert isinstance(masked, str)
    assert len(redactor.text(whole, 2048)) <= 2048 + 24
