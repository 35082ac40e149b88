"""Formats, bad lines and clocks: lines that can be read are judged, the others are shown."""

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
from flask_errwatch.replay.formats.minutes import minute_of
from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.formats.record import AccessRecord
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.reading.access_logs import PLAIN_ACCESS_LOG
from flask_errwatch.replay.reading.json_logs import EXPORTED_OWN_LINES, PLAIN_OWN_LINES
from flask_errwatch.replay.reading.log_readers import reader_of
from flask_errwatch.replay.sources import compression, encoding
from tests.replay.replay_lines import Run, access, detector_set, event, write_log

DETECTORS = detector_set(*DEFAULT_DETECTORS)


#: The shapes that have readers of their own, by their format.
SHAPES = {
    "combined": PLAIN_ACCESS_LOG,
    "json": PLAIN_OWN_LINES,
    "cloudwatch-export": EXPORTED_OWN_LINES,
}
#: The default detectors that count lines of others.
OF_OTHERS = ("scan", "failure-flood")


def lines_of(output: dict[str, Any]) -> dict[str, int]:
    """The number of lines of each detector that has any, but for those that count others'."""
    return {
        detector["detector"]: detector["lines"]
        for detector in output["detectors"]
        if detector["lines"] and detector["detector"] not in OF_OTHERS
    }


def alarms_of(output: dict[str, Any], name: str) -> list[dict[str, Any]]:
    alarms: list[dict[str, Any]] = next(
        detector["alarms"] for detector in output["detectors"] if detector["detector"] == name
    )
    return alarms


def test_access_lines_are_judged_by_their_status(tmp_path: Path, replay_json: Run) -> None:
    """Each status counts for the detector that claims it. A successful response counts for none."""
    statuses = (200, 304, 400, 422, 401, 403, 404, 410, 405, 429, 418, 500, 502)
    log = write_log(tmp_path, [access(second, status) for second, status in enumerate(statuses)])
    output = replay_json(log)
    assert output["lines"] == 13
    assert lines_of(output) == {
        "critical-error": 2,
        "authentication-error": 2,
        "bad-request-error": 2,
        "not-found-error": 2,
        "method-not-allowed-error": 1,
        "rate-limit-error": 1,
        "client-error": 1,
    }


def test_an_alarm_has_its_times_peak_sources_and_paths(tmp_path: Path, replay_json: Run) -> None:
    """The sources and paths with the most lines come first."""
    lines = [access(0, 200)]
    lines += [access(600 + second, path="/a", client="192.0.2.1") for second in range(12)]
    lines += [access(620, path="/b?q=1", client="192.0.2.2")] * 3
    lines += [access(4000, 200)]
    output = replay_json(write_log(tmp_path, lines))
    (detector,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    assert detector == {
        "detector": "not-found-error",
        "threshold": 10.0,
        "lines": 15,
        "periods": 1,
        "worst": {"from": "2026-11-25T00:06:00Z", "to": "2026-11-25T00:11:00Z", "value": 15.0},
        "alarms": [
            {
                "from": "2026-11-25T00:11:00Z",
                # No line follows. The quiet minutes are zeros, as with the app's heartbeat.
                "to": "2026-11-25T00:16:00Z",
                "peak": 15.0,
                "sources": [
                    {"source": "192.0.2.1", "lines": 12},
                    {"source": "192.0.2.2", "lines": 3},
                ],
                "paths": [{"path": "/a", "lines": 12}, {"path": "/b", "lines": 3}],
                "offenders": [],
                "looks_like": {
                    "kind": "unclear",
                    "sentence": (
                        "Unclear: 15 lines of 2 sources, the most by 192.0.2.1: 12 of 15 lines."
                    ),
                    "sources": [],
                    "succeeded": 0,
                    "evidence": {"lines": 15, "sources": 2},
                },
            }
        ],
        "alarms_per_day": 1.0,
    }
    assert (output["from"], output["to"]) == ("2026-11-25T00:00:00Z", "2026-11-25T01:07:00Z")


def test_an_alarm_at_the_end_of_the_log_ends_after_it(tmp_path: Path, replay_json: Run) -> None:
    """The heartbeat is assumed to continue after the last line, so the alarm ends."""
    (alarm,) = alarms_of(replay_json(write_log(tmp_path, [access(0)] * 11)), "not-found-error")
    assert (alarm["from"], alarm["to"]) == ("2026-11-25T00:01:00Z", "2026-11-25T00:06:00Z")
    assert alarm["peak"] == 11.0
    assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 11}]


