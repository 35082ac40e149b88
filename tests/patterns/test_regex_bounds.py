"""A search takes a bounded number of steps for every expression and line."""

from __future__ import annotations

import random

import pytest

from flask_errwatch.patterns import Regex, parse
from flask_errwatch.patterns.automaton import Automaton, _DfaState


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The characters for which the automaton computed a step, in order."""
    recorded: list[str] = []
    advance = Automaton._advance

    def recording(self: Automaton, state: _DfaState, char: str) -> _DfaState:
        recorded.append(char)
        return advance(self, state, char)

    monkeypatch.setattr(Automaton, "_advance", recording)
    return recorded


@pytest.mark.parametrize(
    ("expression", "line"),
    [
        ("^a*a*a*a*a*a*a*a*a*a*b", "a" * 20_000),
        ("a?" * 60 + "a" * 60 + "b", "a" * 20_000),
        (".*.*.*.*.*=.*;", "x=" * 10_000),
        (r"\w+\w+\w+\w+@\w+\w+$", "a@" * 10_000 + "!"),
        ("x+x+x+x+x+x+y", "x" * 20_000),
        ("a{1,500}b{1,500}$", "ab" * 10_000 + "c"),
        ("[ab]*a[ab]{12}c", "ab" * 5_000 + "ba" * 5_000),
        (r".*\xe9.*\x21", "日本語é" * 5_000),
    ],
)
def test_a_catastrophic_expression_takes_at_most_one_step_per_character(
    steps: list[str], expression: str, line: str
) -> None:
    """A backtracking engine would take exponential or high polynomial time."""
    assert Regex(expression).search(line) is False
    assert len(steps) <= len(line)


def test_computed_steps_are_cached(steps: list[str]) -> None:
    """A second search of the same text computes no step."""
    regex = Regex("^a*a*a*b")
    regex.search("a" * 1000)
    assert 0 < len(steps) < 10
    steps.clear()
    regex.search("a" * 1000)
    assert steps == []


def test_the_cache_is_bounded_and_never_changes_the_answer() -> None:
    """An expression with 2^20 sets of states keeps a limited number of them and still matches."""
    regex = Regex("a[ab]{20}c")
    line = "".join(random.Random(1).choices("ab", k=30_000))
    assert regex.search(line) is False
    assert 0 < len(regex._automaton._states) <= Automaton._CACHED + 1
    assert regex.search(line + "a" * 21 + "c") is True


def test_patterns_of_each_kind_search_within_the_bound(steps: list[str]) -> None:
    """The bound holds wherever an expression may be used."""
    hostile = "a" * 5000
    for pattern, line in (
        ("%a*a*a*a*b%", hostile),
        ("{ $.x = %a*a*a*a*b% }", f'{{"x": "{hostile}"}}'),
        ("[x = %a*a*a*a*b%]", hostile),
    ):
        assert not parse(pattern).matches(line)
    assert len(steps) <= 3 * len(hostile)
