"""Log alarms: windows, contributors that appear, breach and vanish, and the service's limits."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.provision.resources import Resource
from flask_errwatch.simulation import (
    Judge,
    LogAlarmCondition,
    StateValue,
    Transition,
    split_judgeable,
)
from flask_errwatch.simulation.inputs import InputCoverage
from tests.simulation.resources import composite_alarm, log_alarm, metric_alarm, metric_filter

NOON = 1_700_049_600  # 2023-11-15T12:00:00Z
SCANNER, CUSTOMER = "203.0.113.9", "198.51.100.1"
OPS = ("arn:aws:sns:eu-west-1:123456789012:ops",)


def suspicious(client: str, suspicion: int = 2) -> str:
    return json.dumps({"event": "Not Found Error", "client_ip": client, "suspicion": suspicion})


def feed(judge: Judge, seconds: Iterable[float], client: str = SCANNER, suspicion: int = 2) -> None:
    for second in seconds:
        judge.feed(round(second * 1000), suspicious(client, suspicion))


def changes(transitions: Iterable[Transition]) -> list[tuple[str, int, StateValue, StateValue]]:
    return [(change.alarm, change.at, change.old, change.new) for change in transitions]


class Move(NamedTuple):
    contributor: str
    at: int
    new: StateValue
    value: float | None
    is_notified: bool


def moves(judge: Judge) -> list[Move]:
    return [
        Move(move.contributor, move.at, move.new, move.value, move.is_notified)
        for move in judge.take_contributor_transitions()
    ]


def test_a_scanner_is_named_after_the_delay_and_gone_after_the_window() -> None:
    """Nine lines of suspicion 2 within a minute: 18 > 16 once the minute is 60 s old."""
    judge = Judge([log_alarm()])
    feed(judge, range(NOON, NOON + 9))
    feed(judge, [NOON + 5], CUSTOMER, 1)

    assert changes(judge.advance(NOON + 3600)) == [
        ("scan", NOON + 60, "INSUFFICIENT_DATA", "OK"),
        ("scan", NOON + 120, "OK", "ALARM"),
        ("scan", NOON + 720, "ALARM", "OK"),
    ]
    assert moves(judge) == [
        Move(SCANNER, NOON + 120, "ALARM", 18, is_notified=True),
        Move(SCANNER, NOON + 720, "OK", None, is_notified=False),
    ]
    assert moves(judge) == []


def test_the_reason_names_who_and_when() -> None:
    """The sentence of the alarm's own transition has the service's words and the contributor."""
    judge = Judge([log_alarm()])
    feed(judge, range(NOON, NOON + 9))
    feed(judge, [NOON + 5], CUSTOMER, 1)
    *_, alarm = judge.advance(NOON + 120)
    assert alarm.reason == (
        "1 out of 2 contributors evaluated to ALARM (sum(suspicion) by client_ip > 16, from "
        "2023-11-15T11:51:00Z to 2023-11-15T12:01:00Z): 203.0.113.9 has 18."
    )
    (move,) = judge.take_contributor_transitions()
    assert (move.alarm, move.by, move.old) == ("scan", "client_ip", "OK")
    assert str(move) == "scan, 203.0.113.9: OK -> ALARM (18)."


@pytest.mark.parametrize(
    ("last", "new"),
    [
        (NOON + 59.999, "ALARM"),  # the last millisecond of the window that ends at 12:01:00
        (NOON + 60, "OK"),  # its end is not part of it
        (NOON - 540, "ALARM"),  # its first second is
        (NOON - 540.001, "OK"),
    ],
)
def test_a_window_has_its_first_second_and_not_its_end(last: float, new: str) -> None:
    """Half-open: the run at 12:02:00 reads [11:51:00, 12:01:00)."""
    judge = Judge([log_alarm()], start=NOON)
    feed(judge, [NOON] * 8)
    feed(judge, [last])
    judge.advance(NOON + 120)
    assert judge.states == {"scan": new}


@pytest.mark.parametrize(
    ("last", "new"),
    [(NOON + 29, "ALARM"), (NOON + 30, "OK"), (NOON - 60, "ALARM"), (NOON - 61, "OK")],
)
def test_a_window_of_odd_seconds_is_exact(last: int, new: str) -> None:
    """A window of 90 s that ends 90 s ago: the run at 12:02:00 reads [11:59:00, 12:00:30)."""
    judge = Judge([log_alarm(window=90, delay=90)], start=NOON)
    feed(judge, [NOON] * 8)
    feed(judge, [last])
    judge.advance(NOON + 120)
    assert judge.states == {"scan": new}


def test_a_line_counts_in_as_many_runs_as_the_window_has_minutes() -> None:
    """An alarm of one line lasts exactly the window, at every second of the minute."""
    for second in (0, 1, 59):
        judge = Judge([log_alarm(threshold=1.0)])
        feed(judge, [NOON + second])
        _, rise, fall = judge.advance(NOON + 3600)
        assert fall.at - rise.at == 600


def test_each_contributor_is_told_once() -> None:
    """A second scanner is a second message, and no change of the alarm. Standing tells nothing."""
    judge = Judge([log_alarm(ok_actions=OPS)])
    feed(judge, range(NOON, NOON + 9))
    feed(judge, range(NOON + 60, NOON + 69), "203.0.113.10")
    feed(judge, [NOON + 240] * 2)
    assert changes(judge.advance(NOON + 3600)) == [
        ("scan", NOON + 60, "INSUFFICIENT_DATA", "OK"),
        ("scan", NOON + 120, "OK", "ALARM"),
        ("scan", NOON + 780, "ALARM", "OK"),
    ]
    assert moves(judge) == [
        Move(SCANNER, NOON + 120, "ALARM", 18, is_notified=True),
        Move("203.0.113.10", NOON + 180, "ALARM", 18, is_notified=True),
        Move(SCANNER, NOON + 720, "OK", 4, is_notified=True),
        Move("203.0.113.10", NOON + 780, "OK", None, is_notified=True),
    ]


@pytest.mark.parametrize("fields", [{"alarm_actions": ()}, {"actions_enabled": False}])
def test_an_alarm_without_actions_tells_no_one(fields: dict[str, object]) -> None:
    """The contributor changes its state all the same."""
    judge = Judge([log_alarm(**fields)])
    feed(judge, range(NOON, NOON + 9))
    judge.advance(NOON + 120)
    assert moves(judge) == [Move(SCANNER, NOON + 120, "ALARM", 18, is_notified=False)]


def test_m_of_n_runs_is_decided_for_each_contributor() -> None:
    """2 of 3: one breaching run is not enough, two are, and both are of the same contributor."""
    judge = Judge([log_alarm(window=60, evaluation_runs=3, runs_to_alarm=2)], start=NOON)
    feed(judge, [NOON] * 9)
    feed(judge, [NOON + 60] * 9, "203.0.113.10")
    feed(judge, [NOON + 120] * 9)
    feed(judge, [NOON + 180], suspicion=1)
    feed(judge, [NOON + 240], suspicion=1)
    judge.advance(NOON + 3600)
    assert moves(judge) == [
        Move(SCANNER, NOON + 240, "ALARM", 18, is_notified=True),
        Move(SCANNER, NOON + 300, "OK", 1, is_notified=False),
    ]


def test_missing_runs_of_a_contributor_may_count_as_breaching() -> None:
    """A new contributor has no earlier runs. One that is gone goes to OK all the same."""
    fields = {"window": 60, "evaluation_runs": 2, "runs_to_alarm": 2}
    judge = Judge([log_alarm(treat_missing_data="breaching", **fields)], start=NOON)
    feed(judge, [NOON] * 9)
    judge.advance(NOON + 3600)
    assert moves(judge) == [
        Move(SCANNER, NOON + 120, "ALARM", 18, is_notified=True),
        Move(SCANNER, NOON + 180, "OK", None, is_notified=False),
    ]


@pytest.mark.parametrize(
    ("treatment", "quiet", "after"),
    [
        ("notBreaching", "OK", "OK"),
        ("missing", "INSUFFICIENT_DATA", "INSUFFICIENT_DATA"),
        ("ignore", "INSUFFICIENT_DATA", "OK"),
        ("breaching", "ALARM", "ALARM"),
    ],
)
def test_an_empty_result_is_missing_data(treatment: str, quiet: str, after: str) -> None:
    """Before any contributor and after the last one. No one is told of it."""
    judge = Judge([log_alarm(treat_missing_data=treatment)], start=NOON)
    judge.advance(NOON + 60)
    assert judge.states == {"scan": quiet}
    feed(judge, [NOON + 60] * 9)
    judge.advance(NOON + 180)
    assert judge.states == {"scan": "ALARM"}
    judge.advance(NOON + 3600)
    assert judge.states == {"scan": after}
    assert [move.new for move in moves(judge)] == ["ALARM", "OK"]


def test_runs_are_as_far_apart_as_the_rate() -> None:
    """With a rate of five minutes nothing changes between two runs."""
    judge = Judge([log_alarm(rate=300)], start=NOON)
    feed(judge, range(NOON + 60, NOON + 69))
    assert changes(judge.advance(NOON + 3600)) == [
        ("scan", NOON + 300, "INSUFFICIENT_DATA", "ALARM"),
        ("scan", NOON + 900, "ALARM", "OK"),
    ]


def test_a_line_that_arrives_late_counts_from_the_next_run_on() -> None:
    """Only what can be queried at a run is seen; the window of a later run still has the line."""
    judge = Judge([log_alarm()], start=NOON)
    feed(judge, [NOON] * 8)
    judge.advance(NOON + 180)
    assert judge.states == {"scan": "OK"}
    feed(judge, [NOON])
    assert changes(judge.advance(NOON + 240)) == [("scan", NOON + 240, "OK", "ALARM")]


def test_of_more_than_500_contributors_the_highest_are_evaluated() -> None:
    """Sorted by value the scanner is among them. The rest is PARTIAL_DATA, and said."""
    judge = Judge([log_alarm()])
    for number in range(600):
        feed(judge, [NOON], f"10.0.{number // 250}.{number % 250}", 1)
    feed(judge, [NOON] * 9)
    judge.advance(NOON + 120)
    assert [move.contributor for move in judge.take_contributor_transitions()] == [SCANNER]
    (report,) = judge.log_reports()
    assert report.left_out == 101
    assert "PARTIAL_DATA: 101 contributors beyond the 500 of a run" in judge.explain()


def test_without_sort_the_first_500_names_are_evaluated() -> None:
    """The service returns contributors by name, so that a scanner may be missed."""
    judge = Judge([log_alarm(aggregation="sum(suspicion) by client_ip")])
    for number in range(600):
        feed(judge, [NOON], f"10.0.{number // 250}.{number % 250}", 1)
    feed(judge, [NOON] * 9)
    judge.advance(NOON + 120)
    assert judge.states == {"scan": "OK"}


def test_at_most_100_contributors_are_in_alarm() -> None:
    """The rest is said. One of them follows when another is OK again."""
    judge = Judge([log_alarm()])
    for number in range(103):
        feed(judge, [NOON + (60 if number >= 100 else 0)] * 9, f"10.0.0.{number}")
    judge.advance(NOON + 180)
    (report,) = judge.log_reports()
    assert (len(report.in_alarm), report.not_in_alarm) == (100, 3)
    assert "3 contributors breached beyond the 100 that may be in ALARM" in judge.explain()
    assert len(moves(judge)) == 100
    judge.advance(NOON + 720)
    assert sorted(judge.log_reports()[0].in_alarm) == ["10.0.0.100", "10.0.0.101", "10.0.0.102"]


def test_a_composite_alarm_may_name_a_log_alarm() -> None:
    """It follows within the same minute."""
    judge = Judge([composite_alarm("app", 'ALARM("scan")'), log_alarm()])
    feed(judge, range(NOON, NOON + 9))
    assert changes(judge.advance(NOON + 120)) == [
        ("scan", NOON + 60, "INSUFFICIENT_DATA", "OK"),
        ("app", NOON + 60, "INSUFFICIENT_DATA", "OK"),
        ("scan", NOON + 120, "OK", "ALARM"),
        ("app", NOON + 120, "OK", "ALARM"),
    ]


def test_metric_alarms_and_log_alarms_are_judged_side_by_side() -> None:
    """The metric alarm sees the minute at once, the log alarm after its delay."""
    resources: list[Resource] = [
        metric_filter(pattern="{ $.suspicion > 0 }"),
        metric_alarm(threshold=5.0, treat_missing_data="notBreaching"),
        log_alarm(),
    ]
    judge = Judge(resources)
    feed(judge, range(NOON, NOON + 9))
    assert [change for change in changes(judge.advance(NOON + 120)) if change[3] == "ALARM"] == [
        ("boom", NOON + 60, "INSUFFICIENT_DATA", "ALARM"),
        ("scan", NOON + 120, "OK", "ALARM"),
    ]


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"threshold": 17.0}, "ALARM"),
        ({"query": "filter suspicion > 1"}, "INSUFFICIENT_DATA"),
        ({"window": 300}, "INSUFFICIENT_DATA"),
    ],
)
def test_a_changed_query_or_schedule_resets_the_alarm(
    fields: dict[str, object], state: str
) -> None:
    """A changed threshold does not, and no contributor is told a second time."""
    judge = Judge([log_alarm()])
    feed(judge, range(NOON, NOON + 9))
    judge.advance(NOON + 120)
    judge.take_contributor_transitions()
    judge.redefine([log_alarm(**fields)])
    assert judge.states == {"scan": state}
    judge.advance(NOON + 180)
    told = [] if state == "ALARM" else [SCANNER]
    if fields.get("query"):
        told = []  # its lines are read again by nobody: the judge keeps sums, not lines
    assert [move.contributor for move in judge.take_contributor_transitions()] == told


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("threshold", float("nan"), "Use a finite number."),
        ("comparison_operator", "GreaterThanUpperThreshold", "Use one of: GreaterThanThreshold"),
        ("treat_missing_data", "maybe", "Use one of: breaching"),
        ("rate", 90, "Use a multiple of 60."),
        ("rate", 0, "Use a multiple of 60."),
        ("window", 0, "above 0"),
        ("delay", -1, "or 0"),
        ("evaluation_runs", 101, "Use 1 to 100."),
        ("runs_to_alarm", 2, "from 1 to evaluation_runs"),
    ],
)
def test_an_invalid_log_alarm_is_refused(field: str, value: object, message: str) -> None:
    """The message has the alarm, the field and what to write instead."""
    with pytest.raises(JudgeError, match=f"{field} of log alarm 'scan' = .*{message}"):
        Judge([log_alarm(**{field: value})])


def test_a_query_beyond_the_judge_is_left_unjudged_by_name() -> None:
    """So is the composite alarm that names it. The other log alarm is judged."""
    beyond = log_alarm("odd", query='filter path like "x"')
    top = composite_alarm("top", "ALARM(odd)")
    coverage = InputCoverage(requests=True, heartbeats=True)
    judged, unjudged = split_judgeable([log_alarm(), beyond, top], coverage)
    assert judged == (log_alarm(),)
    assert [entry.alarm for entry in unjudged] == ["odd", "top"]
    assert "The judge reads `filter CONDITION`" in unjudged[0].reason


def test_the_condition_in_words() -> None:
    """Messages show the aggregation, the threshold and the window."""
    condition = LogAlarmCondition.of(log_alarm(evaluation_runs=3, runs_to_alarm=2))
    assert str(condition) == "sum(suspicion) by client_ip > 16 over 600 s, 2 of 3 runs"


def told_of_every_run(
    lines: list[tuple[int, str]], condition: LogAlarmCondition, end: int
) -> list[tuple[str, int, str]]:
    """Who changes to what at which run, by evaluating every run from the definition alone."""
    told: list[tuple[str, int, str]] = []
    in_alarm: list[str] = []
    for run in range(NOON + condition.rate, end + 1, condition.rate):
        counts = []
        for earlier in range(condition.evaluation_runs):
            at = run - earlier * condition.rate
            until = at - condition.delay
            within = [who for when, who in lines if until - condition.window <= when < until]
            counts.append({who: within.count(who) for who in within})
        breaching = [
            who
            for who in counts[0]
            if sum(condition.breaches(result.get(who, 0)) for result in counts)
            >= condition.runs_to_alarm
        ]
        told += [(who, run, "ALARM") for who in breaching if who not in in_alarm]
        told += [(who, run, "OK") for who in in_alarm if who not in breaching]
        in_alarm = breaching
    return told


@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=25
    ),
    st.sampled_from([45, 60, 90, 300]),
    st.sampled_from([0, 30, 60, 75]),
    st.sampled_from([60, 180]),
    st.sampled_from([(1, 1), (2, 1), (3, 2), (3, 3)]),
)
@example([(0, "a"), (0, "a")], 45, 30, 180, (1, 1))  # no run is before the first multiple
def test_skipped_runs_change_nothing(
    offsets: list[tuple[int, str]], window: int, delay: int, rate: int, runs: tuple[int, int]
) -> None:
    """The judge evaluates few runs. Every run, evaluated by itself, gives the same changes."""
    alarm = log_alarm(
        aggregation="count(*) by client_ip",
        threshold=1.0,
        window=window,
        delay=delay,
        rate=rate,
        evaluation_runs=runs[0],
        runs_to_alarm=runs[1],
    )
    lines = [(NOON + offset, who) for offset, who in offsets]
    end = NOON + 3600
    judge = Judge([alarm], start=NOON)
    for when, who in lines:
        judge.feed(when * 1000, suspicious(who))
    judge.advance(end)
    told = [(move.contributor, move.at, str(move.new)) for move in moves(judge)]
    expected = told_of_every_run(lines, LogAlarmCondition.of(alarm), end)
    assert sorted(told) == sorted(expected)


def judged_crowd(*, lines: int, clients: int, minutes: int) -> tuple[list[str], int]:
    """Judges lines of many clients, of whom every thousandth scans.

    Returns:
        Who was in ALARM at any time, and the peak of the memory in bytes.
    """
    judge = Judge([log_alarm()])
    told: set[str] = set()
    a_minute = lines // minutes
    scanners = [f"scanner-{number}" for number in range(clients // 1000)]
    tracemalloc.start()
    try:
        for minute in range(minutes):
            at = (NOON + minute * 60) * 1000
            for number in range(a_minute):
                client = (minute * a_minute + number) * 7919 % clients
                judge.feed(at + number * 60_000 // a_minute, suspicious(str(client), 1))
            # Each scans for two minutes in its turn: 17 in all, one more than the threshold.
            for turn, scanner in enumerate(scanners):
                if minute - turn % (minutes - 1) in {0, 1}:
                    repeated = 9 if minute == turn % (minutes - 1) else 8
                    for _ in range(repeated):
                        judge.feed(at, suspicious(scanner, 1))
            judge.advance(NOON + minute * 60 + 60)
            told.update(move.contributor for move in judge.take_contributor_transitions())
        judge.advance(NOON + minutes * 60 + 720)
        told.update(move.contributor for move in judge.take_contributor_transitions())
        return sorted(told), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_of_many_clients_exactly_those_above_the_threshold_are_named() -> None:
    """6,000 lines of 3,000 clients: memory follows the windows, not the lines."""
    told, peak = judged_crowd(lines=6_000, clients=3_000, minutes=60)
    assert told == [f"scanner-{number}" for number in range(3)]
    assert peak < 550_000


@pytest.mark.stress
def test_a_million_lines_of_100_000_clients_are_judged_exactly_in_bounded_memory() -> None:
    """Every client stays below the threshold but one in a thousand, and those alone are named."""
    told, peak = judged_crowd(lines=1_000_000, clients=100_000, minutes=600)
    assert told == sorted(f"scanner-{number}" for number in range(100))
    assert peak < 10_000_000
