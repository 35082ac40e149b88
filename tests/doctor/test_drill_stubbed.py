"""The drill's stages against botocore's Stubber: alarm history, denials, likely reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_errwatch import AnomalyAlarm
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.doctor import (
    Drill,
    DrillRefusedError,
    Pace,
    Reporter,
    Stage,
    prepare_drill,
)
from flask_errwatch.errors import UnknownDetectorError
from tests.doctor.scripted_aws import ScriptedAws, shop

#: What a line of this app always has.
EVENT = {"event": "Rate Limit Error", "app": "shop"}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
NAME = "shop-rate-limit-error"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def alarm(**other: object) -> dict[str, Any]:
    """The alarm as DescribeAlarms returns it, with some fields changed."""
    return {
        "AlarmName": NAME,
        "AlarmArn": f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{NAME}",
        "Namespace": "Application Logs",
        "MetricName": NAME,
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "StateValue": "OK",
        "AlarmActions": [TOPIC],
        "ActionsEnabled": True,
        **other,
    }


@dataclass
class Bench:
    """A drill without an app, whose clock advances only by sleeping."""

    aws: ScriptedAws = field(default_factory=ScriptedAws)
    now: float = 0.0
    sent: list[tuple[float, str, str]] = field(default_factory=list)
    stats: Stats = field(default_factory=Stats)

    def alarm_is(self, **other: object) -> None:
        """Scripts the alarm that the next DescribeAlarms returns."""
        self.aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm(**other)]})

    def counted(self, *values: float) -> None:
        """Scripts the metric's datapoints."""
        results = [{"Id": "lines", "Values": list(values)}]
        self.aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": results})

    def logged(self, drill: Drill, lines: int) -> None:
        """Scripts the log group's lines: some of the drill, one twice, a forged one, and others."""
        events = [
            {**EVENT, "id": str(number), "data": {"drill": drill.id}} for number in range(lines)
        ]
        others = [{**EVENT, "id": "x", "data": 7}, {**EVENT, "id": "y"}, *events[:1]]
        forged = {**EVENT, "id": {"a": [1]}, "data": {"drill": drill.id}}
        lines_found = [*events, forged, *others]
        entries = [{"timestamp": 1, "message": json.dumps(event)} for event in lines_found]
        self.aws.answers("logs", "filter_log_events", {"events": entries})

    def history(self, *items: dict[str, object]) -> None:
        """Scripts the actions in the alarm's history."""
        self.aws.answers("cloudwatch", "describe_alarm_history", {"AlarmHistoryItems": list(items)})

    def prepare(self, **options: Any) -> Drill:
        """Prepares a drill of the default catalogue."""
        return prepare_drill(self.aws, *shop(), **options)

    def run(self, drill: Drill) -> dict[str, Stage]:
        """Runs the drill and returns its stages by name."""

        def report(detector: str, data: dict[str, object]) -> None:
            self.sent.append((self.now, detector, str(data["drill"])))

        def sleep(seconds: float) -> None:
            self.now += seconds

        reporter = Reporter(report=report, stats=lambda: self.stats)
        pace = Pace(interval=2.0, clock=lambda: self.now, sleep=sleep)
        return {stage.name: stage for stage in drill.run(self.aws, shop()[1], reporter, pace)}


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Every scripted call must be made."""
    prepared = Bench()
    yield prepared
    prepared.aws.assert_all_called()


def published(state: str, error: str | None = None, topic: str = TOPIC) -> dict[str, object]:
    """An entry of the alarm's history."""
    verb = "Successfully executed" if state == "Succeeded" else "Failed to execute"
    data = {"actionState": state, "notificationResource": topic, "error": error}
    return {
        "AlarmName": NAME,
        "Timestamp": WHEN,
        "HistoryItemType": "Action",
        "HistorySummary": f"{verb} action {topic}",
        "HistoryData": json.dumps(data),
    }


