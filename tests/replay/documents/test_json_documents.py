"""JSON of CloudWatch Logs is read event by event, whichever command or service wrote it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from flask_errwatch.replay.documents.document import BadMessage, Message
from flask_errwatch.replay.documents.json_documents import CLOUDWATCH_JSON
from tests.replay.documents_read import AT, LINE, TIME, Document, document_of, pieces_of

NAME = "JSON of CloudWatch Logs"
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
EVENT = {
    "logStreamName": "web/0a",
    "timestamp": TIME,
    "message": LINE,
    "ingestionTime": TIME + 900,
    "eventId": "3" * 56,
}
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
ROW = [
    {"field": "@timestamp", "value": "2026-11-25 01:17:00.500"},
    {"field": "@message", "value": LINE},
    {"field": "@ptr", "value": "CmEKJgoiMTIz"},
]
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
PAGE: dict[str, Any] = {
    "owner": "123456789012",
    "logGroup": "shop",
    "logStream": "web/0a",
    "subscriptionFilters": ["all"],
    "messageType": "DATA_MESSAGE",
    "logEvents": [{"id": "1", "timestamp": TIME, "message": LINE}] * 2,
}
CONTROL: dict[str, Any] = {
    "messageType": "CONTROL_MESSAGE",
    "owner": "CloudwatchLogs",
    "logGroup": "",
    "logStream": "",
    "subscriptionFilters": [],
    "logEvents": [
        {"id": "", "timestamp": TIME, "message": "CWL CONTROL MESSAGE: Checking health of …"}
    ],
}
TWO = [Message(1, AT, LINE), Message(2, AT, LINE)]


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize(
    "document",
    [
        {"events": [EVENT] * 2, "searchedLogStreams": []},
        {"searchedLogStreams": [{"logStreamName": "a", "searchedCompletely": True}] * 3}
        | {"nextToken": "Bxkq6", "events": [EVENT] * 2},
        {"events": [EVENT] * 2, "nextForwardToken": "f/35/s", "nextBackwardToken": "b/35/s"},
        [EVENT] * 2,
        [[TIME, LINE]] * 2,
        [[LINE, TIME]] * 2,
        {"results": [ROW] * 2, "statistics": {"recordsMatched": 2.0}, "status": "Complete"},
        [ROW] * 2,
        [{"@timestamp": "2026-11-25 01:17:00.500", "@message": LINE}] * 2,
        [{"timestamp": str(TIME), "message": f"{LINE}\n"}] * 2,
        PAGE,
    ],
)
def test_each_form_has_its_events(document: object, indent: int | None, size: int) -> None:
    """Every event has its time and its message, in pieces of any size."""
    text = json.dumps(document, indent=indent)
    assert document_of(text, size) == Document(NAME, TWO, [])


@pytest.mark.parametrize("between", ["", "\n", "\r\n\r\n"])
def test_several_answers_follow_each_other(between: str) -> None:
    """Pages of an answer, or of a subscription, with or without a line break between them."""
    answers = between.join(json.dumps({"events": [EVENT], "nextToken": "a"}) for _ in range(2))
    assert document_of(answers) == Document(NAME, TWO, [])
    pages = between.join(json.dumps(page) for page in (CONTROL, PAGE, CONTROL))
    assert document_of(pages) == Document(NAME, TWO, [])


def test_messages_without_times_have_none() -> None:
    """`--query 'events[].message'` selects them: their own times count."""
    found = document_of(json.dumps([LINE, LINE]))
    assert found == Document(NAME, [Message(1, None, LINE), Message(2, None, LINE)], [])


@pytest.mark.parametrize(
    "answer", [{"events": [], "searchedLogStreams": []}, [], PAGE | {"logEvents": []}]
)
def test_an_answer_may_have_no_event(answer: object) -> None:
    """Nothing is bad then."""
    assert document_of(json.dumps(answer)) == Document(NAME, [], [])


def test_a_bad_event_does_not_affect_the_others() -> None:
    """It is counted and shown. Its number is its place among the events."""
    bad: list[object] = [{"message": "no time"}, {"timestamp": 1}, None, 7, [], [1, 2], {"a": 1}]
    bad += [{"timestamp": time, "message": "x"} for time in (True, "soon", -1, 10**15, 1.5, None)]
    bad += [{"timestamp": TIME, "message": message} for message in (None, 7, ["x"])]
    found = document_of(json.dumps({"events": [EVENT, *bad, EVENT]}))
    assert found is not None
    assert found.messages == [Message(1, AT, LINE), Message(18, AT, LINE)]
    assert [one.number for one in found.bad] == [*range(2, 18)]
    assert found.bad[0] == BadMessage(2, "{'message': 'no time'}", None)
    assert {one.defect for one in found.bad} == {None}


@pytest.mark.parametrize(
    "text",
    [
        '{"events": [%s, {"timestamp"',
        '{"events": [%s, %s',
        '{"events": [%s] "nextToken": "a"}',
        '{"events": [%s], 7: 8}',
        '{"events": [%s]} trailing',
        "[%s, hello]",
    ],
)
def test_what_is_broken_ends_the_document(text: str) -> None:
    """The events before it count. One sentence says why no other does."""
    event = json.dumps(EVENT)
    found = document_of(text % ((event,) * text.count("%s")))
    assert found is not None
    assert found.messages == TWO[: text.count("%s")]
    (bad,) = found.bad
    assert bad.number == len(found.messages) + 1
    assert bad.defect == "from here on it is not valid JSON, as when it was cut"


def test_lines_of_json_behind_an_answer_are_refused() -> None:
    """An object without events is none of its pages."""
    found = document_of(json.dumps({"events": [EVENT]}) + '\n{"event": "Not Found Error"}\n')
    assert found is not None
    assert found.messages == TWO[:1]
    (bad,) = found.bad
    assert bad.defect == (
        "it begins like a JSON document with events, but here it is not one. For lines of JSON use "
        "--format json"
    )


@pytest.mark.parametrize(
    "document",
    [
        {"results": [[{"field": "bin(1m)", "value": "x"}, {"field": "count(*)", "value": "3"}]]},
        [{"@timestamp": "2026-11-25 01:17:00.500", "status": "404", "@ptr": "x"}],
        [{"@message": LINE}],
    ],
)
def test_a_query_without_time_or_message_is_refused(document: object) -> None:
    """The sentence names the columns that it has, and those that it needs."""
    found = document_of(json.dumps(document))
    assert found is not None
    assert found.messages == []
    (bad,) = found.bad
    assert bad.number == 1
    assert bad.defect is not None
    assert bad.defect.startswith("it has the columns ")
    assert bad.defect.endswith(
        ", but needs the time and the message of each event: begin the query with 'fields "
        "@timestamp, @message'"
    )


def test_the_columns_of_a_query_are_named() -> None:
    """The first five of them."""
    row = [{"field": f"column{number}", "value": "x"} for number in range(7)]
    found = document_of(json.dumps([row]))
    assert found is not None
    assert found.bad[0].defect is not None
    assert "the columns column0, column1, column2, column3, column4 and 2 more," in (
        found.bad[0].defect
    )


def test_a_message_that_is_an_object_is_its_json() -> None:
    """Logs Insights' console exports a message that is JSON so."""
    row = {"@timestamp": "2026-11-25 01:17:00.500", "@message": {"event": "x", "big": 10**30}}
    found = document_of(json.dumps([row]))
    text = '{"event": "x", "big": 1000000000000000000000000000000}'
    assert found == Document(NAME, [Message(1, AT, text)], [])


