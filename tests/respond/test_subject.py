"""Following a name in AWS: to the alarm, and from it to the lines that it counts."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.respond.alarm.subject import NoAnswerError, find_subject
from tests.doctor.scripted_aws import ScriptedAws, shop
from tests.respond.scripts import (
    ARN,
    composite_entry,
    filter_entry,
    filters,
    knows,
    log_entry,
    metric_entry,
    subject_of,
)

MISSING = {"event": "Not Found Error", "client_ip": "192.0.2.7", "suspicion": 0}
SUSPICIOUS = {"event": "Not Found Error", "client_ip": "192.0.2.7", "suspicion": 2}
FAILING = {"event": "Critical Error"}


@pytest.fixture
def aws() -> ScriptedAws:
    """AWS without any answer yet."""
    return ScriptedAws()


@pytest.mark.parametrize(
    "name", ["not-found-error", "shop-not-found-error", f"{ARN}shop-not-found-error"]
)
def test_an_alarm_is_found_by_each_of_its_names(aws: ScriptedAws, name: str) -> None:
    """Its filter in AWS decides which lines count."""
    knows(aws, metric=[metric_entry()])
    filters(aws, filter_entry("other"), filter_entry())
    subject = find_subject(aws, name, *shop())
    assert subject.name == "shop-not-found-error"
    counting = subject.counting
    assert counting.log_groups == ("shop",)
    assert (counting.counts(MISSING), counting.counts(FAILING)) == (True, False)
    assert counting.query == 'filter event = "Not Found Error"'
    assert [each.name for each in counting.metrics] == ["shop-not-found-error"]


def test_aws_decides_where_the_app_declares_another_pattern(aws: ScriptedAws) -> None:
    """What was changed by hand is what counts."""
    knows(aws, metric=[metric_entry()])
    filters(aws, filter_entry(pattern='{ $.event = "Critical Error" }'))
    counting = find_subject(aws, "not-found-error", *shop()).counting
    assert (counting.counts(MISSING), counting.counts(FAILING)) == (False, True)


def test_a_filter_of_another_log_group_is_found_by_its_metric(aws: ScriptedAws) -> None:
    """The alarm is followed beyond the app's own log group."""
    knows(aws, metric=[metric_entry()])
    filters(aws)
    elsewhere = {**filter_entry(), "logGroupName": "elsewhere"}
    aws.expects(
        *("logs", "describe_metric_filters", {"metricFilters": [elsewhere]}),
        metricNamespace="Application Logs",
        metricName="shop-not-found-error",
    )
    assert find_subject(aws, "not-found-error", *shop()).counting.log_groups == ("elsewhere",)


def test_a_pattern_of_text_reads_lines_of_other_programs_too(aws: ScriptedAws) -> None:
    """Then no filter pattern hides them, and Logs Insights is not possible."""
    knows(aws, metric=[metric_entry()])
    filters(aws, filter_entry(pattern='"Not Found"'))
    counting = find_subject(aws, "not-found-error", *shop()).counting
    assert (counting.counts(MISSING), counting.counts(FAILING)) == (True, False)
    assert (counting.filter_pattern, counting.query) == ("", None)


def test_a_log_alarm_counts_the_lines_of_its_query(aws: ScriptedAws) -> None:
    """A line without an address is for no contributor."""
    counting = subject_of(aws, log_entry()).counting
    assert (counting.counts(SUSPICIOUS), counting.counts(MISSING)) == (True, False)
    assert not counting.counts({"event": "Not Found Error", "suspicion": 2})
    assert (counting.query, counting.summed) == ("filter suspicion > 0", "suspicion")


def test_an_alarm_on_a_rule_counts_the_lines_of_the_rule(aws: ScriptedAws) -> None:
    """A source alarm where log alarms are not possible."""
    expression = 'FILL(INSIGHT_RULE_METRIC("shop-scan-one-source", "MaxContributorValue"), 0)'
    entry = metric_entry("shop-scan-one-source")
    for key in ("Namespace", "MetricName", "Statistic", "Period"):
        del entry[key]
    entry["Metrics"] = [{"Id": "busiest", "Expression": expression, "Period": 600}]
    knows(aws, metric=[entry])
    definition = (
        '{"Schema":{"Name":"CloudWatchLogRule","Version":1},"LogGroupNames":["shop"],'
        '"LogFormat":"JSON","Contribution":{"Keys":["$.client_ip"],"ValueOf":"$.suspicion",'
        '"Filters":[{"Match":"$.suspicion","GreaterThan":0}]},"AggregateOn":"Sum"}'
    )
    rule = {"Name": "shop-scan-one-source", "State": "ENABLED", "Definition": definition}
    rule["Schema"] = '{"Name":"CloudWatchLogRule","Version":1}'
    aws.answers("cloudwatch", "describe_insight_rules", {"InsightRules": [rule]})
    filters(aws, filter_entry("shop-scan", "{ $.suspicion > 0 }"))
    subject = find_subject(aws, "scan", *shop())
    assert subject.name == "shop-scan-one-source"
    assert (subject.counting.counts(SUSPICIOUS), subject.counting.counts(MISSING)) == (True, False)
    assert subject.counting.query == "filter suspicion > 0"


