"""The tally: counts are exact for any input, and the number of names is limited."""

from __future__ import annotations

from flask_errwatch.simulation import NameCount, Tally


def test_a_line_break_does_not_split_a_name() -> None:
    """A batch has as many names as lines, also if one of them contains a line break."""
    tally = Tally(1)
    tally.add(0, 0, ["a\nb", "a", "c"], ["/a\n/a", "/a", "/b"])
    assert tally.sources(0, 0, 60) == (
        NameCount("a", 1),
        NameCount("a\ufffdb", 1),
        NameCount("c", 1),
    )
    assert tally.paths(0, 0, 60)[0] == NameCount("/a", 1)


def test_the_number_of_names_is_limited() -> None:
    """With very many minutes, only the busiest keep their names."""
    tally = Tally(2)
    tally.add(0, 0, ["busy"] * 60, ["/busy"] * 60)
    for minute in range(60, 60 * 2000, 60):
        tally.add(minute, 0, [f"{minute}-{number}" for number in range(40)], ["/"] * 40)
    quiet = [minute for minute in tally.minutes if not tally.sources(0, minute, minute + 60)]
    assert tally.sources(0, 0, 60) == (NameCount("busy", 60),)
    assert 2000 - len(quiet) <= 24_000 / (2 * 40)
    assert tally.total(0) == 60 + 1999 * 40  # counts stay exact
    tally.add(60, 1, ["other"], ["/"])
    assert tally.sources(1, 0, 120) == (NameCount("other", 1),)


def test_a_minute_of_very_many_names_keeps_the_frequent_ones() -> None:
    """Very many rare names within one minute do not displace the frequent ones."""
    tally = Tally(1)
    for batch in range(1000):
        rare = [f"{batch}-{number}" for number in range(20)]
        tally.add(0, 0, ["busy"] * 10 + rare, ["/"] * 30)
    assert tally.sources(0, 0, 60, most=1) == (NameCount("busy", 10_000),)
    assert tally.paths(0, 0, 60) == (NameCount("/", 30_000),)


def test_the_length_of_a_name_is_limited() -> None:
    """A name is cut at 2,048 characters, alone and among many short ones."""
    tally = Tally(1)
    tally.add(0, 0, ["x" * 2049], ["/"])
    tally.add(0, 0, ["x" * 3000, *["y"] * 9], ["/"] * 10)
    assert tally.sources(0, 0, 60) == (NameCount("y", 9), NameCount("x" * 2048, 2))
