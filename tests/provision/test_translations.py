"""A pattern as a Logs Insights condition, and as the filters of a Contributor Insights rule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from random import Random

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from flask_errwatch.patterns import PatternSyntaxError, parse
from flask_errwatch.provision.query_filter import UntranslatableError, query_field, query_filter
from flask_errwatch.provision.rule_filters import rule_filters
from flask_errwatch.simulation.insights_query import LogQuery


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{ $.suspicion > 0 }", "suspicion > 0"),
        ('{ $.event = "Not Found Error" }', 'event = "Not Found Error"'),
        (
            '{ ($.event = "A") && ($.status >= 500 || $.status = 404) }',
            'event = "A" and (status >= 500 or status = 404)',
        ),
        (
            '{ $.referrer != "same" || ($.method != "GET" && $.n < 2) }',
            (
                '(ispresent(referrer) and referrer != "same") or '
                '((ispresent(method) and method != "GET") and n < 2)'
            ),
        ),
        ("{ $.user NOT EXISTS }", "not ispresent(user)"),
        ("{ $.data.user-id = 7 }", "`data.user-id` = 7"),
        ("{ $.data.ids[0] = 7 }", "data.ids.0 = 7"),
        ('{ $.path = "/wp-*" }', r"path like /^\/wp-/"),
        ('{ $.path != "*.php" }', r"(ispresent(path) and path not like /\.php$/)"),
        ('{ $.path = "/a*(b)" }', r"path like /^\/a[\s\S]*\x28b\x29$/"),
        ('{ $.path = "*wp*" }', "path like /wp/"),
        ("{ $.route = * }", "ispresent(route)"),
        ("{ $.path = %^/health/% }", r"path like /^\/health\//"),
        (r"{ $.path = %\\/% }", r"path like /\\\//"),
        ("{ $.n > 5e-1 && $.n < +1e2 }", "n > 0.5 and n < 100"),
        ('{ $.path = "a\\"b" }', r'path = "a\"b"'),
    ],
)
def test_a_query_matches_what_the_pattern_matches(pattern: str, expected: str) -> None:
    """`!=` needs the field, text is quoted, `*` becomes a regular expression, as does a regex."""
    assert query_filter(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("{ $.a IS TRUE }", "IS TRUE"),
        ("{ $.a IS NULL }", "IS NULL"),
        ("{ $.a[*] = 1 }", "wildcard"),
        ("{ $.['a b'] = 1 }", "'a b'"),
        ("{ $.a > 1e99 }", "too long"),
        ("{ $.a != * }", "alone"),
        ('{ $.a = "é*" }', "compares ASCII"),
        ("ERROR", "Only conditions on the fields"),
    ],
)
def test_what_a_query_cannot_express_is_named(pattern: str, named: str) -> None:
    """Nothing is translated into a query that counts other lines."""
    with pytest.raises(UntranslatableError, match=named):
        query_filter(pattern)


def test_a_field_of_a_query() -> None:
    """The field that is summed is named as in the condition."""
    assert query_field("$.suspicion") == "suspicion"
    assert query_field("$.data.a-b") == "`data.a-b`"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{ $.suspicion > 0 }", [{"Match": "$.suspicion", "GreaterThan": 0}]),
        (
            '{ $.event = "A" && $.n < 1.5 && $.m = 3 && $.user NOT EXISTS }',
            [
                {"Match": "$.event", "In": ["A"]},
                {"Match": "$.n", "LessThan": 1.5},
                {"Match": "$.m", "EqualTo": 3},
                {"Match": "$.user", "IsPresent": False},
            ],
        ),
        ('{ $.path = "/wp-*" }', [{"Match": "$.path", "StartsWith": ["/wp-"]}]),
        ('{ $.data.x = "*" }', [{"Match": "$.data.x", "IsPresent": True}]),
    ],
)
def test_a_rule_matches_what_the_pattern_matches(
    pattern: str, expected: list[dict[str, object]]
) -> None:
    """Only what the filters of a rule know is translated."""
    assert rule_filters(pattern) == expected


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ('{ $.a = "b" || $.a = "c" }', "&& alone"),
        ("{ $.a >= 1 }", "'>='"),
        ('{ $.a != "b" }', "'!='"),
        ("{ $.a = %b% }", "regular expressions"),
        ('{ $.a = "*b" }', r"at the end of a text"),
        ("{ $.a IS FALSE }", "IS FALSE"),
        ("{ $.a[*] = 1 }", "wildcard"),
        ("{ $.a=1 && $.b=1 && $.c=1 && $.d=1 && $.e=1 }", "at most 4"),
    ],
)
def test_what_a_rule_cannot_express_is_named(pattern: str, named: str) -> None:
    """A rule would count other lines than the filter."""
    with pytest.raises(UntranslatableError, match=named):
        rule_filters(pattern)


#: Fields of lines and their values. A line may also lack each of them.
FIELDS: dict[str, tuple[str | float, ...]] = {
    "event": ("Login Failed", "Not Found Error"),
    "path": ("/wp-a", "/wp-a5", "/wp\n-a", "/a.php", "/(a)", "\\/", "//a"),
    "data.user-id": ("", "é a", "a", "a.a"),
    "status": (399, 400, 400.5),
    "data.amount": (-1, 0, 0.5, 2),
}
TEXTS = ("event", "path", "data.user-id")


def line_of(values: Iterable[str | float | None]) -> dict[str, object]:
    """A line with these values of the fields."""
    data: dict[str, object] = {}
    line: dict[str, object] = {"client_ip": "192.0.2.1", "data": data}
    for field, value in zip(FIELDS, values, strict=True):
        if value is not None:
            (data if field.startswith("data.") else line)[field.removeprefix("data.")] = value
    return line


#: Every combination, each with what the filter reads.
LINES = [
    (line, json.dumps(line))
    for line in map(line_of, product(*((None, *values) for values in FIELDS.values())))
]


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    """A test of a field of the right type, or whether it is there."""
    field = draw(st.sampled_from([*FIELDS]))
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from([f"$.{field} NOT EXISTS", f"$.{field} = *"]))
    if field not in TEXTS:
        number = draw(st.sampled_from(["400", "400.5", "0", "-1", "5e-1", "+2"]))
        return f"$.{field} {draw(st.sampled_from(['=', '!=', '<', '<=', '>', '>=']))} {number}"
    regexes = st.sampled_from(["%^/wp%", "%a$%", r"%[^a]*/%", r"%\x28%", "%Login|Not%", "%/%"])
    value = draw(st.one_of(regexes, texts(st.sampled_from(FIELDS[field]))))
    return f"$.{field} {draw(st.sampled_from(['=', '!=']))} {value}"


@st.composite
def texts(draw: st.DrawFn, values: st.SearchStrategy[str | float]) -> str:
    """A value as patterns quote it, or with `*` for parts of it."""
    text = str(draw(values))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(text)))
        text = f"{text[:start]}*{text[start + draw(st.integers(0, 3)) :]}"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


conditions = st.recursive(
    comparisons(),
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
        lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
    ),
    max_leaves=4,
)


@given(conditions, st.randoms(use_true_random=False))
def test_the_judge_counts_the_same_lines_by_the_query(where: str, chance: Random) -> None:
    """A filter and the query made of its pattern agree on each line."""
    try:
        pattern = parse(f"{{ {where} }}")
        query = LogQuery("a", f"filter {query_filter(str(pattern))}", "count(*) by client_ip")
    except (PatternSyntaxError, UntranslatableError):
        reject()  # more than two regular expressions, or a text that a query cannot compare
    for line, text in chance.sample(LINES, 100):
        assert (query.contributor(line) is not None) == pattern.matches(text), (where, line)
