"""Formats, bad lines and clocks: everything that can be judged is judged, the rest is shown."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.patterns import parse
from flask_errwatch.replay import files as opening
from flask_errwatch.replay.access_logs import request_of
from flask_errwatch.replay.formats import FORMATS
from flask_errwatch.replay.readers import Gathered, minute_of
from tests.replay.replay_lines import Run, access, detector_set, event, written

DETECTORS = detector_set(*DEFAULT_DETECTORS)


def lines_of(found: dict[str, Any]) -> dict[str, int]:
    """The detectors that took lines, and how many."""
    return {each["detector"]: each["lines"] for each in found["detectors"] if each["lines"]}


def alarms_of(found: dict[str, Any], name: str) -> list[dict[str, Any]]:
    alarms: list[dict[str, Any]] = next(
        each["alarms"] for each in found["detectors"] if each["detector"] == name
    )
    return alarms


def test_access_lines_are_judged_by_their_status(tmp_path: Path, found: Run) -> None:
    """Each status goes to the detector that claims it, and a good answer to none."""
    statuses = (200, 304, 400, 422, 401, 403, 404, 410, 405, 429, 418, 500, 502)
    log = written(tmp_path, [access(each, status) for each, status in enumerate(statuses)])
    whole = found(log)
    assert whole["lines"] == 13
    assert lines_of(whole) == {
        "critical-error": 2,
        "authentication-error": 2,
        "bad-request-error": 2,
        "not-found-error": 2,
        "method-not-allowed-error": 1,
        "rate-limit-error": 1,
        "client-error": 1,
    }


def test_an_alarm_says_when_how_high_and_who(tmp_path: Path, found: Run) -> None:
    """From, to, peak, and the clients and paths with the most lines, in their order."""
    lines = [access(0, 200)]
    lines += [access(600 + each, path="/a", client="192.0.2.1") for each in range(12)]
    lines += [access(620, path="/b?q=1", client="192.0.2.2")] * 3
    lines += [access(4000, 200)]
    whole = found(written(tmp_path, lines))
    (detector,) = [each for each in whole["detectors"] if each["lines"]]
    assert detector == {
        "detector": "not-found-error",
        "threshold": 10.0,
        "lines": 15,
        "periods": 1,
        "worst": {"from": "2026-11-25T00:06:00Z", "to": "2026-11-25T00:11:00Z", "value": 15.0},
        "alarms": [
            {
                "from": "2026-11-25T00:11:00Z",
                # No line follows: the quiet minutes are zeros, as with the app's heartbeat.
                "to": "2026-11-25T00:16:00Z",
                "peak": 15.0,
                "sources": [
                    {"source": "192.0.2.1", "lines": 12},
                    {"source": "192.0.2.2", "lines": 3},
                ],
                "paths": [{"path": "/a", "lines": 12}, {"path": "/b", "lines": 3}],
            }
        ],
        "alarms_per_day": 1.0,
    }
    assert (whole["from"], whole["to"]) == ("2026-11-25T00:00:00Z", "2026-11-25T01:07:00Z")


def test_an_alarm_that_stands_at_the_end_settles(tmp_path: Path, found: Run) -> None:
    """The log ends before the alarm does: the heartbeat goes on, and the alarm is over."""
    (alarm,) = alarms_of(found(written(tmp_path, [access(0)] * 11)), "not-found-error")
    assert (alarm["from"], alarm["to"]) == ("2026-11-25T00:01:00Z", "2026-11-25T00:06:00Z")
    assert alarm["peak"] == 11.0
    assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 11}]


def test_without_heartbeat_it_has_no_end(tmp_path: Path, found: Run) -> None:
    """Nothing is known of the time after the log: `to` is null, the peak is known."""
    log = written(tmp_path, [access(0)] * 11)
    (alarm,) = alarms_of(found(log, "--no-heartbeat"), "not-found-error")
    assert (alarm["from"], alarm["to"], alarm["peak"]) == ("2026-11-25T00:01:00Z", None, 11.0)
    assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 11}]


def test_quiet_minutes_raise_no_alarm_again(tmp_path: Path, found: Run) -> None:
    """Of a burst and two quiet spells one alarm comes; without a heartbeat it flickers."""
    lines = [*[access(0)] * 12, *[access(at, 200) for at in (60, 240, 20_000)]]
    log = written(tmp_path, lines)
    (alarm,) = alarms_of(found(log), "not-found-error")
    assert alarm["to"] == "2026-11-25T00:06:00Z"
    assert len(alarms_of(found(log, "--no-heartbeat"), "not-found-error")) == 3


def test_a_year_of_quiet_is_cheap_and_has_zeros(tmp_path: Path, found: Run) -> None:
    """An alarm on too few lines stands from the end of a burst to the next, ages later."""
    log = written(tmp_path, [access(0).replace("2026", year) for year in ("1970", "2026")])
    less = "not-found-error.comparison_operator=LessThanThreshold"
    settings = ("--set", less, "--set", "not-found-error.threshold=1")
    first, *others = alarms_of(found(log, *settings), "not-found-error")
    assert (first["from"], first["to"]) == ("1970-11-25T00:06:00Z", "2026-11-25T00:01:00Z")
    assert others == []  # that the log ends is no lack of lines


@pytest.mark.parametrize(
    ("beats", "end"),
    [((), "2026-11-25T00:06:00Z"), ((0,), None)],
)
def test_our_heartbeat_lines_are_trusted(
    tmp_path: Path, found: Run, beats: tuple[int, ...], end: str | None
) -> None:
    """A log with Heartbeat lines says itself when the app ran; one without is filled."""
    lines = [event(0)] * 11 + [event(at, "Heartbeat") for at in beats]
    whole = found(written(tmp_path, lines))
    (alarm,) = alarms_of(whole, "not-found-error")
    assert (whole["heartbeat"], alarm["to"]) == (not beats, end)


def test_an_app_without_heartbeat_is_judged_without(
    tmp_path: Path, found: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ERRWATCH_HEARTBEAT_SECONDS=0` is what the app would do."""
    monkeypatch.setenv("ERRWATCH_HEARTBEAT_SECONDS", "0")
    assert found(written(tmp_path, [access(0)] * 11))["heartbeat"] is False


