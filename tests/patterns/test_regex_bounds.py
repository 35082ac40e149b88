"""No expression and no line makes a search run away: the work is counted, not timed."""

from __future__ import annotations

import random

import pytest

from flask_errwatch.patterns import Regex, parse
from flask_errwatch.patterns.automaton import Automaton, _State


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The characters for which the automaton computed a step, in order."""
    taken: list[str] = []
    step = Automaton._advance

    def counted(self: Automaton, state: _State, char: str) -> _State:
        taken.append(char)
        return step(self, state, char)

    monkeypatch.setattr(Automaton, "_advance", counted)
    return taken


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
def test_a_catastrophic_expression_takes_one_step_a_character_at_most(
    steps: list[str], expression: str, line: str
) -> None:
    """A backtracking engine would take more steps than there are atoms in the world."""
    assert Regex(expression).search(line) is False
    assert len(steps) <= len(line)


def test_what_was_computed_once_is_looked_up(steps: list[str]) -> None:
    """The second search of the same text computes nothing."""
    regex = Regex("^a*a*a*b")
    regex.search("a" * 1000)
    assert 0 < len(steps) < 10
    steps.clear()
    regex.search("a" * 1000)
    assert steps == []


def test_what_is_kept_is_bounded_and_the_answer_does_not_change() -> None:
    """An expression of 2^20 sets keeps at most its bound of them, and still finds."""
    regex = Regex("a[ab]{20}c")
    line = "".join(random.Random(1).choices("ab", k=30_000))
    assert regex.search(line) is False
    assert 0 < len(regex._automaton._states) <= Automaton._CACHED + 1
    assert regex.search(line + "a" * 21 + "c") is True


def test_patterns_of_each_kind_search_within_the_bound(steps: list[str]) -> None:
    """The bound holds wherever an expression may stand."""
    hostile = "a" * 5000
    for pattern, line in (
        ("%a*a*a*a*b%", hostile),
        ("{ $.x = %a*a*a*a*b% }", f'{{"x": "{hostile}"}}'),
        ("[x = %a*a*a*a*b%]", hostile),
    ):
        assert not parse(pattern).matches(line)
    assert len(steps) <= 3 * len(hostile)
