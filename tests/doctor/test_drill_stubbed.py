"""The drill's stations against botocore's Stubber: alarm history, refusals, likely reasons."""

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
from flask_errwatch.doctor.drill import Drill, DrillRefusedError, Pace, Sender, prepared
from flask_errwatch.doctor.drill_stages import Station
from flask_errwatch.errors import UnknownDetectorError
from tests.doctor.scripted_aws import ScriptedAws, shop

TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
NAME = "shop-bad-request-error"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def alarm(**other: object) -> dict[str, Any]:
    """The alarm as DescribeAlarms answers it, with some fields changed."""
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
    """A drill without an app: time that only waiting moves, and lines that arrive at once."""

    aws: ScriptedAws = field(default_factory=ScriptedAws)
    now: float = 0.0
    sent: list[tuple[float, str, str]] = field(default_factory=list)
    stats: Stats = field(default_factory=Stats)

    def stands(self, **other: object) -> None:
        """Scripts the alarm that the next call of CloudWatch finds."""
        self.aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm(**other)]})

    def counted(self, *values: float) -> None:
        """Scripts the metric's points."""
        results = [{"Id": "lines", "Values": list(values)}]
        self.aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": results})

    def logged(self, drill: Drill, lines: int) -> None:
        """Scripts what is found in the log group: lines of the drill, and some others."""
        events = [
            {"app": "shop", "id": str(each), "data": {"drill": drill.id}} for each in range(lines)
        ]
        others = [{"app": "shop", "id": "x", "data": 7}, {"app": "shop", "id": "y"}, *events[:1]]
        entries = [{"timestamp": 1, "message": json.dumps(each)} for each in [*events, *others]]
        self.aws.answers("logs", "filter_log_events", {"events": entries})

    def history(self, *items: dict[str, object]) -> None:
        """Scripts the actions in the alarm's history."""
        self.aws.answers("cloudwatch", "describe_alarm_history", {"AlarmHistoryItems": list(items)})

    def prepared(self, **asked: Any) -> Drill:
        """A drill of the default catalogue."""
        return prepared(self.aws, *shop(), **asked)

    def run(self, drill: Drill) -> dict[str, Station]:
        """The stations by their names."""

        def report(detector: str, data: dict[str, object]) -> None:
            self.sent.append((self.now, detector, str(data["drill"])))

        def pause(seconds: float) -> None:
            self.now += seconds

        sender = Sender(report=report, stats=lambda: self.stats)
        pace = Pace(every=2.0, clock=lambda: self.now, pause=pause)
        return {each.name: each for each in drill.run(self.aws, shop()[1], sender, pace)}


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Every scripted answer is asked for."""
    made = Bench()
    yield made
    made.aws.all_asked()


def published(state: str, error: str | None = None, topic: str = TOPIC) -> dict[str, object]:
    """An entry of an alarm's history."""
    verb = "Successfully executed" if state == "Succeeded" else "Failed to execute"
    data = {"actionState": state, "notificationResource": topic, "error": error}
    return {
        "AlarmName": NAME,
        "Timestamp": WHEN,
        "HistoryItemType": "Action",
        "HistorySummary": f"{verb} action {topic}",
        "HistoryData": json.dumps(data),
    }


def test_every_station_with_its_time(bench: Bench) -> None:
    """Each is looked at until it has what it waits for; foreign actions are passed over."""
    bench.stands()
    drill = bench.prepared()
    bench.counted(4.0)
    bench.logged(drill, 5)
    bench.logged(drill, 11)
    bench.counted(4.0, 5.0)
    bench.counted(4.0, 11.0)
    bench.stands()
    bench.stands(StateValue="ALARM", StateReason="11 > 10")
    bench.history(published("Succeeded", topic="arn:aws:lambda:eu-central-1:1:function:x"))
    bench.history(published("Succeeded"))
    found = bench.run(drill)
    assert bench.sent == [(0.0, "bad-request-error", drill.id)] * 11
    assert {name: (each.outcome, each.seconds) for name, each in found.items()} == {
        "CloudWatch Logs": ("arrived", 2.0),
        "metric": ("arrived", 4.0),
        "alarm": ("arrived", 6.0),
        "SNS": ("arrived", 8.0),
    }
    assert found["alarm"].detail == f"{NAME} is in ALARM: 11 > 10"
    assert found["SNS"].detail == (
        f"Successfully executed action {TOPIC}; whether subscribers got it, only they can say."
    )