def test_our_lines_are_judged_by_their_pattern(tmp_path: Path, found: Run) -> None:
    """What stands in `event` decides; the status, the level and the path do not."""
    lines = [
        event(0, "Not Found Error"),
        event(1, "Critical Error", status=404),
        event(2, "Not Found Error Error", detector="not-found-error"),
        event(3, "Heartbeat"),
        json.dumps({"event": "Client Error", "timestamp": "2026-11-25T00:00:00+00:00"}) + "\n",
        json.dumps({"event": ["Not Found Error"], "timestamp": "2026-11-25T00:00:00.1Z"}) + "\n",
        json.dumps({"a": {"event": "Not Found Error"}, "timestamp": "2026-11-25T00:00:00Z"}) + "\n",
        event(4, "Rate Limit Error", client_ip={"a": 1}, path=7),
        event(5, "Bad Request Error", path="\ud800"),
        event(6, "Bad Request Error", data={"long": "x" * 9000}),
    ]
    whole = found(written(tmp_path, lines))
    assert (whole["lines"], whole["bad_lines"]) == (10, 0)
    assert lines_of(whole) == {
        "critical-error": 1,
        "bad-request-error": 2,
        "not-found-error": 1,
        "rate-limit-error": 1,
        "client-error": 1,
    }


def test_an_export_is_judged_at_the_time_of_cloudwatch(tmp_path: Path, found: Run) -> None:
    """The time before the message counts, whatever kind of message it is."""
    stamp = "2026-11-25T06:00:00.000Z "
    lines = [stamp + event(0)] * 11
    lines += [stamp + access(0, 500), stamp + "hello\n", stamp + event(0, "x" * 9000)]
    lines += ['2026-11-25T06:00:00Z {"event": "Critical Error"}\n', "  at line 7\n"]
    whole = found(written(tmp_path, lines))
    assert (whole["lines"], whole["bad_lines"]) == (15, 1)
    assert lines_of(whole) == {"critical-error": 2, "not-found-error": 11}
    assert alarms_of(whole, "not-found-error")[0]["from"] == "2026-11-25T06:01:00Z"


