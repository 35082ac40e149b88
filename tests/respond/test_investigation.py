"""From the name of an alarm to its story, by scripted answers of AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from flask_errwatch.errors import AwsCallError
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.answer.verdict import Kind
from flask_errwatch.respond.investigation import Investigator, Question
from flask_errwatch.respond.ranking.access_logs import Answered
from flask_errwatch.respond.ranking.summary import SourceRow
from flask_errwatch.respond.ranking.window import Window
from tests.doctor.scripted_aws import ScriptedAws, shop
from tests.respond.scripts import (
    FIRED,
    NOW,
    composite_entry,
    filter_entry,
    filters,
    knows,
    metric_entry,
)

AT = FIRED.timestamp()
ATTACKER, VISITOR = "203.0.113.66", "198.51.100.17"


@pytest.fixture
def aws() -> ScriptedAws:
    """AWS, which knows one alarm that is in ALARM."""
    scripted = ScriptedAws()
    knows(scripted, metric=[metric_entry()])
    filters(scripted, filter_entry())
    return scripted


def investigator(aws: ScriptedAws, **more: Any) -> Investigator:
    """Who asks two minutes after it fired."""
    catalogue, config = shop()
    return Investigator(aws=aws, catalogue=catalogue, config=config, now=NOW, **more)


def event(path: str, client: str = ATTACKER, **more: Any) -> dict[str, Any]:
    """A line of a request for what is not there."""
    return {
        "event": "Not Found Error",
        "detector": "not-found-error",
        "status": 404,
        "method": "GET",
        "path": path,
        "client_ip": client,
        "client_ip_trust": "verified",
        "referrer": "none",
        "path_class": "probe",
        "suspicion": 2,
        **more,
    }


def lines(*pairs: tuple[float, Mapping[str, Any]]) -> dict[str, Any]:
    """The answer of FilterLogEvents with these lines."""
    return {
        "events": [
            {"timestamp": round(at * 1000), "message": json.dumps(line)} for at, line in pairs
        ]
    }


def scan(start: float = AT - 60) -> list[tuple[float, dict[str, Any]]]:
    """The lines of a scan of 41 paths."""
    return [(start + number, event(f"/{number}.php")) for number in range(41)]


def reads(aws: ScriptedAws, answer: Mapping[str, Any]) -> None:
    """Expects both readings."""
    aws.answers("logs", "filter_log_events", answer)
    aws.answers("logs", "filter_log_events", answer)


def sums(aws: ScriptedAws, *values: float) -> None:
    """Expects a call of GetMetricData for each value, which may be none."""
    for value in values:
        result = {"Id": "values", "Timestamps": [FIRED], "Values": [value]}
        aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": [result]})


def test_up_to_50_mb_are_read_line_by_line(aws: ScriptedAws) -> None:
    """The story has the state, the value that fired, what the metric counted, and the verdict."""
    sums(aws, 1_000_000, 20_000, 0)
    reads(aws, lines(*scan()))
    sums(aws, 41)
    story = investigator(aws).story(Question(name="not-found-error"))
    aws.assert_all_called()
    assert (story.alarm, story.state, story.since) == ("shop-not-found-error", "ALARM", AT)
    assert story.reason == "41 lines in 300 s, threshold 10"
    assert (story.counted.metric, story.counted.lines, story.counted.threshold) == (41, 41, 10)
    assert (story.verdict.kind, story.verdict.sources) == (Kind.PATH_SCAN, (ATTACKER,))
    assert story.next_command == f'flask errwatch block {ATTACKER} --reason "path scan"'
    assert story.unknown == (
        "successful requests (lines are of failures; --access-log adds them).",
        "sign-ins (no line is of one: SECURITY_DETECTORS add them).",
    )
    assert (story.read.how, story.read.dollars, story.read.is_exact) == ("lines", 0.0, True)
    size = sum(len(json.dumps(line)) + 26 for _, line in scan())
    assert story.read.size == size


@pytest.mark.parametrize(("threshold", "kind"), [(17, Kind.PATH_SCAN), (18, Kind.UNCLEAR)])
def test_the_app_decides_how_much_suspicion_is_a_scan(
    aws: ScriptedAws, threshold: int, kind: Kind
) -> None:
    """By the threshold of its alarm on sources, whichever alarm is asked about."""
    reads(aws, lines(*scan()[:9]))
    sums(aws, 9)
    catalogue, config = shop(DETECTORS={"scan": {"threshold": threshold}})
    asking = Investigator(aws=aws, catalogue=catalogue, config=config, now=NOW)
    story = asking.story(Question(name="not-found-error", way="lines"))
    assert (story.verdict.kind, story.summary.sources[0].suspicion) == (kind, 18)


def test_lines_after_the_window_are_a_further_question(aws: ScriptedAws) -> None:
    """The window is that of the evaluation. The time to ask about instead is named."""
    reads(aws, lines(*scan(AT - 20)))
    sums(aws, 20)
    story = investigator(aws).story(Question(name="not-found-error", way="lines"))
    assert (story.summary.lines, story.summary.last_line) == (20, AT + 20)
    assert "what followed the window (--since 02:01:00 shows it)." in story.unknown


def test_local_does_not_ask_for_the_size(aws: ScriptedAws) -> None:
    """A metric that is denied is not known: the rest is."""
    reads(aws, lines(*scan()))
    aws.refuses("cloudwatch", "get_metric_data", "AccessDenied")
    story = investigator(aws).story(Question(name="not-found-error", way="lines"))
    assert story.counted.metric is None
    assert "what the metric counted (cloudwatch:GetMetricData is not allowed)." in story.unknown


def test_successful_requests_come_from_access_logs(aws: ScriptedAws) -> None:
    """They are no lines of the app: no alarm counts them. Then they are known."""
    reads(aws, lines(*scan()))
    sums(aws, 41)
    asked: list[Window] = []

    def answers(window: Window, rows: Sequence[SourceRow]) -> Answered:
        asked.append(window)
        return Answered(counts={row.source: 2 for row in rows if row.source})

    question = Question(name="not-found-error", way="lines")
    story = investigator(aws, answers=answers).story(question)
    (row,) = story.summary.sources
    assert (row.source, row.lines, row.answers) == (ATTACKER, 41, 2)
    assert asked == [Window(start=AT - 300, end=AT)]
    assert not any("successful" in sentence for sentence in story.unknown)


def test_another_time_may_be_asked_about(aws: ScriptedAws) -> None:
    """Then the alarm's evidence is not, and the metric is not where no minute is whole."""
    reads(aws, lines(*scan(AT - 5000)))
    question = Question(name="not-found-error", since=AT - 5000.5, until=AT - 4000, way="lines")
    story = investigator(aws).story(question)
    assert story.summary.window == Window(start=AT - 5000.5, end=AT - 4000)
    assert (story.reason, story.counted.metric) == ("threshold 10 lines in 300 s", None)