def test_every_stage_has_its_time(bench: Bench) -> None:
    """Each is observed until the events arrive. Other actions of the alarm are skipped."""
    bench.alarm_is()
    drill = bench.prepare()
    bench.counted(4.0)
    bench.logged(drill, 5)
    bench.logged(drill, 11)
    bench.counted(4.0, 5.0)
    bench.counted(4.0, 11.0)
    bench.alarm_is()
    bench.alarm_is(StateValue="ALARM", StateReason="11 > 10")
    bench.history(published("Succeeded", topic="arn:aws:lambda:eu-central-1:1:function:x"))
    bench.history(published("Succeeded"))
    stages = bench.run(drill)
    assert bench.sent == [(0.0, "rate-limit-error", drill.id)] * 11
    assert {name: (stage.outcome, stage.seconds) for name, stage in stages.items()} == {
        "CloudWatch Logs": ("arrived", 2.0),
        "metric": ("arrived", 4.0),
        "alarm": ("arrived", 6.0),
        "SNS": ("arrived", 8.0),
    }
    assert stages["alarm"].detail == f"{NAME} is in ALARM: 11 > 10"
    assert stages["SNS"].detail == (
        f"Successfully executed action {TOPIC}; ask the subscribers whether they received it."
    )


@pytest.mark.parametrize("data", ["usual", "no JSON", "[]", None])
def test_a_refused_publish_is_reported(bench: Bench, data: str | None) -> None:
    """The history's summary or data shows it, and nothing else in CloudWatch does."""
    bench.alarm_is()
    drill = bench.prepare()
    bench.counted()
    bench.logged(drill, 11)
    bench.counted(11.0)
    bench.alarm_is(StateValue="ALARM")
    entry = published("Failed", "Resource: ops is not authorized")
    if data != "usual":
        entry["HistoryData"] = data
    bench.history({key: value for key, value in entry.items() if value is not None})
    stage = bench.run(drill)["SNS"]
    assert (stage.outcome, stage.seconds) == ("refused", 0.0)
    reason = " Resource: ops is not authorized" if data == "usual" else ""
    assert stage.detail == f"Failed to execute action {TOPIC}{reason}"
    assert str(stage) == f"refused after 0 s: {stage.detail}"


def test_events_for_an_alarm_of_several_periods(bench: Bench) -> None:
    """Each period that must breach gets its lines when it begins."""
    bench.alarm_is(EvaluationPeriods=3, DatapointsToAlarm=2, Period=60, Threshold=1.0)
    drill = bench.prepare()
    assert (drill.events_per_period, drill.periods, drill.timeout) == (2, 2, 480.0)
    assert str(drill).startswith(
        f"Drill {drill.id}: 2 events of rate-limit-error in each of 2 periods."
    )
    bench.counted()
    bench.logged(drill, 2)
    bench.counted(2.0)
    for _ in range(31):
        bench.alarm_is()
    bench.alarm_is(StateValue="ALARM")
    bench.history(published("Succeeded"))
    assert bench.run(drill)["alarm"].seconds == 62.0
    assert [at for at, _, _ in bench.sent] == [0.0, 0.0, 60.0, 60.0]


FILTER = {
    "logGroupName": "shop",
    "filterName": NAME,
    "filterPattern": '{ $.event = "Rate Limit Error" }',
    "metricTransformations": [
        {"metricName": NAME, "metricNamespace": "Application Logs", "metricValue": "1"}
    ],
}
ELSEWHERE = {"metricName": "other", "metricNamespace": "Application Logs", "metricValue": "1"}


@pytest.mark.parametrize(
    ("stats", "why_not_sent"),
    [
        (
            Stats(last_error="logs:PutLogEvents failed"),
            "The delivery reports: logs:PutLogEvents failed",
        ),
        (Stats(dropped=11), "11 events were dropped: a before_emit hook may drop them."),
        (Stats(pending=11), "11 lines are pending in this process: try a longer --timeout."),
    ],
)
@pytest.mark.parametrize(
    ("filters", "why_not_counted"),
    [
        ([], f"Metric filter {NAME} does not exist in shop: run `flask errwatch apply`."),
        (
            [{**FILTER, "filterPattern": "x"}],
            "The filter's pattern is x, not the detector's: run `flask errwatch apply`.",
        ),
        (
            [{**FILTER, "metricTransformations": [ELSEWHERE]}],
            "The filter feeds another metric than the alarm uses: run `flask errwatch apply`.",
        ),
        (
            [FILTER],
            "Filter and alarm agree; a metric takes a minute or two: try a longer --timeout.",
        ),
    ],
)
def test_what_did_not_arrive_has_a_likely_reason(
    bench: Bench, stats: Stats, why_not_sent: str, filters: list[object], why_not_counted: str
) -> None:
    """The timeout is for all stages together. Each is observed at least once."""
    bench.stats = stats
    bench.alarm_is(Unit="Seconds")
    drill = bench.prepare(timeout=3)
    bench.counted(1.0)
    for _ in range(3):
        bench.logged(drill, 0)
    bench.counted(1.0)
    bench.aws.answers("logs", "describe_metric_filters", {"metricFilters": filters})
    bench.aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": []})
    bench.history()
    stages = bench.run(drill)
    assert bench.now == 3
    assert {stage.outcome for stage in stages.values()} == {"missing"}
    assert {name: stage.detail for name, stage in stages.items()} == {
        "CloudWatch Logs": f"0 of 11 lines were accepted. {why_not_sent}",
        "metric": f"It counted 0 of 11 lines. {why_not_counted}",
        "alarm": "It does not exist any more. It has the unit Seconds, which no line has: run "
        "`flask errwatch apply`.",
        "SNS": "The alarm's history has no notification. It publishes when the alarm fires; "
        "`flask errwatch doctor` checks the topic.",
    }


