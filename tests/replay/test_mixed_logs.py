"""Logs in which not every message counts as one may expect: a note says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.replay.replay_lines import Run, access, event, write_log

STAMP = "2026-11-25T00:00:00.000Z "


def lines_of(output: dict[str, list[dict[str, object]]], name: str) -> object:
    """The lines of a detector."""
    (detector,) = (one for one in output["detectors"] if one["detector"] == name)
    return detector["lines"]


@pytest.mark.parametrize(
    "inside",
    [
        lambda line: json.dumps({"log": line, "stream": "stdout", "time": STAMP.strip()}),
        lambda line: f"Nov 25 00:00:00 web-1 gunicorn[7]: {line}",
    ],
)
def test_our_lines_inside_something_else_in_a_log_group_match_no_filter(
    tmp_path: Path, run: Run, inside: object
) -> None:
    """CloudWatch's metric filters do not see through it, so no alarm would fire."""
    assert callable(inside)
    lines = [f"{STAMP}{inside(event(0).strip())}\n"] * 12
    result = run(write_log(tmp_path, lines), "--json")
    output = json.loads(result.stdout)
    assert (result.exit_code, output["lines"], output["bad_lines"]) == (0, 12, 0)
    assert (lines_of(output, "not-found-error"), output["alarms"]) == (0, 0)
    assert result.stderr.startswith(
        "12 lines of flask-errwatch are inside something else in a log group, where no metric "
        "filter matches"
    )


def test_requests_beside_our_lines_are_not_counted_twice(tmp_path: Path, run: Run) -> None:
    """The app wrote a line for each of them that failed. A note has their number."""
    lines = [f"{STAMP}{line}" for _ in range(12) for line in (event(0), access(0))]
    result = run(write_log(tmp_path, lines), "--json")
    output = json.loads(result.stdout)
    assert (output["lines"], lines_of(output, "not-found-error")) == (24, 12)
    assert "12 requests beside lines of flask-errwatch in one log are not judged" in result.stderr


@pytest.mark.parametrize("make", [access, event])
def test_lines_outside_the_time_are_left_out(tmp_path: Path, run: Run, make: object) -> None:
    """Whole minutes are judged, and a note has the number of the others."""
    assert callable(make)
    log = write_log(tmp_path, [make(second) for second in (0, 59, 60, 119, 120, 179, 180)])
    between = ("--since", "2026-11-25T00:01:30Z", "--until", "2026-11-25T00:03:00Z")
    result = run(log, "--json", *between)
    output = json.loads(result.stdout)
    assert (result.exit_code, output["lines"], output["bad_lines"]) == (0, 4, 0)
    assert (output["from"], output["to"]) == ("2026-11-25T00:01:00Z", "2026-11-25T00:03:00Z")
    assert "3 lines are not within --since and --until." in result.stderr
    nothing = run(log, "--since", "2026-11-26T00:00:00Z", "--until", "2026-11-27T00:00:00Z")
    assert nothing.exit_code == 1
    assert "No line of the logs is within --since and --until: give another time." in nothing.stderr


def test_a_log_group_may_have_more_of_others_than_of_ours(tmp_path: Path, run: Run) -> None:
    """Other messages of it are bad lines, but our own lines are judged, and the exit code is 0."""
    others = [f"{STAMP}Order {number} was placed\n" for number in range(40)]
    result = run(write_log(tmp_path, [*others, *[STAMP + event(0)] * 12]), "--json")
    output = json.loads(result.stdout)
    assert (result.exit_code, output["lines"], output["bad_lines"]) == (0, 12, 40)
    assert lines_of(output, "not-found-error") == 12


def test_caddy_counts_a_request_once(tmp_path: Path, run: Run) -> None:
    """A request that failed has a line of the error log beside that of the access log."""
    request = {"remote_ip": "203.0.113.9", "method": "GET", "uri": "/.env", "proto": "HTTP/2.0"}
    line = {"level": "error", "ts": 1795564800.5, "request": request, "status": 404, "msg": "x"}
    lines = [
        json.dumps({**line, "logger": f"http.log.{kind}"}) + "\n"
        for _ in range(12)
        for kind in ("error", "access.log0")
    ]
    output = json.loads(run(write_log(tmp_path, lines), "--json").stdout)
    assert lines_of(output, "not-found-error") == 12


def test_a_line_that_the_cri_cut_counts_as_a_whole(tmp_path: Path, run: Run) -> None:
    """Neither of its parts is a line, or a bad one, and its client is found."""
    lines: list[str] = []
    for second in range(12):
        line = access(second, client="203.0.113.9")
        stamp = f"2026-11-25T00:00:{second:02d}.000000001Z stdout"
        lines += [f"{stamp} P {line[:60]}\n", f"{stamp} F {line[60:]}"]
    output = json.loads(run(write_log(tmp_path, lines), "--json").stdout)
    (detector,) = (one for one in output["detectors"] if one["detector"] == "not-found-error")
    assert (output["lines"], output["bad_lines"], detector["lines"]) == (12, 0, 12)
    assert detector["alarms"][0]["sources"] == [{"source": "203.0.113.9", "lines": 12}]
