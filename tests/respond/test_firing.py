"""When an alarm fired: the evidence of its state, else its history, else its metric."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flask_errwatch.errors import AwsCallError
from flask_errwatch.lab import Clock
from flask_errwatch.respond.alarm.firing import Firing, firing_at, newest_firing
from flask_errwatch.respond.alarm.metric_time import SameTime
from flask_errwatch.respond.alarm.subject import NoAnswerError, find_subject
from flask_errwatch.respond.ranking.window import Window
from tests.doctor.scripted_aws import ScriptedAws, shop
from tests.respond.scripts import (
    EVIDENCE,
    FIRED,
    NOW,
    composite_entry,
    filter_entry,
    filters,
    knows,
    log_entry,
    metric_entry,
    subject_of,
)

AT = FIRED.timestamp()
ERRORS = "shop-not-found-error"
#: The five minutes before it fired.
FIVE = Window(start=AT - 300, end=AT)


@pytest.fixture
def aws() -> ScriptedAws:
    """AWS without any answer yet."""
    return ScriptedAws()


def state_update(new: str, at: datetime, **more: Any) -> dict[str, Any]:
    """An entry of an alarm's history."""
    state = {"stateValue": new, **more}
    data = {"version": "1.0", "oldState": {"stateValue": "OK"}, "newState": state}
    return {
        "AlarmName": "shop-not-found-error",
        "Timestamp": at,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated from OK to {new}",
        "HistoryData": json.dumps(data),
    }


def history(aws: ScriptedAws, *entries: dict[str, Any], kind: str = "StateUpdate") -> None:
    """Expects the call that reads the newest entries of the history."""
    aws.expects(
        *("cloudwatch", "describe_alarm_history", {"AlarmHistoryItems": [*entries]}),
        AlarmName="shop-not-found-error" if kind == "StateUpdate" else "shop-scan",
        HistoryItemType=kind,
        ScanBy="TimestampDescending",
        MaxRecords=100,
    )


def values(aws: ScriptedAws, *pairs: tuple[datetime, float]) -> None:
    """Expects a call that reads a metric."""
    result = {"Id": "values", "Timestamps": [at for at, _ in pairs]}
    result["Values"] = [value for _, value in pairs]
    aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": [result]})


def fired(aws: ScriptedAws, entry: dict[str, Any]) -> Firing:
    """When the alarm fired, and nothing else was asked."""
    firing = newest_firing(aws, subject_of(aws, entry), SameTime(), NOW)
    aws.assert_all_called()
    return firing


def test_the_evidence_of_its_state_comes_first(aws: ScriptedAws) -> None:
    """The window of the datapoints that decided, and the value."""
    assert fired(aws, metric_entry()) == Firing(alarms=(ERRORS,), window=FIVE, value=41.0)


def test_several_datapoints_are_one_window(aws: ScriptedAws) -> None:
    """From the begin of the oldest to the end of the newest, with the worst value."""
    times = ("2026-11-29T02:01:00.000+0000", "2026-11-29T01:56:00.000+0000")
    points = [{"timestamp": at, "value": value} for at, value in zip(times, (12, 30), strict=True)]
    evidence = {
        **EVIDENCE,
        "startDate": times[1],
        "recentDatapoints": [30, 12],
        "evaluatedDatapoints": points,
    }
    firing = fired(aws, metric_entry(StateReasonData=json.dumps(evidence), EvaluationPeriods=2))
    assert firing == Firing(alarms=(ERRORS,), window=Window(start=AT - 600, end=AT), value=30.0)


def changed(**more: Any) -> str:
    """Evidence that somebody changed."""
    return json.dumps({**EVIDENCE, **more})