@pytest.mark.parametrize("data", ["usual", "no JSON", "[]", None])
def test_a_refused_publish_is_told(bench: Bench, data: str | None) -> None:
    """By the word of the summary or of the data: CloudWatch says it nowhere else."""
    bench.stands()
    drill = bench.prepared()
    bench.counted()
    bench.logged(drill, 11)
    bench.counted(11.0)
    bench.stands(StateValue="ALARM")
    entry = published("Failed", "Resource: ops is not authorized")
    if data != "usual":
        entry["HistoryData"] = data
    bench.history({key: value for key, value in entry.items() if value is not None})
    station = bench.run(drill)["SNS"]
    assert (station.outcome, station.seconds) == ("refused", 0.0)
    reason = " Resource: ops is not authorized" if data == "usual" else ""
    assert station.detail == f"Failed to execute action {TOPIC}{reason}"
    assert str(station) == f"refused after 0 s: {station.detail}"


def test_waves_for_an_alarm_of_several_periods(bench: Bench) -> None:
    """Each period that must breach gets its lines, when it is its turn."""
    bench.stands(EvaluationPeriods=3, DatapointsToAlarm=2, Period=60, Threshold=1.0)
    drill = bench.prepared()
    assert (drill.lines, drill.waves, drill.timeout) == (2, 2, 480.0)
    assert str(drill).startswith(
        f"Drill {drill.id}: 2 events of bad-request-error in each of 2 periods."
    )
    bench.counted()
    bench.logged(drill, 2)
    bench.counted(2.0)
    for _ in range(31):
        bench.stands()
    bench.stands(StateValue="ALARM")
    bench.history(published("Succeeded"))
    assert bench.run(drill)["alarm"].seconds == 62.0
    assert [at for at, _, _ in bench.sent] == [0.0, 0.0, 60.0, 60.0]


