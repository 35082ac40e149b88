"""The rules that are stored in AWS, read from what its Describe calls return."""

from __future__ import annotations

import pytest

from flask_errwatch.errors import JudgeError
from flask_errwatch.simulation import AlarmRule, CompositeRule, MetricRule

TRANSFORMATION: dict[str, object] = {
    "metricName": "shop-boom",
    "metricNamespace": "Application Logs",
    "metricValue": "1",
    "defaultValue": 0.0,
    "unit": "Count",
}
FILTER: dict[str, object] = {
    "filterName": "shop-boom",
    "filterPattern": '{ $.event = "Boom" }',
    "metricTransformations": [TRANSFORMATION],
    "creationTime": 1_700_000_000_000,
    "logGroupName": "shop",
    "applyOnTransformedLogs": False,
}
ALARM: dict[str, object] = {
    "AlarmName": "shop-boom",
    "AlarmArn": "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-boom",
    "ActionsEnabled": True,
    "StateValue": "OK",
    "MetricName": "shop-boom",
    "Namespace": "Application Logs",
    "Statistic": "Sum",
    "Dimensions": [],
    "Period": 300,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 10.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


def test_a_stored_metric_filter_becomes_a_rule() -> None:
    """Every part that decides what a line gives is taken over."""
    made = MetricRule.from_cloudwatch(FILTER)

    assert (made.name, made.namespace, made.metric_name) == (
        "shop-boom",
        "Application Logs",
        "shop-boom",
    )
    assert (made.metric_value, made.default_value, made.unit) == ("1", 0.0, "Count")
    assert made.pattern.matches('{"event": "Boom"}')
    assert not made.pattern.matches('{"event": "Calm"}')


def test_a_bare_stored_metric_filter_has_awss_defaults() -> None:
    """No default value, no dimensions, unit None; an empty pattern matches everything."""
    bare = {"metricName": "lines", "metricNamespace": "Shop", "metricValue": "$.ms"}
    made = MetricRule.from_cloudwatch(
        {"filterName": "f", "filterPattern": "", "metricTransformations": [bare]}
    )

    assert (made.default_value, made.dimensions, made.unit) == (None, (), "None")
    assert made.pattern.matches("anything")


def test_stored_dimensions_are_taken_over() -> None:
    """They are stored as a mapping, and kept sorted."""
    split = {**TRANSFORMATION, "dimensions": {"Kind": "$.kind", "App": "$.app"}}
    del split["defaultValue"]
    made = MetricRule.from_cloudwatch({**FILTER, "metricTransformations": [split]})
    assert made.dimensions == (("App", "$.app"), ("Kind", "$.kind"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"filterPattern": '{ $.event = "Boom"'}, "filterPattern of metric filter 'shop-boom'"),
        ({"filterName": None}, "filterName of metric filter None = None: It must be a text."),
        ({"metricTransformations": []}, "It must be a list of exactly one."),
        ({"metricTransformations": [TRANSFORMATION, TRANSFORMATION]}, "exactly one"),
        ({"metricTransformations": [{**TRANSFORMATION, "metricName": 7}]}, "metricName of"),
        ({"metricTransformations": [{**TRANSFORMATION, "defaultValue": "0"}]}, "a number"),
        ({"metricTransformations": [{**TRANSFORMATION, "defaultValue": 1e999}]}, "finite"),
        ({"metricTransformations": [{**TRANSFORMATION, "dimensions": "no"}]}, "texts by name"),
        ({"metricTransformations": [{**TRANSFORMATION, "metricValue": "x"}]}, "metric_value"),
        ({"applyOnTransformedLogs": True}, "only as they were sent"),
        ({"fieldSelectionCriteria": "@x = 1"}, "only as they were sent"),
        ({"emitSystemFieldDimensions": ["@aws.region"]}, "no system fields"),
    ],
)
def test_a_stored_metric_filter_beyond_the_judge_is_refused(
    change: dict[str, object], said: str
) -> None:
    """The message names the filter, the key and what to do."""
    with pytest.raises(JudgeError, match=said):
        MetricRule.from_cloudwatch({**FILTER, **change})


