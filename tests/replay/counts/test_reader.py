"""`--format counts`: rows in place of lines, in CSV or JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch import DEFAULT_DETECTORS, Alarm, BusyAlarm, Detector, RequestMetric
from flask_errwatch.replay.counts.reader import CountsReader
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.sources import UnreadableLogError
from tests.replay.counts.counts_files import write_counts
from tests.replay.counts.replayed import reasons, replayed, rows_of
from tests.replay.replay_lines import Run, access, detector_set, replay_of, write_log

DATA = Path(__file__).parents[4] / "shared" / "data"
LOGS = ("farmer_farmwork", "farmer_meatlabel", "farmer_saunathinker", "talemul_erp")


def judgement(result: ReplayResult) -> list[object]:
    """What must be equal however lines were counted."""
    judged = result.judged
    return [
        (judged.start, judged.end, judged.lines, result.bad_lines, result.proposed),
        judged.unjudged,
        [(one.alarm, one.threshold, one.alarms) for one in result.advice],
        [(row.name, row.lines, row.threshold, row.advised, row.worst) for row in result.rows],
        [[(alarm.span, alarm.offences) for alarm in row.alarms] for row in result.rows],
    ]


@pytest.mark.stress
@pytest.mark.skipif(not DATA.is_dir(), reason="the logs are not in ../shared/data")
@pytest.mark.parametrize("name", LOGS)
def test_counts_of_real_logs_decide_what_the_logs_decide(tmp_path: Path, name: str) -> None:
    """Lines, alarms (from, to, peak, for whom), worst periods and advice are equal."""
    log, counts = DATA / name / "access.log.gz", tmp_path / "counts.csv"
    lines = write_counts(log, counts)
    of_counts = replayed(counts)
    assert of_counts.judged.lines == lines
    assert judgement(of_counts) == judgement(replayed(log, "auto"))


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    """Both rows of `docs/replay-counts.md` are counted."""
    page = (Path(__file__).parents[3] / "docs" / "replay-counts.md").read_text(encoding="utf-8")
    example = page.split("```csv\n")[1].split("```")[0]
    result = replayed(write_log(tmp_path, example, "counts.csv"))
    assert (result.judged.lines, result.bad_lines) == (952, 0)
    assert reasons(result) == {}


def test_the_counts_of_a_scan(tmp_path: Path, run: Run) -> None:
    """Rows with method, path, referrer and agent are classified as an access log's lines are."""
    rows = [
        "minute,lines,status,client,method,path,referrer,agent,own,host",
        *(
            f"2026-11-25T00:{minute:02d}:00Z,2,404,203.0.113.9,GET,/.env.{minute},-,curl,false,"
            for minute in range(10)
        ),
        "2026-11-25T00:30:00Z,500,200,,,,,,,",
    ]
    counts = write_log(tmp_path, "\n".join(rows) + "\n", "counts.csv")
    lines = [
        access(60 * minute, path=f"/.env.{minute}", client="203.0.113.9") * 2
        for minute in range(10)
    ] + [access(1800, 200)] * 500
    log = write_log(tmp_path, lines)
    of_counts = json.loads(run(counts, "--format", "counts", "--json").stdout)
    of_log = json.loads(run(log, "--json").stdout)
    assert of_counts["lines"] == of_log["lines"] == 520
    assert of_counts["summary"] == of_log["summary"]
    (alarm,) = of_counts["other_alarms"]
    assert alarm["alarms"][0]["offenders"] == [
        {"source": "203.0.113.9", "from": "2026-11-25T00:00:00Z", "lines": 10, "value": 20.0}
    ]


