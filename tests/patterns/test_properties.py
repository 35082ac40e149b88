"""Properties of every pattern and every line, tested with generated examples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.patterns import Pattern, PatternSyntaxError, Regex, parse
from flask_errwatch.patterns.nodes import (
    Comparison,
    FieldTest,
    JsonCondition,
    Number,
    Operator,
    Selector,
    Step,
    Text,
    UnaryOperator,
    Value,
    Wildcard,
    all_of,
    any_of,
)
from flask_errwatch.patterns.pattern_types import JsonPattern

ANY_TEXT = st.text(st.characters(), max_size=40)  # surrogates included
BLANK = st.text(" \t\n", max_size=2)
ORDERS = [operator for operator in Operator if operator.orders]
SYNTAX = st.text(
    st.sampled_from("{}[]()%\"'$.,*?-!=<>&|\\+^ \n:_aEb1é09xISNULLOTANDR"), max_size=60
)

words = st.text("abzAZ019_é日", min_size=1, max_size=6)
numbers = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["+1", "1.0", "1e3", ".5", "5.", "-0.0", "1e309", "1e-999", "18446744073709551617"]
    ),
)
regexes = st.sampled_from(["a", "^4..$", r"\d{1,3}|b+?", "[^a-c]*$", r"\x28", " x"])

names = st.one_of(words, st.text(st.characters(), max_size=5)).filter(lambda key: "']" not in key)
steps: st.SearchStrategy[Step] = st.one_of(names, st.integers(0, 10**6), st.just(Wildcard.ANY))
selectors = (
    st.lists(steps, min_size=1, max_size=4)
    .filter(lambda path: path.count(Wildcard.ANY) <= 1 and not isinstance(path[0], int))
    .map(lambda path: Selector(tuple(path)))
)
values: st.SearchStrategy[Value] = st.one_of(numbers.map(Number), ANY_TEXT.map(Text))
comparisons = st.one_of(
    st.builds(Comparison, st.sampled_from([Operator.EQUAL, Operator.DIFFERENT]), values),
    st.builds(Comparison, st.sampled_from(ORDERS), numbers.map(Number)),
)
predicates: st.SearchStrategy[Comparison | UnaryOperator] = st.one_of(
    comparisons, st.sampled_from(UnaryOperator)
)
leaf_conditions: st.SearchStrategy[JsonCondition] = st.builds(FieldTest, selectors, predicates)
conditions = st.recursive(
    leaf_conditions,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
    ),
    max_leaves=5,
)


@st.composite
def term_patterns(draw: st.DrawFn) -> str:
    """Terms with their operators, bare and quoted."""
    quoted = ANY_TEXT.filter(bool).map(quote)
    term = st.tuples(st.sampled_from(["", "-", "?"]), st.one_of(words, quoted))
    return " ".join(operator + text for operator, text in draw(st.lists(term, max_size=4)))


def quote(text: str) -> str:
    """The text in the quotes of the pattern language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def delimited_patterns(draw: st.DrawFn) -> str:
    """Fields with and without names and conditions, and at most one `...`."""
    field_names = draw(
        st.lists(words.filter(lambda name: not name[0].isnumeric()), unique=True, max_size=4)
    )
    entries: list[str] = []
    regex_left = 2
    for name in field_names:
        literals = [numbers, words, ANY_TEXT.map(quote), st.just("*x*")]
        if regex_left:
            literals.append(regexes.map(lambda source: f"%{source}%"))
        literal = draw(st.one_of(literals))
        regex_left -= literal.startswith("%")
        test = f"{name} {draw(st.sampled_from(['=', '!=']))} {literal}"
        bound = f"{name}{draw(st.sampled_from(ORDERS)).value}{draw(numbers)}"
        forms = ["", name, test, bound, f"{bound} || {test}", f"({test})&&{bound}"]
        entries.append(draw(st.sampled_from(forms)))
    if draw(st.booleans()):
        entries.insert(draw(st.integers(0, len(entries))), "...")
    return "[" + ",".join(draw(BLANK) + entry + draw(BLANK) for entry in entries) + "]"


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    """A pattern of any kind."""
    text = st.one_of(
        term_patterns(), delimited_patterns(), regexes.map(lambda source: f"%{source}%")
    )
    any_kind = st.one_of(conditions.map(_build), text.map(_parse))
    return draw(any_kind.filter(lambda pattern: pattern is not None))  # type: ignore[return-value]  # filtered


def _build(condition: JsonCondition) -> Pattern | None:
    return _unless_over_quota(lambda: JsonPattern.of(condition))


def _parse(text: str) -> Pattern | None:
    return _unless_over_quota(lambda: parse(text))


