"""The recorded cases: results of the live service, its documentation and other sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest

from flask_errwatch.patterns import PatternSyntaxError, parse

CASES = Path(__file__).parents[3] / "shared" / "patterns" / "cases.jsonl"


class Case(TypedDict, total=False):
    """A line of the file."""

    id: str
    pattern: str
    message: str
    match: bool
    invalid: bool
    disputed: bool
    extracted: dict[str, str]


def _cases() -> Iterator[Case]:
    if not CASES.exists():
        pytest.skip("the recorded cases are kept outside the project and are missing here")
    with CASES.open(encoding="utf-8") as lines:
        for line in lines:
            case: Case = json.loads(line)
            if not case.get("disputed"):
                yield case


def _failure(case: Case) -> str | None:
    try:
        pattern = parse(case["pattern"])
    except PatternSyntaxError as error:
        return None if case.get("invalid") else f"rejected: {error.remedy}"
    if case.get("invalid"):
        return "not rejected"
    if pattern.matches(case["message"]) is not case["match"]:
        return f"matches is {not case['match']}"
    extracted = pattern.extract(case["message"])
    if (extracted is not None) is not case["match"]:
        return f"extracts {extracted}"
    if "extracted" in case and extracted != case["extracted"]:
        return f"extracts {extracted}, not {case['extracted']}"
    return None


def test_every_recorded_case_has_the_recorded_result() -> None:
    """Matches, extractions and rejections equal the recordings. Failures are listed by id."""
    failures = {case["id"]: failure for case in _cases() if (failure := _failure(case))}
    assert failures == {}