def test_a_denied_read_is_reported_at_once(bench: Bench) -> None:
    """A denied call is not retried until the timeout. A throttled call is."""
    bench.alarm_is(ActionsEnabled=False)
    drill = bench.prepare(timeout=3)
    bench.aws.refuses("cloudwatch", "get_metric_data", "AccessDenied")
    bench.aws.refuses("logs", "filter_log_events", "AccessDeniedException")
    for _ in range(3):
        bench.aws.refuses("cloudwatch", "get_metric_data", "Throttling")
    bench.aws.refuses("logs", "describe_metric_filters", "AccessDeniedException")
    bench.alarm_is(StateValue="ALARM")
    stages = bench.run(drill)
    assert {name: stage.outcome for name, stage in stages.items()} == {
        "CloudWatch Logs": "unseen",
        "metric": "missing",
        "alarm": "arrived",
        "SNS": "unseen",
    }
    assert stages["CloudWatch Logs"].detail.startswith("logs:FilterLogEvents failed with")
    assert "logs:DescribeMetricFilters failed with" in stages["metric"].detail
    assert stages["SNS"].detail == (
        "The alarm's actions are turned off: run `flask errwatch apply`."
    )


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        ({"Threshold": 4.5}, 5),
        ({"Threshold": 0.0}, 1),
        ({"Threshold": 4.5, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}, 5),
        ({"Threshold": 4.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}, 4),
        ({"Threshold": 0.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold"}, 1),
        ({"Threshold": 999.0, "Statistic": "SampleCount"}, 1000),
    ],
)
def test_number_of_lines_that_breach(bench: Bench, other: dict[str, object], lines: int) -> None:
    """It follows the alarm as it is in AWS, not its declaration."""
    bench.alarm_is(**other)
    assert bench.prepare().events_per_period == lines


@pytest.mark.parametrize(
    ("other", "remedy"),
    [
        ({"Statistic": "Average"}, "Only a Sum or SampleCount above a threshold"),
        ({"ComparisonOperator": "LessThanThreshold"}, "It fires when there are too few"),
        ({"Threshold": 1000.0}, "It takes 1001 lines, more than 1000"),
        ({"StateValue": "ALARM"}, "It is in ALARM already"),
    ],
)
def test_what_cannot_be_drilled(bench: Bench, other: dict[str, object], remedy: str) -> None:
    """An alarm that lines cannot make fire, or only very many, is refused with the reason."""
    bench.alarm_is(**other)
    with pytest.raises(DrillRefusedError, match=remedy):
        bench.prepare()


def catalogue(*detectors: Detector) -> Catalogue:
    """A catalogue of these alone, configured."""
    return Catalogue(detectors).configured(shop()[1])


LOUD = Detector(name="loud", event="Loud", level="error", alarm=Alarm(threshold=1))
CALM = Detector(name="calm", event="Calm", level="info", alarm=Alarm(threshold=50))
CALMER = Detector(name="calmer", event="Calmer", level="info", alarm=Alarm(threshold=5))
USUAL = Detector(name="usual", event="Usual", level="info", alarm=AnomalyAlarm())


