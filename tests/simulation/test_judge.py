"""The judge: from lines and time to state transitions."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch.config import load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.errors import JudgeError
from flask_errwatch.patterns import read_event
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.provision.resources import MetricAlarm, MetricFilter
from flask_errwatch.simulation import (
    AlarmCondition,
    Datapoint,
    Judge,
    Peak,
    StateValue,
    Transition,
)
from flask_errwatch.simulation.conditions import next_state
from tests.simulation.resources import composite_alarm, metric_alarm, metric_filter

BOOM = '{"event": "Boom"}'
CALM = '{"event": "Calm"}'
NOON = 1_700_049_600  # 2023-11-15T12:00:00Z


def metric(name: str = "boom", *, default: float | None = 0.0, **fields: object) -> MetricFilter:
    return metric_filter(name, **{"default": default, **fields})  # type: ignore[arg-type]  # what the test is about


def alarm(name: str = "boom", *, threshold: float = 10, **fields: object) -> MetricAlarm:
    arguments: dict[str, object] = {"treat_missing_data": "notBreaching", **fields}
    return metric_alarm(name, threshold=threshold, **arguments)


def feed(judge: Judge, seconds: Iterable[int], message: str = BOOM) -> None:
    for second in seconds:
        judge.feed(second * 1000, message)


def changes(transitions: Iterable[Transition]) -> list[tuple[str, int, StateValue, StateValue]]:
    return [
        (transition.alarm, transition.at, transition.old, transition.new)
        for transition in transitions
    ]


def test_an_alarm_fires_at_the_end_of_the_minute() -> None:
    """11 lines fire it at the next whole minute. It ends after three periods without lines."""
    judge = Judge([metric(), alarm()])
    feed(judge, range(NOON + 10, NOON + 21))

    assert changes(judge.advance(NOON + 3600)) == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("boom", NOON + 960, "ALARM", "OK"),
    ]


def test_a_period_excludes_its_end() -> None:
    """At time t, a period has the lines of [t - 300 s, t). Zeros after it end the alarm."""
    judge = Judge([metric(), alarm()])
    feed(judge, [NOON] * 11)
    feed(judge, range(NOON + 60, NOON + 1200, 60), CALM)

    assert changes(judge.advance(NOON + 1200)) == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("boom", NOON + 360, "ALARM", "OK"),
    ]


def test_a_period_spans_several_minutes() -> None:
    """The period slides, so lines of five neighbouring minutes count together."""
    judge = Judge([metric(), alarm()])
    feed(judge, [NOON] * 5 + [NOON + 150] * 5)
    assert changes(judge.advance(NOON + 180)) == [("boom", NOON + 60, "INSUFFICIENT_DATA", "OK")]
    feed(judge, [NOON + 299])

    (rise,) = judge.advance(NOON + 300)

    assert changes([rise]) == [("boom", NOON + 300, "OK", "ALARM")]
    assert rise.reason == (
        "1 of 1 datapoints > 10 (Sum over 300 s: 11), the last until 2023-11-15T12:05:00Z; "
        "1 of 1 make an alarm."
    )
    assert rise.datapoints[-1] == Datapoint(NOON, NOON + 300, 11.0)
    assert rise.peak == Peak(Datapoint(NOON, NOON + 300, 11.0), 11)
    assert str(rise) == f"boom: OK -> ALARM. {rise.reason}"


def test_an_alarm_reports_its_peak_at_its_end() -> None:
    """While it lasts there is no transition. The one that ends it has the worst datapoint."""
    judge = Judge([metric(), alarm(period=60)])
    for minute, lines in enumerate((11, 40, 12, 3)):
        feed(judge, [NOON + minute * 60] * lines)

    rise, fall = judge.advance(NOON + 600)

    assert changes([rise, fall]) == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("boom", NOON + 240, "ALARM", "OK"),
    ]
    assert fall.peak == Peak(Datapoint(NOON + 60, NOON + 120, 40.0), 40)


def test_new_alarms_begin_with_insufficient_data() -> None:
    """They keep it until the first evaluation, as on the live service."""
    judge = Judge([metric(), alarm()])
    assert judge.states == {"boom": "INSUFFICIENT_DATA"}
    feed(judge, [NOON + 30])
    assert judge.advance(NOON + 59) == []
    assert "nothing is evaluated yet" in judge.explain()
    judge.advance(NOON + 60)
    assert judge.states == {"boom": "OK"}
    assert judge.at == NOON + 60


def test_alarms_are_evaluated_without_lines() -> None:
    """Missing data leads to OK or ALARM, as the alarm treats it."""
    silent = alarm("dead", threshold=1, period=60, treat_missing_data="breaching")
    judge = Judge([metric(), alarm(), silent])
    assert changes(judge.advance(NOON + 90)) == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "OK"),
        ("dead", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
    ]


def test_the_start_is_the_creation_of_the_alarms() -> None:
    """They are evaluated from the next minute on, and count the lines before it."""
    judge = Judge([metric(), alarm()], start=NOON + 30)
    feed(judge, [NOON - 60] * 11)
    assert changes(judge.advance(NOON + 120)) == [("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM")]
    assert judge.advance(NOON - 9000) == []
    assert judge.at == NOON + 120


def test_lines_may_come_in_any_order_before_they_are_evaluated() -> None:
    """Only the minute of a line matters, not the order of arrival."""
    times = [NOON + 100, NOON - 500, NOON + 3, *range(NOON + 40, NOON + 50)]
    forwards, backwards = Judge([metric(), alarm()]), Judge([metric(), alarm()])
    feed(forwards, times)
    feed(backwards, reversed(times))

    assert forwards.advance(NOON + 3000) == backwards.advance(NOON + 3000)
    assert forwards.late_lines == 0


def test_a_late_line_counts_from_the_next_evaluation_on() -> None:
    """Past transitions stay. The line counts while its period is in the evaluation range."""
    judge = Judge([metric(), alarm()])
    feed(judge, [NOON] * 10)
    judge.advance(NOON + 120)
    assert judge.states == {"boom": "OK"}
    feed(judge, [NOON + 59])

    assert changes(judge.advance(NOON + 180)) == [("boom", NOON + 180, "OK", "ALARM")]
    assert (judge.lines, judge.late_lines) == (11, 1)


def test_a_late_line_counts_in_an_older_period() -> None:
    """Its period need not be the newest of the evaluated periods."""
    judge = Judge([metric(), alarm(period=60, evaluation_periods=2, datapoints_to_alarm=1)])
    feed(judge, [NOON] * 10)
    judge.advance(NOON + 60)
    feed(judge, [NOON + 59])
    feed(judge, [NOON + 60], CALM)

    assert changes(judge.advance(NOON + 120)) == [("boom", NOON + 120, "OK", "ALARM")]


def test_a_line_too_late_for_every_period_changes_nothing() -> None:
    """It only counts as late and as matched."""
    judge = Judge([metric(), alarm()])
    judge.advance(NOON + 3600)
    feed(judge, [NOON] * 11)

    assert judge.advance(NOON + 7200) == []
    assert judge.late_lines == 11
    assert judge.reports()[0].filters[0][1] == 11


def test_minutes_without_lines_cost_nothing() -> None:
    """Ten thousand years without lines between two bursts are skipped, with exact results."""
    judge = Judge([metric(), alarm()])
    later = NOON + 10_000 * 365 * 86_400
    feed(judge, [NOON] * 11)
    feed(judge, [later] * 11)
    ending = later - later % 60

    assert changes(judge.advance(later + 86_400)) == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("boom", NOON + 960, "ALARM", "OK"),
        ("boom", ending + 60, "OK", "ALARM"),
        ("boom", ending + 960, "ALARM", "OK"),
    ]


def test_minutes_outside_every_evaluation_range_are_deleted() -> None:
    """Memory depends on the longest evaluation range, not on the length of the log."""
    judge = Judge([metric(), alarm()])
    for minute in range(0, 6000, 5):
        feed(judge, [NOON + minute * 60])
        judge.advance(NOON + minute * 60 + 60)
    (watch,) = judge._metric_watches
    # The range of 900 s, and as much again before old minutes are deleted.
    assert len([*watch.feed.minutes()]) <= 7
    assert len(watch._values) <= 30


def test_a_filter_reads_the_value_of_each_line() -> None:
    """The results are not cached by line, so thousands of different values are exact."""
    timed = metric_filter("slow", "{ $.ms = * }", value="$.ms", default=None)
    judge = Judge([timed, alarm(threshold=2500, statistic="Maximum"), alarm("low", threshold=9)])
    for number in range(3001):
        judge.feed(NOON * 1000, f'{{"ms": {number}}}')

    assert [transition.peak for transition in judge.advance(NOON + 60)] == [
        Peak(Datapoint(NOON - 240, NOON + 60, 3000.0), 3001),
        Peak(Datapoint(NOON - 240, NOON + 60, 4501500.0), 3001),
    ]


def test_an_alarm_counts_the_samples_of_its_dimensions() -> None:
    """Samples whose dimensions differ from those of the alarm do not count."""
    split = metric(default=None, dimensions=(("Kind", "$.kind"),))
    watched = alarm("db", threshold=0, period=60, dimensions=(("Kind", "db"),))
    judge = Judge([split, watched, alarm("all", threshold=0, period=60)])
    judge.feed(NOON * 1000, '{"event": "Boom", "kind": "db"}')
    judge.feed(NOON * 1000, '{"event": "Boom", "kind": "web"}')

    (rise, calm) = judge.advance(NOON + 60)

    assert changes([rise, calm]) == [
        ("db", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("all", NOON + 60, "INSUFFICIENT_DATA", "OK"),
    ]
    assert rise.datapoints[-1].value == 1.0


def test_an_alarm_with_another_unit_has_no_data() -> None:
    """It stays in INSUFFICIENT_DATA, as AWS warns."""
    counting = metric(unit="Count")
    units = [
        alarm(f"in-{unit}", unit=unit, treat_missing_data="missing")
        for unit in (None, "Count", "Bytes")
    ]
    judge = Judge([counting, *units])
    feed(judge, [NOON])
    judge.advance(NOON + 60)
    assert judge.states == {"in-None": "OK", "in-Count": "OK", "in-Bytes": "INSUFFICIENT_DATA"}


def test_two_filters_may_feed_one_metric() -> None:
    """Their samples add up, as in CloudWatch."""
    also = metric_filter("also", "Calm", value="5", default=None)
    judge = Judge([metric(default=None), also, alarm(threshold=5)])
    feed(judge, [NOON])
    feed(judge, [NOON], CALM)
    (rise,) = judge.advance(NOON + 60)
    assert (rise.new, rise.datapoints[-1].value) == ("ALARM", 6.0)


def test_a_composite_alarm_changes_in_the_same_minute() -> None:
    """It changes only if one of its alarms changes."""
    judge = Judge(
        [
            metric(),
            alarm("low", threshold=1),
            alarm("high", threshold=3),
            composite_alarm("between", "ALARM(low) AND NOT ALARM(high)"),
        ],
    )
    feed(judge, [NOON] * 2 + [NOON + 60] * 2)
    judge.advance(NOON + 59)

    assert changes(judge.advance(NOON + 120)) == [
        ("low", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("high", NOON + 60, "INSUFFICIENT_DATA", "OK"),
        ("between", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("high", NOON + 120, "OK", "ALARM"),
        ("between", NOON + 120, "ALARM", "OK"),
    ]


def test_equal_lines_can_be_counted_together() -> None:
    """A line is matched once. The outcome names the filters that matched."""
    judge = Judge([metric(), alarm()])
    outcome = judge.match(BOOM)
    assert outcome.matched == ("boom",)
    assert judge.match_event(read_event(CALM), CALM).matched == ()
    assert judge.match_event(read_event(BOOM), BOOM) is outcome
    judge.count(NOON * 1000, outcome, 11)
    judge.advance(NOON + 60)
    assert (judge.states, judge.lines) == ({"boom": "ALARM"}, 11)


def test_redefining_keeps_states_and_samples() -> None:
    """The configuration changes. State and metric stay, as with PutMetricAlarm."""
    judge = Judge([metric(), alarm(), alarm("gone")])
    feed(judge, [NOON] * 5)
    judge.advance(NOON + 60)

    judge.redefine([metric(), alarm(threshold=4), alarm("new")])

    assert judge.states == {"boom": "OK", "new": "INSUFFICIENT_DATA"}
    assert changes(judge.advance(NOON + 600)) == [
        ("boom", NOON + 120, "OK", "ALARM"),
        ("new", NOON + 120, "INSUFFICIENT_DATA", "OK"),
    ]


def test_redefining_is_not_retroactive() -> None:
    """Lines that were fed before keep the samples of the earlier filters."""
    judge = Judge([metric(), alarm(period=60)])
    feed(judge, [NOON] * 11)
    judge.redefine([alarm(period=60)])
    feed(judge, [NOON + 120] * 11)

    assert changes(judge.advance(NOON + 600)) == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("boom", NOON + 240, "ALARM", "OK"),
    ]


def test_a_duplicate_name_is_refused() -> None:
    """AWS has one filter and one alarm of a name. The judge stays as it was."""
    judge = Judge([metric(), alarm()])
    with pytest.raises(JudgeError, match="name of metric filters = 'boom': Two have it"):
        judge.redefine([metric(), metric()])
    with pytest.raises(JudgeError, match="name of alarms = 'boom': Two have it"):
        judge.redefine([alarm(), alarm()])
    assert judge.states == {"boom": "INSUFFICIENT_DATA"}


def shop(*detectors: Detector) -> Judge:
    config = load({}, {}, app_name="shop")
    catalogue = Catalogue(detectors).configured(config)
    return Judge(desired_resources(catalogue, config).resources)


def test_the_default_catalogue_names_its_alarms() -> None:
    """More than ten lines in five minutes fire `shop-<detector>` and no other alarm."""
    judge = shop(*DEFAULT_DETECTORS)
    feed(judge, range(NOON, NOON + 11), '{"event": "Not Found Error"}')
    feed(judge, range(NOON, NOON + 10), '{"event": "Critical Error"}')
    judge.advance(NOON + 60)

    assert judge.states == {
        "shop-critical-error": "OK",
        "shop-authentication-error": "OK",
        "shop-bad-request-error": "OK",
        "shop-not-found-error": "ALARM",
        "shop-method-not-allowed-error": "OK",
        "shop-rate-limit-error": "OK",
        "shop-scan-one-source": "OK",
        "shop-failure-flood": "OK",
    }


def test_the_explanation_has_the_state_of_each_detector() -> None:
    """It has the state, the threshold, the number of matched lines and the worst period."""
    quiet = Detector(name="client-error", event="Client Error", alarm=None)
    judge = shop(Detector(name="boom", event="Boom", alarm=Alarm(threshold=10)), quiet)
    feed(judge, [NOON] * 7)
    feed(judge, [NOON + 700], CALM)
    assert judge.explain().startswith("8 lines fed, nothing is evaluated yet: advance()\n")
    judge.advance(NOON + 840)

    assert judge.explain() == (
        "8 lines fed, judged to 2023-11-15T12:14:00Z\n"
        "shop-boom: OK; alarms when Sum > 10 over 300 s, 1 of 1 periods\n"
        '  7 lines matched { $.event = "Boom" }\n'
        "  worst period 2023-11-15T11:56:00Z to 2023-11-15T12:01:00Z: "
        "Sum 7 from 7 lines that matched\n"
        "shop-client-error: no alarm watches it\n"
        '  0 lines matched { $.event = "Client Error" }'
    )


def test_the_explanation_shows_what_is_not_connected() -> None:
    """It has alarms without a filter, a breach without a line, and composite alarms."""
    judge = Judge(
        [
            metric("one"),
            metric_alarm("lost", metric_name="x", threshold=1.0, period=60),
            alarm("none", threshold=1, comparison_operator="LessThanThreshold"),
            composite_alarm("top", "ALARM(lost)"),
        ],
    )
    feed(judge, [NOON], CALM)
    judge.advance(NOON + 60)

    assert judge.explain() == (
        "1 line fed, judged to 2023-11-15T12:01:00Z\n"
        "lost: INSUFFICIENT_DATA; alarms when Sum > 1 over 60 s, 1 of 1 periods\n"
        "  no metric filter feeds Shop/x\n"
        "none: ALARM; alarms when Sum < 1 over 300 s, 1 of 1 periods\n"
        '  0 lines matched { $.event = "Boom" }\n'
        "  worst period 2023-11-15T11:56:00Z to 2023-11-15T12:01:00Z: "
        "Sum 0 from 0 lines that matched\n"
        "top: OK; alarms when ALARM(lost)"
    )


def test_the_explanation_names_dimensions() -> None:
    """An alarm on dimensions that no filter has is shown as not fed."""
    lost = alarm("db", dimensions=(("Kind", "db"),))
    assert "no metric filter feeds Shop/boom, Kind=db" in Judge([metric(), lost]).explain()


def by_hand(
    alarm: MetricAlarm, lines: list[tuple[int, float]], end: int
) -> list[tuple[int, StateValue]]:
    """The transitions when every minute is evaluated from the list of samples."""
    condition = AlarmCondition.of(alarm)
    state: StateValue = "INSUFFICIENT_DATA"
    transitions: list[tuple[int, StateValue]] = []
    first = min(at for at, _ in lines) // 60 * 60
    for now in range(first + 60, end + 1, 60):
        sums: list[float | None] = []
        for back in range(condition.evaluation_periods + 1, -1, -1):
            until = now - back * condition.period
            values = [value for at, value in lines if until - condition.period <= at < until]
            sums.append(sum(values) if values else None)
        new = next_state(condition, sums, state)
        if new != state:
            transitions.append((now, new))
        state = new
    return transitions


@settings(max_examples=150)
@given(st.data())
def test_skipping_minutes_is_exact(data: st.DataObject) -> None:
    """For any lines, alarm and steps, the transitions equal those of every minute."""
    periods = data.draw(st.integers(1, 4))
    rule = alarm(
        period=data.draw(st.sampled_from([60, 120, 300, 420])),
        evaluation_periods=periods,
        datapoints_to_alarm=data.draw(st.integers(1, periods)),
        threshold=data.draw(st.sampled_from([0, 1, 2])),
        comparison_operator=data.draw(
            st.sampled_from(["GreaterThanThreshold", "LessThanOrEqualToThreshold"])
        ),
        treat_missing_data=data.draw(
            st.sampled_from(["missing", "ignore", "breaching", "notBreaching"])
        ),
    )
    times = data.draw(st.lists(st.integers(0, 200 * 60), min_size=1, max_size=25))
    booms = [data.draw(st.booleans()) for _ in times]
    default = data.draw(st.sampled_from([None, 0.0]))
    # Leave out lines without a sample, as they would still set the start of the judge.
    kept = [
        (at, 1.0 if boom else 0.0)
        for at, boom in zip(times, booms, strict=True)
        if boom or default is not None
    ]
    if not kept:
        return
    judge = Judge([metric(default=default), rule])
    end = 300 * 60
    steps = sorted(data.draw(st.lists(st.integers(0, end), max_size=5)))
    seen: list[tuple[int, StateValue]] = []
    waiting = sorted(kept)
    first = waiting[0][0] // 60 * 60
    for step in [*(later for later in steps if later >= first + 60), end]:
        for at, value in waiting:
            if at < step:
                judge.feed(at * 1000, BOOM if value else CALM)
        waiting = [line for line in waiting if line[0] >= step]
        seen += [(transition.at, transition.new) for transition in judge.advance(step)]

    assert judge.late_lines == 0
    assert seen == by_hand(rule, kept, end)


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**70), 2**70), st.sampled_from([BOOM, CALM, "", "\ud800", "{", "[1"])
        ),
        max_size=10,
    ),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4),
)
def test_no_line_and_no_time_makes_the_judge_raise(
    lines: list[tuple[int, str]], steps: list[float]
) -> None:
    """Lines may have any text and any time, in any order."""
    judge = Judge([metric(), alarm(), composite_alarm("top", "ALARM(boom)")])
    for at, message in lines:
        judge.feed(at, message)
        for step in steps:
            judge.advance(step)
    assert "lines fed" in judge.explain() or len(lines) == 1
    assert judge.lines == len(lines)


def test_an_alarm_over_days_is_evaluated_on_the_hour() -> None:
    """The first evaluation is in the minute after its creation, the others are on the hour."""
    judge = Judge([metric(), alarm(period=3600, evaluation_periods=30, datapoints_to_alarm=1)])
    feed(judge, [NOON + 120], CALM)
    feed(judge, [NOON + 300] * 11)

    assert changes(judge.advance(NOON + 7200)) == [
        ("boom", NOON + 180, "INSUFFICIENT_DATA", "OK"),
        ("boom", NOON + 3600, "OK", "ALARM"),
    ]


def test_a_heartbeat_fills_quiet_minutes() -> None:
    """After `assume_heartbeats`, a quiet minute has the default of a line that does not match."""
    rule = metric_filter("a", "Missing", default=0.0)
    samples = metric_alarm(
        "samples",
        statistic="SampleCount",
        threshold=5.0,
        comparison_operator="GreaterThanOrEqualToThreshold",
    )
    lines = metric_alarm("lines", threshold=0.0, period=60)
    judge = Judge([rule, samples, lines], start=0)
    judge.assume_heartbeats(0)
    judge.feed(600_000, "Missing")
    judge.feed(600_000, "Missing")
    year = 365 * 86_400
    assert [
        (transition.at, transition.alarm, transition.new) for transition in judge.advance(year)
    ] == [
        (60, "samples", "OK"),
        (60, "lines", "OK"),
        (300, "samples", "ALARM"),
        (660, "lines", "ALARM"),
        (720, "lines", "OK"),
    ]
    judge.redefine([rule, lines])
    judge.feed((year + 60) * 1000, "b")
    assert judge.advance(year + 6000)[-1].new == "INSUFFICIENT_DATA"