def test_half_a_character_is_replaced() -> None:
    """A lone surrogate, which JSON may hold, could not be written anywhere."""
    found = document_of(json.dumps([EVENT | {"message": "a\ud800"}]))
    assert found == Document(NAME, [Message(1, AT, "a\ufffd")], [])


def test_wrong_bytes_and_a_byte_order_mark_are_read() -> None:
    """As everywhere, wrong bytes are U+FFFD."""
    data = b"\xef\xbb\xbf" + json.dumps([EVENT | {"message": "a?"}]).encode()
    found = document_of(data.replace(b"a?", b"a\xff"), 3)
    assert found == Document(NAME, [Message(1, AT, "a\ufffd")], [])


@pytest.mark.parametrize(
    "text",
    [
        '{"event": "Not Found Error", "detector": "not-found-error", "schema": 1}\n' * 2,
        '{"events": [{"name": "click"}], "status": 404}\n' * 2,
        '{"events": [], "status": 404, "path": "/"}\n' * 2,
        '{"results": 3}\n',
        '{"messageType": "note"}\n',
        '{"a": ["DATA_MESSAGE"]}\n',
        "[2026-11-25 01:17:00 +0000] [7] [INFO] hello\n",
        "[pid: 7|app: 0|req: 1/1] 203.0.113.9 () {}\n",
        "{ starting\n",
        "[[[[",
        "[" * 100_000,
        "",
        "\n",
    ],
)
def test_a_log_of_lines_is_no_document(text: str) -> None:
    """Neither JSON that has a key of the same name, nor a line that begins with a bracket."""
    assert document_of(text) is None


