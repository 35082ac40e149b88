"""The parser of patterns: it raises only its own error, and what parses renders as the same."""

from __future__ import annotations

from hypothesis import strategies as st

from flask_errwatch.patterns import Pattern, PatternSyntaxError, parse
from tests.fuzz.inputs import texts

_WHOLE = (
    '{ $.event = "Not Found Error" }',
    "{ ($.a.b[0] >= 5e2) && ($.c != *x*) || !($['d e'] IS NULL) }",
    "{ $.a[*] = %^4..$% && $.b NOT EXISTS }",
    "[ip, user, ..., status = 4*, size > 1, last != %a{1,3}|b+%]",
    "[a = 1 || a = 2 && a != 3, , b]",
    '?ERROR -"a b" ?"c\\"d" x',
    "%\\d{1,3}[^a-c]*?$%",
)
_TOKENS = (
    *("{", "}", "[", "]", "(", ")", "$", "$.", ".", "['", "']", "*", "...", "%", '"', "'", "\\"),
    *("&&", "||", "!", "=", "!=", "<", ">", "<=", ">=", "-", "?", "+", "^", "|", ",", " ", "\n"),
    *("IS", "NOT", "NULL", "EXISTS", "TRUE", "FALSE", "in", "{1,3}", "{9999}", "[^", "\\d", "\\x"),
    *("0", "1e309", "1e-999", "18446744073709551617", "-0.0", "\u0661", "a", "event", "[0]"),
)


@st.composite
def _changed(draw: st.DrawFn) -> str:
    """A pattern with some of its parts replaced or repeated."""
    text = draw(st.sampled_from(_WHOLE))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 4)))
        text = text[:start] + draw(texts(_TOKENS, 3)) * draw(st.integers(0, 3)) + text[end:]
    return text


_MESSAGES = st.one_of(
    texts(_TOKENS),
    texts(('{"event":', '"a":', "1", "null", "[", "]", "}", '"x"', "1e400", "-")),
    st.just('{"event": "Not Found Error", "a": {"b": [500]}, "status": 404}'),
)
PATTERNS = st.tuples(st.one_of(_changed(), texts(_TOKENS, 20)), _MESSAGES)


def check(value: tuple[str, str]) -> None:
    """A text is a pattern or a `PatternSyntaxError`, and a pattern is its own text."""
    text, message = value
    pattern = _parsed(text)
    if isinstance(pattern, PatternSyntaxError):
        assert pattern.source == text
        assert 0 <= pattern.position <= len(text)
        assert pattern.remedy
        return
    rendered = str(pattern)
    again = parse(rendered)
    assert again == pattern
    assert str(again) == rendered
    extracted = pattern.extract(message)
    assert pattern.matches(message) is (extracted is not None)
    assert again.extract(message) == extracted


def _parsed(text: str) -> Pattern | PatternSyntaxError:
    try:
        return parse(text)
    except PatternSyntaxError as error:
        return error
