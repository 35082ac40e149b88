"""Alarms on one source: which kind an app gets, why, and what it counts."""

from __future__ import annotations

import json

import pytest

from flask_errwatch import SourceAlarm
from flask_errwatch import config as configuration
from flask_errwatch.detectors import Alarm, Catalogue, Detector
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.provision import AwsScope, Desired, MetricAlarm, desired_resources
from flask_errwatch.provision.resources import LogAlarm
from flask_errwatch.provision.topics import Topics

TOPIC = "arn:aws:sns:eu-central-1:123456789012:ops"
ROLE = "arn:aws:iam::123456789012:role/lines"
SCAN = Detector(
    name="scan",
    where="$.suspicion > 0",
    value="$.suspicion",
    alarm=SourceAlarm(threshold=16, period=600, site_threshold=20, site_period=300),
)
NOT_FOUND = Detector(name="not-found-error", event="Not Found Error", statuses=(404,))


def shop(*detectors: Detector, region: str = "eu-central-1", **settings: object) -> Desired:
    """Returns the desired resources of an app with these detectors."""
    keys = {f"ERRWATCH_{name}": value for name, value in settings.items()}
    config = configuration.load(keys, {}, app_name="shop")
    scope = AwsScope(partition="aws", region=region, account="123456789012")
    catalogue = Catalogue(detectors or (SCAN,)).configured(config)
    return desired_resources(catalogue, config, topics=Topics(default=TOPIC), scope=scope)


def test_with_a_role_it_is_a_log_alarm() -> None:
    """A query sums each address over ten minutes that end a minute ago. No message of OK."""
    desired = shop(LOG_ALARM_ROLE=ROLE)
    (alarm,) = desired.log_alarms
    assert alarm == LogAlarm(
        name="shop-scan",
        description=alarm.description,
        log_groups=("shop",),
        query="filter suspicion > 0",
        aggregation="sum(suspicion) by client_ip | sort desc",
        rate=60,
        window=600,
        delay=60,
        evaluation_runs=1,
        runs_to_alarm=1,
        threshold=16.0,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        role=ROLE,
        alarm_actions=(TOPIC,),
    )
    assert (desired.alarms, desired.insight_rules) == ((), ())
    assert desired.source_alarms == {"shop-scan"}
    (explanation,) = desired.explanations
    assert explanation == (
        "shop-scan is a log alarm, whose message names the address: 0.15 USD a month at 1 GB of "
        "lines, 5.10 at 100 GB. A flood of lines is scanned, and paid for, too."
    )


def test_behind_proxies_the_peer_stands_in_for_an_unknown_client() -> None:
    """Otherwise requests whose client is not known would count for nobody."""
    (alarm,) = shop(LOG_ALARM_ROLE=ROLE, TRUSTED_PROXIES=1).log_alarms
    assert alarm.query == (
        'fields coalesce(client_ip, concat("peer ", peer_ip)) as source | filter suspicion > 0'
    )
    assert alarm.aggregation == "sum(suspicion) by source | sort desc"
    (alarm,) = shop(LOG_ALARM_ROLE=ROLE, TRUSTED_PROXIES="none").log_alarms
    assert alarm.aggregation == "sum(suspicion) by client_ip | sort desc"


def test_without_a_value_lines_are_counted() -> None:
    """A folded line counts for as many as it stands for."""
    counting = Detector(
        name="probe",
        event="Probe",
        where='$.path_class = "probe"',
        alarm=SourceAlarm(threshold=5, period=300),
    )
    (alarm,) = shop(counting, LOG_ALARM_ROLE=ROLE).log_alarms
    assert alarm.query == 'filter event = "Probe" and path_class = "probe"'
    assert alarm.aggregation == "count(*) by client_ip | sort desc"
    (alarm,) = shop(counting, LOG_ALARM_ROLE=ROLE, COLLAPSE_SECONDS=5).log_alarms
    assert alarm.aggregation == "sum(count) by client_ip | sort desc"


def test_without_a_role_it_is_a_contributor_insights_alarm() -> None:
    """A rule sums each address, and an alarm watches the busiest one."""
    desired = shop()
    (rule,), (alarm,) = desired.insight_rules, desired.alarms
    assert rule.name == alarm.name == "shop-scan-one-source"
    assert json.loads(rule.definition) == {
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": ["shop"],
        "LogFormat": "JSON",
        "Contribution": {
            "Keys": ["$.client_ip"],
            "ValueOf": "$.suspicion",
            "Filters": [{"Match": "$.suspicion", "GreaterThan": 0}],
        },
        "AggregateOn": "Sum",
    }
    assert [str(query) for query in alarm.metrics] == [
        'busiest = FILL(INSIGHT_RULE_METRIC("shop-scan-one-source", "MaxContributorValue"), 0)'
    ]
    assert (alarm.threshold, alarm.metrics[0].period) == (16.0, 600)
    assert (alarm.alarm_actions, alarm.ok_actions) == ((TOPIC,), ())
    (explanation,) = desired.explanations
    assert explanation == (
        "shop-scan-one-source is an alarm on a Contributor Insights rule, whose message names no "
        "address: 0.60 USD a month and a charge per matching line. It is not a log alarm, since "
        "there is no role for its query: run `flask errwatch apply --create-role`, or set "
        "ERRWATCH_LOG_ALARM_ROLE."
    )