@pytest.mark.parametrize(
    "one",
    [
        {"event": "Not Found Error", "detector": "not-found-error", "timestamp": "2026-11-25T01Z"},
        {"timestamp": "2026-11-25T01:17:00Z", "message": "handled request", "status": 404},
        {"@timestamp": "2026-11-25T01:17:00Z", "http": {"response": {"status_code": 404}}},
    ],
)
def test_an_array_of_other_objects_is_no_answer(one: dict[str, object]) -> None:
    """Also where they have a time: each is a message as it is written."""
    text = json.dumps(one)
    messages = [Message(1, None, text), Message(2, None, text)]
    assert document_of(f"[{text}, {text}]") == Document("JSON objects", messages, [])


@pytest.mark.parametrize("size", [3, 1 << 16])
@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, {"b": [2]}]',
        '[\n  {"a": 1},\n  {"b": [2]}\n]\n',
        '{"a": 1}{"b": [2]}',
        '{"a": 1} {"b": [2]}\n',
        '{"a": 1}\t{"b": [2]}\n',
    ],
)
def test_objects_that_are_not_one_per_line(text: str, size: int) -> None:
    """Each is a message, as it is written: the format of its fields is not decided here."""
    messages = [Message(1, None, '{"a": 1}'), Message(2, None, '{"b": [2]}')]
    assert document_of(text, size) == Document("JSON objects", messages, [])


def test_objects_over_several_lines_as_jq_prints_them() -> None:
    """Also where noise follows, which ends the document with a sentence."""
    text = '{\n  "a": 1\n}\n' * 2
    messages = [Message(1, None, '{\n  "a": 1\n}'), Message(2, None, '{\n  "a": 1\n}')]
    assert document_of(text) == Document("JSON objects", messages, [])
    bad = BadMessage(3, "noise", "from here on it is not valid JSON, as when it was cut")
    assert document_of(f"{text}noise") == Document("JSON objects", messages, [bad])


def test_a_value_that_never_ends_is_refused() -> None:
    """A compressed file of a megabyte may hold one of a gigabyte."""
    pieces = iter([b'{"events": [{"message": "', *[b"x" * (1 << 20)] * 40])
    (bad,) = CLOUDWATCH_JSON.messages(pieces)
    assert isinstance(bad, BadMessage)
    assert bad.defect == "it has a line or a JSON value of more than 33,554,432 characters"
    assert sum(1 for _ in pieces) > 0  # the rest was not even read


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    """Python would follow it until its stack ends."""
    (bad,) = CLOUDWATCH_JSON.messages(pieces_of(b'{"events": [' + b"[" * 1_000_000, 1 << 16))
    assert isinstance(bad, BadMessage)
    assert bad.defect == "it has JSON that is nested too deeply"


def test_events_are_read_before_the_document_ends() -> None:
    """So a document of any length takes no more memory than one event."""
    endless = itertools.chain(
        [b'{"events": ['], itertools.repeat(json.dumps(EVENT).encode() + b",")
    )
    records = CLOUDWATCH_JSON.messages(endless)
    assert [next(records).number for _ in range(1000)] == [*range(1, 1001)]
