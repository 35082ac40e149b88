"""From samples to the value of a period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.simulation import MetricSeries


@pytest.fixture
def series() -> MetricSeries:
    """1, 2 and 6 in the first minute, and two times 11 in the third."""
    series = MetricSeries()
    for value in (1.0, 2.0, 6.0):
        series.add(59, value)
    series.add(120, 11.0, times=2)
    return series


@pytest.mark.parametrize(
    ("statistic", "first", "all_three"),
    [
        ("Sum", 9.0, 31.0),
        ("Average", 3.0, 6.2),
        ("Minimum", 1.0, 1.0),
        ("Maximum", 6.0, 11.0),
        ("SampleCount", 3.0, 5.0),
        ("p0", 1.0, 1.0),
        ("p50", 2.0, 6.0),
        ("p60.1", 2.0, 11.0),
        ("p100", 6.0, 11.0),
    ],
)
def test_the_statistics_of_a_period(
    series: MetricSeries, statistic: str, first: float, all_three: float
) -> None:
    """A period has the samples from its start up to, but not including, its end."""
    assert series.statistic(statistic, 0, 60) == first
    assert series.statistic(statistic, 0, 180) == all_three


def test_a_period_without_samples_has_no_value(series: MetricSeries) -> None:
    """The value is None, not zero, as alarms treat missing data separately."""
    assert series.statistic("Sum", 60, 120) is None
    assert series.statistic("SampleCount", 180, 600) is None


def test_pruning_deletes_whole_minutes(series: MetricSeries) -> None:
    """A minute is deleted after its end, so a period that begins there is complete."""
    series.prune(59)
    assert sorted(series) == [0, 120]
    series.prune(60)
    assert sorted(series) == [120]
    assert len(series) == 1


def test_a_percentile_is_within_the_range_of_the_values() -> None:
    """Percentiles round values to three digits, but not beyond the largest or smallest value."""
    series = MetricSeries()
    series.add(0, 99_999.0)
    assert series.statistic("p99", 0, 60) == 99_999.0
    series.add(0, 1234.0)
    assert series.statistic("p50", 0, 60) == 1234.0


@given(st.lists(st.tuples(st.integers(0, 599), st.integers(-1000, 1000)), max_size=50))
def test_periods_add_up_in_any_order(samples: list[tuple[int, int]]) -> None:
    """Sum and SampleCount of a period are the sums over its parts, in any order of arrival."""
    series, backwards = MetricSeries(), MetricSeries()
    for at, value in samples:
        series.add(at, float(value))
    for at, value in reversed(samples):
        backwards.add(at, float(value))

    for statistic in ("Sum", "SampleCount"):
        parts = [series.statistic(statistic, at, at + 60) or 0.0 for at in range(0, 600, 60)]
        assert (series.statistic(statistic, 0, 600) or 0.0) == sum(parts)
    for statistic in ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "p90"):
        assert series.statistic(statistic, 0, 600) == backwards.statistic(statistic, 0, 600)
    assert (series.statistic("Sum", 0, 600) or 0) == sum(value for _, value in samples)


def test_a_percentile_is_exact_for_few_values() -> None:
    """It is exact up to 1,000 different values a minute. Beyond that it has three digits."""
    series = MetricSeries()
    series.add(0, 9000.0)
    series.add(0, 10_040.0, times=99)
    series.add(0, 20_000.0)
    assert series.statistic("p50", 0, 60) == 10_040.0
    for number in range(997):
        series.add(0, 10_040.5 + number / 1000)
    assert series.statistic("p5", 0, 60) == 10_040.0
    series.add(0, 1.0)
    assert series.statistic("p5", 0, 60) == 10_000.0
