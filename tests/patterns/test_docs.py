"""The page on patterns is correct."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "patterns.md"


def test_the_examples_of_the_page_run() -> None:
    """Each example has the output that the page shows."""
    results = doctest.testfile(
        str(PAGE), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert results.attempted >= 14
    assert results.failed == 0