@pytest.mark.parametrize("indent", [None, 4])
def test_what_the_aws_command_prints_is_an_export_too(
    tmp_path: Path, found: Run, indent: int | None
) -> None:
    """The JSON of `aws logs filter-log-events`, on one line or many."""
    events: list[dict[str, object]] = [
        {"timestamp": 1_795_000_000_000, "message": event(0).strip()},
        {"timestamp": 1_795_000_000_000, "message": access(0, 500).strip()},
        {"timestamp": "soon", "message": "x"},
    ]
    whole = found(written(tmp_path, json.dumps({"events": events}, indent=indent)))
    assert lines_of(whole) == {"critical-error": 1, "not-found-error": 1}
    assert (whole["bad_lines"], whole["from"]) == (1, "2026-11-18T11:06:00Z")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_bad_event_costs_itself_only(tmp_path: Path, found: Run, indent: int | None) -> None:
    """Of a bare list of events, as `--query events` prints it, the rest is judged."""
    good = {"timestamp": 1_795_000_000_000, "message": event(0).strip()}
    times = (True, "soon", -1, 10**15, 1.5)
    bad = [{"message": "no time"}, {"timestamp": 1}, None, 7, "x", []]
    bad += [{"timestamp": each, "message": "x"} for each in times]
    whole = found(written(tmp_path, json.dumps([good, *bad, good], indent=indent)))
    assert (lines_of(whole), whole["bad_lines"]) == ({"not-found-error": 2}, 11)
    assert whole["bad"][0] == {
        "log": str(tmp_path / "access.log"),
        "line": 2,
        "text": "{'message': 'no time'}",
    }


@pytest.mark.parametrize(
    "text", ['{"events": [{"timestamp"', '{"events": []}\n{"events": []}', event(0) * 3]
)
def test_a_document_that_is_none_is_one_bad_line(tmp_path: Path, found: Run, text: str) -> None:
    """JSON that is cut, or no one document with events, is said and no reason to fail."""
    log = written(tmp_path, text)
    whole = found(log, "--format", "cloudwatch-export")
    assert (whole["lines"], whole["bad_lines"], whole["bad"][0]["line"]) == (0, 1, 1)
    (note,) = whole["notes"]
    assert note == (
        f"{log}: it begins as JSON, but is not one document with events; lines of JSON are of "
        "--format json, and of several documents each needs a file of its own."
    )


def test_auto_finds_the_format_of_each_log(tmp_path: Path, found: Run) -> None:
    """Logs of different formats can be judged together, and bad first lines do not mislead."""
    one = written(tmp_path, ["{ starting\n", *[access(each) for each in range(3)]], "a.log")
    two = written(tmp_path, [event(0)] * 4, "b.log")
    three = written(tmp_path, ["2026-11-25T00:00:00.000Z " + event(0)] * 5, "c.log")
    whole = found(one, two, three)
    assert (lines_of(whole), whole["bad_lines"]) == ({"not-found-error": 12}, 1)


@pytest.mark.parametrize(
    "text",
    [
        '{"searchedLogStreams": [], "events": [%s]}',
        '{"nextForwardToken": "f/1", "events": [%s]}',
        ' {"events": [%s]}',
    ],
)
def test_auto_knows_documents_on_one_line(tmp_path: Path, found: Run, text: str) -> None:
    """Whichever key comes first in what the AWS command prints."""
    one = json.dumps({"timestamp": 1_795_000_000_000, "message": event(0).strip()})
    assert lines_of(found(written(tmp_path, text % one))) == {"not-found-error": 1}


