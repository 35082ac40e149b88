"""The recorded cases: what the live service, its documentation and others said of patterns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest

from flask_errwatch.patterns import PatternSyntaxError, parse

CASES = Path(__file__).parents[3] / "shared" / "patterns" / "cases.jsonl"


class Case(TypedDict, total=False):
    """One line of the file."""

    id: str
    pattern: str
    message: str
    match: bool
    invalid: bool
    disputed: bool
    extracted: dict[str, str]


def _cases() -> Iterator[Case]:
    if not CASES.exists():
        pytest.skip("the recorded cases stand beside the project, and are not here")
    with CASES.open(encoding="utf-8") as lines:
        for line in lines:
            case: Case = json.loads(line)
            if not case.get("disputed"):
                yield case


def _wrong(case: Case) -> str | None:
    try:
        pattern = parse(case["pattern"])
    except PatternSyntaxError as error:
        return None if case.get("invalid") else f"refused: {error.remedy}"
    if case.get("invalid"):
        return "not refused"
    if pattern.matches(case["message"]) is not case["match"]:
        return f"matches is {not case['match']}"
    found = pattern.extract(case["message"])
    if (found is not None) is not case["match"]:
        return f"extracts {found}"
    if "extracted" in case and found != case["extracted"]:
        return f"extracts {found}, not {case['extracted']}"
    return None


def test_every_recorded_case_is_judged_as_it_was_recorded() -> None:
    """All cases agree, matches, extractions and refusals alike; each that fails is named."""
    wrong = {case["id"]: remark for case in _cases() if (remark := _wrong(case))}
    assert wrong == {}