def test_an_alarm_on_a_band_is_followed_to_its_metric(aws: ScriptedAws) -> None:
    """Its threshold is the band, of which only CloudWatch has the model."""
    metric = {"Namespace": "Application Logs", "MetricName": "shop-not-found-error"}
    entry = metric_entry(ThresholdMetricId="band")
    for key in ("Namespace", "MetricName", "Statistic", "Period", "Threshold"):
        del entry[key]
    stat = {"Metric": metric, "Period": 300, "Stat": "Sum"}
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(count, 2)"}
    entry["Metrics"] = [{"Id": "count", "MetricStat": stat}, band]
    knows(aws, metric=[entry])
    filters(aws, filter_entry())
    subject = find_subject(aws, "not-found-error", *shop())
    assert subject.counting.counts(MISSING)


@pytest.mark.parametrize(
    ("evidence", "awaits_lines"),
    [
        ({"recentDatapoints": [41.0], "recentLowerThresholds": [2.0]}, False),
        ({"recentDatapoints": [0.0], "recentLowerThresholds": [2.0]}, True),
        ({"recentDatapoints": "x", "recentLowerThresholds": [2.0]}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_band_is_on_silence_where_its_lower_side_was_breached(
    aws: ScriptedAws,
    evidence: object,
    awaits_lines: bool,  # noqa: FBT001
) -> None:
    """Where that is not known, lines are looked for."""
    entry = metric_entry(
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
        ThresholdMetricId="band",
        StateReasonData="" if evidence is None else json.dumps(evidence),
    )
    del entry["Threshold"]
    assert subject_of(aws, entry).awaits_lines is awaits_lines


def test_names_in_a_rule_need_no_quotation_marks(aws: ScriptedAws) -> None:
    """As in AWS's own examples. A name without them may have blanks."""
    rule = 'ALARM(shop-a) OR (ALARM( "shop-b" ) AND NOT OK( the third ))'
    knows(aws, composite=[composite_entry("shop", rule)])
    names = ("shop-a", "shop-b", "the third")
    knows(aws, metric=map(metric_entry, names))
    filters(aws, *map(filter_entry, names))
    subject = find_subject(aws, "shop", *shop())
    assert [alarm.name for alarm in subject.line_alarms] == [*names]


def test_a_composite_alarm_is_about_its_alarms_in_alarm(aws: ScriptedAws) -> None:
    """One on requests of a balancer has no lines, and one that is OK is not asked about."""
    rule = 'ALARM("shop-a") OR ALARM("shop-b") OR ALARM("shop-requests")'
    knows(aws, composite=[composite_entry("shop-busy", rule)])
    requests = metric_entry("shop-requests", Namespace="AWS/ApplicationELB")
    knows(
        aws,
        metric=[metric_entry("shop-a"), metric_entry("shop-b", StateValue="OK"), requests],
    )
    filters(aws, filter_entry("shop-a"), filter_entry("shop-b", '{ $.event = "Critical Error" }'))
    subject = find_subject(aws, "busy", *shop())
    assert [alarm.name for alarm in subject.line_alarms] == ["shop-a"]
    assert (subject.counting.counts(MISSING), subject.counting.counts(FAILING)) == (True, False)


def test_an_alarm_that_two_composite_alarms_name_is_one(aws: ScriptedAws) -> None:
    """It is followed once."""
    rule = 'ALARM("shop-a")'
    knows(aws, composite=[composite_entry("shop", 'ALARM("shop-1") OR ALARM("shop-2")')])
    knows(aws, composite=[composite_entry("shop-1", rule), composite_entry("shop-2", rule)])
    for _ in range(2):
        knows(aws, metric=[metric_entry("shop-a")])
    filters(aws, filter_entry("shop-a"))
    subject = find_subject(aws, "shop", *shop())
    assert [alarm.name for alarm in subject.line_alarms] == ["shop-a"]


def test_several_alarms_in_alarm_are_one_question(aws: ScriptedAws) -> None:
    """A line counts if it counts for any of them, and their metrics do not add up to lines."""
    rule = 'ALARM("shop-a") OR ALARM("shop-b")'
    knows(aws, composite=[composite_entry("shop", rule)])
    knows(aws, metric=[metric_entry("shop-a"), metric_entry("shop-b")])
    filters(aws, filter_entry("shop-a"), filter_entry("shop-b", '{ $.event = "Critical Error" }'))
    counting = find_subject(aws, "shop", *shop()).counting
    assert (counting.counts(MISSING), counting.counts(FAILING)) == (True, True)
    assert counting.query == ('filter (event = "Not Found Error") or (event = "Critical Error")')
    assert counting.metrics == ()


def test_lines_that_an_alarm_awaits_are_no_evidence_beside_others(aws: ScriptedAws) -> None:
    """A composite alarm on all alarms does not show heartbeats as failures."""
    rule = 'ALARM("shop-a") OR ALARM("shop-silent")'
    knows(aws, composite=[composite_entry("shop", rule)])
    silent = metric_entry("shop-silent", ComparisonOperator="LessThanThreshold", Threshold=1.0)
    knows(aws, metric=[metric_entry("shop-a"), silent])
    filters(aws, filter_entry("shop-a"), filter_entry("shop-silent", '{ $.event = "Heartbeat" }'))
    subject = find_subject(aws, "shop", *shop())
    assert not subject.awaits_lines
    assert not subject.counting.counts({"event": "Heartbeat"})
    assert subject.about(["shop-silent"]).awaits_lines


def test_an_alarm_on_silence_awaits_lines(aws: ScriptedAws) -> None:
    """No line is what it is about."""
    entry = metric_entry("shop-silent", ComparisonOperator="LessThanThreshold", Threshold=1.0)
    entry["MetricName"] = "shop-heartbeat"
    knows(aws, metric=[entry])
    filters(aws, filter_entry("shop-heartbeat", '{ $.event = "Heartbeat" }'))
    subject = find_subject(aws, "silent", *shop())
    assert subject.awaits_lines
    assert subject.counting.counts({"event": "Heartbeat"})


def test_a_detector_without_an_alarm_has_its_filter(aws: ScriptedAws) -> None:
    """It has no state."""
    knows(aws)
    filters(aws, filter_entry("shop-client-error", '{ $.event = "Client Error" }'))
    subject = find_subject(aws, "client-error", *shop())
    assert (subject.name, subject.alarm, subject.is_declared_only) == (
        *("shop-client-error", None),
        False,
    )
    assert subject.counting.counts({"event": "Client Error"})


def test_a_detector_that_aws_does_not_know_has_its_declared_pattern(aws: ScriptedAws) -> None:
    """Lines are there before the first `apply`."""
    knows(aws)
    filters(aws)
    subject = find_subject(aws, "not-found-error", *shop())
    assert subject.is_declared_only
    assert (subject.counting.counts(MISSING), subject.counting.metrics) == (True, ())


def test_an_unknown_name_is_refused_with_those_near_it(aws: ScriptedAws) -> None:
    """Of alarms and of detectors."""
    knows(aws)
    filters(aws)
    knows(aws, metric=[metric_entry("shop-silent")])
    with pytest.raises(NoAnswerError) as caught:
        find_subject(aws, "shop-slient", *shop())
    assert str(caught.value) == (
        "alarm = 'shop-slient': There is no such alarm, and no such detector; "
        "did you mean shop-silent?"
    )


def test_an_alarm_of_another_region_is_refused(aws: ScriptedAws) -> None:
    """It is named before any call."""
    with pytest.raises(NoAnswerError, match="It is in us-east-1, and this app in eu-central-1"):
        find_subject(aws, ARN.replace("eu-central-1", "us-east-1") + "shop-scan", *shop())


def test_an_alarm_of_another_account_is_refused(aws: ScriptedAws) -> None:
    """This account may have one of the same name."""
    knows(aws, metric=[metric_entry()])
    arn = ARN.replace("123456789012", "999999999999")
    with pytest.raises(NoAnswerError) as caught:
        find_subject(aws, f"{arn}shop-not-found-error", *shop())
    assert str(caught.value).endswith(
        "It is in the account 999999999999, and the credentials are of 123456789012: use those of "
        "its account."
    )


@pytest.mark.parametrize(
    "name",
    ["arn:x:alarm:foo", "arn:aws:logs:eu-central-1:123456789012:log-group:shop", "arn:", ARN],
)
def test_an_arn_of_anything_else_is_refused(aws: ScriptedAws, name: str) -> None:
    """With the form of an alarm's, before any call."""
    with pytest.raises(NoAnswerError, match="An alarm's ARN is arn:aws:cloudwatch:REGION"):
        find_subject(aws, name, *shop())


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_what_no_alarm_can_be_called_is_refused(aws: ScriptedAws, name: str) -> None:
    """Before any call: AWS would refuse it."""
    with pytest.raises(NoAnswerError, match="of 1 to 255 characters"):
        find_subject(aws, name, *shop())


def test_an_alarm_that_no_line_feeds_is_refused(aws: ScriptedAws) -> None:
    """Such as one on the requests of a balancer."""
    knows(aws, metric=[metric_entry("shop-requests", Namespace="AWS/ApplicationELB")])
    filters(aws)
    with pytest.raises(NoAnswerError, match="No line feeds its metric"):
        find_subject(aws, "shop-requests", *shop())