def test_auto_knows_objects_behind_a_blank(tmp_path: Path, found: Run) -> None:
    """A line of ours may begin with blanks."""
    assert lines_of(found(written(tmp_path, [f" {event(0)}"] * 3))) == {"not-found-error": 3}


@pytest.mark.parametrize("stamp", ["", "2026-11-25T00:00:00.000Z "])
def test_a_long_line_is_read_in_its_turn(tmp_path: Path, run: Run, stamp: str) -> None:
    """The clock goes on, and bad lines are shown, in the order of the lines however long."""
    late, later = (stamp.replace("T00", each) for each in ("T02", "T03"))
    lines = [stamp + event(0), late + event(7200, data="x" * 9000), later + event(10_800)]
    lines += [f"{each}\n" for each in ("bad", "x" * 9000, "bad", "x" * 9000)]
    result = run(written(tmp_path, lines), "--json")
    assert result.stderr == ""
    assert [each["line"] for each in json.loads(result.stdout)["bad"]] == [4, 5, 6]


@pytest.mark.parametrize("make", [access, event])
def test_names_are_bounded(tmp_path: Path, found: Run, make: Any) -> None:
    """What differs only beyond 2,048 characters is one name, whichever way it is read."""
    lines = [make(0, path="/" + "p" * each) for each in (2047, 2048, 5000)] * 3
    clients = [make(0, path="/", client="c" * each) for each in (2048, 2049)]
    if make is event:
        clients = [event(0, path="/", client_ip="c" * each) for each in (2048, 2049)]
        lines += [event(0, path="/" + "p" * 3000, more="\ud800")]  # orjson refuses the line
    (alarm,) = alarms_of(found(written(tmp_path, lines + clients)), "not-found-error")
    paths = {each["path"]: each["lines"] for each in alarm["paths"]}
    assert paths == {"/" + "p" * 2047: 10 if make is event else 9, "/": 2}
    assert {"source": "c" * 2048, "lines": 2} in alarm["sources"]


@pytest.mark.parametrize("form", [*FORMATS])
def test_a_bad_line_may_begin_with_blanks(tmp_path: Path, found: Run, form: str) -> None:
    """Only a line that is blank to its end is none; the others show what comes then."""
    log = written(tmp_path, [" " * 500 + "tail\n", " " * 500 + "\n"])
    whole = found(log, "--format", form)
    assert (whole["bad_lines"], whole["bad"][0]["text"]) == (1, "tail")


@pytest.mark.parametrize("message", [event(0), "hello\n", access(0)])
def test_an_export_has_no_blank_in_its_time(tmp_path: Path, found: Run, message: str) -> None:
    """Whatever the message is, a time that no export writes is a bad one."""
    lines = ["2026-11-25T00:00:00.000Z " + event(0), "2026-11-25 00:00:00.000Z " + message]
    whole = found(written(tmp_path, lines), "--format", "cloudwatch-export")
    assert (whole["lines"], whole["bad_lines"]) == (1, 1)


@pytest.mark.parametrize("form", ["json", "cloudwatch-export"])
@pytest.mark.parametrize(
    ("rest", "is_time"),
    [
        (" utter rubbishZ", False),
        (":99.1234567890Z", False),
        (":1Z", False),
        (":01.5xZ", False),
        ("::01.0Z", False),
        (":01.000", False),
        (":01.000Z", True),
        (":01,5Z", True),
        ("Z", True),
    ],
)
def test_the_fast_way_reads_the_times_of_the_slow_way(
    form: str,
    rest: str,
    is_time: bool,  # noqa: FBT001 - pytest gives it
) -> None:
    """In the middle of good lines a time is good or bad as it is where orjson reads no line."""
    counts = []
    for path in ("", "\ud800"):
        good = event(60, path=path).replace("00:01:00.000Z", "00:01:00.000Z")
        odd = good.replace("00:01:00.000Z", f"00:01{rest}")
        lines = [good, odd, good]
        if form != "json":
            stamps = ("00:01:00.000Z", f"00:01{rest}", "00:01:00.000Z")
            lines = [f"2026-11-25T{stamp} {good}" for stamp in stamps]
        gathered = Gathered(DETECTORS)
        FORMATS[form](gathered, "log").read_block("".join(lines).encode())
        counts.append((gathered.tally.lines, gathered.bad_lines))
    assert counts == [(3, 0) if is_time else (2, 1)] * 2


