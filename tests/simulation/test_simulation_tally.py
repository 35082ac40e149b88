"""The tally: exact counts, and names within a fixed room."""

from __future__ import annotations

from flask_errwatch.simulation import Tally


def test_names_stay_within_their_room_and_counts_are_exact() -> None:
    """The quietest minutes lose their names, the busiest keep them, and no line is forgotten."""
    tally = Tally(1)
    busy = 60 * 5_000
    tally.add(busy, 0, ["busy"] * 60, ["/busy"] * 60)
    for number in range(10_000):
        minute = 60 * number
        if minute != busy:
            tally.add(minute, 0, [f"source-{number}"] * 5, [f"/{number}"] * 5)
    whole = 60 * 10_000
    assert tally.total(0) == 60 + 9_999 * 5
    assert tally.sources(0, busy, busy + 60) == (("busy", 60),)
    named = sum(bool(tally.sources(0, minute, minute + 60)) for minute in range(0, whole, 60))
    assert 1_000 < named <= 2_401  # 24,000 names of all, ten of each quiet minute


def test_a_long_name_is_cut_to_what_is_shown() -> None:
    """A minute's names take a bounded room whatever one of them is."""
    tally = Tally(1)
    tally.add(0, 0, ["x" * 2049, "x" * 2048, "y"], ["/"] * 3)
    assert tally.sources(0, 0, 60) == (("x" * 2048, 2), ("y", 1))