@pytest.mark.parametrize(
    ("period", "periods", "needed"), [(60, 5, 1), (120, 3, 1), (240, 2, 1), (300, 1, None)]
)
def test_late_values_of_a_rule_still_alarm(period: int, periods: int, needed: int | None) -> None:
    """FILL makes a period 0 whose values are not there yet: one of five minutes is enough."""
    detector = Detector(name="probe", event="Probe", alarm=SourceAlarm(threshold=5, period=period))
    (alarm,) = shop(detector).alarms
    assert (alarm.evaluation_periods, alarm.datapoints_to_alarm) == (periods, needed)


def test_behind_proxies_a_second_rule_sums_the_peers() -> None:
    """The alarm watches the busiest of both."""
    desired = shop(TRUSTED_PROXIES=1)
    clients, peers = desired.insight_rules
    assert (clients.name, peers.name) == ("shop-scan-one-source", "shop-scan-one-source-peer")
    contribution = json.loads(peers.definition)["Contribution"]
    assert contribution["Keys"] == ["$.peer_ip"]
    assert contribution["Filters"] == [
        {"Match": "$.suspicion", "GreaterThan": 0},
        {"Match": "$.client_ip", "IsPresent": False},
    ]
    (alarm,) = desired.alarms
    assert alarm.metrics[0].expression == (
        'MAX([FILL(INSIGHT_RULE_METRIC("shop-scan-one-source", "MaxContributorValue"), 0), '
        'FILL(INSIGHT_RULE_METRIC("shop-scan-one-source-peer", "MaxContributorValue"), 0)])'
    )
    assert "1.10 USD a month" in desired.explanations[0]


def test_for_the_site_it_is_an_alarm_on_the_filters_metric() -> None:
    """All addresses together, with the threshold and the period for all of them."""
    desired = shop(SOURCE_ALARMS="site", LOG_ALARM_ROLE=ROLE)
    (alarm,) = desired.alarms
    assert isinstance(alarm, MetricAlarm)
    assert (alarm.name, alarm.metric_name) == ("shop-scan-all", "shop-scan")
    assert (alarm.statistic, alarm.threshold, alarm.period) == ("Sum", 20.0, 300)
    assert (alarm.alarm_actions, alarm.ok_actions) == ((TOPIC,), ())
    assert (desired.log_alarms, desired.insight_rules) == ((), ())
    (explanation,) = desired.explanations
    assert explanation == (
        "shop-scan-all watches all addresses together, since ERRWATCH_SOURCE_ALARMS is 'site': "
        "0.10 USD a month."
    )


def test_it_can_be_turned_off() -> None:
    """Then nothing watches the sources, and the plan says so."""
    desired = shop(SOURCE_ALARMS="off", LOG_ALARM_ROLE=ROLE)
    assert desired.every_alarm == ()
    assert desired.explanations == (
        "shop-scan has no alarm on one source, since ERRWATCH_SOURCE_ALARMS is 'off'.",
    )


@pytest.mark.parametrize("region", ["me-central-1", "me-south-1"])
def test_a_region_without_log_alarms_falls_back(region: str) -> None:
    """Also with a role, and with a sentence."""
    desired = shop(region=region, LOG_ALARM_ROLE=ROLE)
    assert [alarm.name for alarm in desired.alarms] == ["shop-scan-one-source"]
    assert f"since {region} has no log alarms." in desired.explanations[0]


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov"])
def test_a_partition_without_log_alarms_falls_back(partition: str) -> None:
    """China and GovCloud have none."""
    config = configuration.load({"ERRWATCH_LOG_ALARM_ROLE": ROLE}, {}, app_name="shop")
    scope = AwsScope(partition=partition, region="cn-north-1", account="1")
    desired = desired_resources(Catalogue((SCAN,)).configured(config), config, scope=scope)
    assert f"since the partition {partition} has no log alarms." in desired.explanations[0]


def test_the_older_key_adds_such_an_alarm_beside_another() -> None:
    """Its threshold and names are as before where there is no role. It says what replaces it."""
    desired = shop(NOT_FOUND, PER_SOURCE_ALARMS={"not-found-error": 3}, LOG_ALARM_ROLE=ROLE)
    (alarm,) = desired.log_alarms
    assert (alarm.name, alarm.threshold, alarm.window) == (
        "shop-not-found-error-by-source",
        3.0,
        300,
    )
    assert alarm.query == 'filter event = "Not Found Error"'
    assert [alarm.name for alarm in desired.alarms] == ["shop-not-found-error"]
    assert desired.explanations[0] == (
        "ERRWATCH_PER_SOURCE_ALARMS is deprecated, and still works: declare such a detector with "
        "alarm=SourceAlarm(threshold=…, period=…)."
    )
    without_role = shop(NOT_FOUND, PER_SOURCE_ALARMS="not-found-error")
    assert [alarm.name for alarm in without_role.alarms] == [
        "shop-not-found-error",
        "shop-not-found-error-one-source",
    ]
    for setting in ("site", "off"):
        only = shop(NOT_FOUND, PER_SOURCE_ALARMS="not-found-error", SOURCE_ALARMS=setting)
        assert [alarm.name for alarm in only.every_alarm] == ["shop-not-found-error"]