def test_a_bad_time_is_bad_whatever_its_neighbour_is(tmp_path: Path, found: Run) -> None:
    """A time that lacks what the next one has too much hides in no sum of both."""
    cut = event(60).replace("00.000Z", "00.000")
    long = event(60).replace("2026-11", "Z2026-11")
    whole = found(written(tmp_path, [event(0), cut, long, event(0)]))
    assert (whole["lines"], [each["line"] for each in whole["bad"]]) == (2, [2, 3])


def test_an_event_that_is_no_text_costs_itself_only(tmp_path: Path, found: Run) -> None:
    """What stands in `event` may be anything: the patterns say what it matches, in its minute."""
    others: list[object] = [True, 5, None, ["Not Found Error"], {"a": 1}]
    lines = [event(0), *[event(60, event=each) for each in others], event(120)]
    whole = found(written(tmp_path, lines))
    assert (whole["lines"], whole["bad_lines"]) == (7, 0)
    assert lines_of(whole) == {"not-found-error": 2}


def test_a_time_that_no_log_has_is_bad(tmp_path: Path, found: Run) -> None:
    """Before the epoch, after 2262, or at the ends of the calendar: the rest is judged."""
    years = ("0001", "1969", "2263", "9999")
    access_log = written(tmp_path, [access(0).replace("2026", each) for each in years], "a.log")
    ours = [event(0).replace("2026", each) for each in years] + [event(0)]
    whole = found(access_log, written(tmp_path, ours, "b.log"))
    assert (whole["bad_lines"], whole["lines"], whole["from"]) == (8, 1, "2026-11-25T00:00:00Z")


def test_a_wrong_clock_does_not_make_days(tmp_path: Path, run: Run) -> None:
    """Years without a line are said, and are no days of the log; neither are they for advice."""
    two_days = [access(at) for at in (0, 80_000) for _ in range(11)]
    two_days += [line.replace("25/Nov", "26/Nov") for line in two_days]
    first = access(0, 200).replace("2026", "1971")
    last = access(0, 200).replace("2026", "2200")
    result = run(written(tmp_path, [first, *two_days, last]), "--json", "--advise", "3")
    assert result.stderr.splitlines()[-1] == (
        "No line is from 1971-11-25T00:01:00Z to 2026-11-25T00:00:00Z, nor in 1 other gap: that "
        "is not counted among the days. Is a clock wrong on one side of it?"
    )
    whole = json.loads(result.stdout)
    (missing,) = [each for each in whole["detectors"] if each["lines"]]
    assert (len(missing["alarms"]), missing["alarms_per_day"]) == (4, 2.075)
    (advice,) = [each for each in whole["advice"] if each["detector"] == "not-found-error"]
    assert (advice["threshold"], advice["alarms"]) == (11, 0)


def test_format_can_be_said(tmp_path: Path, found: Run) -> None:
    """In another format than it has, no line can be read."""
    log = written(tmp_path, [access(0)] * 3)
    assert found(log, "--format", "combined")["lines"] == 3
    assert found(log, "--format", "json")["bad_lines"] == 3


def test_order_does_not_matter(tmp_path: Path, found: Run) -> None:
    """Shuffled lines give what sorted ones give."""
    lines = [access(each * 7, 404 if each % 3 else 500) for each in range(900)]
    in_order = found(written(tmp_path, lines))
    assert len(alarms_of(in_order, "not-found-error")) == 1
    random.Random(4).shuffle(lines)
    shuffled = found(written(tmp_path, lines))
    assert shuffled["detectors"] == in_order["detectors"]