def _unless_over_quota(make: Callable[[], Pattern]) -> Pattern | None:
    """Generated patterns may exceed a quota, and break no other rule."""
    try:
        return make()
    except PatternSyntaxError as error:
        if re.search(r"at most|Shorten", error.remedy):
            return None
        raise


def _syntax_error(text: str) -> PatternSyntaxError | None:
    """The error of parsing the text, if it is not a pattern."""
    try:
        parse(text)
    except PatternSyntaxError as error:
        return error
    return None


@given(pattern=patterns())
def test_parsing_the_text_of_a_pattern_gives_the_pattern(pattern: Pattern) -> None:
    """`parse(str(pattern)) == pattern`, and equal patterns have equal hashes."""
    parsed = parse(str(pattern))
    assert parsed == pattern
    assert hash(parsed) == hash(pattern)


@given(condition=conditions)
def test_parsing_a_rendered_condition_gives_the_condition(condition: JsonCondition) -> None:
    """Rendering keeps quotes, parentheses and spellings."""
    built = _build(condition)
    assert built is None or (isinstance(built, JsonPattern) and built.condition == condition)


@given(condition=conditions, blank=st.sampled_from(["", "\t", " \n "]))
def test_blanks_around_a_pattern_are_ignored(condition: JsonCondition, blank: str) -> None:
    """Blanks before and after change nothing."""
    built = _build(condition)
    if built is not None and len(str(built)) < 1018:
        assert parse(f"{blank}{built}{blank}") == built


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
objects = st.dictionaries(words, json_values, max_size=4)
messages = st.one_of(
    ANY_TEXT,
    SYNTAX,
    objects.map(json.dumps),
    objects.map(lambda event: json.dumps(event, ensure_ascii=False)),
    st.sampled_from(
        [
            "[" * 100_000,
            '{"a":' * 100_000,
            '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
            '{"a":' + "9" * 10_000 + "}",
            '{"a":-' + "9" * 10_000 + "." + "9" * 10_000 + "e99999}",
            '{"a":1e999999999999999999}',
            "9" * 10_000 + " 1e2147483647 1e-2147483648",
            "[ " * 20_000,
            '"' * 20_000,
            "[" * 20_000,
        ]
    ),
)


@given(pattern=patterns(), message=messages)
def test_no_message_makes_a_pattern_raise(pattern: Pattern, message: str) -> None:
    """Any text is matched, and `matches`, `extract` and `value` agree."""
    extracted = pattern.extract(message)
    assert pattern.matches(message) is (extracted is not None)
    assert pattern.value(message, "1") == (1.0 if extracted is not None else None)


@given(
    text=st.one_of(
        ANY_TEXT, SYNTAX, SYNTAX.map(lambda inner: f"{{ $.a{inner} }}"), SYNTAX.map("[{}]".format)
    )
)
def test_parsing_raises_only_syntax_errors(text: str) -> None:
    """Any text is a pattern or a PatternSyntaxError with a position and a sentence."""
    error = _syntax_error(text)
    if error is not None:
        assert error.source == text
        assert 0 <= error.position <= len(text)
        assert error.remedy.endswith(".")


@pytest.mark.parametrize(
    ("text", "position"), [("{" + "(" * 1020, 51), ("%" + "a{1000}" * 140 + "%", 71)]
)
def test_long_patterns_are_rejected_before_they_exhaust_memory(text: str, position: int) -> None:
    """Nesting and repetition are limited."""
    error = _syntax_error(text)
    assert error is not None
    assert error.position == position


def test_the_number_of_fields_is_not_limited() -> None:
    """A pattern may have as many fields as its length allows."""
    pattern = parse("[" + "," * 1000 + "]")
    assert pattern.matches("x " * 1001)
    assert not pattern.matches("x " * 1000)


@given(
    source=st.lists(
        st.sampled_from(
            [
                "a",
                "b",
                ".",
                "^",
                "$",
                "[ab]",
                "[^a]",
                r"\d",
                r"\W",
                "a*",
                "b+",
                ".?",
                "a{2}",
                "b{1,3}?",
                "|",
                "^*",
                "[a-]",
            ]
        ),
        min_size=1,
        max_size=7,
    ).map("".join),
    text=st.text("ab1_\né", max_size=10),
)
def test_the_automaton_agrees_with_a_backtracking_engine(source: str, text: str) -> None:
    """For expressions that are safe for it, Python's `re` gives the same result."""
    python_source = source.replace("$", r"\Z").replace("^*", "(?:^)*")
    assert Regex(source).search(text) is (re.search(python_source, text, re.ASCII) is not None)