def test_json_lines_and_every_form_of_a_minute(tmp_path: Path) -> None:
    """RFC 3339, a time without zone (UTC), and seconds or milliseconds as number or text."""
    minutes: tuple[object, ...] = (
        *("2026-11-25T00:01:00Z", "2026-11-25 00:01:00", "2026-11-25T01:01:00+01:00"),
        *("2026-11-25 00:01:00.000 UTC", "2026-11-25 00:01:00+00"),
        *(1_795_564_860, 1_795_564_860_000, "1795564860", "1795564860000"),
    )
    text = "".join(
        json.dumps({"minute": minute, "status": "404", "lines": 2}) + "\n" for minute in minutes
    )
    result = replayed(write_log(tmp_path, text, "counts.jsonl"))
    assert (result.bad_lines, result.judged.lines) == (0, 18)
    assert result.judged.start == 1_795_564_860
    assert result.judged.end == 1_795_564_920


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("2026-11-25 00:01:00,404,-3", "lines = '-3': Use a whole number from 0 to 1,0"),
        ("2026-11-25 00:01:00,404,NaN", "lines = 'NaN': Use a whole number from 0 to 1,0"),
        ("2026-11-25 00:01:00,404,1.5", "lines = '1.5': Use a whole number from 0 to 1,0"),
        ("2026-11-25 00:01:00,404,1e3", "lines = '1e3': Use a whole number from 0 to 1,0"),
        ("2026-11-25 00:01:00,404,1000000000001", "lines = '1000000000001': Use a whole number"),
        ("2026-11-25 00:01:00,404,", "lines = '': Every row needs one."),
        ("2026-11-25 00:01:00,99,3", "status = '99': Use a whole number from 100 to 999."),
        ("2026-11-25 00:01:00,40 4,3", "status = '40 4': Use a whole number from 100 to 999."),
        (",404,3", "minute = '': Every row needs one."),
        ("yesterday,404,3", "minute = 'yesterday': Use a time such as 2026-11-25T01:17:00Z"),
        ("20261125,404,3", "minute = '20261125': Use a time such as 2026-11-25T01:17:00Z"),
        ("202611250117,404,3", "minute = '202611250117': Use a time such as 2026-11-25T01:17:00Z"),
        ("20261125011700,404,3", "minute = '20261125011700': Use a time such as"),
        ("2026-11-25 00:01:00,404", "cells = 2: The header has 3 columns."),
        ('2026-11-25 00:01:00,"404,3', "row = "),
        ("2026-11-25 00:01:00,,7", "7 lines without a status or a detector"),
    ],
)
def test_a_row_that_cannot_be_counted_is_a_bad_line(
    tmp_path: Path, row: str, sentence: str
) -> None:
    """It is shown with its number and one sentence, and the other rows are judged."""
    counts = rows_of(tmp_path, "minute,status,lines", "2026-11-25 00:00:00,404,5", row)
    result = replayed(counts)
    assert result.judged.lines == 5
    (bad,) = result.bad
    assert bad.number == 3
    assert bad.text.startswith(sentence)


def test_a_request_without_a_response_is_no_failure(tmp_path: Path) -> None:
    """Its status is 0. It counts as a request that no detector counts."""
    counts = rows_of(tmp_path, "minute,status,lines", "2026-11-25 00:00:00,0,5")
    assert (replayed(counts).bad_lines, replayed(counts).judged.lines) == (0, 5)


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_cell_of_a_header_is_not_shown(tmp_path: Path, empty: str | None) -> None:
    """As of a line in the common format: nothing is derived of its request."""
    row = {"minute": 1_795_564_860, "lines": 50, "status": 404, "client": "192.0.2.7"}
    row |= {"method": "GET", "path": "/.env", "own": False, "host": "", "referrer": "-"}
    for agent, hidden in ((empty, True), ("-", False)):
        text = json.dumps({**row, "agent": agent}) + "\n"
        result = replayed(write_log(tmp_path, text, "counts.jsonl"))
        assert ("scan-one-source" in reasons(result)) is hidden


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"detector": "not-fond-error"}, "Did you mean 'not-found-error'?"),
        ({"detector": "scan"}, "It counts lines of others: give the detector that wrote them."),
        (
            {"detector": "not-found-error", "status": 404},
            "Give a status or a detector, not both: each line is in one row.",
        ),
        ({"status": 404, "cleint": "192.0.2.7"}, "column = 'cleint': Did you mean 'client'?"),
        ({"status": 404, "lines": True}, "lines = True: Use a whole number"),
        ({"status": 404, "lines": -1}, "lines = -1: Use a whole number"),
        ({"status": 404, "suspicion": -1}, "suspicion = -1: Use a number from 0"),
        ({"status": 404, "client": ["192.0.2.7"]}, "client = ['192.0.2.7']: Use text."),
        ({"status": 404, "client": "2026-11-25T00:00:00Z"}, "Use an address or a host name"),
        ({"status": 404, "own": "maybe"}, "own = 'maybe': Use true or false."),
    ],
)
def test_a_json_row_that_cannot_be_counted(
    tmp_path: Path, row: dict[str, object], sentence: str
) -> None:
    """The same for JSON lines."""
    text = json.dumps({"minute": "2026-11-25 00:00:00", "lines": 4, **row})
    result = replayed(write_log(tmp_path, f"{text}\n[1]\n", "counts.jsonl"))
    assert result.judged.lines == 0
    assert result.bad_lines == 2
    assert sentence in result.bad[0].text
    assert result.bad[1].text == "row = '[1]': Use one JSON object a line."