def test_without_heartbeat_the_last_alarm_has_no_end(tmp_path: Path, replay_json: Run) -> None:
    """The time after the log is missing data, so `to` is null. The peak is known."""
    log = write_log(tmp_path, [access(0)] * 11)
    (alarm,) = alarms_of(replay_json(log, "--no-heartbeat"), "not-found-error")
    assert (alarm["from"], alarm["to"], alarm["peak"]) == ("2026-11-25T00:01:00Z", None, 11.0)
    assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 11}]


def test_quiet_minutes_do_not_repeat_an_alarm(tmp_path: Path, replay_json: Run) -> None:
    """A burst before two quiet spells is one alarm. Without a heartbeat it is three."""
    lines = [*[access(0)] * 12, *[access(second, 200) for second in (60, 240, 20_000)]]
    log = write_log(tmp_path, lines)
    (alarm,) = alarms_of(replay_json(log), "not-found-error")
    assert alarm["to"] == "2026-11-25T00:06:00Z"
    assert len(alarms_of(replay_json(log, "--no-heartbeat"), "not-found-error")) == 3


def test_quiet_decades_are_cheap_and_have_zeros(tmp_path: Path, replay_json: Run) -> None:
    """An alarm on too few lines lasts from the end of a burst to the next, 56 years later."""
    log = write_log(tmp_path, [access(0).replace("2026", year) for year in ("1970", "2026")])
    less = "not-found-error.comparison_operator=LessThanThreshold"
    settings = ("--set", less, "--set", "not-found-error.threshold=1")
    first, *others = alarms_of(replay_json(log, *settings), "not-found-error")
    assert (first["from"], first["to"]) == ("1970-11-25T00:06:00Z", "2026-11-25T00:01:00Z")
    assert others == []  # the end of the log does not fire the alarm


@pytest.mark.parametrize(
    ("beats", "end"),
    [((), "2026-11-25T00:06:00Z"), ((0,), None)],
)
def test_our_heartbeat_lines_are_trusted(
    tmp_path: Path, replay_json: Run, beats: tuple[int, ...], end: str | None
) -> None:
    """Heartbeat lines show when the app ran. Only a log without any is filled with zeros."""
    lines = [event(0)] * 11 + [event(second, "Heartbeat") for second in beats]
    output = replay_json(write_log(tmp_path, lines))
    (alarm,) = alarms_of(output, "not-found-error")
    assert (output["heartbeat"], alarm["to"]) == (not beats, end)