def test_no_line_in_the_window_is_a_sentence(aws: ScriptedAws) -> None:
    """With the log group and the time."""
    reads(aws, lines())
    with pytest.raises(NoAnswerError) as caught:
        investigator(aws).story(Question(name="not-found-error", way="lines"))
    assert str(caught.value) == (
        "alarm = 'shop-not-found-error': No line that it counts is in shop between "
        "2026-11-29 02:01:00 UTC and 2026-11-29 02:06:00 UTC: the lines may have expired, or give "
        "another time with --at or --since."
    )


def test_a_log_group_that_is_not_there_is_a_sentence(aws: ScriptedAws) -> None:
    """It was deleted, or is of another region."""
    aws.refuses("logs", "filter_log_events", "ResourceNotFoundException")
    with pytest.raises(NoAnswerError, match="There is no such log group in eu-central-1"):
        investigator(aws).story(Question(name="not-found-error", way="lines"))


def test_a_list_without_an_end_is_a_sentence(aws: ScriptedAws) -> None:
    """The same token again would be read for ever."""
    for _ in range(2):
        reads_nothing = {"events": [], "nextToken": "same"}
        aws.answers("logs", "filter_log_events", reads_nothing)
    with pytest.raises(AwsCallError, match=r"The list has no end: run it again\."):
        investigator(aws).story(Question(name="not-found-error", way="lines"))
    aws.assert_all_called()


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
def test_nothing_is_tried_again_for_a_person(aws: ScriptedAws, code: str) -> None:
    """Only the sender does that."""
    aws.refuses("logs", "filter_log_events", code)
    with pytest.raises(AwsCallError, match="AWS asks for fewer calls: run it again later"):
        investigator(aws).story(Question(name="not-found-error", way="lines"))


