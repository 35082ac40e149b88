"""The heartbeats of a test are assumed, not fed: time costs nothing, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch import Alarm, BusyAlarm, Detector, ErrWatch, RequestMetric, SourceAlarm
from flask_errwatch.errors import JudgeError
from flask_errwatch.extension import state_of
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.provision.resources import LogAlarm
from flask_errwatch.simulation import (
    HEARTBEAT_LINE,
    InputCoverage,
    Judge,
    Transition,
    split_judgeable,
)
from flask_errwatch.simulation.alarm_state import AlarmWatch
from flask_errwatch.testing import START, TrafficJudge
from flask_errwatch.testing.evaluation import TrafficEvaluation, evaluate_traffic

#: A metric that counts requests, as that of a load balancer.
REQUESTS = RequestMetric(namespace="Shop", name="requests")


def alarm(threshold: float, period: int, treatment: str, **fields: object) -> Alarm:
    """An alarm with what differs between those of this module."""
    return Alarm(threshold=threshold, period=period, treat_missing_data=treatment, **fields)  # type: ignore[arg-type]  # each is one of AWS's


BELOW: dict[str, object] = {"comparison_operator": "LessThanThreshold"}
#: What a heartbeat can change: sums, averages and counts, and what missing data counts as.
ALARMS = [
    alarm(2, 300, "notBreaching"),
    alarm(0, 60, "missing"),
    alarm(0, 60, "breaching"),
    alarm(0, 120, "ignore", evaluation_periods=3, datapoints_to_alarm=2),
    alarm(1.5, 180, "missing", statistic="Average"),
    alarm(4, 300, "breaching", statistic="SampleCount"),
    alarm(3, 300, "breaching", statistic="SampleCount", **BELOW),
    alarm(1, 120, "missing", statistic="Minimum", **BELOW),
    alarm(2, 240, "ignore", statistic="Maximum", evaluation_periods=2),
    alarm(0, 3600, "breaching", evaluation_periods=25, datapoints_to_alarm=1),
]
#: All of them watch lines of one event, but each sums the field of its own detector.
DETECTORS = [
    Detector(name=f"d{number}", event=f"D{number}", alarm=one, value="$.data.size")
    for number, one in enumerate(ALARMS)
]
DETECTORS += [
    Detector(name="busy", event="Busy", alarm=BusyAlarm(minimum_requests=2, requests=REQUESTS)),
    Detector(name="source", event="Source", alarm=SourceAlarm(threshold=1, period=300)),
]
EVENTS = [detector.event for detector in DETECTORS]


def app_with(heartbeat: float, *, silence: bool = True) -> Flask:
    """An app with all of these alarms."""
    app = Flask("shop")
    app.config["ERRWATCH_HEARTBEAT_SECONDS"] = heartbeat
    app.config["ERRWATCH_SILENCE_ALARM"] = silence
    ErrWatch(app, detectors=DETECTORS)
    return app


APPS = [app_with(heartbeat) for heartbeat in (60, 5, 61, 90, 120, 300, 1000)]


def with_every_heartbeat(
    app: Flask, lines: Sequence[tuple[int, str]], requests: Sequence[int], end: int
) -> tuple[Judge, list[Transition]]:
    """The judge that was fed each heartbeat as a line, and what changed."""
    state = state_of(app)
    desired = desired_resources(state.catalogue, state.config)
    resources, _ = split_judgeable(desired.resources, InputCoverage(requests=True, heartbeats=True))
    judge = Judge(
        [replace(one, delay=0) if isinstance(one, LogAlarm) else one for one in resources],
        start=START,
    )
    for timestamp, line in lines:
        judge.feed(timestamp, line)
    for timestamp in requests:
        judge.count_requests(timestamp)
    for second in range(START, end, max(60, int(state.config.heartbeat_seconds))):
        judge.feed(second * 1000, HEARTBEAT_LINE)
    return judge, judge.advance(end)


def evaluated(
    app: Flask, lines: Sequence[tuple[int, str]], requests: Sequence[int], now: float
) -> TrafficEvaluation:
    """What a query of a test evaluates."""
    return evaluate_traffic(state_of(app), lines=lines, requests=requests, start=START, now=now)


@settings(max_examples=60, deadline=None)
@given(
    app=st.sampled_from(APPS),
    traffic=st.lists(
        st.tuples(
            st.one_of(st.integers(0, 200), st.integers(0, 20_000)),
            st.sampled_from(EVENTS),
            st.sampled_from([0, 1, 3, 8]),
        ),
        max_size=12,
    ),
    pause=st.integers(0, 30_000),
)
def test_assumed_heartbeats_change_no_result(
    app: Flask, traffic: list[tuple[int, str, int]], pause: int
) -> None:
    """States, transitions with their datapoints, and every figure are those of fed heartbeats."""
    now = START
    lines: list[tuple[int, str]] = []
    for step, event, size in traffic:
        now += step
        event_line = {"event": event, "client_ip": "192.0.2.7", "data": {"size": size}}
        lines += [(now * 1000, json.dumps(event_line))] * 2
    now += pause
    requests = [timestamp for timestamp, _ in lines]
    judge, transitions = with_every_heartbeat(app, lines, requests, now // 60 * 60 + 60)

    evaluation = evaluated(app, lines, requests, now)

    assert evaluation.judge.explain() == judge.explain()
    assert evaluation.judge.states == judge.states
    found = [one for one in evaluation.transitions if one.alarm != "shop-source"]
    assert found == [one for one in transitions if one.alarm != "shop-source"]


@pytest.mark.parametrize("heartbeat", [0, 60, 300])
def test_years_without_lines_are_not_walked_through(
    heartbeat: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours after the last line no alarm is evaluated any more, however long the quiet is."""
    evaluations: list[int] = []
    evaluate = AlarmWatch.evaluate

    def counted(watch: AlarmWatch, at: int) -> Transition | None:
        evaluations.append(at)
        return evaluate(watch, at)

    monkeypatch.setattr(AlarmWatch, "evaluate", counted)
    app = Flask("shop")
    app.config["ERRWATCH_HEARTBEAT_SECONDS"] = heartbeat
    app.config["ERRWATCH_SILENCE_ALARM"] = heartbeat > 0
    ErrWatch(app)
    with TrafficJudge() as judge:
        for _ in range(11):
            app.test_client().get("/missing")
        judge.advance(days=3650)
        app.test_client().get("/missing")
        assert judge.states()["not-found-error"] == "OK"
    last = START + 3650 * 86_400 + 60
    assert evaluations[-1] == last
    assert not [at for at in evaluations if START + 7200 < at < last]


def test_missing_data_is_breaching_where_no_heartbeat_comes() -> None:
    """An alarm of one minute fires between heartbeats of five minutes, each time for two days.

    It fires when the last three minutes, which are its evaluation range, have no datapoint.
    """
    app = Flask("shop")
    app.config["ERRWATCH_HEARTBEAT_SECONDS"] = 300
    ErrWatch(app, detectors=[Detector(name="rare", event="R", alarm=alarm(8, 60, "breaching"))])
    with TrafficJudge() as judge:
        judge.advance(days=2)
        minutes = [(firing.at - START) // 60 for firing in judge.firings(app)]
        assert minutes == [*range(4, 2881, 5)]
        assert minutes[-1] == 2879
        assert judge.states(app) == {"rare": "OK"}


@pytest.mark.parametrize("days", [3654, float("inf"), 1e300])
def test_an_absurd_span_is_refused(errwatch_judge: TrafficJudge, days: float) -> None:
    """The clock has an end, in one sentence. It did not move."""
    with pytest.raises(JudgeError, match=r"The clock ends 3,653 days after the start\."):
        errwatch_judge.advance(days=days)
    errwatch_judge.advance(days=3653)