def test_the_older_key_sets_the_threshold_of_a_declared_alarm() -> None:
    """There is one alarm, not two."""
    (alarm,) = shop(PER_SOURCE_ALARMS={"scan": 5}, LOG_ALARM_ROLE=ROLE).log_alarms
    assert (alarm.name, alarm.threshold) == ("shop-scan", 5.0)
    (alarm,) = shop(PER_SOURCE_ALARMS="scan", LOG_ALARM_ROLE=ROLE).log_alarms
    assert alarm.threshold == 16.0


def test_where_that_no_kind_expresses_is_refused() -> None:
    """A rule cannot join with `||`, and there is no role for a log alarm that could."""
    detector = Detector(
        name="odd",
        where='$.agent = "empty" || $.agent = "scanner"',
        alarm=SourceAlarm(threshold=5, period=300),
    )
    with pytest.raises(ConfigurationError, match="where of detector 'odd'") as caught:
        shop(detector)
    assert "&& alone. It is not a log alarm, since there is no role" in str(caught.value)
    (alarm,) = shop(detector, LOG_ALARM_ROLE=ROLE).log_alarms
    assert alarm.query == 'filter agent = "empty" or agent = "scanner"'


def test_where_that_only_a_rule_expresses_falls_back() -> None:
    """A query cannot name such a field, a rule can."""
    detector = Detector(
        name="odd", where="$.['a b'] > 3", alarm=SourceAlarm(threshold=5, period=300)
    )
    desired = shop(detector, LOG_ALARM_ROLE=ROLE)
    assert [rule.name for rule in desired.insight_rules] == ["shop-odd-one-source"]
    assert "its query cannot count these lines (A query cannot name" in desired.explanations[0]


def test_the_older_key_counts_all_lines_of_an_event_that_a_rule_cannot_narrow() -> None:
    """As in version 0.1: an upgrade that gives a detector a `where` is not refused."""
    detector = Detector(
        name="not-found-error", event="Not Found Error", where='$.a = "b" || $.a = "c"'
    )
    (rule,) = shop(detector, PER_SOURCE_ALARMS="not-found-error").insight_rules
    assert json.loads(rule.definition)["Contribution"]["Filters"] == [
        {"Match": "$.event", "In": ["Not Found Error"]}
    ]


def test_a_log_alarm_notifies_itself_where_one_alarm_notifies_for_the_app() -> None:
    """Only its own message names the address. The app's alarm names the others."""
    desired = shop(SCAN, NOT_FOUND, NOTIFY="app", LOG_ALARM_ROLE=ROLE)
    assert desired.log_alarms[0].alarm_actions == (TOPIC,)
    assert [alarm.rule for alarm in desired.app_alarms] == ['ALARM("shop-not-found-error")']
    without_role = shop(SCAN, NOT_FOUND, NOTIFY="app")
    assert [alarm.rule for alarm in without_role.app_alarms] == [
        'ALARM("shop-scan-one-source") OR ALARM("shop-not-found-error")'
    ]


def test_quiet_periods_leave_it() -> None:
    """The states of a log alarm are those of its contributors."""
    (alarm,) = shop(LOG_ALARM_ROLE=ROLE, QUIET_PERIODS=3).log_alarms
    assert (alarm.evaluation_runs, alarm.runs_to_alarm) == (1, 1)


def test_a_name_that_two_kinds_would_have_is_refused() -> None:
    """The three kinds of alarms share their names."""
    both = (SCAN, Detector(name="scan-all", event="Scan All", alarm=Alarm()))
    with pytest.raises(ConfigurationError, match="would have this name"):
        shop(*both, SOURCE_ALARMS="site")


@pytest.mark.parametrize("name", ['the "shop"', "s" * 120])
def test_no_app_is_refused_for_its_name(name: str) -> None:
    """A rule cannot have each name that an alarm can: then all addresses are watched together."""
    config = configuration.load({"ERRWATCH_LOG_GROUP": "shop"}, {}, app_name=name)
    desired = desired_resources(Catalogue((SCAN,)).configured(config), config)
    assert [alarm.name for alarm in desired.alarms] == [f"{name}-scan-all"]
    (explanation,) = desired.explanations
    assert "since a Contributor Insights rule cannot have the name" in explanation
    assert "and there is no role for its query" in explanation