def test_an_alarm_on_silence_shows_the_last_heartbeat() -> None:
    """No line is its answer. Why nothing arrives is not known."""
    aws = ScriptedAws()
    entry = metric_entry("shop-silent", ComparisonOperator="LessThanThreshold", Threshold=1.0)
    entry |= {"MetricName": "shop-heartbeat", "StateReasonData": "{}"}
    knows(aws, metric=[entry])
    filters(aws, filter_entry("shop-heartbeat", '{ $.event = "Heartbeat" }'))
    aws.answers("cloudwatch", "describe_alarm_history", {"AlarmHistoryItems": []})
    sums(aws, 5, 5)
    for _ in range(3):
        aws.answers("logs", "filter_log_events", lines((AT - 400, {"event": "Heartbeat"})))
    sums(aws, 0)
    story = investigator(aws).story(Question(name="silent", way="lines"))
    assert (story.summary.lines, story.next_command) == (0, "flask errwatch doctor")
    assert story.summary.window == Window(start=AT - 300, end=AT)
    assert story.summary.last_line == AT - 400
    assert story.unknown == (
        "why nothing arrives: the process may have ended, or it cannot reach AWS.",
    )


def test_a_busy_alarm_is_about_its_failures() -> None:
    """The other half counts the requests of a balancer, which has no lines."""
    aws = ScriptedAws()
    name = "shop-not-found-error"
    rule = f'ALARM("{name}") AND ALARM("{name}-requests")'
    knows(aws, composite=[composite_entry(f"{name}-busy", rule)])
    requests = metric_entry(f"{name}-requests", Namespace="AWS/ApplicationELB")
    knows(aws, metric=[metric_entry(), requests])
    filters(aws, filter_entry())
    reads(aws, lines(*scan()))
    sums(aws, 41)
    story = investigator(aws).story(Question(name=f"{name}-busy", way="lines"))
    aws.assert_all_called()
    assert (story.alarm, story.reason) == (f"{name}-busy", "41 lines in 300 s, threshold 10")
    assert story.verdict.sources == (ATTACKER,)


def test_the_alarm_of_processes_that_died_shows_their_lines() -> None:
    """No request made them: nobody is accused."""
    aws = ScriptedAws()
    knows(aws, metric=[metric_entry("shop-process-died", Threshold=0.0)])
    filters(aws, filter_entry("shop-process-died", '{ $.event = "Process Died" }'))
    died = {"event": "Process Died", "pid": 7, "host": "web-1", "release": "1.2"}
    reads(aws, lines((AT - 60, died), (AT - 30, died)))
    sums(aws, 2)
    story = investigator(aws).story(Question(name="process-died", way="lines"))
    assert (story.summary.lines, story.verdict.sources) == (2, ())
    assert story.next_command is None
    assert "who it was (no line shows an address)." in story.unknown