@pytest.mark.parametrize(
    "evidence",
    [
        *("", "{", "[]", '{"startDate": 3}', '{"period": "x"}'),
        *(changed(period=period) for period in (10**12, 10**400, True, 0)),
        changed(startDate="9999-12-31T23:59:59+00:00", evaluatedDatapoints=[]),
        changed(startDate="2999-01-01T00:00:00+00:00", evaluatedDatapoints=[]),
        changed(startDate="0001-01-01T00:00:00+00:00", evaluatedDatapoints=[]),
        changed(startDate="1969-12-31T23:00:00+00:00", evaluatedDatapoints=[]),
        changed(evaluatedDatapoints=[{"timestamp": "9999-12-31T23:59:59+00:00", "value": 1}]),
    ],
)
def test_evidence_of_another_form_is_no_evidence(aws: ScriptedAws, evidence: str) -> None:
    """Whoever may set an alarm's state may write anything there: then its history is read."""
    entry = metric_entry(StateReasonData=evidence)
    subject = subject_of(aws, entry)
    history(aws, state_update("ALARM", FIRED, stateReasonData=EVIDENCE))
    assert newest_firing(aws, subject, SameTime(), NOW).window == FIVE


@pytest.mark.parametrize("values", ["[NaN, 1e999]", f"[{10**400}]", "[true]", "41"])
def test_values_that_are_no_numbers_are_left_out(aws: ScriptedAws, values: str) -> None:
    """The window is known all the same."""
    evidence = changed(recentDatapoints="values").replace('"values"', values)
    assert fired(aws, metric_entry(StateReasonData=evidence)) == Firing(
        alarms=(ERRORS,), window=FIVE
    )


def test_an_alarm_that_is_over_is_found_in_its_history(aws: ScriptedAws) -> None:
    """The newest change to ALARM: newer ones to OK are left out."""
    subject = subject_of(aws, metric_entry(StateValue="OK", StateReasonData=json.dumps(EVIDENCE)))
    later = FIRED + timedelta(minutes=10)
    earlier = state_update("ALARM", FIRED - timedelta(days=1))
    firing = state_update("ALARM", FIRED, stateReasonData=EVIDENCE)
    history(aws, state_update("OK", later), firing, earlier)
    assert newest_firing(aws, subject, SameTime(), NOW) == Firing(
        alarms=(ERRORS,), window=FIVE, value=41.0
    )


def test_a_history_without_evidence_has_the_time(aws: ScriptedAws) -> None:
    """The window is the alarm's period before it."""
    subject = subject_of(aws, metric_entry(StateValue="OK"))
    history(aws, state_update("ALARM", FIRED + timedelta(seconds=31)))
    assert newest_firing(aws, subject, SameTime(), NOW).window == FIVE


def test_without_a_history_the_metric_is_read(aws: ScriptedAws) -> None:
    """The newest period above the threshold, in the last day or in two weeks."""
    subject = subject_of(aws, metric_entry(StateValue="OK"))
    history(aws)
    values(aws, (FIRED - timedelta(minutes=5), 10.0))
    old = FIRED - timedelta(days=3)
    values(aws, (old, 12.0), (old - timedelta(days=1), 50.0), (FIRED, 3.0))
    window = Window(start=old.timestamp(), end=old.timestamp() + 300)
    assert newest_firing(aws, subject, SameTime(), NOW) == Firing(
        alarms=(ERRORS,), window=window, value=12.0
    )


def test_a_history_that_is_denied_is_left_out(aws: ScriptedAws) -> None:
    """The next way is tried."""
    subject = subject_of(aws, metric_entry(StateValue="OK"))
    aws.refuses("cloudwatch", "describe_alarm_history", "AccessDenied")
    values(aws, (FIRED - timedelta(minutes=5), 12.0))
    assert newest_firing(aws, subject, SameTime(), NOW).window == FIVE


