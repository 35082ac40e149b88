"""The tally: counts are exact for any input, and the number of names is limited."""

from __future__ import annotations

from flask_errwatch.simulation import LineKind, NameCount, Tally

PROBE, OTHER = LineKind(event={"suspicion": 2}), LineKind(event={})


def test_a_line_break_does_not_split_a_name() -> None:
    """A batch has as many names as lines, also if one of them contains a line break."""
    tally = Tally()
    tally.add(0, PROBE, ["a\nb", "a", "c"], ["/a\n/a", "/a", "/b"])
    assert tally.sources([PROBE], 0, 60) == (
        NameCount("a", 1),
        NameCount("a\ufffdb", 1),
        NameCount("c", 1),
    )
    assert tally.paths([PROBE], 0, 60)[0] == NameCount("/a", 1)


def test_the_number_of_names_is_limited() -> None:
    """With very many minutes, only the busiest keep their names."""
    tally = Tally()
    tally.add(0, PROBE, ["busy"] * 60, ["/busy"] * 60)
    for minute in range(60, 60 * 2000, 60):
        tally.add(minute, PROBE, [f"{minute}-{number}" for number in range(40)], ["/"] * 40)
    quiet = [minute for minute in tally.minutes if not tally.sources([PROBE], minute, minute + 60)]
    assert tally.sources([PROBE], 0, 60) == (NameCount("busy", 60),)
    assert 2000 - len(quiet) <= 24_000 / (2 * 40)
    assert tally.total([PROBE]) == 60 + 1999 * 40  # counts stay exact
    tally.add(60, OTHER, ["other"], ["/"])
    assert tally.sources([OTHER], 0, 120) == (NameCount("other", 1),)


def test_the_number_of_names_of_all_kinds_is_limited() -> None:
    """Very many kinds have no more room together than seven busy ones."""
    tally = Tally()
    kinds = [LineKind(event={"value": number}) for number in range(100)]
    for minute in range(0, 60 * 100, 60):
        for kind in kinds:
            tally.add(minute, kind, [f"{minute}-{number}" for number in range(20)], ["/"] * 20)
    named = [
        (kind, minute)
        for kind in kinds
        for minute in tally.minutes
        if tally.sources([kind], minute, minute + 60)
    ]
    assert 0 < len(named) <= 7 * 24_000 / (2 * 20)
    assert tally.total(kinds) == 100 * 100 * 20


def test_a_minute_of_very_many_names_keeps_the_frequent_ones() -> None:
    """Very many rare names within one minute do not displace the frequent ones."""
    tally = Tally()
    for batch in range(1000):
        rare = [f"{batch}-{number}" for number in range(20)]
        tally.add(0, PROBE, ["busy"] * 10 + rare, ["/"] * 30)
    assert tally.sources([PROBE], 0, 60, most=1) == (NameCount("busy", 10_000),)
    assert tally.paths([PROBE], 0, 60) == (NameCount("/", 30_000),)


def test_the_length_of_a_name_is_limited() -> None:
    """A name is cut at 2,048 characters, alone and among many short ones."""
    tally = Tally()
    tally.add(0, PROBE, ["x" * 2049], ["/"])
    tally.add(0, PROBE, ["x" * 3000, *["y"] * 9], ["/"] * 10)
    assert tally.sources([PROBE], 0, 60) == (NameCount("y", 9), NameCount("x" * 2048, 2))


def test_sources_are_exact_where_an_alarm_counts_them() -> None:
    """Names are lost in a full room. What an alarm on one source sums is not."""
    counted = LineKind(event={"suspicion": 2}, is_by_source=True)
    tally = Tally()
    for minute in range(0, 60 * 2000, 60):
        sources = [f"{minute}-{number}" for number in range(39)]
        tally.add(minute, counted, [*sources, "198.51.100.7"], ["/"] * 40)
    assert all(tally.by_source(counted, minute)["198.51.100.7"] == 1 for minute in tally.minutes)
    assert tally.by_source(PROBE, 0) == {}


def test_several_kinds_are_counted_together() -> None:
    """A detector has the lines, periods and names of every kind that it counts."""
    tally = Tally()
    tally.add(0, PROBE, ["a"] * 2, ["/x"] * 2)
    tally.add(60, OTHER, ["a", "b"], ["/y"] * 2)
    tally.add(600, PROBE, ["b"], ["/x"])
    both = (PROBE, OTHER)
    assert (tally.total(both), tally.total([OTHER]), tally.lines) == (5, 2, 5)
    assert tally.periods(both, 300) == {0: 4, 600: 1}
    assert [*tally.sliding(both, 300)] == [(60, 2), (120, 4), (660, 1)]
    assert tally.sources(both, 0, 120) == (NameCount("a", 3), NameCount("b", 1))


def test_lines_with_the_same_names_are_counted_together() -> None:
    """A million million lines take no more room than one, and their names are not split."""
    by_source = LineKind(event={}, is_by_source=True)
    tally = Tally()
    tally.add_equal(0, by_source, 10**12, source="192.0.2.7", path="/a\nb")
    tally.add(0, by_source, ["192.0.2.7"], ["/c"])
    tally.add_equal(0, by_source, 2, source=None, path=None)
    assert tally.total([by_source]) == 10**12 + 3
    assert tally.by_source(by_source, 0) == {"192.0.2.7": 10**12 + 1}
    assert tally.sources([by_source], 0, 60) == (NameCount("192.0.2.7", 10**12 + 1),)
    assert tally.paths([by_source], 0, 60) == (NameCount("/a\ufffdb", 10**12), NameCount("/c", 1))


def test_very_many_names_of_equal_lines_keep_the_frequent_ones() -> None:
    """The memory of a minute does not follow its names."""
    tally = Tally()
    for number in range(10_000):
        tally.add_equal(0, PROBE, 1, source=f"rare-{number}", path="/")
        tally.add_equal(0, PROBE, 5, source="busy", path="/")
    assert tally.sources([PROBE], 0, 60, 1) == (NameCount("busy", 50_000),)
    assert len(tally._names[PROBE].sources[0]) <= 65