def test_the_least_severe_detector_is_drilled(bench: Bench) -> None:
    """Of equally severe ones the one with the fewest lines. An anomaly band cannot be drilled."""
    bench.alarm_is()
    drill = prepare_drill(bench.aws, catalogue(LOUD, CALM, CALMER, USUAL), shop()[1])
    assert drill.detector.name == "calmer"
    with pytest.raises(DrillRefusedError, match="can be drilled: loud, calm"):
        prepare_drill(bench.aws, catalogue(LOUD, CALM, USUAL), shop()[1], detector="usual")
    with pytest.raises(DrillRefusedError, match="declare an Alarm"):
        prepare_drill(bench.aws, catalogue(USUAL), shop()[1])
    with pytest.raises(UnknownDetectorError):
        prepare_drill(bench.aws, catalogue(LOUD), shop()[1], detector="quiet")


def test_only_detectors_whose_lines_a_report_can_be_are_drilled(bench: Bench) -> None:
    """A report has no field of a request, and no detector without an event has lines of its own."""
    for name in ("scan", "failure-flood", "authentication-error"):
        with pytest.raises(DrillRefusedError) as caught:
            bench.prepare(detector=name)
        assert str(caught.value) == (
            f"detector = '{name}': Only detectors that count lines of their own can be drilled: "
            "critical-error, bad-request-error, not-found-error, method-not-allowed-error, "
            "rate-limit-error."
        )


def test_an_alarm_that_does_not_notify_is_drilled_on_request(bench: Bench) -> None:
    """Its last stage says why nothing arrives, with one alarm for the app too."""
    bench.alarm_is(AlarmActions=[])
    drill = prepare_drill(bench.aws, *shop(NOTIFY="app"), detector="not-found-error")
    assert "will fire and notify no one" in str(drill)
    bench.counted()
    bench.logged(drill, 11)
    bench.counted(11.0)
    bench.alarm_is(StateValue="ALARM", AlarmActions=[])
    stage = bench.run(drill)["SNS"]
    assert (stage.outcome, stage.detail) == (
        "unseen",
        "The alarm does not notify: it has notify=False.",
    )


def test_a_process_that_sends_nothing_to_cloudwatch_cannot_drill(bench: Bench) -> None:
    """The drill follows only lines of the cloudwatch sink."""
    with pytest.raises(DrillRefusedError, match="run it there"):
        prepare_drill(bench.aws, *shop(SINKS="stdout"))


def app_alarm(**other: object) -> dict[str, Any]:
    """The composite alarm of the app as DescribeAlarms returns it."""
    name = "shop-alarms"
    arn = f"arn:aws:cloudwatch:eu-central-1:123456789012:alarm:{name}"
    common = {"AlarmName": name, "AlarmArn": arn, "AlarmRule": f'ALARM("{NAME}")'}
    return {**common, "StateValue": "OK", "AlarmActions": [TOPIC], **other}


def test_the_composite_alarm_of_the_app_notifies(bench: Bench) -> None:
    """With `ERRWATCH_NOTIFY="app"` its history is read, and its topic is named."""
    bench.alarm_is(AlarmActions=[])
    described = {"AlarmNames": ["shop-alarms"], "AlarmTypes": ["CompositeAlarm"]}
    answer = {"CompositeAlarms": [app_alarm()]}
    bench.aws.expects("cloudwatch", "describe_alarms", answer, **described)
    drill = prepare_drill(bench.aws, *shop(NOTIFY="app"))
    assert f"will fire and notify {TOPIC}" in str(drill)
    bench.counted()
    bench.logged(drill, 11)
    bench.counted(11.0)
    bench.alarm_is(StateValue="ALARM", AlarmActions=[])
    bench.history(published("Succeeded"))
    assert bench.run(drill)["SNS"].outcome == "arrived"


@pytest.mark.parametrize(
    ("alarms", "remedy"),
    [
        ([], "It does not exist in AWS"),
        ([app_alarm(StateValue="ALARM")], "it would not notify again before it is OK"),
    ],
)
def test_a_composite_alarm_that_would_not_notify_is_refused(
    bench: Bench, alarms: list[dict[str, Any]], remedy: str
) -> None:
    """The drill would prove nothing about the notification."""
    bench.alarm_is(AlarmActions=[])
    bench.aws.answers("cloudwatch", "describe_alarms", {"CompositeAlarms": alarms})
    with pytest.raises(DrillRefusedError, match=remedy):
        prepare_drill(bench.aws, *shop(NOTIFY="app"))
