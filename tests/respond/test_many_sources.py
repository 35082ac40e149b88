"""Memory is bounded, and what is named is exact, however many sources there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch.respond.ranking import source_sums
from tests.respond import many_sources
from tests.respond.rows import probe, summed

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").is_file(), reason="the system shows no process's memory in /proc"
)
MIB = 1 << 10  # of KiB


def measured(lines: int, sources: int, rows: int = 25) -> Any:
    """What the process found."""
    done = subprocess.run(
        [sys.executable, "-m", many_sources.__name__, *map(str, (lines, sources, rows))],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=600,
    )
    return json.loads(done.stdout)


def check(lines: int, sources: int) -> None:
    found = measured(lines, sources)
    assert (found["lines"], found["sources"]) == (lines, sources + 10)
    # Those with most lines come last: 109 lines down to 100, each with that many paths.
    first = [(f"2001:db8:0:{n:x}::/64", 100 + n, 100 + n) for n in range(9, 0, -1)]
    assert [tuple(row) for row in found["top"]] == [*first, ("2001:db8::/64", 100, 100)]
    assert found["verdict"].startswith("A path scan by 2001:db8:0:9::/64: 109 of ")
    assert found["grown"] < 64 * MIB


def test_ten_thousand_sources() -> None:
    """50,000 lines."""
    check(50_000, 10_000)


@pytest.mark.parametrize(
    ("sources", "most"), [(250, 12), pytest.param(1_000, 32, marks=pytest.mark.stress)]
)
def test_many_paths_of_each_source(sources: int, most: int) -> None:
    """As `offenders` ranks them. The paths of the first are exact, those of the others about right.

    Without room for estimates it would take 100 KB for each source.
    """
    found = measured(400 * sources, sources, 1_000)
    assert found["top"][0] == ["2001:db8:0:9::/64", 109, 109]
    assert found["grown"] < most * MIB


@pytest.mark.stress
def test_two_hundred_thousand_sources() -> None:
    """A million lines."""
    check(1_000_000, 200_000)


def test_beyond_the_bound_the_quieter_half_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is loud stays, also who comes last, and the summary says that it is not exact."""
    monkeypatch.setattr(source_sums, "MOST", 100)
    loud = [probe(3600 + n, "203.0.113.1", f"/{n}") for n in range(5)]
    quiet = [probe(3600, f"10.0.{n >> 8}.{n & 255}") for n in range(1_000)]
    late = [probe(3700 + n, "203.0.113.2", f"/{n}") for n in range(9)]
    summary = summed(*loud, *quiet, *late)
    assert [row.source for row in summary.sources[:2]] == ["203.0.113.2", "203.0.113.1"]
    assert [row.lines for row in summary.sources[:2]] == [9, 5]
    assert 990 < summary.source_count < 1_014
    assert (summary.lines, summary.is_exact) == (1_014, False)