def test_silence_since_before_the_hour_before_is_not_known() -> None:
    """How far was read is a part of the answer."""
    aws = ScriptedAws()
    entry = metric_entry("shop-silent", ComparisonOperator="LessThanThreshold", Threshold=1.0)
    knows(aws, metric=[entry | {"MetricName": "shop-heartbeat"}])
    filters(aws, filter_entry("shop-heartbeat", '{ $.event = "Heartbeat" }'))
    for _ in range(3):
        aws.answers("logs", "filter_log_events", lines())
    sums(aws, 0)
    story = investigator(aws).story(Question(name="silent", way="lines"))
    assert story.unknown[0] == "when the last line came (none since 2026-11-29 01:01:00 UTC)."


def message(line: Mapping[str, Any], second: int) -> dict[str, str]:
    """A row with a whole line."""
    return {"@timestamp": f"2026-11-29 02:05:{second:02}.000", "@message": json.dumps(line)}


QUERIES = {
    "total": [{"lines": "1000005", "sources": "2"}],
    "sources": [
        {"client_ip": ATTACKER, "lines": "900000", "suspicion": "1800000"},
        {"client_ip": VISITOR, "lines": "100000"},
        {"lines": "5"},
    ],
    "failed logins": [],
    "ends": [
        {
            "client_ip": client,
            "first": "2026-11-29 02:01:00.000",
            "first_line": json.dumps(event("/first", client)),
            "last": "1795917959000",
            "last_line": json.dumps(event("/last", client)),
        }
        for client in (ATTACKER, VISITOR)
    ],
    "first suspicious lines": [],
    "sign-ins": [],
    "users": [],
    "lines": [message(line, number) for number, (_, line) in reversed([*enumerate(scan())])],
    "before": [{"client_ip": VISITOR, "lines": "12000"}],
    "failures": [
        {"lines": "700000", "release": "1.2", "exception.fingerprint": "f1", "exception.new": "1"},
        {"lines": "300005", "release": "1.1"},
    ],
    "paths": [
        {"path": "/a", "status": "404", "path_class": "page", "lines": "600000", "sources": "9"},
        {"path": "/a", "status": "410", "path_class": "probe", "lines": "5", "sources": "2"},
    ],
    "releases": [{"release": "1.1", "lines": "77"}],
    "last": [{"last": "2026-11-29 02:07:30.000"}],
}


def queries(aws: ScriptedAws) -> None:
    """Expects the queries, each with the rows that it has when it is complete."""
    for name, rows in QUERIES.items():
        cells = [[{"field": key, "value": value} for key, value in row.items()] for row in rows]
        aws.answers("logs", "start_query", {"queryId": name})
        response: dict[str, Any] = {"status": "Complete", "results": cells}
        response["statistics"] = {"bytesScanned": 1e9}
        aws.expects("logs", "get_query_results", response, queryId=name)


def test_beyond_50_mb_it_is_queried_after_consent(aws: ScriptedAws) -> None:
    """The price is told before the first query. What is approximate is marked."""
    sums(aws, 10e9, 30e9, 1e9)
    queries(aws)
    sums(aws, 1_000_000)
    asked: list[float] = []

    def consent(scanned: float) -> bool:
        with pytest.raises(AssertionError):  # no query was started
            aws.assert_all_called()
        asked.append(scanned)
        return True

    story = investigator(aws, consent=consent).story(Question(name="not-found-error"))
    aws.assert_all_called()
    assert asked == [5 * 10e9 + 12 * 30e9 + 2 * 1e9]
    read, summary = story.read, story.summary
    assert (read.how, read.size, read.dollars, read.is_exact) == ("insights", 13e9, 0.065, False)
    assert (summary.lines, summary.source_count, summary.is_exact) == (1_000_005, 2, False)
    first = summary.sources[0]
    assert (first.source, first.lines, first.suspicion) == (ATTACKER, 900_000, 1_800_000)
    assert (first.paths, first.failed_logins, first.before) == (43, 0, 0)
    assert (first.first, first.last) == (AT - 300, AT - 1)
    assert [(row.source, row.before) for row in summary.sources[1:]] == [(VISITOR, 12000)]
    assert [(row.path, row.lines, row.broken) for row in summary.paths] == [("/a", 600005, 600000)]
    assert [(row.release, row.lines, row.before) for row in summary.releases] == [
        ("1.2", 700_000, 0),
        ("1.1", 300_005, 77),
    ]
    assert [(row.fingerprint, row.is_new) for row in summary.fingerprints] == [("f1", True)]
    assert summary.last_line == datetime(2026, 11, 29, 2, 7, 30, tzinfo=UTC).timestamp()
    assert story.verdict.kind is Kind.PATH_SCAN


