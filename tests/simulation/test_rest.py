"""An alarm that rests, and samples that are left out, change nothing that the judge finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch.provision.resources import MetricAlarm, MetricFilter
from flask_errwatch.simulation import Judge, LineKind, Tally
from flask_errwatch.simulation.alarm_state import Transition
from flask_errwatch.simulation.conditions import AlarmCondition
from flask_errwatch.simulation.feeding import feed_tally
from flask_errwatch.simulation.line_matcher import LineMatch

_FILTER = MetricFilter(
    log_group="shop",
    name="amount",
    pattern="{ $.amount = * }",
    namespace="Shop",
    metric_name="amount",
    value="$.amount",
    default=0.0,
)


@st.composite
def alarms(draw: st.DrawFn) -> MetricAlarm:
    """Any alarm on the metric."""
    number = draw(st.integers(1, 4))
    return MetricAlarm(
        name="amount",
        description="",
        namespace="Shop",
        metric_name="amount",
        statistic=draw(st.sampled_from(["Sum", "Sum", "Sum", "Maximum", "SampleCount"])),
        threshold=draw(st.sampled_from([0, 3, 5, -1])),
        period=draw(st.sampled_from([60, 120, 300])),
        evaluation_periods=number,
        datapoints_to_alarm=draw(st.integers(1, number)),
        comparison_operator=draw(
            st.sampled_from(["GreaterThanThreshold"] * 3 + ["LessThanOrEqualToThreshold"])
        ),
        treat_missing_data=draw(st.sampled_from(["notBreaching"] * 3 + ["missing", "breaching"])),
    )


# Minutes and amounts. Bursts and gaps lie close together, so that periods overlap both.
AMOUNTS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 12), st.integers(0, 60)),
        st.sampled_from([0, 1, 2, 3, 6, 6, -2]),
    ),
    min_size=1,
    max_size=14,
)


@contextmanager
def nothing_saved() -> Iterator[None]:
    """Each alarm is evaluated at every moment, over every sample."""
    with (
        patch.object(AlarmCondition, "is_fired_by_growth", property(lambda _: False)),
        patch.object(LineMatch, "without", lambda match, _: match),
    ):
        yield


def states(judge: Judge, found: Sequence[Transition]) -> tuple[list[Transition], object]:
    """What the judge found."""
    return [*found], [report.peak for report in judge.reports()]


def fed(alarm: MetricAlarm, amounts: list[tuple[int, int]], together: int) -> object:
    """What a judge finds that is advanced now and then, so that later lines are late."""
    judge = Judge([_FILTER, alarm], start=0)
    found: list[Transition] = []
    for number, (minute, amount) in enumerate(amounts, 1):
        judge.feed(minute * 60_000, f'{{"amount": {amount}}}')
        if number % together == 0:
            found += judge.advance(minute * 60 + 60)
    found += judge.advance(10_000)
    return states(judge, found)


def tallied(alarm: MetricAlarm, amounts: list[tuple[int, int]], *, heartbeat: bool) -> object:
    """What a judge finds that is fed a tally."""
    tally = Tally()
    kinds = {amount: LineKind(event={"amount": amount}) for _, amount in amounts}
    other = LineKind(event={})
    for minute, amount in amounts:
        tally.add_unnamed(minute * 60, kinds[amount], 1)
        tally.add_unnamed(minute * 60 + 120, other, 1)
    judge = Judge([_FILTER, alarm])
    found = feed_tally(judge, tally, heartbeat=heartbeat)
    return states(judge, found.alarms)


@given(alarm=alarms(), amounts=AMOUNTS, together=st.integers(1, 14))
@settings(max_examples=400, deadline=None)
def test_an_alarm_at_rest_misses_nothing(
    alarm: MetricAlarm, amounts: list[tuple[int, int]], together: int
) -> None:
    """Transitions and peaks are those of an alarm that is evaluated at every moment."""
    found = fed(alarm, amounts, together)
    with nothing_saved():
        assert found == fed(alarm, amounts, together)


@given(alarm=alarms(), amounts=AMOUNTS, heartbeat=st.booleans())
@settings(max_examples=400, deadline=None)
def test_zeros_that_heartbeats_give_are_superfluous(
    alarm: MetricAlarm,
    amounts: list[tuple[int, int]],
    heartbeat: bool,  # noqa: FBT001 - drawn by Hypothesis
) -> None:
    """A tally is judged as if each line gave its zero."""
    found = tallied(alarm, amounts, heartbeat=heartbeat)
    with nothing_saved():
        assert found == tallied(alarm, amounts, heartbeat=heartbeat)


@pytest.mark.parametrize("every", [60, 90, 600])
def test_heartbeats_wake_an_alarm(every: int) -> None:
    """A zero that only a heartbeat gives ends the alarm of a burst, whenever it comes."""
    alarm = MetricAlarm(
        name="amount",
        description="",
        namespace="Shop",
        metric_name="amount",
        statistic="Sum",
        threshold=5,
        period=60,
        evaluation_periods=1,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )

    def moments() -> list[int]:
        judge = Judge([_FILTER, alarm], start=0)
        judge.feed(0, '{"amount": 9}')
        judge.assume_heartbeats(0, every=every)
        return [change.at for change in judge.advance(3_000)]

    expected = {60: [60, 120], 90: [60, 120], 600: [60, 240]}
    assert moments() == expected[every]
