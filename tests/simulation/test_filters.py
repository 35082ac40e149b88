"""From lines to samples: the sample of a metric filter for each line."""

from __future__ import annotations

import pytest

from flask_errwatch.errors import JudgeError
from flask_errwatch.simulation import LineFilter, Metric
from tests.simulation.resources import metric_filter

BOOM = '{"event": "Boom", "ms": 12.5, "kind": "db"}'
CALM = '{"event": "Calm", "ms": 3, "kind": "db"}'


def rule(**fields: object) -> LineFilter:
    return LineFilter(metric_filter("shop-boom", **{"default": None, **fields}))  # type: ignore[arg-type]  # what the test is about


def values(line_filter: LineFilter, *messages: str) -> list[float | None]:
    samples = [line_filter.sample(message) for message in messages]
    return [None if sample is None else sample.value for sample in samples]


def test_each_matching_line_publishes_the_value() -> None:
    """Without a default, a line that does not match has no sample."""
    assert values(rule(), BOOM, CALM, BOOM) == [1.0, None, 1.0]
    assert values(rule(value="2.5e1"), BOOM) == [25.0]


def test_each_line_that_does_not_match_publishes_the_default() -> None:
    """Each has one default sample, also next to matching lines, as in the live service."""
    assert values(rule(default=0), BOOM, CALM, CALM) == [1.0, 0.0, 0.0]
    assert values(rule(default=7), "no JSON at all") == [7.0]


def test_a_value_may_be_read_from_a_field() -> None:
    """A matching line without a number in the field has no sample, not even the default."""
    reads = rule(value="$.ms", default=0)

    assert values(reads, BOOM, CALM) == [12.5, 0.0]
    assert values(reads, '{"event": "Boom"}', '{"event": "Boom", "ms": "slow"}') == [None, None]


def test_an_infinite_value_has_no_sample() -> None:
    """CloudWatch rejects infinity (PutMetricData)."""
    assert values(rule(value="$.ms"), '{"event": "Boom", "ms": 1e999}') == [None]


def test_each_value_of_a_dimension_is_a_metric() -> None:
    """The values come from the matching line. A line without one of them has no sample."""
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
    """A dimension has the token of the field with that name."""
    split = rule(pattern="[kind, word=Boom]", dimensions=(("Kind", "$kind"),))
    sample = split.sample("db Boom")

    assert sample is not None
    assert sample.metric == Metric("Shop", "boom", (("Kind", "db"),))


@pytest.mark.parametrize("selector", ["$.['a.b']", "$.list[1]", "$.deep.list[0].kind"])
def test_dimensions_accept_every_selector_of_patterns(selector: str) -> None:
    """Selectors may have quoted keys and list indices. A line without the value has no sample."""
    split = rule(dimensions=(("Kind", selector),))
    line = '{"event": "Boom", "a.b": "x", "list": [0, "x"], "deep": {"list": [{"kind": "x"}]}}'
    sample = split.sample(line)
    assert sample is not None
    assert sample.metric == Metric("Shop", "boom", (("Kind", "x"),))
    assert split.sample('{"event": "Boom"}') is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pattern": '{ $.event = "Boom"'}, "pattern of metric filter 'shop-boom' = "),
        ({"value": "one"}, "Use a number, or a field"),
        ({"value": "$.a[*]"}, "without a wildcard"),
        ({"value": "$."}, "value of metric filter 'shop-boom' = "),
        ({"value": "1e999"}, "Use a finite number."),
        ({"default": float("nan")}, "Use a finite number, or None."),
        ({"default": 0.0, "dimensions": (("A", "$.a"),)}, "leave one of them out"),
        ({"dimensions": tuple((name, "$.a") for name in "ABCD")}, "at most three"),
        ({"value": "1" * 101}, "Use at most 100 characters"),
        ({"pattern": "Boom", "dimensions": (("A", "$.a"),)}, "Only JSON and space-delimited"),
        ({"pattern": "%Boom%", "dimensions": (("A", "$a"),)}, "Only JSON and space-delimited"),
        ({"dimensions": (("A", "$.a[*]"),)}, "dimension 'A' of .* = .*without a wildcard"),
        ({"dimensions": (("A", "$a"),)}, "dimension 'A' of "),
    ],
)
def test_a_metric_filter_that_aws_rejects_is_refused(
    wrong: dict[str, object], message: str
) -> None:
    """The error states what to write instead."""
    with pytest.raises(JudgeError, match=message):
        rule(**wrong)