def test_where_no_way_is_left_the_actions_are_named(aws: ScriptedAws) -> None:
    """One sentence with what to allow, or to give instead."""
    subject = subject_of(aws, metric_entry(StateValue="OK"))
    aws.refuses("cloudwatch", "describe_alarm_history", "AccessDenied")
    aws.refuses("cloudwatch", "get_metric_data", "AccessDenied")
    with pytest.raises(NoAnswerError) as caught:
        newest_firing(aws, subject, SameTime(), NOW)
    assert str(caught.value) == (
        "alarm = 'shop-not-found-error': When it fired cannot be read: allow "
        "cloudwatch:DescribeAlarmHistory and cloudwatch:GetMetricData, or give --at or --since."
    )


def test_an_alarm_that_never_fired_is_said_to_be_so(aws: ScriptedAws) -> None:
    """After its history and two weeks of its metric were read."""
    subject = subject_of(aws, metric_entry(StateValue="OK"))
    history(aws)
    values(aws)
    values(aws)
    with pytest.raises(NoAnswerError, match="It never fired, as far back as"):
        newest_firing(aws, subject, SameTime(), NOW)


def test_credentials_that_expired_stop_the_question(aws: ScriptedAws) -> None:
    """Another way would fail for the same reason."""
    subject = subject_of(aws, metric_entry(StateValue="OK"))
    aws.refuses("cloudwatch", "describe_alarm_history", "ExpiredToken")
    with pytest.raises(AwsCallError, match="ExpiredToken"):
        newest_firing(aws, subject, SameTime(), NOW)


def test_a_log_alarm_names_its_newest_contributor(aws: ScriptedAws) -> None:
    """The window is that of the run which decided: it ends a minute before, and is ten long."""
    subject = subject_of(aws, log_entry())
    contributors = [
        {
            "ContributorId": "1",
            "ContributorAttributes": {"client_ip": address},
            "StateReason": "1 out of 2 contributors evaluated to ALARM.",
            "StateTransitionedTimestamp": at,
        }
        for address, at in (
            ("203.0.113.66", FIRED + timedelta(seconds=4)),
            ("203.0.113.67", FIRED - timedelta(hours=1)),
        )
    ]
    response = {"AlarmContributors": contributors}
    aws.expects("cloudwatch", "describe_alarm_contributors", response, AlarmName="shop-scan")
    window = Window(start=AT - 660, end=AT - 60)
    expected = Firing(alarms=("shop-scan",), window=window, contributor="203.0.113.66")
    assert newest_firing(aws, subject, SameTime(), NOW) == expected


def test_a_log_alarm_that_is_over_has_a_history_of_contributors(aws: ScriptedAws) -> None:
    """An entry may have nothing but its summary: no document shows the rest."""
    subject = subject_of(aws, log_entry(StateValue="OK"))
    entry = {
        "AlarmName": "shop-scan",
        "AlarmContributorId": "1",
        "AlarmContributorAttributes": {"client_ip": "203.0.113.66"},
        "Timestamp": FIRED,
        "HistoryItemType": "AlarmContributorStateUpdate",
        "HistorySummary": "Alarm contributor updated from OK to ALARM",
    }
    over = {**entry, "HistorySummary": "Alarm contributor updated from ALARM to OK"}
    history(aws, over, entry, kind="AlarmContributorStateUpdate")
    assert newest_firing(aws, subject, SameTime(), NOW).contributor == "203.0.113.66"


@pytest.mark.parametrize("late", [0, 13.123, 59])
@pytest.mark.parametrize(
    ("entry", "window"),
    [(metric_entry(), FIVE), (log_entry(), Window(start=AT - 660, end=AT - 60))],
    ids=["metric alarm", "log alarm"],
)
def test_a_time_means_the_evaluation_before_it(
    aws: ScriptedAws, entry: dict[str, Any], window: Window, late: float
) -> None:
    """Alarms are evaluated at whole minutes, and their message has a later time."""
    subject = subject_of(aws, entry)
    aws.answers("cloudwatch", "describe_alarm_history", {"AlarmHistoryItems": []})
    assert firing_at(aws, subject, AT + late, SameTime()).window == window


