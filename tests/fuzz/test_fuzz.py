"""The fuzzer finds what is wrong, says with which input, and finds it again."""

from __future__ import annotations

import re

import pytest
from hypothesis import strategies as st

from tests.fuzz import __main__ as fuzz


def _refuse_nines(value: object) -> None:
    if "9" in str(value):
        raise ValueError("a nine")


def test_an_input_that_fails_is_printed_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shortest input, and the seed that leads to it. Later targets are fuzzed all the same."""
    targets = {
        "nines": fuzz.Target(st.text("0123456789", max_size=20), _refuse_nines),
        "nothing": fuzz.Target(st.just(1), lambda _value: None),
    }
    monkeypatch.setattr(fuzz, "TARGETS", targets)
    assert not fuzz.fuzz("nines", seconds=30, only=None)
    assert fuzz.fuzz("nothing", seconds=0, only=None)
    printed = capsys.readouterr().out
    assert "value='9'" in printed
    assert "nothing: 1 inputs, all promises kept" in printed
    seed = re.search(r"python -m tests.fuzz nines --seed (\d+)", printed)
    assert seed is not None
    assert not fuzz.fuzz("nines", seconds=0, only=int(seed[1]))
    assert "value='9'" in capsys.readouterr().out


def test_an_input_that_does_not_end_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also inside a regular expression that backtracks."""
    endless = fuzz.Target(
        st.just("a" * 64 + "b"), lambda value: assert_none(re.fullmatch("(a|a)*", str(value)))
    )
    monkeypatch.setattr(fuzz, "TARGETS", {"endless": endless})
    monkeypatch.setattr(fuzz, "_ENDLESS", 1)
    assert not fuzz.fuzz("endless", seconds=0, only=None)
    assert "this input takes more than 1 s" in capsys.readouterr().out


def assert_none(value: object) -> None:
    """Raises unless the value is None."""
    assert value is None
