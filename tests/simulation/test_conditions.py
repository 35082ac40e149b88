"""When an alarm changes state: the documented tables, premature alarms and the reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.provision.resources import MetricAlarm, MetricQuery
from flask_errwatch.simulation import AlarmCondition, Datapoint, Metric, StateValue
from flask_errwatch.simulation.conditions import next_state, reason_of
from tests.simulation.resources import metric_alarm

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
STATES: tuple[StateValue, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")


def alarm(
    needed: int = 1, periods: int = 1, treatment: str = "missing", **fields: object
) -> MetricAlarm:
    return metric_alarm(
        "shop-boom",
        datapoints_to_alarm=needed,
        evaluation_periods=periods,
        treat_missing_data=treatment,
        **fields,
    )


def rule(
    needed: int = 1, periods: int = 1, treatment: str = "missing", **fields: object
) -> AlarmCondition:
    return AlarmCondition.of(alarm(needed, periods, treatment, **fields))


def values(drawn: str) -> list[float | None]:
    """Values, oldest first: `0` is within the threshold, `X` is breaching, `-` is missing."""
    return [{"0": 3.0, "X": 11.0, "-": None}[mark] for mark in drawn.split()]


def points(drawn: str) -> list[Datapoint]:
    """Datapoints with these values."""
    return [
        Datapoint(index * 300, index * 300 + 300, value)
        for index, value in enumerate(values(drawn))
    ]


# AWS, "Configuring how CloudWatch alarms treat missing data": each row of both tables.
@pytest.mark.parametrize(
    ("needed", "drawn", "states"),
    [
        (3, "0 - X - X", ("OK", "OK", "OK", "OK")),
        (3, "0 - - - -", ("OK", "OK", "OK", "OK")),
        (3, "- - - - -", ("INSUFFICIENT_DATA", "keep", "ALARM", "OK")),
        (3, "0 X X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (3, "- - X - -", ("ALARM", "keep", "ALARM", "OK")),
        (2, "0 - X - X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 0 X 0 X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        (2, "0 - X - -", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - - 0", ("OK", "OK", "ALARM", "OK")),
        (2, "- - - X -", ("ALARM", "keep", "ALARM", "OK")),
    ],
)
def test_missing_data_counts_as_documented(
    needed: int, drawn: str, states: tuple[str, str, str, str]
) -> None:
    """Each row has the documented state for each treatment, from each state."""
    for treatment, expected in zip(TREATMENTS, states, strict=True):
        for before in STATES:
            after = next_state(rule(needed, 3, treatment), values(drawn), before)
            assert after == (before if expected == "keep" else expected), (treatment, before)


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -", "- - - X X"])
def test_too_few_breaching_datapoints_keep_the_state(drawn: str) -> None:
    """With 3 of 3, AWS avoids a premature alarm until the oldest one is 3 periods old."""
    for before in STATES:
        assert next_state(rule(3, 3, "missing"), values(drawn), before) == before


@pytest.mark.parametrize("drawn", ["- - X - -", "- - X - X", "- X - - -", "X - - - -"])
def test_an_old_breaching_datapoint_fires_the_alarm(drawn: str) -> None:
    """The alarm is not premature once the oldest breaching datapoint is 3 periods old."""
    assert next_state(rule(3, 3, "missing"), values(drawn), "OK") == "ALARM"


def test_too_few_datapoints_with_one_within_the_threshold_are_ok() -> None:
    """The state does not stay, as no alarm would be premature."""
    for drawn in ("- - X 0 -", "- 0 - X -", "X - - - 0"):
        assert next_state(rule(3, 3, "missing"), values(drawn), "ALARM") == "OK"
        assert next_state(rule(3, 3, "ignore"), values(drawn), "ALARM") == "OK"


def test_only_the_newest_datapoints_decide() -> None:
    """Values older than the newest N in the range are ignored."""
    assert next_state(rule(1, 1), values("X X 0"), "ALARM") == "OK"
    assert next_state(rule(1, 1), values("0 X -"), "OK") == "ALARM"
    assert next_state(rule(2, 3), values("X X 0 0 X"), "ALARM") == "OK"


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [
        ("GreaterThanThreshold", "OK", "OK", "ALARM"),
        ("GreaterThanOrEqualToThreshold", "OK", "ALARM", "ALARM"),
        ("LessThanThreshold", "ALARM", "OK", "OK"),
        ("LessThanOrEqualToThreshold", "ALARM", "ALARM", "OK"),
    ],
)
def test_each_operator_compares_the_value_with_the_threshold(
    sign: str, below: str, equal: str, above: str
) -> None:
    """The value is the left operand."""
    for value, expected in ((9.0, below), (10.0, equal), (11.0, above)):
        assert next_state(rule(comparison_operator=sign), [value], "OK") == expected


@given(
    st.lists(st.sampled_from([None, 3.0, 11.0]), min_size=1, max_size=7),
    st.sampled_from(TREATMENTS),
    st.sampled_from(STATES),
    st.data(),
)
def test_the_same_points_give_the_same_state_again(
    drawn: list[float | None], treatment: str, before: StateValue, data: st.DataObject
) -> None:
    """The judge therefore skips minutes in which no datapoint changed."""
    periods = data.draw(st.integers(1, 5))
    condition = rule(data.draw(st.integers(1, periods)), periods, treatment)

    once = next_state(condition, drawn, before)

    assert next_state(condition, drawn, once) == once


def test_the_reason_states_the_datapoints() -> None:
    """It has their number, values and last end, and how many of them make an alarm."""
    assert reason_of(rule(2, 3), points("X - - 0 X")) == (
        "2 of 3 datapoints > 10 (Sum over 300 s: 11, 3, 11), the last until "
        "1970-01-01T00:25:00Z; 2 of 3 make an alarm."
    )
    assert "; 2 missing, counted as missing;" in reason_of(rule(2, 3), points("- X -"))
    assert reason_of(rule(), points("- - -")) == (
        "No sample in 3 periods of 300 s; missing data counts as missing."
    )


def test_the_reason_has_a_time_beyond_the_calendar() -> None:
    """A time after the year 9999 is shown as its last second."""
    assert "until 9999-12-31T23:59:59Z;" in reason_of(
        rule(), [Datapoint(10**18, 10**18 + 300, 1.0)]
    )


def test_the_range_is_two_datapoints_longer_than_the_periods() -> None:
    """This follows the examples of the documentation, which have 5 datapoints for 3 periods."""
    assert rule(3, 3).evaluation_range == 5
    assert rule(3, 3).horizon == 1500
    assert rule(1, 1).evaluation_range == 3


def test_an_alarm_over_more_than_a_day_is_evaluated_hourly() -> None:
    """The CloudWatch User Guide states this."""
    assert rule(1, 24, period=3600).interval == 60
    assert rule(1, 25, period=3600).interval == 3600


@pytest.mark.parametrize(("period", "longest"), [(60, 1440), (300, 288), (3600, 168), (86400, 7)])
def test_a_window_is_at_most_as_long_as_aws_accepts(period: int, longest: int) -> None:
    """The limit is a day, or a week if periods are an hour or longer."""
    assert rule(1, longest, period=period).evaluation_periods == longest
    with pytest.raises(JudgeError, match=r"evaluation_periods of alarm .*: Use at most a day"):
        rule(1, longest + 1, period=period)


def test_the_condition_has_every_field_of_the_alarm() -> None:
    """Without one of the fields, the judge would decide differently from CloudWatch."""
    condition = AlarmCondition.of(
        metric_alarm(
            "shop-boom",
            threshold=5.0,
            period=600,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            statistic="SampleCount",
            comparison_operator="LessThanThreshold",
            treat_missing_data="breaching",
            dimensions=(("B", "2"), ("A", "1")),
            unit="Count",
        )
    )
    assert condition == AlarmCondition(
        name="shop-boom",
        metric=Metric("Shop", "boom", (("A", "1"), ("B", "2"))),
        threshold=5.0,
        period=600,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        statistic="SampleCount",
        comparison_operator="LessThanThreshold",
        treat_missing_data="breaching",
        unit="Count",
    )


def test_all_datapoints_are_needed_by_default() -> None:
    """CloudWatch stores M only if it differs from N."""
    condition = AlarmCondition.of(metric_alarm(evaluation_periods=3))
    assert condition.datapoints_to_alarm == 3


def test_an_alarm_on_the_busiest_contributor_has_the_period_of_its_query() -> None:
    """The expression names the statistic, and the query has the period."""
    busiest = MetricQuery(
        id="busiest",
        expression='INSIGHT_RULE_METRIC("shop-boom-one-source", "MaxContributorValue")',
        period=300,
    )
    alarm = metric_alarm(
        metrics=(busiest,), namespace=None, metric_name=None, statistic=None, period=None
    )
    assert str(AlarmCondition.of(alarm)) == ("MaxContributorValue > 10 over 300 s, 1 of 1 periods")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold_metric_id": "band"}, "Only CloudWatch has the model behind its anomaly band."),
        ({"metrics": (MetricQuery(id="e", expression="a + b"),)}, "evaluates no metric math"),
        ({"namespace": None}, "Name the metric that the alarm watches."),
        ({"metric_name": ""}, "Name the metric that the alarm watches."),
    ],
)
def test_an_alarm_that_only_cloudwatch_can_judge_is_refused(
    fields: dict[str, object], message: str
) -> None:
    """The judge does not guess anomaly bands and metric math."""
    with pytest.raises(JudgeError, match=message):
        AlarmCondition.of(metric_alarm(**fields))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("threshold", float("inf"), "Use a finite number."),
        ("period", 90, "Use a multiple of 60"),
        ("period", 0, "Use a multiple of 60"),
        ("evaluation_periods", 0, "at least 1"),
        ("datapoints_to_alarm", 2, "from 1 to evaluation_periods"),
        ("statistic", "tm90", "the judge knows no other"),
        ("statistic", "p101", "the judge knows no other"),
        ("comparison_operator", "GreaterThanUpperThreshold", "Use one of: GreaterThanThreshold"),
        ("treat_missing_data", "maybe", "Use one of: breaching"),
    ],
)
def test_an_invalid_alarm_is_refused(field: str, value: object, message: str) -> None:
    """The message has the alarm, the field and what to write instead."""
    with pytest.raises(JudgeError, match=f"{field} of alarm 'shop-boom' = .*{message}"):
        AlarmCondition.of(metric_alarm("shop-boom", **{field: value}))