@pytest.mark.parametrize("block", [100, 1 << 18])
@pytest.mark.parametrize("make", [access, event])
def test_a_clock_that_jumps_back_is_said_in_a_sentence(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, make: Any, block: int
) -> None:
    """Where and how far first, and how often, wherever blocks end; every line is judged."""
    monkeypatch.setattr(opening, "_BLOCK", block)
    monkeypatch.setattr(opening, "_HEAD", 1)
    log = written(tmp_path, [make(each) for each in (7200, 7210, 3600, 3610, 7300, 0)])
    result = run(log, "--json")
    assert result.exit_code == 0
    assert result.stderr == (
        f"{log}: the clock jumps back 2 times, first at line 3 by 60 minutes; "
        "each line is judged at its own time.\n"
    )
    assert json.loads(result.stdout)["lines"] == 6
    assert json.loads(result.stdout)["notes"] == [result.stderr.strip()]


@pytest.mark.parametrize("form", ["json", "cloudwatch-export", "document"])
def test_lines_that_are_read_one_by_one_have_a_clock_too(
    tmp_path: Path, run: Run, form: str
) -> None:
    """A jump is seen where orjson reads no line, and among the events of a document."""
    lines = [event(at, path="\ud800") for at in (7200, 3600)]
    if form == "cloudwatch-export":
        lines = [f"2026-11-25T0{hour}:00:00.000Z hello\n" for hour in (2, 1)]
    elif form == "document":
        times = (1_795_003_600_000, 1_795_000_000_000)
        events = [{"timestamp": at, "message": "hello"} for at in times]
        lines = [json.dumps({"events": events})]
    log = written(tmp_path, lines)
    result = run(log, "--json")
    assert json.loads(result.stdout)["lines"] == 2
    assert result.stderr == (
        f"{log}: the clock jumps back 1 time, first at line 2 by 60 minutes; "
        "each line is judged at its own time.\n"
    )


@pytest.mark.parametrize("make", [access, event])
def test_lines_a_little_out_of_order_are_no_jump(tmp_path: Path, run: Run, make: Any) -> None:
    """A server writes a request when it ends, with the time when it began."""
    log = written(tmp_path, [make(each) for each in (100, 95, 130, 110, 140)])
    assert run(log).stderr == ""