def test_a_time_of_a_change_to_alarm_means_what_was_evaluated_then(aws: ScriptedAws) -> None:
    """By the history of a minute and a half before and after, whatever fired since."""
    subject = subject_of(aws, metric_entry(StateReasonData="{}"))
    begun = "2026-11-29T01:58:00.000+0000"
    evidence = {**EVIDENCE, "startDate": begun, "evaluatedDatapoints": []}
    aws.expects(
        "cloudwatch",
        "describe_alarm_history",
        {"AlarmHistoryItems": [state_update("ALARM", FIRED, stateReasonData=evidence)]},
        AlarmName=ERRORS,
        HistoryItemType="StateUpdate",
        ScanBy="TimestampDescending",
        MaxRecords=100,
        StartDate=FIRED - timedelta(seconds=80),
        EndDate=FIRED + timedelta(seconds=100),
    )
    firing = firing_at(aws, subject, AT + 10, SameTime())
    window = Window(start=AT - 480, end=AT - 180)
    assert firing == Firing(alarms=(ERRORS,), window=window, value=41.0)


def test_a_time_needs_no_history(aws: ScriptedAws) -> None:
    """One that is denied is left out."""
    subject = subject_of(aws, metric_entry())
    aws.refuses("cloudwatch", "describe_alarm_history", "AccessDenied")
    assert firing_at(aws, subject, AT + 10, SameTime()).window == FIVE


def test_a_detector_without_an_alarm_has_only_a_time(aws: ScriptedAws) -> None:
    """When it fired is no question."""
    knows(aws)
    filters(aws, filter_entry("shop-client-error", '{ $.event = "Client Error" }'))
    subject = find_subject(aws, "client-error", *shop())
    with pytest.raises(NoAnswerError, match=r"It has no alarm in AWS: give --at or --since\."):
        newest_firing(aws, subject, SameTime(), NOW)
    # Asked about a time, the minutes before are the answer.
    assert firing_at(aws, subject, AT, SameTime()) == Firing(alarms=(), window=FIVE)


def test_in_the_lab_metrics_have_another_time_than_lines(aws: ScriptedAws) -> None:
    """At speed 60, five minutes of the lab are the lines of five seconds."""
    begun = AT - 360
    clock = Clock(start=begun, origin=begun, speed=60.0)
    evidence = {
        **EVIDENCE,
        "startDate": datetime.fromtimestamp(begun + 300, UTC).isoformat(),
        "evaluatedDatapoints": [],
    }
    subject = subject_of(aws, metric_entry(StateReasonData=json.dumps(evidence)))
    firing = newest_firing(aws, subject, clock, begun + 20)
    assert firing.window == Window(start=begun + 5, end=begun + 10)


def test_the_alarms_of_a_composite_that_fired_together_are_one_firing(aws: ScriptedAws) -> None:
    """Of an alarm that is over, too. One that fired the day before is another matter."""

    def over(name: str, at: datetime) -> dict[str, Any]:
        history = {**EVIDENCE, "startDate": at.isoformat(), "evaluatedDatapoints": []}
        return metric_entry(name, StateReasonData=json.dumps(history))

    names = ("shop-a", "shop-b", "shop-c")
    rule = " OR ".join(f'ALARM("{name}")' for name in names)
    knows(aws, composite=[composite_entry("shop", rule)])
    starts = (FIRED - timedelta(minutes=5), FIRED - timedelta(minutes=8), FIRED - timedelta(days=1))
    knows(aws, metric=[over(name, at) for name, at in zip(names, starts, strict=True)])
    filters(aws, *map(filter_entry, names))
    subject = find_subject(aws, "shop", *shop())
    firing = newest_firing(aws, subject, SameTime(), NOW)
    assert firing == Firing(alarms=names[:2], window=Window(start=AT - 480, end=AT))
    about = subject.about(firing.alarms)
    assert [alarm.name for alarm in about.line_alarms] == ["shop-a", "shop-b"]