def test_two_hosts_are_refused(tmp_path: Path) -> None:
    """A site has one host, whose links are its own. Rows of other requests need none."""
    counts = rows_of(
        tmp_path,
        "minute,status,lines,method,host",
        "2026-11-25 00:00:00,404,5,GET,shop.example",
        "2026-11-25 00:00:00,200,9,,",
        "2026-11-25 00:00:00,404,5,GET,other.example",
    )
    (bad,) = replayed(counts).bad
    assert bad.text == "host = 'other.example': Give one host in all rows, here 'shop.example'."


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("minute,status,liens", "column = 'liens': Did you mean 'lines'?"),
        ("minute,status", "columns = 'minute,status': Add the column lines."),
        ("status,lines", "columns = 'status,lines': Add the column minute."),
        ("minute,lines", "columns = 'minute,lines': Add the column status, or detector."),
        ("minute,status,status,lines", "A column occurs twice."),
    ],
)
def test_a_wrong_header_ends_with_one_sentence(
    tmp_path: Path, run: Run, header: str, sentence: str
) -> None:
    """Nothing is judged, and the exit code is that of an argument that cannot be used."""
    counts = rows_of(tmp_path, header, "2026-11-25 00:00:00,404,5")
    result = run(counts, "--format", "counts")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "Its first line is wrong: " in result.stderr
    assert sentence in result.stderr


def test_what_counts_do_not_show_is_not_judged(tmp_path: Path) -> None:
    """Of minute, status and lines alone nothing is known of links, suspicion and sources."""
    counts = rows_of(tmp_path, "minute,status,lines", "2026-11-25 00:00:00,404,50")
    result = replayed(counts)
    assert reasons(result) == {
        "authentication-error": "The input does not show method and referrer.",
        "scan-one-source": "The input does not show the sources.",
    }
    fired = {row.name: len(row.alarms) for row in result.rows if row.alarms}
    assert fired == {"not-found-error": 1, "failure-flood": 1}


def test_a_row_that_hides_a_field_hides_it_for_all(tmp_path: Path) -> None:
    """One row without a client is enough: its lines may be those of any source."""
    row = {"minute": "2026-11-25 00:00:00", "lines": 9, "status": 404, "suspicion": 18}
    text = "".join(json.dumps({**row, **more}) + "\n" for more in ({"client": "192.0.2.7"}, {}))
    result = replayed(write_log(tmp_path, text, "counts.jsonl"))
    assert reasons(result)["scan-one-source"] == "The input does not show the sources."


def test_suspicion_is_a_sum(tmp_path: Path) -> None:
    """The sum of a row counts for its client, also where it is no multiple of the lines."""
    counts = rows_of(
        tmp_path,
        "minute,status,lines,client,suspicion,paths",
        "2026-11-25 00:00:00,404,7,192.0.2.7,10,7",
        "2026-11-25 00:01:00,404,3,192.0.2.7,6.5,3",
        "2026-11-25 00:01:00,404,30,198.51.100.7,0,1",
        "2026-11-25 00:01:00,404,30,,60,1",
    )
    (scan,) = [row for row in replayed(counts).rows if row.name == "scan"]
    assert [[one[::3] for one in alarm.offences] for alarm in scan.alarms] == [
        [("192.0.2.7", 16.5)]
    ]


