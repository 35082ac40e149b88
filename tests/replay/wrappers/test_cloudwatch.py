"""What exports and tools of CloudWatch Logs write around an event comes off, with its time."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.replay.wrappers.known import WRAPPERS
from tests.replay.wrapped_lines import ACCESS, AT, LINES, OURS, Taken, taken

GREEN, CYAN, OFF = "\x1b[32m", "\x1b[36m", "\x1b[0m"
#: An event identifier has 56 digits.
EVENT_ID = "3" * 56


def test_a_hostile_user_behind_a_host_does_not_make_it_awslogs() -> None:
    """Lighttpd writes the client, the host that was asked for, and the user."""
    assert taken(ACCESS.replace(" - - ", " shop.example 198.51.100.7 - x ")) is None


@pytest.mark.parametrize("stream", ["web/0a", "i-0abcdef1234", "198.51.100.7"])
def test_a_stream_before_an_unknown_client_is_no_client(stream: str) -> None:
    """The dash of the client is no dash behind a client."""
    line = ACCESS.replace("203.0.113.9", "-")
    found = taken(f"2026-11-25T01:17:00.500000+00:00 {stream} {line}")
    assert found == Taken("aws logs tail", AT + 0.5, line)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("prefix", "name", "at"),
    [
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html
        ("2026-11-25T01:17:00.500Z ", "a CloudWatch export", AT + 0.5),
        ("2026-11-25T01:17:00Z ", "a CloudWatch export", AT),
        # https://github.com/aws/aws-cli/blob/v2/awscli/customizations/logs/tail.py
        ("2026-11-25T01:17:00.500000+00:00 web/0a ", "aws logs tail", AT + 0.5),
        ("2026-11-25T01:17:00+00:00 2026/11/25/[$LATEST]0a ", "aws logs tail", AT),
        (
            f"{GREEN}2026-11-25T01:17:00.500000+00:00{OFF} {CYAN}web/0a{OFF} ",
            "aws logs tail",
            AT + 0.5,
        ),
        ("2026-11-25T01:17:00 ", "aws logs tail --format short", AT),
        (f"{GREEN}2026-11-25T01:17:00{OFF} ", "aws logs tail --format short", AT),
        # https://github.com/jorgebastida/awslogs
        ("shop web/0a 2026-11-25T01:17:00.500Z ", "awslogs --timestamp", AT + 0.5),
        ("web/0a     2026-11-25T01:17:00.500Z ", "awslogs --timestamp", AT + 0.5),
        (
            "shop web/0a 2026-11-25T01:17:00.500Z 2026-11-25T01:17:09.000Z ",
            "awslogs --timestamp",
            AT + 0.5,
        ),
        (
            f"{GREEN}shop{OFF} {CYAN}web/0a{OFF} \x1b[33m2026-11-25T01:17:00.500Z{OFF} ",
            "awslogs --timestamp",
            AT + 0.5,
        ),
    ],
)
def test_a_prefix_comes_off(prefix: str, name: str, at: float, line: str) -> None:
    """The event is as it was, also with a blank at its beginning."""
    assert taken(prefix + line) == Taken(name, at, line)


@pytest.mark.parametrize("line", LINES[:4])
@pytest.mark.parametrize(
    "prefix", ["shop web/0a ", "shop web/0a     ", f"{GREEN}/aws/shop{OFF} {CYAN}web/0a{OFF} "]
)
def test_awslogs_without_times_shows_group_and_stream(prefix: str, line: str) -> None:
    """They come off before a line that is known, and before nothing else."""
    assert taken(prefix + line) == Taken("awslogs", None, line)
    assert taken(prefix + "hello") is None


@pytest.mark.parametrize("line", [ACCESS, OURS, "a\tb"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        # filter-log-events: event, ingestion, stream, message, time
        (f"EVENTS\t{EVENT_ID}\t1795569421000\tweb/0a\t", "\t1795569420500"),
        (f"{EVENT_ID}\t1795569421000\tweb/0a\t", "\t1795569420500"),
        # get-log-events: ingestion, message, time
        ("EVENTS\t1795569421000\t", "\t1795569420500"),
        ("1795569421000\t", "\t1795569420500"),
        # --query 'events[].[timestamp,message]', and the other order
        ("1795569420500\t", ""),
        ("", "\t1795569420500"),
    ],
)
def test_the_text_output_has_an_event_per_line(before: str, after: str, line: str) -> None:
    """The command line sorts the columns by their keys.

    https://github.com/aws/aws-cli/blob/v2/awscli/text.py
    """
    assert taken(before + line + after) == Taken("aws logs --output text", AT + 0.5, line)


@pytest.mark.parametrize(
    "line", ["SEARCHEDLOGSTREAMS\tweb/0a\tTrue", "b/3513/s\tf/3513/s", "b/3513\tf/3513"]
)
def test_what_the_text_output_has_beside_events_is_no_line(line: str) -> None:
    """Its message is empty, as that of a blank line."""
    assert taken(line) == Taken("aws logs --output text", None, "")


@pytest.mark.parametrize(
    "event",
    [
        {"logStreamName": "web", "timestamp": 1_795_569_420_500, "message": f"{ACCESS}\n"},
        {"id": "1", "timestamp": 1_795_569_420_500, "message": ACCESS},
    ],
)
def test_events_as_lines_of_json(event: dict[str, object]) -> None:
    """As `jq -c '.events[]'` prints them. Milliseconds are the time."""
    found = Taken("events of CloudWatch Logs", AT + 0.5, ACCESS)
    assert taken(json.dumps(event)) == found


def test_rows_of_insights_as_lines_of_json() -> None:
    """Times are in UTC. The console writes a message that is JSON as an object."""
    row: dict[str, object] = {"@timestamp": "2026-11-25 01:17:00.500", "@message": ACCESS}
    assert taken(json.dumps(row)) == Taken("rows of Logs Insights", AT + 0.5, ACCESS)
    row["@message"] = json.loads(OURS)
    assert taken(json.dumps(row)) == Taken("rows of Logs Insights", AT + 0.5, OURS)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-31T01:17:00.500Z x",
        "2026-11-25T01:17:00.500Zx",
        "2026-11-25 01:17:00.500Z x",
        "shop web/0a 2026-13-25T01:17:00.500Z x",
        "1795569420\tx",
        "x\t1795569420",
        '{"timestamp": 1795569420500, "message": "x"}',
        '{"timestamp": "soon", "message": "x", "id": "1"}',
        '{"timestamp": -1, "message": "x", "id": "1"}',
        '{"timestamp": 1795569420500, "message": ["x"], "id": "1"}',
        '{"@timestamp": "soon", "@message": "x"}',
    ],
)
def test_what_only_looks_like_an_event_stays(line: str) -> None:
    """Without a time or a message it is none."""
    assert taken(line) is None


def test_podman_s_time_is_not_that_of_a_stream() -> None:
    """`podman logs -t` has no stream behind the time: the client is not taken for one."""
    line = f"2026-11-25T01:17:00+00:00 {ACCESS}"
    assert taken(line) == Taken("docker logs --timestamps", AT, ACCESS)


def test_the_wrappers_of_cloudwatch_are_marked() -> None:
    """Only their times are those of events, and only in them a filter sees the message."""
    assert {wrapper.name for wrapper in WRAPPERS if wrapper.is_of_cloudwatch} == {
        "a CloudWatch export",
        "aws logs tail",
        "aws logs tail --format short",
        "awslogs --timestamp",
        "awslogs",
        "aws logs --output text",
        "events of CloudWatch Logs",
        "rows of Logs Insights",
    }