def test_bad_lines_are_counted_and_shown_harmless(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first three with their numbers; nothing in them reaches the terminal as it is."""
    bad = ["\x1b[2J\x1b]0;owned\x07\u202e", "no\rline\x9b", "x" * 5000, "fourth"]
    lines = [access(0), *[f"{each}\n" for each in bad], "\n", access(60)]
    written(tmp_path, "".join(lines).encode() + b"\xff\xfe\n")
    monkeypatch.chdir(tmp_path)
    result = run("access.log")
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    assert shown[3] == "5 bad lines skipped, the first of them:"
    assert shown[4] == "  access.log:2: ?[2J?]0;owned??"
    assert shown[5] == "  access.log:3: no?line?"
    assert shown[6] == "  access.log:4: " + "x" * 120 + "…"
    assert all(line.isprintable() for line in shown)


def test_names_are_shown_harmless(tmp_path: Path, run: Run) -> None:
    """A path that holds commands for a terminal does not hold them when it is printed."""
    lines = [event(0, path="/\x1b[2J\u202e", client_ip="\x07")] * 11
    result = run(written(tmp_path, lines))
    assert "  paths    /?[2J? (11)\n" in result.stdout
    assert "  sources  ? (11)\n" in result.stdout
    machine = run(written(tmp_path, lines), "--json").stdout
    assert machine.isascii()
    assert "\x1b" not in machine


def test_a_line_break_in_a_name_hides_no_name(tmp_path: Path, found: Run) -> None:
    """Whatever a log holds where a name belongs, the other names keep their counts."""
    names: list[object] = ["/a", "/b\nc", None, 5, ["/d"], "", "/a"]
    lines = [event(0, path=each) for each in names] * 2
    (alarm,) = alarms_of(found(written(tmp_path, lines)), "not-found-error")
    paths = [(each["path"], each["lines"]) for each in alarm["paths"]]
    assert paths == [("/a", 4), ("/b\ufffdc", 2)]
    assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 14}]


@pytest.mark.parametrize("form", [*FORMATS])
@given(block=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(form: str, block: bytes) -> None:
    """Whatever stands in a log, it is read or it is bad, and lines are not lost."""
    gathered = Gathered(DETECTORS)
    lines = FORMATS[form](gathered, "log")
    lines.read_block(block + b"\n")
    lines.finish()
    given = sum(
        bool(line.decode("utf-8", "backslashreplace").strip()) for line in block.split(b"\n")
    )
    if not block.lstrip().startswith(b"{"):  # a document counts its events
        assert gathered.tally.lines + gathered.bad_lines == given


@given(
    event=st.one_of(
        st.sampled_from([each.event for each in DEFAULT_DETECTORS]),
        st.text(),
        st.integers(),
        st.none(),
    ),
    more=st.dictionaries(st.sampled_from(["client_ip", "path", "level"]), st.text(max_size=5)),
)
@settings(max_examples=200, deadline=None)
def test_the_look_up_says_what_the_patterns_say(event: object, more: dict[str, str]) -> None:
    """The fast way to a detector gives what its pattern gives on the whole line."""
    line = json.dumps({"event": event, "timestamp": "2026-11-25T00:00:00.000Z", **more})
    gathered = Gathered(DETECTORS)
    FORMATS["json"](gathered, "log").read_block(line.encode() + b"\n")
    row = gathered.tally.row(1_795_564_800)
    expected = [int(parse(each.pattern).matches(line)) for each in DETECTORS.catalogue]
    assert [*row] == [*expected, 1 - sum(expected)]


@pytest.mark.parametrize(
    "line",
    [
        'h - - [25/Nov/2026:01:17:12 +0000] "GET / HTTP/1.1" 200 5',
        'h - ann [25/Nov/2026:01:17:12 -0330] "GET / HTTP/1.1" 200 - "-" "curl"',
        'h - ann of kent [25/Nov/2026:01:17:12 +0000] "GET / HTTP/1.1" 200 5 "" "a \\"b\\""',
        'h - x\\" [01/Jan/2000:00:00:00 +0000] \\"no [25/Nov/2026:01:17:12 +0000] "-" 200 5',
    ],
)
def test_requests_as_servers_write_them(line: str) -> None:
    """With and without agent, with blanks and marks in the user's name."""
    found = request_of(line)
    assert found is not None
    assert found.status == "200"


def test_a_user_name_cannot_forge_the_line() -> None:
    """A name that looks like the rest of a line is a name: only the server writes bare quotes."""
    forged = "x [01/Jan/2000:00:00:00 +0000] \\x22GET /forged HTTP/1.1\\x22 200 1"
    line = f'h - {forged} [25/Nov/2026:01:17:12 +0000] "GET /real HTTP/1.1" 404 9'
    found = request_of(line)
    assert found is not None
    assert (found.path, found.status) == ("/real", "404")


@pytest.mark.parametrize(
    ("stamp", "minute"),
    [
        ("1970-01-01T00:01:59.999999Z", 60),
        ("1970-01-01 00:01Z", 60),
        ("1969-12-31T23:01:00-01:00", 60),
        ("1970-01-01T00:01", None),
        ("1970-13-01T00:01Z", None),
        ("0000-01-01T00:00Z", None),
        (7, None),
    ],
)
def test_times(stamp: object, minute: int | None) -> None:
    """RFC 3339 with a zone, to the minute; anything else is none."""
    assert minute_of(stamp) == minute


def test_a_time_that_does_not_exist_is_a_bad_line(tmp_path: Path, found: Run) -> None:
    """The 31st of February, in each format."""
    lines = [access(0).replace("25/Nov", "31/Feb"), access(0)]
    assert found(written(tmp_path, lines))["bad_lines"] == 1
    lines = [event(0).replace("11-25", "02-31"), event(0)]
    assert found(written(tmp_path, lines))["bad_lines"] == 1
