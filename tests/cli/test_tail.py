"""`flask errwatch tail`: each line once, readable, until Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, ErrWatch, UnknownDetectorError
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli import tail as tail_command
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.detectors import Catalogue
from flask_errwatch.respond.blocking.networks import read_network
from flask_errwatch.respond.tail.live import live_lines
from flask_errwatch.respond.tail.polling import Tail
from flask_errwatch.respond.tail.wanted_lines import WantedLines
from flask_errwatch.respond.views.columns import columns
from flask_errwatch.respond.views.tail import tail_row
from tests.cli.event_stream import encoded
from tests.provision.stubbed_aws import StubbedAws

HOSTILE = "\x1b]0;owned\x07\x9b31m\u202ea\u200b"
NOW = 1_700_000_000


def line(number: int, **fields: object) -> dict[str, object]:
    """The line of a 404."""
    return {
        "event": "Not Found Error",
        "detector": "not-found-error",
        "level": "warning",
        "id": f"01a21047-386f-7b4f-9870-{number:012}",
        "status": 404,
        "method": "GET",
        "path": f"/missing/{number}",
        "client_ip": "203.0.113.66",
        **fields,
    }


HEARTBEAT: dict[str, object] = {"event": "Heartbeat", "level": "info", "id": "beat"}


def put(stream: str, *events: tuple[float, dict[str, object]]) -> None:
    """Puts events, each with its age in seconds, into a stream of the log group `shop`."""
    logs = boto3.client("logs")
    existing = logs.describe_log_streams(logGroupName="shop")["logStreams"]
    if stream not in {each["logStreamName"] for each in existing}:
        logs.create_log_stream(logGroupName="shop", logStreamName=stream)
    now = round(time.time() * 1000)
    logs.put_log_events(
        logGroupName="shop",
        logStreamName=stream,
        logEvents=[
            {"timestamp": now - round(1000 * age), "message": json.dumps(event)}
            for age, event in events
        ],
    )


@pytest.fixture
def log_group(account: None) -> None:  # noqa: ARG001 - a fixture requests another by its name
    """An account with an empty log group `shop`."""
    boto3.client("logs").create_log_group(logGroupName="shop")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `tail` for the app `shop`. Ctrl-C is pressed when it waits after its first poll."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    clock = SimpleNamespace(time=time.time, sleep=interrupt)
    monkeypatch.setattr(tail_command, "time", clock)

    def invoke(*arguments: str, typed: str | None = None, charset: str = "utf-8") -> Result:
        app = Flask("shop")
        ErrWatch(app)
        runner = app.test_cli_runner(charset=charset)
        return runner.invoke(errwatch, ("tail", *arguments), input=typed)

    return invoke


def ids(result: Result) -> list[str]:
    """The last characters of the ids of the rows."""
    assert result.exit_code == 0, result.output
    return [row.rpartition("-")[2].lstrip("0") for row in result.stdout.splitlines()]


@pytest.mark.usefixtures("log_group")
def test_the_rows(run: Callable[..., Result]) -> None:
    """One row per line, in the order of time: when, what, who, where, and the id. No heartbeats."""
    put("one", (20, HEARTBEAT), (9, line(3, status=410)), (3, line(5)))
    put("two", (6, line(4, client_ip="2001:db8::1", detector="scan-ish")))
    result = run()
    assert ids(result) == ["3", "4", "5"]
    first, second, _ = result.stdout.splitlines()
    time_, rest = first[:20], first[20:]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time_)
    assert re.split(r"\s{2,}", rest.strip()) == [
        *("not-found-error", "410", "GET", "203.0.113.66", "/missing/3"),
        "01a21047-386f-7b4f-9870-000000000003",
    ]
    assert "scan-ish" in second


@pytest.mark.usefixtures("log_group")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["1", "2", "3"]),
        (("not-found-error",), ["1", "3"]),
        (("critical-error", "bad-request-error"), ["2"]),
        (("failure-flood",), ["1", "3"]),
        (("--source", "198.51.100.0/24"), ["3"]),
        (("--source", "2001:db8::9"), ["2"]),
        (("--route", "/user/<name>"), ["3"]),
        (("not-found-error", "--source", "203.0.113.66", "--route", "/user/<name>"), []),
        (("--since", "15s"), ["3"]),
    ],
)
def test_a_choice_of_lines(
    run: Callable[..., Result],
    arguments: tuple[str, ...],
    expected: list[str],
) -> None:
    """By detector, also one that counts the lines of others, by source, by route and by time."""
    critical = {"detector": "critical-error", "event": "Critical Error", "status": 500}
    put(
        "one",
        (60, line(1)),
        (40, line(2, client_ip="2001:db8::5:6", **critical)),
        (5, line(3, client_ip="198.51.100.7", route="/user/<name>")),
    )
    assert ids(run(*arguments)) == expected


@pytest.mark.usefixtures("log_group")
def test_json_is_the_line_in_ascii(
    run: Callable[..., Result],
) -> None:
    """For programs: one line each, with nothing that a terminal obeys."""
    put("one", (1, line(1, path=f"/{HOSTILE}")))
    result = run("--json")
    assert result.exit_code == 0
    assert result.stdout.isascii()
    assert json.loads(result.stdout) == line(1, path=f"/{HOSTILE}")


@pytest.mark.usefixtures("log_group")
@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "ascii"])
def test_hostile_lines(run: Callable[..., Result], charset: str) -> None:
    """Every field may have any type and any text: each line is one printable row."""
    put(
        "one",
        (3, line(1, path=HOSTILE, method=HOSTILE, client_ip=HOSTILE, detector=HOSTILE)),
        (2, {"event": f"x{HOSTILE}", "status": [1], "path": {"a": 1}, "id": 7, "client_ip": None}),
        (1, line(3, status=10**30, id=HOSTILE * 99, path="/" * 9999)),
    )
    result = run(charset=charset)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 3
    assert all(row.isprintable() for row in result.stdout.splitlines())


@pytest.mark.parametrize("width", [60, 80, 140])
def test_a_row_fits_the_terminal(width: int) -> None:
    """On a narrow one, time, path, id and what is long are cut. The status is whole everywhere."""
    event = line(7, path="/a/path/that/is/longer/than/most/of/them", client_ip="2001:db8::5:6:7:8")
    for row in (
        tail_row(NOW, event, width),
        tail_row(NOW, {**event, "detector": "method-not-allowed-error"}, width),
        tail_row(NOW, {"event": "\N{CJK UNIFIED IDEOGRAPH-8336}" * 99, "path": "/" * 999}, width),
    ):
        assert columns(row) <= width
    assert tail_row(NOW, event, width).startswith("22:13:20  not-found-error   404  GET   2001:")


def test_a_row_on_a_wide_terminal() -> None:
    """Then date and id are whole, as in a pipe."""
    assert tail_row(NOW, line(7), 160) == (
        "2023-11-14T22:13:20Z  not-found-error           404  GET     203.0.113.66     /missing/7  "
        "01a21047-386f-7b4f-9870-000000000007"
    )


@pytest.mark.usefixtures("log_group")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no-such",), "detector = 'no-such': Declare it in ErrWatch(detectors=…)"),
        (("--source", "office"), "'office': Use an address, or a network"),
        (("--since", "soon"), "'soon': Use a time such as"),
        (("--live", "--since", "5m"), "Give --since or --live, not both"),
    ],
)
def test_what_is_refused(
    run: Callable[..., Result],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """A message says what is wrong and what to write."""
    result = run(*arguments)
    assert result.exit_code != 0
    assert message in result.stderr


@pytest.mark.usefixtures("log_group")
def test_a_source_that_no_line_names(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With hashes in place of addresses, --source is refused instead of finding nothing."""
    monkeypatch.setenv("ERRWATCH_PRIVACY", "hashed")
    monkeypatch.setenv("ERRWATCH_PRIVACY_KEY", "correct horse battery")
    result = run("--source", "203.0.113.66")
    assert result.exit_code == 2
    assert "Lines have hashes instead of addresses, by ERRWATCH_PRIVACY" in result.stderr


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("arguments", [(), ("--live", "--yes")])
def test_no_log_group(run: Callable[..., Result], arguments: tuple[str, ...]) -> None:
    """The error names the group and the region, and what to do."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert "log group = 'shop': There is no such log group in eu-central-1" in result.stderr


@pytest.mark.usefixtures("log_group")
def test_following_until_ctrl_c(tmp_path: Path) -> None:
    """It says what it follows. Lines, also late ones, appear once. Ctrl-C ends with 0."""
    (tmp_path / "app.py").write_text(
        "from flask import Flask\nfrom flask_errwatch import ErrWatch\n"
        "app = Flask('shop')\nErrWatch(app)\n",
        encoding="utf-8",
    )
    put("one", (30, line(1)))
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "errwatch", "tail"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    rows = [process.stdout.readline()]
    put("one", (0, line(3)))
    put("two", (20, line(2)))
    rows += [process.stdout.readline(), process.stdout.readline()]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert [row.rstrip()[-1] for row in rows] == ["1", "2", "3"]
    assert (rest, errors, process.returncode) == ("", "Following shop, until Ctrl-C.\n", 0)


def entry(number: int, at: float) -> dict[str, object]:
    """A log event as FilterLogEvents returns it."""
    message = json.dumps(line(number))
    return {"eventId": f"e{number}", "timestamp": round(at * 1000), "message": message}


def followed(
    aws: Aws, polls: int, clock: Callable[[], float]
) -> tuple[list[str], list[float], list[str]]:
    """The ids, the waits and the notes of some polls."""
    waits: list[float] = []
    notes: list[str] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == polls:
            raise KeyboardInterrupt

    lines = Tail(aws, "shop", WantedLines(), NOW - 300).follow(
        clock=clock, wait=wait, note=notes.append
    )
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        seen.extend(str(one.event["path"])[-1] for one in lines)
    return seen, waits, notes


def pattern(start: int, **more: object) -> dict[str, object]:
    """The arguments of a poll."""
    every = '{ $.event = "*" && $.event != "Heartbeat" }'
    begin = {"logGroupName": "shop", "filterPattern": every, "startTime": start * 1000}
    return {**begin, "interleaved": True, **more}


def test_pages_are_followed_by_their_exact_tokens() -> None:
    """An empty page with a token is not the end. A line on two polls is shown once."""
    aws = StubbedAws()
    with aws.stubs["logs"]:
        aws.expect(
            "filter_log_events", {"events": [entry(1, NOW)], "nextToken": "a"}, **pattern(NOW - 300)
        )
        aws.expect(
            "filter_log_events",
            {"events": [], "nextToken": "b"},
            **pattern(NOW - 300, nextToken="a"),
        )
        aws.expect(
            "filter_log_events", {"events": [entry(2, NOW)]}, **pattern(NOW - 300, nextToken="b")
        )
        # An hour back once a minute, else a minute; never before the beginning.
        aws.expect(
            "filter_log_events",
            {"events": [entry(3, NOW - 200), entry(1, NOW), entry(2, NOW)]},
            **pattern(NOW - 300),
        )
        aws.expect("filter_log_events", {"events": [entry(2, NOW)]}, **pattern(NOW - 58))
        assert followed(aws, 3, iter((NOW, NOW + 2, NOW + 4)).__next__)[0] == ["1", "2", "3"]
        aws.stubs["logs"].assert_no_pending_responses()


def test_throttling_makes_polls_rarer() -> None:
    """The wait doubles until a poll succeeds, and what was shown is not shown again."""
    aws = StubbedAws()
    stub = aws.stubs["logs"]
    with stub:
        aws.expect(
            "filter_log_events", {"events": [entry(1, NOW)], "nextToken": "a"}, **pattern(NOW - 300)
        )
        for _ in range(2):
            stub.add_client_error("filter_log_events", "ThrottlingException", "Rate exceeded")
        aws.expect(
            "filter_log_events", {"events": [entry(1, NOW), entry(2, NOW)]}, **pattern(NOW - 300)
        )
        seen, waits, notes = followed(aws, 3, lambda: float(NOW))
    assert (seen, waits) == (["1", "2"], [4, 8, 2])
    assert notes[0].endswith("The next try is in 4 s.")
    assert "ThrottlingException" in notes[0]


def test_what_does_not_pass_ends_it() -> None:
    """A refused permission is an error that names the action."""
    aws = StubbedAws()
    with aws.stubs["logs"] as stub:
        stub.add_client_error("filter_log_events", "AccessDeniedException", "no")
        lines = Tail(aws, "shop", WantedLines(), NOW).follow(
            clock=time.time, wait=time.sleep, note=print
        )
        with pytest.raises(Exception, match="Allow logs:FilterLogEvents"):
            next(lines)


def test_the_pattern_that_aws_gets() -> None:
    """AWS returns little else than what is asked for. A pattern that is too long is left out."""
    catalogue = Catalogue(DEFAULT_DETECTORS)
    wanted = WantedLines.of(
        catalogue, ["not-found-error", "critical-error"], read_network("203.0.113.66"), "/a"
    )
    assert wanted.filter_pattern == (
        '{ ($.event = "Not Found Error" || $.event = "Critical Error") && '
        '$.client_ip = "203.0.113.66" && $.route = "/a" }'
    )
    every = '{ $.event = "*" && $.event != "Heartbeat" }'
    assert WantedLines(route="/" * 1100).filter_pattern == every
    with pytest.raises(UnknownDetectorError):
        WantedLines.of(catalogue, ["no-such"], None, None)


@pytest.mark.usefixtures("log_group")
def test_a_live_session(run: Callable[..., Result]) -> None:
    """--live says the price and asks. With --yes the lines of the session are printed."""
    put("one", (3, HEARTBEAT), (2, line(1)), (1, line(2, path=HOSTILE)))
    result = run("--live", "--yes")
    assert ids(result) == ["1", "2"]
    assert "costs 0.01 USD a minute, 0.60 USD an hour" in result.stderr
    assert "The session has ended" in result.stderr


@pytest.mark.usefixtures("log_group")
@pytest.mark.parametrize(
    ("typed", "message"),
    [("n\n", "No session was started."), (None, "give --yes to start, or leave --live out.")],
)
def test_no_session_without_consent(
    run: Callable[..., Result],
    typed: str | None,
    message: str,
) -> None:
    """Nothing is billed when the answer is no, or when there is none."""
    put("one", (1, line(1)))
    result = run("--live", typed=typed)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""


@contextmanager
def logs_endpoint(status: int, body: bytes, kind: str) -> Iterator[Aws]:
    """An endpoint on loopback that answers StartLiveTail with these bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            is_live = "X-Amz-Target" in self.headers
            answer = body if is_live else IDENTITY
            self.send_response(status if is_live else 200)
            self.send_header("Content-Type", kind if is_live else "text/xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        port = server.server_address[1]
        yield Aws(
            region="eu-central-1", endpoint_url=f"http://127.0.0.1:{port}", patience=PROVISIONING
        )
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.usefixtures("account")
def test_the_end_of_a_session() -> None:
    """Lines that an update left out are mentioned. When AWS ends the session, a note says so."""
    update = {
        "sessionMetadata": {"sampled": True},
        "sessionResults": [{"message": json.dumps(line(1)), "timestamp": NOW * 1000}],
    }
    body = encoded("event", "initial-response", {}) + encoded("event", "sessionUpdate", update)
    body += encoded("exception", "SessionTimeoutException", {"message": "timed out"})
    notes: list[str] = []
    with logs_endpoint(200, body, "application/vnd.amazon.eventstream") as aws:
        lines = [*live_lines(aws, "shop", WantedLines(), notes.append)]
    assert [one.at for one in lines] == [NOW]
    assert notes == [
        "More than 500 lines in a second: some are left out.",
        "The session has ended (AWS ends each after three hours): run the command again.",
    ]


@pytest.mark.usefixtures("account")
def test_an_endpoint_without_live_tail() -> None:
    """One sentence says so, and what works."""
    body = json.dumps({"__type": "UnknownOperationException", "message": "?"}).encode()
    with (
        logs_endpoint(400, body, "application/x-amz-json-1.1") as aws,
        pytest.raises(
            Exception, match=r"does not have StartLiveTail. Leave --live out: polling is free"
        ),
    ):
        [*live_lines(aws, "shop", WantedLines(), print)]


def test_a_boto3_without_live_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones do not know the operation."""
    aws = StubbedAws()
    monkeypatch.setattr(aws, "has", lambda *_: False)
    with pytest.raises(Exception, match=r"boto3 does not have StartLiveTail: update it"):
        [*live_lines(cast(Any, aws), "shop", WantedLines(), print)]
