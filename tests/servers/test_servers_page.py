"""The table of `docs/servers.md`: each row names the tests that hold it, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[a-z_/]+\.py)(?:::(test_[a-z0-9_]+))?`")


def rows() -> list[list[str]]:
    """The cells of each row of the first table, without its head."""
    page = (ROOT / "docs" / "servers.md").read_text("utf-8")
    lines = [line for line in page.split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_row_names_a_test_or_says_that_it_has_none() -> None:
    """What no test holds is marked: mod_wsgi needs Apache, and an ASGI worker is not supported."""
    assert {len(row) for row in rows()} == {5}
    untested = [row[0].split(",")[0] for row in rows() if not _TEST.search(row[4])]
    assert untested == ["gunicorn", "mod_wsgi"]
    assert all(row[4] == "documented only" for row in rows() if not _TEST.search(row[4]))


@pytest.mark.parametrize(
    ("path", "name"), sorted({match for row in rows() for match in _TEST.findall(row[4])})
)
def test_a_named_test_exists(path: str, name: str) -> None:
    """The file exists, and has the function if the row names one."""
    text = (ROOT / path).read_text("utf-8")
    assert f"def {name or 'test_'}" in text
