"""Queries of Logs Insights."""

from __future__ import annotations

from typing import Any

import pytest

from flask_errwatch.errors import AwsCallError
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.insights import Insights
from tests.doctor.scripted_aws import ScriptedAws

SPAN = Window(start=1000.0, end=2000.5)


@pytest.fixture
def aws() -> ScriptedAws:
    """AWS, where a query was started."""
    scripted = ScriptedAws()
    scripted.expects(
        *("logs", "start_query", {"queryId": "q1"}),
        logGroupNames=["shop"],
        queryString="stats count(*)",
        startTime=1000,
        endTime=2000,
        limit=10_000,
    )
    return scripted


def poll(aws: ScriptedAws, status: str, *rows: dict[str, str], scanned: int = 0) -> None:
    """Expects a poll, and answers with a status and the rows so far."""
    cells = [[{"field": key, "value": value} for key, value in row.items()] for row in rows]
    response: dict[str, Any] = {"status": status, "results": cells}
    response["statistics"] = {"bytesScanned": float(scanned)}
    aws.expects("logs", "get_query_results", response, queryId="q1")


class Pause:
    """Notes how long was waited, and does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> None:
        """Waits."""
        self.seconds.append(seconds)


def test_partial_rows_are_never_the_result(aws: ScriptedAws) -> None:
    """It is polled once a second until it is complete, and each poll is reported."""
    poll(aws, "Scheduled")
    poll(aws, "Running", {"lines": "1"}, scanned=5_000_000)
    poll(aws, "Running", {"lines": "2"}, scanned=7_000_000)
    poll(aws, "Complete", {"lines": "3"}, scanned=9_000_000)
    said: list[str] = []
    pause = Pause()
    insights = Insights(aws, ("shop",), progress=said.append, pause=pause)
    assert insights.rows("stats count(*)", SPAN, about="sources") == [{"lines": "3"}]
    assert (pause.seconds, insights.scanned) == ([1.0, 1.0, 1.0], 9_000_000)
    assert said == [
        "sources: scheduled, 0 MB scanned",
        "sources: running, 5 MB scanned",
        "sources: running, 7 MB scanned",
    ]
    aws.assert_all_called()


def test_a_query_that_finds_nothing_has_no_row(aws: ScriptedAws) -> None:
    """That is a result too."""
    poll(aws, "Complete")
    assert Insights(aws, ("shop",)).rows("stats count(*)", SPAN, about="x") == []


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("Failed", "Logs Insights could not run the query: try a shorter time"),
        ("Timeout", "The query took too long: try a shorter time"),
        ("Cancelled", "Somebody stopped the query: run the command again."),
    ],
)
def test_a_query_that_ends_otherwise_is_a_sentence(
    aws: ScriptedAws, status: str, sentence: str
) -> None:
    """Its rows so far are not shown, and it is not stopped again."""
    poll(aws, "Running", {"lines": "1"})
    poll(aws, status, {"lines": "1"})
    with pytest.raises(NoAnswerError) as caught:
        Insights(aws, ("shop",), pause=Pause()).rows("stats count(*)", SPAN, about="x")
    assert str(caught.value).startswith(f"query = '{status}': {sentence}")
    assert "\n" not in str(caught.value)
    aws.assert_all_called()


def test_too_many_queries_at_once_are_a_sentence() -> None:
    """All of the account share one limit."""
    aws = ScriptedAws()
    aws.refuses("logs", "start_query", "LimitExceededException")
    with pytest.raises(NoAnswerError) as caught:
        Insights(aws, ("shop",)).rows("stats count(*)", SPAN, about="x")
    assert str(caught.value) == (
        "query = 'LimitExceededException': The account runs as many queries as it may: try again "
        "in a minute."
    )


def test_a_state_that_aws_does_not_know_is_polled_to_a_limit(aws: ScriptedAws) -> None:
    """A minute. Then the query is stopped, and the sentence says what to do."""
    for _ in range(59):
        poll(aws, "Unknown")
    poll(aws, "Running")
    for _ in range(60):
        poll(aws, "Unknown")
    aws.expects("logs", "stop_query", {"success": True}, queryId="q1")
    with pytest.raises(NoAnswerError) as caught:
        Insights(aws, ("shop",), pause=Pause()).rows("stats count(*)", SPAN, about="x")
    assert str(caught.value) == (
        "query = 'Unknown': AWS does not know the state of the query: run the command again."
    )
    aws.assert_all_called()


def test_a_log_group_that_is_not_there_is_a_sentence() -> None:
    """It was deleted, or is of another region."""
    aws = ScriptedAws()
    aws.refuses("logs", "start_query", "ResourceNotFoundException")
    with pytest.raises(NoAnswerError) as caught:
        Insights(aws, ("shop",)).rows("stats count(*)", SPAN, about="x")
    assert str(caught.value) == (
        "log group = 'shop': There is no such log group in eu-central-1: set ERRWATCH_REGION to "
        "its region, or run flask errwatch apply if it was deleted."
    )


def test_a_query_that_is_denied_names_the_action() -> None:
    """As every call does."""
    aws = ScriptedAws()
    aws.refuses("logs", "start_query", "AccessDeniedException")
    with pytest.raises(AwsCallError, match="Allow logs:StartQuery"):
        Insights(aws, ("shop",)).rows("stats count(*)", SPAN, about="x")


def test_a_poll_that_is_denied_stops_the_query(aws: ScriptedAws) -> None:
    """It would go on, and nobody would read its rows."""
    aws.refuses("logs", "get_query_results", "AccessDeniedException")
    aws.expects("logs", "stop_query", {"success": True}, queryId="q1")
    with pytest.raises(AwsCallError, match="Allow logs:GetQueryResults"):
        Insights(aws, ("shop",)).rows("stats count(*)", SPAN, about="x")
    aws.assert_all_called()


@pytest.mark.parametrize("is_over", [False, True])
def test_ctrl_c_stops_the_query(aws: ScriptedAws, is_over: bool) -> None:  # noqa: FBT001
    """Also where it has ended meanwhile: the interruption is what counts."""
    poll(aws, "Running")
    if is_over:
        aws.refuses("logs", "stop_query", "InvalidParameterException")
    else:
        aws.expects("logs", "stop_query", {"success": True}, queryId="q1")

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Insights(aws, ("shop",), pause=interrupt).rows("stats count(*)", SPAN, about="x")
    aws.assert_all_called()
