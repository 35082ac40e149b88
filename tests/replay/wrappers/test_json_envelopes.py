"""The line that a collector puts into JSON comes out, with the collector's time."""

from __future__ import annotations

import json

import pytest

from flask_errwatch.replay.wrappers.json_envelopes import DOCKER_JSON
from flask_errwatch.replay.wrappers.wrapper import Wrapped
from tests.replay.wrapped_lines import ACCESS, AT, LINES, OURS, Taken, taken

TIME = "2026-11-25T01:17:00.500Z"


@pytest.mark.parametrize("line", [*LINES, "hello", "caf\u00e9"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_docker_s_file(line: str, end: str) -> None:
    """Each line is an object with text, stream and time.

    https://docs.docker.com/engine/logging/drivers/json-file/
    """
    entry: dict[str, object] = {"log": line + end, "stream": "stdout", "time": TIME}
    assert taken(json.dumps(entry)) == Taken("docker json-file", AT + 0.5, line)
    entry |= {"attrs": {"tag": "web"}}
    assert taken(json.dumps(entry)) == Taken("docker json-file", AT + 0.5, line)


def test_docker_cuts_a_line_after_16_kib() -> None:
    """A part has no line break at its end. The line is joined, at the time of its first part."""
    assert DOCKER_JSON.joiner is not None
    join = DOCKER_JSON.joiner()
    first = "\u00e9" * 8_192
    begun = json.dumps({"log": first, "stream": "stdout", "time": TIME})
    other = json.dumps({"log": "hello\n", "stream": "stderr", "time": TIME})
    ended = json.dumps({"log": "b\n", "stream": "stdout", "time": TIME.replace("00.", "09.")})
    assert join(other) == other
    assert join(begun) is None
    assert join(other) == other
    joined = join(ended)
    assert joined is not None
    assert DOCKER_JSON.unwrap(joined) == Wrapped(AT + 0.5, f"{first}b")
    assert join(ended) == ended


def test_a_last_line_of_docker_may_have_no_line_break() -> None:
    """As it is shorter than what Docker cuts, nothing is missing."""
    assert DOCKER_JSON.joiner is not None
    line = json.dumps({"log": ACCESS, "stream": "stdout", "time": TIME})
    assert DOCKER_JSON.joiner()(line) == line


@pytest.mark.parametrize(
    "fields",
    [
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html
        {
            "source": "stdout",
            "container_id": "1a2b-3c",
            "container_name": "/ecs-web",
            "ecs_cluster": "shop",
            "ecs_task_arn": "arn:aws:ecs:eu-central-1:123456789012:task/shop/1a2b",
            "ecs_task_definition": "web:7",
        },
        {"container_name": "web", "source": "stderr"},
        # https://docs.fluentbit.io/manual/pipeline/filters/kubernetes
        {"stream": "stdout", "kubernetes": {"pod_name": "web-0"}},
        # The text alone: https://docs.aws.amazon.com/eks/latest/userguide/fargate-logging.html
        {},
    ],
)
def test_a_router_of_logs(fields: dict[str, object]) -> None:
    """The line is in `log`. A time stands beside it where the router is told to add one."""
    assert taken(json.dumps({"log": OURS, **fields})) == Taken("FireLens", None, OURS)
    timed = {"date": 1_795_569_420.5, "log": f"{ACCESS}\n", **fields}
    assert taken(json.dumps(timed)) == Taken("FireLens", AT + 0.5, ACCESS)


def test_a_part_of_a_line_is_no_line() -> None:
    """FireLens marks the parts of a line that Docker cut: none is read as a line."""
    part = {"log": ACCESS, "container_id": "1a2b", "partial_message": "true", "partial_last": "0"}
    assert taken(json.dumps(part)) is None


@pytest.mark.parametrize("message", [ACCESS, [*ACCESS.encode()], f"{ACCESS}\n"])
def test_an_entry_of_the_journal(message: object) -> None:
    """A message that is not UTF-8 is a list of bytes.

    https://systemd.io/JOURNAL_EXPORT_FORMATS/
    """
    entry = {"__REALTIME_TIMESTAMP": "1795569420500000", "MESSAGE": message, "_PID": "7"}
    assert taken(json.dumps(entry)) == Taken("journald JSON", AT + 0.5, ACCESS)


def test_wrong_bytes_of_the_journal_are_replaced() -> None:
    """They are U+FFFD, as everywhere."""
    entry = {"__REALTIME_TIMESTAMP": "1795569420000000", "MESSAGE": [97, 255, 98]}
    assert taken(json.dumps(entry)) == Taken("journald JSON", AT, "a\ufffdb")


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("key", ["message", "msg", "event"])
def test_another_envelope_with_a_known_line(key: str, line: str) -> None:
    """A logger's JSON has the line in `message`, structlog's in `event`, with one usual time."""
    entry = {"level": "info", key: line}
    assert taken(json.dumps(entry)) == Taken("JSON with a message", None, line)
    timed = {"@timestamp": TIME, **entry}
    assert taken(json.dumps(timed)) == Taken("JSON with a message", AT + 0.5, line)


@pytest.mark.parametrize("key", ["message", "event"])
def test_a_line_of_uvicorn_in_json(key: str) -> None:
    """The time beside it is that of the request, which has none."""
    line = '203.0.113.9:51234 - "GET /.env HTTP/1.1" 404'
    entry = {"asctime": "2026-11-25 01:17:00,500", "name": "uvicorn.access", key: line}
    assert taken(json.dumps(entry)) == Taken("JSON with a message", AT + 0.5, line)
    beside = {"event": "handled", **entry} if key == "message" else {**entry, "message": "handled"}
    assert taken(json.dumps(beside)) == Taken("JSON with a message", AT + 0.5, line)


@pytest.mark.parametrize(
    "entry",
    [
        {"log": "x", "stream": "stdout", "time": "soon"},
        {"log": "x", "stream": "stdin", "time": TIME},
        {"log": ["x"], "stream": "stdout", "time": TIME},
        {"log": "x", "stream": ["stdout"], "time": TIME},
        {"log": {"level": "info"}, "container_id": "1"},
        {"MESSAGE": "x"},
        {"MESSAGE": None, "__REALTIME_TIMESTAMP": "1795569420500000"},
        {"MESSAGE": ["x"], "__REALTIME_TIMESTAMP": "1795569420500000"},
        {"MESSAGE": [256], "__REALTIME_TIMESTAMP": "1795569420500000"},
        {"MESSAGE": [True], "__REALTIME_TIMESTAMP": "1795569420500000"},
        {"MESSAGE": "x", "__REALTIME_TIMESTAMP": "\u0661"},
        {"MESSAGE": "x", "__REALTIME_TIMESTAMP": "9" * 5000},
        {"MESSAGE": "x", "__REALTIME_TIMESTAMP": 1},
        {"message": "request completed", "status": 404},
        {"message": {"status": 404}},
        {"msg": "GET / 404 203.0.113.9 - - [25/Nov/2026"},
        ["log", "x"],
        json.loads(OURS),
    ],
)
def test_other_json_stays(entry: object) -> None:
    """Our own lines, access lines in JSON, and envelopes that are not valid."""
    assert taken(json.dumps(entry)) is None


@pytest.mark.parametrize("key", ["log", "message"])
def test_half_a_character_is_replaced(key: str) -> None:
    """A lone surrogate, which JSON may hold, could not be written anywhere."""
    entry = {key: ACCESS + "\ud800", "container_id": "1"}
    found = taken(json.dumps(entry))
    assert found is not None
    assert found.message == ACCESS + "\ufffd"