def test_an_app_without_heartbeat_is_judged_without_one(
    tmp_path: Path, replay_json: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replay follows `ERRWATCH_HEARTBEAT_SECONDS=0`."""
    monkeypatch.setenv("ERRWATCH_HEARTBEAT_SECONDS", "0")
    assert replay_json(write_log(tmp_path, [access(0)] * 11))["heartbeat"] is False


def test_our_lines_are_judged_by_their_pattern(tmp_path: Path, replay_json: Run) -> None:
    """Only the key `event` decides, not the status, the level or the path."""
    lines = [
        event(0, "Not Found Error"),
        event(1, "Critical Error", status=404),
        event(2, "Not Found Error Error", detector="not-found-error"),
        event(3, "Heartbeat"),
        event(0, "Client Error", timestamp="2026-11-25T00:00:00+00:00", client_ip=None),
        event(0, "x", event=["Not Found Error"], timestamp="2026-11-25T00:00:00.1Z"),
        event(0, "x", a={"event": "Not Found Error"}, timestamp="2026-11-25T00:00:00Z"),
        event(4, "Rate Limit Error", client_ip={"a": 1}, path=7),
        event(5, "Bad Request Error", path="\ud800"),
        event(6, "Bad Request Error", data={"long": "x" * 9000}),
    ]
    output = replay_json(write_log(tmp_path, lines))
    assert (output["lines"], output["bad_lines"]) == (10, 0)
    assert lines_of(output) == {
        "critical-error": 1,
        "bad-request-error": 2,
        "not-found-error": 1,
        "rate-limit-error": 1,
        "client-error": 1,
    }


@pytest.mark.parametrize(
    "lacking", [("schema",), ("detector",), ("schema", "detector")], ids="+".join
)
def test_other_json_is_not_a_line_of_ours(
    tmp_path: Path, replay_json: Run, lacking: tuple[str, ...]
) -> None:
    """Without `detector` or `schema` it is a bad line, though it has an event and a time."""
    absent = {*lacking, "status"}  # with a status it would be a request in JSON
    other = {key: value for key, value in json.loads(event(0)).items() if key not in absent}
    heartbeat = event(1, "Heartbeat")  # which has no detector, and no client
    log = write_log(tmp_path, [event(0), json.dumps(other) + "\n", heartbeat] * 5)
    output = replay_json(log, "--format", "json")
    assert (output["lines"], output["bad_lines"]) == (10, 5)
    assert lines_of(output) == {"not-found-error": 5}


def test_an_export_is_judged_at_its_cloudwatch_time(tmp_path: Path, replay_json: Run) -> None:
    """The time before the message counts. The app wrote a line for the request beside its lines."""
    stamp = "2026-11-25T06:00:00.000Z "
    lines = [stamp + event(0)] * 11
    lines += [stamp + access(0, 500), stamp + "hello\n", stamp + event(0, "x" * 9000)]
    own = {"event": "Critical Error", "detector": "critical-error", "schema": 1}
    lines += [f"2026-11-25T06:00:00Z {json.dumps(own)}\n", "  at line 7\n"]
    output = replay_json(write_log(tmp_path, lines))
    assert (output["lines"], output["bad_lines"]) == (14, 2)
    assert lines_of(output) == {"critical-error": 1, "not-found-error": 11}
    assert any(note.startswith("1 request beside lines") for note in output["notes"])
    assert alarms_of(output, "not-found-error")[0]["from"] == "2026-11-25T06:01:00Z"


@pytest.mark.parametrize("indent", [None, 4])
def test_the_output_of_the_aws_command_is_an_export(
    tmp_path: Path, replay_json: Run, indent: int | None
) -> None:
    """The JSON of `aws logs filter-log-events` may be on one line or many."""
    events: list[dict[str, object]] = [
        {"timestamp": 1_795_000_000_000, "message": event(0).strip()},
        {"timestamp": 1_795_000_000_000, "message": event(0, "Critical Error").strip()},
        {"timestamp": "soon", "message": "x"},
    ]
    output = replay_json(write_log(tmp_path, json.dumps({"events": events}, indent=indent)))
    assert lines_of(output) == {"critical-error": 1, "not-found-error": 1}
    assert (output["bad_lines"], output["from"]) == (1, "2026-11-18T11:06:00Z")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_bad_event_does_not_affect_the_others(
    tmp_path: Path, run: Run, indent: int | None
) -> None:
    """The other events of a bare list, as `--query events` prints it, are judged."""
    good = {"timestamp": 1_795_000_000_000, "message": event(0).strip()}
    times = (True, "soon", -1, 10**15, 1.5)
    bad = [{"message": "no time"}, {"timestamp": 1}, None, 7, "x", []]
    bad += [{"timestamp": time, "message": "x"} for time in times]
    result = run(write_log(tmp_path, json.dumps([good, *bad, good], indent=indent)), "--json")
    output = json.loads(result.stdout)
    assert (lines_of(output), output["bad_lines"]) == ({"not-found-error": 2}, 11)
    assert output["bad"][0] == {
        "log": str(tmp_path / "access.log"),
        "line": 2,
        "text": "{'message': 'no time'}",
    }


def test_a_document_that_is_cut_is_one_bad_line(tmp_path: Path, replay_json: Run) -> None:
    """A note says so. The exit code is 1."""
    log = write_log(tmp_path, '{"events": [{"timestamp"')
    output = replay_json(log, "--format", "cloudwatch-export")
    assert (output["lines"], output["bad_lines"], output["bad"][0]["line"]) == (0, 1, 1)
    defect = "from here on it is not valid JSON, as when it was cut."
    assert output["notes"] == [f"{log.name}: {defect}"]


def test_a_document_may_have_no_event(tmp_path: Path, run: Run) -> None:
    """Pages without events have no line, and the sentence says so."""
    result = run(write_log(tmp_path, '{"events": []}\n{"events": []}'))
    assert result.exit_code == 1
    assert "Nothing could be read of access.log (it has no lines)" in result.stderr


def test_lines_are_not_an_export(tmp_path: Path, run: Run) -> None:
    """With the wrong format they are bad, and the sentence names the right one."""
    result = run(write_log(tmp_path, [event(0)] * 3), "--format", "cloudwatch-export")
    assert result.exit_code == 1
    assert "It looks like lines of flask-errwatch: use --format json" in result.stderr


def test_auto_detects_the_format_of_each_log(tmp_path: Path, replay_json: Run) -> None:
    """Logs of different formats can be judged together, also with a bad first line."""
    combined = write_log(
        tmp_path, ["{ starting\n", *[access(second) for second in range(3)]], "a.log"
    )
    ours = write_log(tmp_path, [event(0)] * 4, "b.log")
    export = write_log(tmp_path, ["2026-11-25T00:00:00.000Z " + event(0)] * 5, "c.log")
    output = replay_json(combined, ours, export)
    assert (lines_of(output), output["bad_lines"]) == ({"not-found-error": 12}, 1)


@pytest.mark.parametrize(
    "text",
    [
        '{"searchedLogStreams": [], "events": [%s]}',
        '{"nextForwardToken": "f/1", "events": [%s]}',
        ' {"events": [%s]}',
    ],
)
def test_auto_detects_documents_on_one_line(tmp_path: Path, replay_json: Run, text: str) -> None:
    """The keys of the AWS command's output may have any order."""
    logged = json.dumps({"timestamp": 1_795_000_000_000, "message": event(0).strip()})
    assert lines_of(replay_json(write_log(tmp_path, text % logged))) == {"not-found-error": 1}


@pytest.mark.parametrize("before", ["\n", "starting\n"])
def test_auto_detects_a_last_line_without_a_line_break(
    tmp_path: Path, replay_json: Run, before: str
) -> None:
    """The format is that of all first lines, also where only the last of them is in it."""
    output = replay_json(write_log(tmp_path, before + event(0).rstrip()))
    assert lines_of(output) == {"not-found-error": 1}
    assert [bad["text"] for bad in output["bad"]] == before.split()


def test_auto_detects_objects_after_a_blank(tmp_path: Path, replay_json: Run) -> None:
    """A line of our format may begin with blanks."""
    assert lines_of(replay_json(write_log(tmp_path, [f" {event(0)}"] * 3))) == {
        "not-found-error": 3
    }


@pytest.mark.parametrize("stamp", ["", "2026-11-25T00:00:00.000Z "])
def test_a_long_line_is_read_in_order(tmp_path: Path, run: Run, stamp: str) -> None:
    """Clocks are compared, and bad lines are shown, in the order of the log."""
    late, later = (stamp.replace("T00", hour) for hour in ("T02", "T03"))
    lines = [stamp + event(0), late + event(7200, data="x" * 9000), later + event(10_800)] * 2
    lines.sort()
    lines += [f"{bad}\n" for bad in ("bad", "x" * 9000, "bad", "x" * 9000)]
    result = run(write_log(tmp_path, lines), "--json")
    assert result.stderr == ""
    assert [line["line"] for line in json.loads(result.stdout)["bad"]] == [7, 8, 9]


@pytest.mark.parametrize("make", [access, event])
def test_names_are_bounded(tmp_path: Path, replay_json: Run, make: Any) -> None:
    """Names that differ only beyond 2,048 characters are equal, whichever parser reads them."""
    lines = [make(0, path="/" + "p" * length) for length in (2047, 2048, 5000)] * 4
    (alarm,) = alarms_of(replay_json(write_log(tmp_path, lines)), "not-found-error")
    assert alarm["paths"] == [{"path": "/" + "p" * 2047, "lines": 12}]


def test_a_client_is_bounded_in_our_lines(tmp_path: Path, replay_json: Run) -> None:
    """So are clients, whichever parser reads them. An access line with a long one is bad."""
    lines = [event(0, client_ip="c" * length) for length in (2048, 2049)] * 6
    lines += [event(0, client_ip="c" * 3000, more="\ud800")]  # orjson refuses the line
    (alarm,) = alarms_of(replay_json(write_log(tmp_path, lines)), "not-found-error")
    assert alarm["sources"] == [{"source": "c" * 2048, "lines": 13}]


@pytest.mark.parametrize("form", [*SHAPES])
def test_a_bad_line_may_begin_with_blanks(tmp_path: Path, replay_json: Run, form: str) -> None:
    """The blanks are not shown. A line that has only blanks is skipped."""
    log = write_log(tmp_path, [" " * 500 + "tail\n", " " * 500 + "\n"])
    output = replay_json(log, "--format", form)
    assert (output["bad_lines"], output["bad"][0]["text"]) == (1, "tail")


@pytest.mark.parametrize("message", [event(0), "hello\n", access(0)])
def test_a_blank_in_the_time_of_an_export_is_bad(
    tmp_path: Path, replay_json: Run, message: str
) -> None:
    """The time must have the form that CloudWatch exports, for messages of every kind."""
    lines = ["2026-11-25T00:00:00.000Z " + event(0), "2026-11-25 00:00:00.000Z " + message]
    output = replay_json(write_log(tmp_path, lines), "--format", "cloudwatch-export")
    assert (output["lines"], output["bad_lines"]) == (1, 1)


@pytest.mark.parametrize("form", ["json", "cloudwatch-export"])
@pytest.mark.parametrize(
    ("seconds", "is_time"),
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
def test_the_fast_parser_accepts_the_times_of_the_slow_one(
    form: str,
    seconds: str,
    is_time: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """Both accept the same times. The slow parser reads the lines that orjson rejects."""
    if form == "cloudwatch-export":
        is_time = seconds == ":01.000Z"  # the only form in which CloudWatch exports
    counts = []
    for path in ("", "\ud800"):
        good = event(60, path=path).replace("00:01:00.000Z", "00:01:00.000Z")
        odd = good.replace("00:01:00.000Z", f"00:01{seconds}")
        lines = [good, odd, good]
        if form != "json":
            stamps = ("00:01:00.000Z", f"00:01{seconds}", "00:01:00.000Z")
            lines = [f"2026-11-25T{stamp} {good}" for stamp in stamps]
        gathered = Gathered(DETECTORS)
        reader_of(SHAPES[form], gathered, "log").read_block("".join(lines).encode())
        counts.append((gathered.tally.lines, gathered.bad_lines))
    assert counts == [(3, 0) if is_time else (2, 1)] * 2


def test_two_bad_times_do_not_cancel_out(tmp_path: Path, replay_json: Run) -> None:
    """A time that is too short is bad also next to one that is too long."""
    cut = event(60).replace("00.000Z", "00.000")
    long = event(60).replace("2026-11", "Z2026-11")
    output = replay_json(write_log(tmp_path, [event(0), cut, long, event(0)]))
    assert (output["lines"], [line["line"] for line in output["bad"]]) == (2, [2, 3])


def test_an_event_that_is_not_a_string_does_not_affect_the_others(
    tmp_path: Path, replay_json: Run
) -> None:
    """The key `event` may have any JSON value. The patterns decide whether it matches."""
    others: list[object] = [True, 5, None, ["Not Found Error"], {"a": 1}]
    lines = [event(0), *[event(60, event=other) for other in others], event(120)]
    output = replay_json(write_log(tmp_path, lines))
    assert (output["lines"], output["bad_lines"]) == (7, 0)
    assert lines_of(output) == {"not-found-error": 2}


def test_a_time_out_of_range_is_bad(tmp_path: Path, replay_json: Run) -> None:
    """Times before 1970 and after 2262 are bad lines. The other lines are judged."""
    years = ("0001", "1969", "2263", "9999")
    access_log = write_log(tmp_path, [access(0).replace("2026", year) for year in years], "a.log")
    ours = [event(0).replace("2026", year) for year in years] + [event(0)]
    output = replay_json(access_log, write_log(tmp_path, ours, "b.log"))
    assert (output["bad_lines"], output["lines"], output["from"]) == (8, 1, "2026-11-25T00:00:00Z")


def test_a_gap_is_not_counted_as_days(tmp_path: Path, run: Run) -> None:
    """A note reports years without a line. They do not count for alarms a day, nor for advice."""
    two_days = [access(second) for second in (0, 80_000) for _ in range(11)]
    two_days += [line.replace("25/Nov", "26/Nov") for line in two_days]
    first = access(0, 200).replace("2026", "1971")
    last = access(0, 200).replace("2026", "2200")
    result = run(write_log(tmp_path, [first, *two_days, last]), "--json", "--advise", "3")
    assert result.stderr.splitlines()[-1] == (
        "There are no lines from 1971-11-25T00:01:00Z to 2026-11-25T00:00:00Z, nor in 1 other gap: "
        "these gaps are not counted among the days. The clock may be wrong on one side of them."
    )
    output = json.loads(result.stdout)
    (missing,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    assert (len(missing["alarms"]), missing["alarms_per_day"]) == (4, 2.075)
    (advice,) = [advice for advice in output["advice"] if advice["detector"] == "not-found-error"]
    assert (advice["threshold"], advice["alarms"]) == (11, 0)


def test_the_format_can_be_chosen(tmp_path: Path, replay_json: Run) -> None:
    """With the wrong `--format`, no line can be read."""
    log = write_log(tmp_path, [access(0)] * 3)
    assert replay_json(log, "--format", "combined")["lines"] == 3
    assert replay_json(log, "--format", "json")["bad_lines"] == 3


def test_order_does_not_matter(tmp_path: Path, replay_json: Run) -> None:
    """Shuffled lines give the same result as sorted lines."""
    lines = [access(number * 7, 404 if number % 3 else 500) for number in range(900)]
    in_order = replay_json(write_log(tmp_path, lines))
    assert len(alarms_of(in_order, "not-found-error")) == 1
    random.Random(4).shuffle(lines)
    shuffled = replay_json(write_log(tmp_path, lines))
    assert shuffled["detectors"] == in_order["detectors"]


@pytest.mark.parametrize("block", [100, 1 << 18])
@pytest.mark.parametrize("make", [access, event])
def test_a_clock_that_jumps_back_is_reported(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, make: Any, block: int
) -> None:
    """One sentence has the first jump and the number of jumps. Every line is judged."""
    monkeypatch.setattr(compression, "PIECE", block)
    monkeypatch.setattr(encoding, "HEAD", 1)
    log = write_log(tmp_path, [make(second) for second in (7200, 7210, 3600, 3610, 7300, 0)])
    result = run(log, "--json")
    assert result.exit_code == 0
    assert result.stderr == (
        f"{log.name}: the clock jumps back 2 times, first at line 3 by 60 minutes; "
        "each line is judged at its own time.\n"
    )
    assert json.loads(result.stdout)["lines"] == 6
    assert json.loads(result.stdout)["notes"] == [result.stderr.strip()]


@pytest.mark.parametrize("form", ["json", "cloudwatch-export", "document"])
def test_a_clock_that_jumps_back_is_reported_on_slow_paths(
    tmp_path: Path, run: Run, form: str
) -> None:
    """A jump is detected in lines that orjson rejects, and between the events of a document."""
    lines = [event(second, path="\ud800") for second in (7200, 3600)]
    if form == "cloudwatch-export":
        lines = [f"2026-11-25T0{hour}:00:00.000Z {lines[0]}" for hour in (2, 1)]
    elif form == "document":
        times = (1_795_003_600_000, 1_795_000_000_000)
        events = [{"timestamp": time, "message": lines[0].strip()} for time in times]
        lines = [json.dumps({"events": events})]
    log = write_log(tmp_path, lines)
    result = run(log, "--json")
    assert json.loads(result.stdout)["lines"] == 2
    assert result.stderr == (
        f"{log.name}: the clock jumps back 1 time, first at line 2 by 60 minutes; "
        "each line is judged at its own time.\n"
    )


@pytest.mark.parametrize("make", [access, event])
def test_lines_slightly_out_of_order_are_not_a_jump(tmp_path: Path, run: Run, make: Any) -> None:
    """A server logs a request when it ends, with the time when it began."""
    log = write_log(tmp_path, [make(second) for second in (100, 95, 130, 110, 140)])
    assert run(log).stderr == ""


def test_bad_lines_are_counted_and_the_first_shown(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first three are shown with their line numbers and without control characters."""
    bad = ["\x1b[2J\x1b]0;owned\x07\u202e", "no\rline\x9b", "x" * 5000, "fourth"]
    lines = [access(0), *[f"{line}\n" for line in bad], "\n", *[access(60)] * 5]
    write_log(tmp_path, "".join(lines).encode() + b"\xff\xfe\n")
    monkeypatch.chdir(tmp_path)
    result = run("access.log")
    assert result.exit_code == 0
    shown = result.stdout.splitlines()
    begin = shown.index("5 bad lines skipped, the first of them:")
    assert shown[begin + 1 : begin + 4] == [
        "  access.log:2: ?[2J?]0;owned??",
        "  access.log:3: no?line?",
        "  access.log:4: " + "x" * 120 + "…",
    ]
    assert all(line.isprintable() for line in shown)


def test_names_are_shown_without_control_characters(tmp_path: Path, run: Run) -> None:
    """Terminal commands in a path or a source are not printed."""
    lines = [event(0, path="/\x1b[2J\u202e", client_ip="\x07")] * 11
    result = run(write_log(tmp_path, lines))
    assert "  paths    /?[2J? (11)\n" in result.stdout
    assert "  sources  ? (11)\n" in result.stdout
    machine = run(write_log(tmp_path, lines), "--json").stdout
    assert machine.isascii()
    assert "\x1b" not in machine


def test_a_line_break_in_a_name_does_not_affect_other_names(
    tmp_path: Path, replay_json: Run
) -> None:
    """Other names keep their counts next to line breaks and values that are not strings."""
    names: list[object] = ["/a", "/b\nc", None, 5, ["/d"], "", "/a"]
    lines = [event(0, path=name) for name in names] * 2
    (alarm,) = alarms_of(replay_json(write_log(tmp_path, lines)), "not-found-error")
    paths = [(path["path"], path["lines"]) for path in alarm["paths"]]
    assert paths == [("/a", 4), ("/b\ufffdc", 2)]
    assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 14}]


@pytest.mark.parametrize("form", [*SHAPES])
@given(block=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(form: str, block: bytes) -> None:
    """Each line is read or counted as bad, with any content, and none is lost."""
    gathered = Gathered(DETECTORS)
    lines = reader_of(SHAPES[form], gathered, "log")
    lines.read_block(block + b"\n")
    lines.finish()
    expected = sum(
        bool(line.decode("utf-8", "backslashreplace").strip()) for line in block.split(b"\n")
    )
    if not block.lstrip().startswith(b"{"):  # a document counts its events
        assert gathered.tally.lines + gathered.bad_lines == expected


@given(
    event=st.one_of(
        st.sampled_from([detector.event for detector in DEFAULT_DETECTORS]),
        st.text(),
        st.integers(),
        st.none(),
    ),
    more=st.dictionaries(st.sampled_from(["client_ip", "path", "level"]), st.text(max_size=5)),
)
@settings(max_examples=200, deadline=None)
def test_the_lookup_agrees_with_the_patterns(event: object, more: dict[str, str]) -> None:
    """The lookup by event gives each detector the lines that its pattern matches."""
    head = {"event": event, "timestamp": "2026-11-25T00:00:00.000Z", "detector": "d", "schema": 1}
    line = json.dumps({**head, **more})
    gathered = Gathered(DETECTORS)
    reader_of(PLAIN_OWN_LINES, gathered, "log").read_block(line.encode() + b"\n")
    ((minute, ((kind, lines),)),) = gathered.tally.rows()
    assert minute == 1_795_564_800
    own = [detector for detector in DETECTORS.catalogue if parse(detector.pattern).matches(line)]
    assert kind.filters == frozenset(detector.resource_name("log") for detector in own)
    assert lines == 1


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
    """With and without a user agent, with blanks and quotes in the user name."""
    record = COMBINED.parser()(line)
    assert isinstance(record, AccessRecord)
    assert record.request.status == "200"


def test_a_user_name_cannot_forge_the_line() -> None:
    """A name with the form of a request stays a name, as only the server writes bare quotes."""
    forged = "x [01/Jan/2000:00:00:00 +0000] \\x22GET /forged HTTP/1.1\\x22 200 1"
    line = f'h - {forged} [25/Nov/2026:01:17:12 +0000] "GET /real HTTP/1.1" 404 9'
    record = COMBINED.parser()(line)
    assert isinstance(record, AccessRecord)
    assert (record.request.path, record.request.status) == ("/real", "404")


@pytest.mark.parametrize(
    ("timestamp", "minute"),
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
def test_times(timestamp: object, minute: int | None) -> None:
    """RFC 3339 with a time zone is read to the minute. Anything else is None."""
    assert minute_of(timestamp) == minute


def test_a_time_that_does_not_exist_is_a_bad_line(tmp_path: Path, replay_json: Run) -> None:
    """The 31st of February is a bad line in each format."""
    lines = [access(0).replace("25/Nov", "31/Feb"), access(0)]
    assert replay_json(write_log(tmp_path, lines))["bad_lines"] == 1
    lines = [event(0).replace("11-25", "02-31"), event(0)]
    assert replay_json(write_log(tmp_path, lines))["bad_lines"] == 1


@pytest.mark.parametrize("depth", [900, 1000, 1020])
def test_an_event_that_is_nested_deeply_is_a_bad_line(
    tmp_path: Path, replay_json: Run, depth: int
) -> None:
    """Whatever the parser of a document still reads, it is counted and shown."""
    nested = "[" * depth + "]" * depth
    log = write_log(tmp_path, f'{{"events": [{{"timestamp": {nested}, "message": "x"}}]}}')
    assert replay_json(log)["bad_lines"] == 1
