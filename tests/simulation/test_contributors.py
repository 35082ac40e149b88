"""Contributor Insights: conditions on fields, sums, and the busier of two rules."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.provision.resources import InsightRule, MetricAlarm, MetricQuery
from flask_errwatch.simulation import Judge, LineKinds, Tally
from flask_errwatch.simulation.contributors import ContributorFeed
from flask_errwatch.simulation.feeding import feed_tally
from flask_errwatch.simulation.insight_rules import ContributorRule
from tests.simulation.resources import insight_rule, metric_alarm

NOON = 1_700_049_600
EVENT: JsonEvent = {"event": "Not Found Error", "suspicion": 2, "client_ip": "192.0.2.7"}


@pytest.mark.parametrize(
    ("condition", "counts"),
    [
        ({"Match": "$.suspicion", "GreaterThan": 0}, True),
        ({"Match": "$.suspicion", "GreaterThan": 2}, False),
        ({"Match": "$.suspicion", "LessThan": 3}, True),
        ({"Match": "$.suspicion", "LessThan": 2}, False),
        ({"Match": "$.suspicion", "EqualTo": 2}, True),
        ({"Match": "$.event", "EqualTo": 2}, False),
        ({"Match": "$.event", "In": ["Not Found Error", "Forbidden"]}, True),
        ({"Match": "$.event", "In": ["Forbidden"]}, False),
        ({"Match": "$.event", "StartsWith": ["Not "]}, True),
        ({"Match": "$.event", "StartsWith": ["Found"]}, False),
        ({"Match": "$.client_ip", "IsPresent": True}, True),
        ({"Match": "$.client_ip", "IsPresent": False}, False),
        ({"Match": "$.peer_ip", "IsPresent": False}, True),
        ({"Match": "$.missing", "GreaterThan": 0}, False),
        ({"Match": "$.missing", "In": ["x"]}, False),
    ],
)
def test_a_line_counts_when_it_fulfils_the_filters(
    condition: dict[str, object],
    counts: bool,  # noqa: FBT001 - a result
) -> None:
    """A line without the field fulfils none but `IsPresent: false`."""
    rule = ContributorRule.of(insight_rule(filters=[condition]))
    assert rule.contributor(EVENT) == ("192.0.2.7" if counts else None)
    assert rule.contribution(EVENT) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"Filters": [{"Match": "$.suspicion", "Above": 0}]},
        {"Filters": [{"Match": "$.suspicion", "GreaterThan": "0"}]},
        {"Filters": [{"Match": "$.suspicion"}]},
        {"Filters": [{"Match": "suspicion", "GreaterThan": 0}]},
        {"Filters": [{"Match": "$.data.x", "GreaterThan": 0}]},
        {"Filters": ["$.suspicion"]},
        {"Keys": ["$.client_ip", "$.path"]},
        {"ValueOf": "$.a.b"},
    ],
)
def test_a_rule_of_another_form_is_refused(change: dict[str, object]) -> None:
    """The sentence names the rule and the filters that the judge evaluates."""
    definition = json.loads(insight_rule().definition)
    definition["Contribution"].update(change)
    with pytest.raises(JudgeError, match=r"definition of insight rule 'scan'.*StartsWith"):
        ContributorRule.of(InsightRule(name="scan", definition=json.dumps(definition)))


def busiest(expression: str) -> MetricAlarm:
    return metric_alarm(
        "scan-one-source",
        namespace=None,
        metric_name=None,
        statistic=None,
        period=None,
        threshold=16.0,
        treat_missing_data="notBreaching",
        metrics=(MetricQuery(id="busiest", expression=expression, period=600),),
    )


def lines(judge: Judge, number: int, **event: object) -> None:
    for _ in range(number):
        judge.feed(NOON * 1000, json.dumps({"suspicion": 2, **event}))


def two_rules() -> list[InsightRule | MetricAlarm]:
    """The rules on clients and on peers without a client, and the alarm on the busier one."""
    peers = insight_rule(
        "peers",
        key="$.peer_ip",
        filters=[
            {"Match": "$.suspicion", "GreaterThan": 0},
            {"Match": "$.client_ip", "IsPresent": False},
        ],
    )
    expression = (
        'MAX([INSIGHT_RULE_METRIC("scan", "MaxContributorValue"), '
        'INSIGHT_RULE_METRIC("peers", "MaxContributorValue")])'
    )
    return [insight_rule(), peers, busiest(expression)]


def test_an_alarm_on_two_rules_compares_the_busier_one() -> None:
    """A client and a peer of the same address stay apart: eight and eight lines are no alarm."""
    judge = Judge(two_rules())
    lines(judge, 8, client_ip="192.0.2.7", peer_ip="10.0.0.1")
    lines(judge, 8, peer_ip="192.0.2.7")
    (first,) = judge.advance(NOON + 60)
    assert (first.new, first.datapoints[-1].value) == ("OK", 16.0)
    lines(judge, 1, peer_ip="192.0.2.7")
    (second,) = judge.advance(NOON + 120)
    assert (second.new, second.datapoints[-1].value) == ("ALARM", 18.0)


def test_peers_of_a_tally_count_for_the_rule_on_peers() -> None:
    """Also where one minute of one kind has lines of clients and of peers without a client."""
    clients: list[InsightRule | MetricAlarm] = [
        insight_rule(),
        busiest('INSIGHT_RULE_METRIC("scan", "MaxContributorValue")'),
    ]
    sources = ["192.0.2.7", *["peer 10.0.0.1"] * 8, "192.0.2.7", "192.0.2.8", "192.0.2.7"]
    for resources, value in ((clients, 6.0), (two_rules(), 16.0)):
        tally, judge = Tally(), Judge(resources)
        kind = LineKinds(resources).of({"suspicion": 2, "client_ip": "192.0.2.7"})
        tally.add(NOON, kind, sources, [None] * len(sources))
        (first,) = feed_tally(judge, tally, heartbeat=False).alarms
        assert first.datapoints[-1].value == value


SCAN = 'INSIGHT_RULE_METRIC("scan", "MaxContributorValue")'
PEERS = 'INSIGHT_RULE_METRIC("peers", "MaxContributorValue")'


@pytest.mark.parametrize(
    ("expression", "over_at"),
    [
        (SCAN, 1_860),
        (f"FILL({SCAN}, 0)", 660),
        (f"MAX([{SCAN}, {PEERS}])", 1_860),
        (f"MAX([FILL({SCAN}, 0), FILL({PEERS}, 0)])", 660),
    ],
)
def test_a_filled_metric_has_a_zero_in_a_period_without_lines(
    expression: str, over_at: int
) -> None:
    """Without FILL the last datapoint of the three periods in sight decides, however old it is."""
    judge = Judge([insight_rule(), insight_rule("peers", key="$.peer_ip"), busiest(expression)])
    lines(judge, 9, client_ip="192.0.2.7")
    changes = judge.advance(NOON + 7_200)
    assert [(change.new, change.at - NOON) for change in changes] == [
        ("ALARM", 60),
        ("OK", over_at),
    ]


def test_an_alarm_on_a_filled_metric_sees_one_scan_after_another() -> None:
    """The first is over when its period is, so the second goes off, and only once."""
    judge = Judge([insight_rule(), busiest(f"FILL({SCAN}, 0)")])
    lines(judge, 9, client_ip="192.0.2.7")
    for _ in range(9):
        line = json.dumps({"suspicion": 2, "client_ip": "192.0.2.8"})
        judge.feed((NOON + 900) * 1000, line)
    changes = judge.advance(NOON + 7_200)
    assert [(change.new, change.at - NOON) for change in changes] == [
        ("ALARM", 60),
        ("OK", 660),
        ("ALARM", 960),
        ("OK", 1_560),
    ]


@pytest.mark.parametrize(
    "expression",
    [
        f"SUM([{SCAN}])",
        f"FILL({SCAN}, REPEAT)",
        f"FILL({SCAN}, 1)",
        f"MAX([FILL({SCAN}, 0), {PEERS}])",
    ],
)
def test_an_alarm_on_other_math_over_rules_is_refused(expression: str) -> None:
    """Only one rule, or the maximum of two, is evaluated, and FILL with 0 around each rule."""
    with pytest.raises(JudgeError, match="The judge evaluates no metric math"):
        Judge([insight_rule(), busiest(expression)])


_ADDED = st.tuples(
    st.integers(0, 30), st.sampled_from("abc"), st.sampled_from([0, 1, 2, -1, 0.1, 2**60])
)


@given(st.lists(st.lists(_ADDED, max_size=8), max_size=8), st.integers(1, 4), st.booleans())
def test_the_busiest_contributor_is_exact_while_time_goes_on(
    parts: list[list[tuple[int, str, float]]],
    minutes: int,
    prunes: bool,  # noqa: FBT001 - a case
) -> None:
    """A period has what was added until now, in whatever order, whatever was asked before."""
    feed = ContributorFeed()
    added: list[tuple[int, str, float]] = []
    for at, part in enumerate(parts):
        for minute, contributor, lines in part:
            feed.add(minute * 60, contributor, lines)
        added += part
        for end in range(at, at + 6):
            sums: dict[str, float] = {}
            for second in range(end - minutes, end):
                of_minute: dict[str, float] = {}
                for minute, contributor, lines in added:
                    if minute == second:
                        of_minute[contributor] = of_minute.get(contributor, 0) + lines
                for contributor, lines in of_minute.items():
                    sums[contributor] = sums.get(contributor, 0) + lines
            value = feed.value("MaxContributorValue", (end - minutes) * 60, end * 60)
            assert value == (float(max(sums.values())) if sums else None)
        if prunes and at >= minutes:
            feed.prune((at + 1 - minutes) * 60)
            added = [one for one in added if one[0] > at - minutes]