def test_a_stored_alarm_becomes_a_rule() -> None:
    """Every part that decides its state is taken over."""
    assert AlarmRule.from_cloudwatch(ALARM) == AlarmRule(
        name="shop-boom",
        namespace="Application Logs",
        metric_name="shop-boom",
        threshold=10,
        period=300,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        statistic="Sum",
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )


def test_a_stored_alarm_may_leave_out_what_has_a_default() -> None:
    """M is N, missing data is missing, any unit counts; a percentile is as good."""
    bare = {key: value for key, value in ALARM.items() if key != "Statistic"}
    for key in ("DatapointsToAlarm", "TreatMissingData", "Dimensions"):
        del bare[key]
    made = AlarmRule.from_cloudwatch(
        {**bare, "ExtendedStatistic": "p99", "EvaluationWindow": {"SlidingWindow": {}}}
    )

    assert (made.needed, made.treat_missing_data, made.unit) == (3, "missing", None)
    assert made.statistic == "p99"


def test_a_stored_alarms_dimensions_and_unit_are_taken_over() -> None:
    """They name the metric that it watches."""
    made = AlarmRule.from_cloudwatch(
        {**ALARM, "Dimensions": [{"Name": "Kind", "Value": "db"}], "Unit": "Count"}
    )
    assert (made.dimensions, made.unit) == ((("Kind", "db"),), "Count")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Metrics": [{"Id": "m1"}]}, "no metric math"),
        ({"ThresholdMetricId": "band"}, "no anomaly detection"),
        ({"EvaluationCriteria": {"PromQLCriteria": {}}}, "no PromQL"),
        ({"WarmUpConfiguration": {"Minutes": 5}}, "no warm-up"),
        ({"EvaluationWindow": {"WallClockWindow": {}}}, "sliding windows only"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "use 'evaluate'"),
        ({"Period": 10}, "period of alarm 'shop-boom' = 10: Use a multiple of 60"),
        ({"Period": "300"}, "Period of alarm 'shop-boom' = '300': It must be a whole number"),
        ({"Threshold": None}, "Threshold of alarm 'shop-boom' = None: It must be a number"),
        ({"Threshold": True}, "It must be a number"),
        ({"EvaluationPeriods": 0}, "EvaluationPeriods of .* at least 1"),
        ({"DatapointsToAlarm": 4}, "from 1 to evaluation_periods"),
        ({"Statistic": None}, "Statistic of alarm 'shop-boom' = None: It must be a text"),
        ({"ExtendedStatistic": "tm90"}, "the judge knows no other"),
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "Use one of: Greater"),
        ({"Dimensions": [{"Name": "Kind"}]}, "texts by name"),
        ({"Dimensions": ["Kind"]}, "texts by name"),
    ],
)
def test_a_stored_alarm_beyond_the_judge_is_refused(change: dict[str, object], said: str) -> None:
    """The message names the alarm, the key and what to do."""
    with pytest.raises(JudgeError, match=said):
        AlarmRule.from_cloudwatch({**ALARM, **change})


def test_everything_wrong_with_a_stored_alarm_is_said_at_once() -> None:
    """Not only the first mistake."""
    with pytest.raises(JudgeError) as raised:
        AlarmRule.from_cloudwatch({**ALARM, "Threshold": None, "Period": None})
    assert len(raised.value.problems) == 2


def test_a_stored_composite_alarm_becomes_a_rule() -> None:
    """Its name and its expression."""
    made = CompositeRule.from_cloudwatch({"AlarmName": "top", "AlarmRule": "ALARM(shop-boom)"})
    assert (made.name, made.children) == ("top", frozenset({"shop-boom"}))
    with pytest.raises(JudgeError, match="AlarmRule of alarm 'top' = None: It must be a text"):
        CompositeRule.from_cloudwatch({"AlarmName": "top"})