def test_access_logs_are_read_beside_queries(aws: ScriptedAws) -> None:
    """Whatever they do not show stays unknown."""
    sums(aws, 10e9, 30e9, 1e9)
    queries(aws)
    sums(aws, 1_000_000)

    def answers(_: Window, rows: Sequence[SourceRow]) -> Answered:
        assert {row.source for row in rows} == {ATTACKER, VISITOR}
        return Answered(counts={ATTACKER: 7}, gaps=("successful requests of somebody.",))

    asking = investigator(aws, consent=lambda _: True, answers=answers)
    story = asking.story(Question(name="not-found-error"))
    found = {row.source: row.answers for row in story.summary.sources}
    assert found == {ATTACKER: 7, VISITOR: None}
    assert story.unknown[0] == "successful requests of somebody."


def test_queries_that_find_nothing_are_a_sentence(aws: ScriptedAws) -> None:
    """No source means no lines to read."""
    sums(aws, 10e9, 30e9, 1e9)
    for number in range(7):
        aws.answers("logs", "start_query", {"queryId": str(number)})
        aws.answers("logs", "get_query_results", {"status": "Complete", "results": []})
    with pytest.raises(NoAnswerError, match="No line that it counts is in shop between"):
        investigator(aws, consent=lambda _: True).story(Question(name="not-found-error"))
    aws.assert_all_called()


def test_without_consent_nothing_is_queried(aws: ScriptedAws) -> None:
    """There is another way, without charge."""
    sums(aws, 10e9, 30e9, 1e9)
    with pytest.raises(NoAnswerError, match="Nothing was read: give --local"):
        investigator(aws, consent=lambda _: False).story(Question(name="not-found-error"))
    aws.assert_all_called()


def test_what_insights_cannot_express_is_refused() -> None:
    """A filter on text has no translation."""
    aws = ScriptedAws()
    knows(aws, metric=[metric_entry()])
    filters(aws, filter_entry(pattern='"Not Found"'))
    sums(aws, 1, 1, 1)
    with pytest.raises(NoAnswerError, match="Logs Insights cannot express what it counts"):
        investigator(aws).story(Question(name="not-found-error", way="insights"))


def test_the_ranking_is_of_all_lines_with_a_client() -> None:
    """Heartbeats have none."""
    aws = ScriptedAws()
    reads(aws, lines(*scan(), (AT, {"event": "Heartbeat"}), (AT, event("/", VISITOR))))
    window = Window(start=AT - 3600, end=AT + 1)
    summary = investigator(aws).ranking(window, None, 10)
    assert [(row.source, row.lines) for row in summary.sources] == [(ATTACKER, 41), (VISITOR, 1)]
    assert summary.lines == 42


def test_the_ranking_may_be_of_one_detector(aws: ScriptedAws) -> None:
    """As `why` counts them."""
    reads(aws, lines(*scan(), (AT - 1, event("/", VISITOR, event="Critical Error"))))
    summary = investigator(aws).ranking(Window(start=AT - 3600, end=AT), "not-found-error", 10)
    assert [row.source for row in summary.sources] == [ATTACKER]