def test_rows_of_a_detector(tmp_path: Path) -> None:
    """Lines of the app itself are counted by the detector that wrote them."""
    counts = rows_of(
        tmp_path,
        "minute,detector,lines,client,suspicion",
        "2026-11-25 00:00:00,critical-error,11,192.0.2.7,0",
        "2026-11-25 00:00:00,not-found-error,9,192.0.2.7,18",
    )
    result = replayed(counts)
    fired = {row.name: (row.lines, len(row.alarms)) for row in result.rows if row.lines}
    assert fired["critical-error"] == (11, 1)
    assert fired["scan"] == (9, 1)
    assert reasons(result) == {
        "authentication-error": "The input does not show method and referrer.",
        "failure-flood": "The input does not show status.",
    }


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["2026-11-25 00:00:00,404,50"], "The input does not show all requests."),
        (["2026-11-25 00:00:00,404,50", "2026-11-25 00:00:00,200,9"], None),
    ],
)
def test_all_requests_are_shown_where_some_succeeded(
    tmp_path: Path, rows: list[str], reason: str | None
) -> None:
    """Of failures alone the share of failures is not known."""
    busy = BusyAlarm(
        errors=Alarm(threshold=10, period=60),
        requests=RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount"),
        minimum_requests=1,
    )
    detectors = detector_set(Detector(name="missing", event="Missing", statuses=(404,), alarm=busy))
    counts = rows_of(tmp_path, "minute,status,lines", *rows)
    result = replay_of(counts, detectors=detectors, form="counts")
    found = [one.reason for one in result.judged.unjudged if "all requests" in one.reason]
    assert found == ([] if reason is None else [reason])


def test_alarms_of_counts_have_no_verdict(tmp_path: Path) -> None:
    """A note says why."""
    counts = rows_of(tmp_path, "minute,status,lines", "2026-11-25 00:00:00,404,50")
    note = "What the alarms look like is not known: counts have no lines."
    assert note in replayed(counts).notes


def test_a_million_million_lines_are_counted_as_one_row(tmp_path: Path) -> None:
    """The effort follows the rows, not the lines."""
    counts = rows_of(
        tmp_path,
        "minute,status,lines,client,suspicion",
        "2026-11-25 00:00:00,404,1000000000000,192.0.2.7,7",
    )
    result = replayed(counts)
    assert result.judged.lines == 1_000_000_000_000
    (row,) = [row for row in result.rows if row.name == "not-found-error"]
    assert row.alarms[0].span.peak == 1e12


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just("404"),
    st.just("2026-11-25 00:00:00"),
    st.lists(st.integers(), max_size=1),
)
NAMES = st.sampled_from(
    ["minute", "lines", "status", "detector", "client", "suspicion", "method", "path", "own", "x"]
)
DETECTORS = detector_set(*DEFAULT_DETECTORS)


def read(detectors: DetectorSet, data: bytes) -> Gathered:
    """What a reader gathers of a file."""
    gathered = Gathered(detectors)
    reader = CountsReader(gathered, "counts")
    reader.read_block(data)
    reader.finish()
    return gathered


@given(st.lists(st.dictionaries(NAMES, CELLS, max_size=6), max_size=4))
def test_no_json_row_breaks_the_reader(rows: list[dict[str, Any]]) -> None:
    """Each row is counted or bad, and one with an unknown column counts nothing."""
    read(DETECTORS, _json_lines(rows))
    gathered = read(DETECTORS, _json_lines([{**row, "unknown": 1} for row in rows]))
    assert (gathered.tally.lines, gathered.bad_lines) == (0, len(rows))


def _json_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """A file of any bytes is refused, or its rows are bad."""
    try:
        gathered = read(DETECTORS, data.replace(b"\x00", b"") + b"\n")
    except UnreadableLogError:
        return
    assert gathered.tally.lines == 0


def test_a_line_of_100_kb_is_bad(tmp_path: Path) -> None:
    """It takes no longer than its length."""
    counts = rows_of(
        tmp_path,
        "minute,status,lines",
        *("2026-11-25 00:00:00,404," + char * 100_000 for char in ("9", ",", '"', "a,")),
    )
    result = replayed(counts)
    assert (result.judged.lines, result.bad_lines) == (0, 4)


@pytest.mark.parametrize("number", ["NaN", "1e400", "-Infinity"])
def test_a_number_that_is_not_finite_is_named(tmp_path: Path, number: str) -> None:
    """JSON has none. Other programs write some."""
    text = f'{{"minute": "2026-11-25T00:00:00Z", "lines": {number}, "status": 404}}\n'
    result = replayed(write_log(tmp_path, text, "counts.jsonl"))
    assert [bad.text for bad in result.bad] == [f"lines = '{number}': Use a finite number."]


def test_an_array_is_refused(tmp_path: Path, run: Run) -> None:
    """One sentence says how to give its rows."""
    counts = write_log(tmp_path, '[\n{"minute": 1795564860, "lines": 1}\n]\n', "counts.json")
    result = run(counts, "--format", "counts")
    assert result.exit_code == 2
    assert "It is a JSON array. Use one JSON object a line." in " ".join(result.stderr.split())
