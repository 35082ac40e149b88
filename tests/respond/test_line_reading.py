"""Reading lines by FilterLogEvents."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

import pytest

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.resources import MetricFilter
from flask_errwatch.respond.alarm.counted_lines import of_filters
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.line_reading import LineReading
from tests.doctor.scripted_aws import ScriptedAws
from tests.respond.scripts import PATTERN

SPAN = Window(start=1000.0, end=2000.0)


def counting(pattern: str = PATTERN, *groups: str) -> Any:
    """What a filter of these log groups counts."""
    return of_filters(
        MetricFilter(log_group=group, name="x", pattern=pattern, namespace="n", metric_name="x")
        for group in groups or ("shop",)
    )


def entry(at: float, event: object) -> dict[str, Any]:
    """A log event."""
    message = event if isinstance(event, str) else json.dumps(event)
    return {"timestamp": round(at * 1000), "message": message}


def page(*entries: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    """A page of FilterLogEvents."""
    return {"events": [*entries]} | ({} if token is None else {"nextToken": token})


def test_50_000_lines_come_by_pages_of_two_kinds() -> None:
    """Full pages, and empty ones with a token: the end is where no token is. Twice the same."""
    aws = ScriptedAws()
    entries = [
        entry(1000 + number / 50, {"event": "Not Found Error", "path": f"/{number}"})
        for number in range(50_000)
    ]
    for _ in range(2):
        for number, part in enumerate(entries[n : n + 10_000] for n in range(0, 50_000, 10_000)):
            aws.answers("logs", "filter_log_events", page(token=f"empty {number}"))
            aws.answers("logs", "filter_log_events", page(*part, token=f"full {number}"))
        aws.answers("logs", "filter_log_events", page())
    reported: list[int] = []
    reading = LineReading(aws, counting(), SPAN, reported.append)
    for _ in range(2):
        paths = [event["path"] for _, event in reading()]
        assert (len(paths), paths[0], paths[-1]) == (50_000, "/0", "/49999")
        sizes = sum(len(each["message"]) + 26 for each in entries)
        assert (reading.size, reading.skipped) == (sizes, 0)
    assert reported == [*range(1000, 50_001, 1000)] * 2
    aws.assert_all_called()


def test_it_asks_for_lines_of_this_library_in_the_whole_time() -> None:
    """The end does not belong to it, and to AWS it does."""
    aws = ScriptedAws()
    aws.expects(
        *("logs", "filter_log_events", page()),
        logGroupName="shop",
        filterPattern='{ $.event = "*" }',
        startTime=1_000_000,
        endTime=1_999_999,
    )
    assert [*LineReading(aws, counting(), SPAN)()] == []
    aws.assert_all_called()


def test_lines_of_other_programs_are_left_out_and_counted() -> None:
    """A filter on text reads them all. No line raises, whatever it has."""
    aws = ScriptedAws()
    aws.answers(
        *("logs", "filter_log_events"),
        page(
            *(entry(1001, text) for text in ("GET /", "[]", '{"event": 1}', "{" * 9, "\ud800")),
            entry(1002, {"event": "Not Found Error"}),
        ),
    )
    reading = LineReading(aws, counting('"Not Found"'), SPAN)
    assert [*reading()] == [(1002.0, {"event": "Not Found Error"})]
    assert reading.skipped == 5


def test_lines_of_several_groups_come_in_the_order_of_time() -> None:
    """Each group is read page by page."""
    aws = ScriptedAws()
    for times in ((1001, 1004), (1002, 1003)):
        lines = (entry(at, {"event": "x", "at": at}) for at in times)
        aws.answers("logs", "filter_log_events", page(*lines))
    reading = LineReading(aws, counting(PATTERN, "shop", "shop-eu"), SPAN)
    assert [event["at"] for _, event in reading()] == [1001, 1002, 1003, 1004]


def test_a_reading_that_is_denied_names_the_action() -> None:
    """Also in the middle."""
    aws = ScriptedAws()
    aws.answers("logs", "filter_log_events", page(entry(1001, {"event": "x"}), token="more"))
    aws.refuses("logs", "filter_log_events", "AccessDeniedException")
    lines = LineReading(aws, counting(), SPAN)()
    assert len([*islice(lines, 1)]) == 1
    with pytest.raises(AwsCallError, match=r"Allow logs:FilterLogEvents"):
        next(lines)


@pytest.fixture
def throttled() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL of CloudWatch Logs, and the calls: the first is refused, and the first page empty."""
    calls: list[dict[str, Any]] = []
    answers: Iterator[tuple[int, dict[str, Any]]] = iter(
        [
            (400, {"__type": "ThrottlingException", "message": "Rate exceeded"}),
            (200, page(token="more")),
            (200, page(entry(1001, {"event": "x"}))),
        ]
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["X-Amz-Target"] == "Logs_20140328.FilterLogEvents"
            calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, answer = next(answers)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", calls
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_call_that_is_throttled_is_made_again(
    throttled: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By boto3 itself, over HTTP. The page after it is asked for once."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    url, calls = throttled
    aws = Aws(region="eu-central-1", endpoint_url=url, patience=PROVISIONING)
    assert [*LineReading(aws, counting(), SPAN)()] == [(1001.0, {"event": "x"})]
    assert [call.get("nextToken") for call in calls] == [None, None, "more"]
