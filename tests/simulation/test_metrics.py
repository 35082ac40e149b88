"""From lines to samples, and from samples to the value of a period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.patterns import parse
from flask_errwatch.simulation import Metric, MetricRule, MetricSeries

BOOM = '{"event": "Boom", "ms": 12.5, "kind": "db"}'
CALM = '{"event": "Calm", "ms": 3, "kind": "db"}'


def rule(
    *,
    pattern: str = '{ $.event = "Boom" }',
    metric_value: str = "1",
    default_value: float | None = None,
    dimensions: tuple[tuple[str, str], ...] = (),
) -> MetricRule:
    return MetricRule(
        name="shop-boom",
        pattern=parse(pattern),
        namespace="Shop",
        metric_name="boom",
        metric_value=metric_value,
        default_value=default_value,
        dimensions=dimensions,
    )


def values(metric_rule: MetricRule, *messages: str) -> list[float | None]:
    samples = [metric_rule.sample(message) for message in messages]
    return [None if sample is None else sample.value for sample in samples]


def test_each_matching_line_gives_the_value_and_no_other_line_gives_anything() -> None:
    """Without a default, a line that does not match leaves no sample."""
    assert values(rule(), BOOM, CALM, BOOM) == [1.0, None, 1.0]
    assert values(rule(metric_value="2.5e1"), BOOM) == [25.0]


def test_each_line_that_does_not_match_gives_the_default() -> None:
    """One default sample a line, also beside lines that match, as recorded live."""
    assert values(rule(default_value=0), BOOM, CALM, CALM) == [1.0, 0.0, 0.0]
    assert values(rule(default_value=7), "no JSON at all") == [7.0]


def test_the_value_is_read_from_a_field_and_is_missing_with_it() -> None:
    """A matching line without a number in the field gives no sample, not the default."""
    reads = rule(metric_value="$.ms", default_value=0)

    assert values(reads, BOOM, CALM) == [12.5, 0.0]
    assert values(reads, '{"event": "Boom"}', '{"event": "Boom", "ms": "slow"}') == [None, None]


def test_a_value_beyond_every_number_gives_no_sample() -> None:
    """CloudWatch takes no infinity (PutMetricData)."""
    assert values(rule(metric_value="$.ms"), '{"event": "Boom", "ms": 1e999}') == [None]


def test_dimensions_make_a_metric_of_their_own() -> None:
    """Their values come from the matching line; without one of them there is no sample."""
    split = rule(dimensions=(("Kind", "$.kind"),))
    sample = split.sample(BOOM)

    assert sample is not None
    assert sample.metric == Metric("Shop", "boom", (("Kind", "db"),))
    assert values(split, CALM, '{"event": "Boom"}') == [None, None]
    assert values(split, '{"event": "Boom", "kind": {"a": 1}}') == [None]
    assert values(split, '{"event": "Boom", "kind": true}') == [None]
    nested = rule(dimensions=(("Kind", "$.data.kind"),))
    assert values(nested, '{"event": "Boom", "data": {"kind": 3}}', BOOM) == [1.0, None]


def test_dimensions_are_read_from_a_space_delimited_line() -> None:
    """The name of a field stands for its token."""
    split = rule(pattern="[kind, word=Boom]", dimensions=(("Kind", "$kind"),))
    sample = split.sample("db Boom")

    assert sample is not None
    assert sample.metric == Metric("Shop", "boom", (("Kind", "db"),))


@pytest.mark.parametrize("selector", ["$.['a.b']", "$.list[1]", "$.deep.list[0].kind"])
def test_dimensions_are_read_as_patterns_read_selectors(selector: str) -> None:
    """Quoted keys and places in a list, too; what is not there gives no sample."""
    split = rule(dimensions=(("Kind", selector),))
    line = '{"event": "Boom", "a.b": "x", "list": [0, "x"], "deep": {"list": [{"kind": "x"}]}}'
    sample = split.sample(line)
    assert sample is not None
    assert sample.metric == Metric("Shop", "boom", (("Kind", "x"),))
    assert split.sample('{"event": "Boom"}') is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"metric_value": "one"}, "Use a number, or a field"),
        ({"metric_value": "$.a[*]"}, "without a wildcard"),
        ({"metric_value": "$."}, "metric_value = "),
        ({"metric_value": "1e999"}, "Use a finite number."),
        ({"default_value": float("nan")}, "Use a finite number, or None."),
        ({"default_value": 0.0, "dimensions": (("A", "$.a"),)}, "leave one of them out"),
        ({"dimensions": tuple((name, "$.a") for name in "ABCD")}, "at most three"),
        ({"metric_value": "1" * 101}, "Use at most 100 characters"),
        ({"pattern": "Boom", "dimensions": (("A", "$.a"),)}, "Only JSON and space-delimited"),
        ({"pattern": "%Boom%", "dimensions": (("A", "$a"),)}, "Only JSON and space-delimited"),
        ({"dimensions": (("A", "$.a[*]"),)}, "dimension 'A' = .*without a wildcard"),
        ({"dimensions": (("A", "$a"),)}, "dimension 'A' = "),
    ],
)
def test_a_metric_filter_that_aws_would_refuse_is_refused(
    wrong: dict[str, object], said: str
) -> None:
    """The message says what to write instead."""
    with pytest.raises(JudgeError, match=said):
        rule(**wrong)  # type: ignore[arg-type]  # wrong on purpose, or a mapping mypy cannot see


@pytest.fixture
def series() -> MetricSeries:
    """1, 2 and 6 in the first minute; two times 11 in the third."""
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
    """A period takes the samples of its minutes, its end not included."""
    assert series.statistic(statistic, 0, 60) == first
    assert series.statistic(statistic, 0, 180) == all_three


def test_a_period_without_samples_has_no_value(series: MetricSeries) -> None:
    """None is not zero: missing data is treated apart."""
    assert series.statistic("Sum", 60, 120) is None
    assert series.statistic("SampleCount", 180, 600) is None


def test_pruning_forgets_whole_minutes(series: MetricSeries) -> None:
    """A minute goes when it ended, so a period that begins there is whole."""
    series.prune(59)
    assert sorted(series) == [0, 120]
    series.prune(60)
    assert sorted(series) == [120]
    assert len(series) == 1


def test_a_percentile_never_leaves_the_values_that_were_there() -> None:
    """Values are kept to three digits for percentiles, which must not invent a larger one."""
    series = MetricSeries()
    series.add(0, 99_999.0)
    assert series.statistic("p99", 0, 60) == 99_999.0
    series.add(0, 1234.0)
    assert series.statistic("p50", 0, 60) == 1234.0


@given(st.lists(st.tuples(st.integers(0, 599), st.integers(-1000, 1000)), max_size=50))
def test_periods_add_up_whatever_the_order(samples: list[tuple[int, int]]) -> None:
    """Sum and SampleCount of a span are the sums over its parts, in any order of arrival."""
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


def test_a_percentile_lies_on_the_right_side_of_a_threshold() -> None:
    """It is exact up to 1,000 different values a minute, and rounded to three digits beyond."""
    series = MetricSeries()
    series.add(0, 9000.0)
    series.add(0, 10_040.0, times=99)
    series.add(0, 20_000.0)
    assert series.statistic("p50", 0, 60) == 10_040.0
    for each in range(997):
        series.add(0, 10_040.5 + each / 1000)
    assert series.statistic("p5", 0, 60) == 10_040.0
    series.add(0, 1.0)
    assert series.statistic("p5", 0, 60) == 10_000.0