FILTER = {
    "logGroupName": "shop",
    "filterName": NAME,
    "filterPattern": '{ $.event = "Bad Request Error" }',
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
            "The delivery says: logs:PutLogEvents failed",
        ),
        (Stats(dropped=11), "11 events were dropped: a before_emit hook may drop them."),
        (Stats(pending=11), "11 lines wait in this process: try a longer --timeout."),
    ],
)
@pytest.mark.parametrize(
    ("filters", "why_not_counted"),
    [
        ([], f"No metric filter {NAME} stands in shop: run `flask errwatch apply`."),
        (
            [{**FILTER, "filterPattern": "x"}],
            "The filter's pattern is x, not the detector's: run `flask errwatch apply`.",
        ),
        (
            [{**FILTER, "metricTransformations": [ELSEWHERE]}],
            "The filter feeds another metric than the alarm watches: run `flask errwatch apply`.",
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
    """The time is bounded for all stations together; each is looked at once at least."""
    bench.stats = stats
    bench.stands(Unit="Seconds")
    drill = bench.prepared(timeout=3)
    bench.counted(1.0)
    for _ in range(3):
        bench.logged(drill, 0)
    bench.counted(1.0)
    bench.aws.answers("logs", "describe_metric_filters", {"metricFilters": filters})
    bench.aws.answers("cloudwatch", "describe_alarms", {"MetricAlarms": []})
    bench.history()
    found = bench.run(drill)
    assert bench.now == 3
    assert {each.outcome for each in found.values()} == {"missing"}
    assert {name: each.detail for name, each in found.items()} == {
        "CloudWatch Logs": f"0 of 11 lines were accepted. {why_not_sent}",
        "metric": f"It counted 0 lines more, of 11. {why_not_counted}",
        "alarm": "It does not stand any more. It has the unit Seconds, which no line has: run "
        "`flask errwatch apply`.",
        "SNS": "No publish is in the alarm's history. It is told when the alarm goes off; `flask "
        "errwatch doctor` looks at the topic.",
    }


def test_what_may_not_be_looked_at_is_said_at_once(bench: Bench) -> None:
    """A denied read is not waited out; throttling is."""
    bench.stands(ActionsEnabled=False)
    drill = bench.prepared(timeout=3)
    bench.aws.refuses("cloudwatch", "get_metric_data", "AccessDenied")
    bench.aws.refuses("logs", "filter_log_events", "AccessDeniedException")
    for _ in range(3):
        bench.aws.refuses("cloudwatch", "get_metric_data", "Throttling")
    bench.aws.refuses("logs", "describe_metric_filters", "AccessDeniedException")
    bench.stands(StateValue="ALARM")
    found = bench.run(drill)
    assert {name: each.outcome for name, each in found.items()} == {
        "CloudWatch Logs": "unseen",
        "metric": "missing",
        "alarm": "arrived",
        "SNS": "unseen",
    }
    assert found["CloudWatch Logs"].detail.startswith("logs:FilterLogEvents failed with")
    assert "logs:DescribeMetricFilters failed with" in found["metric"].detail
    assert found["SNS"].detail == (
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
def test_so_many_lines_breach(bench: Bench, other: dict[str, object], lines: int) -> None:
    """By the alarm as it stands, not as it is declared."""
    bench.stands(**other)
    assert bench.prepared().lines == lines


@pytest.mark.parametrize(
    ("other", "remedy"),
    [
        ({"Statistic": "Average"}, "Only a Sum or SampleCount above a threshold"),
        ({"ComparisonOperator": "LessThanThreshold"}, "It goes off when there are too few"),
        ({"Threshold": 1000.0}, "It takes 1001 lines of at most 1000"),
        ({"StateValue": "ALARM"}, "It is in ALARM already"),
    ],
)
def test_what_cannot_be_drilled(bench: Bench, other: dict[str, object], remedy: str) -> None:
    """An alarm that lines cannot make go off, or only very many."""
    bench.stands(**other)
    with pytest.raises(DrillRefusedError, match=remedy):
        bench.prepared()


def catalogue(*detectors: Detector) -> Catalogue:
    """A catalogue of these alone, configured."""
    return Catalogue(detectors).configured(shop()[1])


LOUD = Detector(name="loud", event="Loud", level="error", alarm=Alarm(threshold=1))
CALM = Detector(name="calm", event="Calm", level="info", alarm=Alarm(threshold=50))
CALMER = Detector(name="calmer", event="Calmer", level="info", alarm=Alarm(threshold=5))
USUAL = Detector(name="usual", event="Usual", level="info", alarm=AnomalyAlarm())


def test_the_least_severe_detector_is_drilled(bench: Bench) -> None:
    """Of those the one that needs the fewest lines; an anomaly band cannot be drilled."""
    bench.stands()
    drill = prepared(bench.aws, catalogue(LOUD, CALM, CALMER, USUAL), shop()[1])
    assert drill.detector.name == "calmer"
    with pytest.raises(DrillRefusedError, match="can be drilled: of loud, calm"):
        prepared(bench.aws, catalogue(LOUD, CALM, USUAL), shop()[1], detector="usual")
    with pytest.raises(DrillRefusedError, match="declare an Alarm"):
        prepared(bench.aws, catalogue(USUAL), shop()[1])
    with pytest.raises(UnknownDetectorError):
        prepared(bench.aws, catalogue(LOUD), shop()[1], detector="quiet")


def test_a_process_that_sends_nothing_to_cloudwatch_cannot_drill(bench: Bench) -> None:
    """Its lines take another way, which the drill does not know."""
    with pytest.raises(DrillRefusedError, match="run it there"):
        prepared(bench.aws, *shop(SINKS="stdout"))
