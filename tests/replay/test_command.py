"""`flask errwatch replay` on the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo

from flask_errwatch import (
    DEFAULT_DETECTORS,
    Alarm,
    AnomalyAlarm,
    BusyAlarm,
    Detector,
    ErrWatch,
    RequestMetric,
)
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.cli.replay_input import FORMATS
from flask_errwatch.replay.reading.known_formats import FORMAT_NAMES
from tests.cli.terminal import read_terminal
from tests.replay.replay_lines import Run, access, event, write_log

BURSTS = [
    access(start + offset, path=f"/{offset}")
    for start, size in ((0, 30), (7200, 15), (14400, 60))
    for offset in range(size)
] + [access(80_000, 200)]


def not_found_advice(output: dict[str, Any]) -> dict[str, Any]:
    """The advice for the detector `not-found-error` in the output of `replay --json`."""
    (advice,) = [advice for advice in output["advice"] if advice["detector"] == "not-found-error"]
    return cast("dict[str, Any]", advice)


def test_the_text_output(tmp_path: Path, run: Run) -> None:
    """It has each detector's lines, worst period and alarms, with their sources and paths."""
    lines = [access(0, 200), *[access(660, path="/a")] * 11, access(9000, 200)]
    log = write_log(tmp_path, lines)
    result = run(log)
    assert result.exit_code == 0
    head, summary, totals, remarks, details, scan, flood = result.stdout.split("\n\n")
    assert head == (
        f"{log}: 13 lines judged by the default detectors (corner has none)\n"
        "from 2026-11-25T00:00:00Z to 2026-11-25T02:31:00Z, 0.1 days"
    )
    assert summary == (
        "detector                  lines  alarms  worst  when (UTC)        threshold\n"
        "not-found-error              11       1     11  2026-11-25 00:07         10\n"
        "scan                         11       0     11  2026-11-25 00:02         16\n"
        "failure-flood                11       0     11  2026-11-25 00:07         40\n"
        "critical-error                0       0                                  10\n"
        "authentication-error          0       0                                  10\n"
        "bad-request-error             0       0                                  10\n"
        "method-not-allowed-error      0       0                                  10\n"
        "rate-limit-error              0       0                                  10\n"
        "client-error                  0                                    no alarm"
    )
    assert totals == "1 alarm would have fired, without a notification: not-found-error (1)."
    assert remarks == (
        "Minutes without a line count as zeros, as with a heartbeat.\n"
        "The app's URL map tells its own paths; no referrer names the own host (access logs are "
        "read twice)."
    )
    assert details == (
        "not-found-error\n"
        "  lines    11 in 1 period, the worst from 2026-11-25T00:07:00Z to "
        "2026-11-25T00:12:00Z: 11\n"
        "  alarms   1, 1.00 a day. Its alarm fires when Sum > 10 over 300 s, 1 of 1 periods.\n"
        "  ALARM    from 2026-11-25T00:12:00Z to 2026-11-25T00:17:00Z, peak 11\n"
        "  sources  192.0.2.7 (11)\n"
        "  paths    /a (11)\n"
        "  verdict  Unclear: 11 lines of 1 source, the most by 192.0.2.7: 11 of 11 lines."
    )
    assert scan.splitlines()[-1] == (
        "  alarms   none. Its alarm (scan-one-source) fires when MaxContributorValue > 16 over "
        "600 s, 1 of 1 periods."
    )
    assert flood.splitlines()[0] == "failure-flood"


def test_advice_lists_the_alarms_that_it_would_miss(tmp_path: Path, run: Run) -> None:
    """It proposes the lowest threshold for that many alarms a week."""
    log = write_log(tmp_path, BURSTS)
    output = json.loads(run(log, "--advise", "1", "--json").stdout)
    advice = not_found_advice(output)
    assert (advice["threshold"], advice["alarms"]) == (30, 1)
    assert [alarm["peak"] for alarm in advice["missed"]] == [30.0, 15.0]
    text = run(log, "--advise", "1").stdout
    assert (
        "  advice   threshold 30 gives 1 alarm and misses 2 alarms of the present ones. It misses, "
        "the worst first:\n  missed   from 2026-11-25T00:01:00Z" in text
    )
    assert "advice   threshold 60 gives 0 alarms" in run(log, "--advise", "0").stdout
    three = run(log, "--advise", "3").stdout
    assert "advice   threshold 0 gives 3 alarms and misses none of the present ones." in three


def test_advice_excludes_a_threshold_whose_alarm_never_ends(tmp_path: Path, run: Run) -> None:
    """A threshold below the steady noise gives one long alarm, so it is not proposed."""
    noise = [access(minute * 60 + second) for minute in range(600) for second in range(3)]
    bursts = [access(start) for start in (9000, 30000) for _ in range(20)]
    output = json.loads(run(write_log(tmp_path, noise + bursts), "--advise", "1", "--json").stdout)
    advice = not_found_advice(output)
    assert (advice["threshold"], advice["alarms"]) == (35, 0)


@pytest.mark.parametrize(
    ("setting", "threshold", "alarms"),
    [
        ("not-found-error.threshold=15", 15, 2),
        ("not-found-error.threshold=14.5", 14.5, 3),
        ("not-found-error.comparison_operator=GreaterThanOrEqualToThreshold", 10, 3),
        ("not-found-error.period=60", 10, 3),
        ("not-found-error.evaluation_periods=2", 10, 0),
        ("not-found-error.alarm=false", None, 0),
    ],
)
def test_set_changes_a_field_of_an_alarm(
    tmp_path: Path, run: Run, setting: str, threshold: float | None, alarms: int
) -> None:
    """Any field of an alarm can be set for one run."""
    output = json.loads(run(write_log(tmp_path, BURSTS), "--set", setting, "--json").stdout)
    (detector,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    assert (detector["threshold"], len(detector["alarms"])) == (threshold, alarms)


@pytest.mark.parametrize("operator", ["GreaterThanOrEqualToThreshold", "LessThanThreshold"])
def test_advice_for_other_comparisons(tmp_path: Path, run: Run, operator: str) -> None:
    """Greater-or-equal needs a threshold one higher. An alarm on too few lines gets no advice."""
    setting = f"not-found-error.comparison_operator={operator}"
    arguments = ("--set", setting, "--advise", "1", "--json")
    output = json.loads(run(write_log(tmp_path, BURSTS), *arguments).stdout)
    assert not_found_advice(output)["threshold"] == (31 if operator.startswith("Greater") else None)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("not-found-error.threshold=many", "--set not-found-error.threshold = 'many': "),
        ("not-found-error.colour=red", "--set not-found-error.colour = 'red': Use one of: "),
        ("nothing.threshold=5", "--set nothing = 'nothing': There is no such detector"),
        ("not-fond-error.threshold=5", " Did you mean 'not-found-error'?"),
        ("threshold=5", "--set = 'threshold=5': Write DETECTOR.FIELD=VALUE, as"),
        ("not-found-error.threshold", "Write DETECTOR.FIELD=VALUE, as"),
    ],
)
def test_an_invalid_setting_is_refused(
    tmp_path: Path, run: Run, setting: str, message: str
) -> None:
    """The message quotes it and states what to write instead. The exit code is 2."""
    result = run(write_log(tmp_path, BURSTS), "--set", setting)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_app_judges_by_its_own_detectors(tmp_path: Path) -> None:
    """The app's catalogue, configuration and configured name apply. `--set` overrides them."""
    app = Flask("shop")
    app.config["ERRWATCH_APP_NAME"] = "store"
    app.config["ERRWATCH_DETECTORS"] = {"not-found-error": {"threshold": 40}}
    login = Detector(name="login-failed", event="Login Failed", alarm=Alarm(threshold=2))
    ErrWatch(app, detectors=[*DEFAULT_DETECTORS, login])
    app.cli.add_command(errwatch)
    log = write_log(tmp_path, [event(0)] * 41 + [event(1, "Login Failed")] * 3)
    command = ["errwatch", "replay", str(log), "--json", "--set", "login-failed.threshold=3"]
    output = json.loads(app.test_cli_runner().invoke(args=command).stdout)
    assert output["judged_by"] == "the detectors of store"
    alarms = {
        detector["detector"]: len(detector["alarms"])
        for detector in output["detectors"]
        if detector["detector"] in {"not-found-error", "login-failed"}
    }
    assert alarms == {"not-found-error": 1, "login-failed": 0}


def test_an_app_that_is_named_must_exist(tmp_path: Path) -> None:
    """A wrong `--app` is an error. The default detectors do not replace it."""
    log = write_log(tmp_path, BURSTS)
    command = [sys.executable, "-m", "flask", "--app", "nowhere", "errwatch", "replay", str(log)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "Could not import 'nowhere'" in done.stderr


def test_a_terminal_shows_rate_and_time_left(tmp_path: Path) -> None:
    """While it reads, stderr alone has a bar, the lines per second and the time left."""
    log = write_log(tmp_path, "".join(BURSTS) * 1000)
    ours, theirs = pty.openpty()
    # Not a pipe: while it was read to its end, the terminal would be full, and the bar would wait.
    printed = tmp_path / "printed.json"
    with printed.open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "errwatch", "replay", str(log), "--json"],
            stdout=stdout,
            stderr=theirs,
            cwd=tmp_path,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
        )
    os.close(theirs)
    drawn = read_terminal(ours)
    assert process.wait(60) == 0
    assert json.loads(printed.read_text())["lines"] == len(BURSTS) * 1000
    assert b"lines/s" in drawn
    assert b"left" in drawn


def test_without_an_app_the_default_detectors_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thresholds then come from the environment alone."""
    log = write_log(tmp_path, BURSTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ERRWATCH_ALARM_THRESHOLD", "15")
    command = ["replay", str(log), "--json"]
    output = json.loads(CliRunner().invoke(errwatch, command, obj=ScriptInfo()).stdout)
    assert output["judged_by"] == "the default detectors (there is no app)"
    (detector,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    assert len(detector["alarms"]) == 2
    missing = CliRunner().invoke(errwatch, command, obj=ScriptInfo(app_import_path="nowhere"))
    assert missing.exit_code == 2


def app_with_every_alarm(**settings: object) -> Flask:
    """An app with a busy alarm, an anomaly alarm and those that the settings add."""
    requests = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount")
    busy = BusyAlarm(errors=Alarm(threshold=20), requests=requests, minimum_requests=500)
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    ErrWatch(
        app,
        detectors=[
            Detector(name="not-found-error", event="Not Found Error", statuses=(404,), alarm=busy),
            Detector(name="client-error", event="Client Error", alarm=AnomalyAlarm()),
        ],
    )
    app.cli.add_command(errwatch)
    return app


def replayed(app: Flask, log: Path) -> tuple[Any, list[str]]:
    """The output of `replay --json`, and the notes on stderr."""
    result = app.test_cli_runner().invoke(args=["errwatch", "replay", str(log), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr.splitlines()


def test_alarms_that_lines_cannot_decide_are_listed(tmp_path: Path) -> None:
    """Our lines show failures only, so requests, an anomaly band and silence are not judged."""
    log = write_log(tmp_path, [event(0)] * 21 + [event(0, "Client Error")] * 50)
    output, notes = replayed(app_with_every_alarm(SILENCE_ALARM=True, PROCESS_ALARM=True), log)
    assert [len(detector["alarms"]) for detector in output["detectors"]] == [1, 0]
    assert output["other_alarms"] == []
    assert output["not_judged"] == [
        {
            "alarm": "not-found-error-requests",
            "reason": "The input does not show all requests.",
        },
        {
            "alarm": "client-error",
            "reason": "Only CloudWatch has the model behind its anomaly band.",
        },
        {"alarm": "silent", "reason": "The input does not show heartbeats."},
        {"alarm": "process-died", "reason": "The input does not show which processes died."},
        {
            "alarm": "not-found-error-busy",
            "reason": "It depends on an alarm that is not judged.",
        },
    ]
    assert notes[0] == (
        "not-found-error-requests is not judged: The input does not show all requests."
    )


@pytest.mark.parametrize(("good", "fires"), [(478, 0), (479, 1)])
def test_an_access_log_shows_all_requests(tmp_path: Path, good: int, fires: int) -> None:
    """The busy alarm fires when 21 failures are among at least 500 requests in 300 s."""
    lines = [access(second, path="/missing") for second in range(21)]
    lines += [access(60, 200, path="/") for _ in range(good)]
    # An older period decides a period without data, so the later minutes have lines.
    lines += [access(60 * minute, 200, path="/") for minute in range(5, 30)]
    output, _ = replayed(app_with_every_alarm(), write_log(tmp_path, lines))
    requests, busy = output["other_alarms"]
    assert [requests["alarm"], busy["alarm"]] == [
        "not-found-error-requests",
        "not-found-error-busy",
    ]
    assert busy["condition"] == (
        'ALARM("shop-not-found-error") AND ALARM("shop-not-found-error-requests")'
    )
    assert [len(requests["alarms"]), len(busy["alarms"])] == [fires, fires]
    if fires:
        assert busy["alarms"][0]["from"] == "2026-11-25T00:02:00Z"
        assert busy["alarms"][0]["sources"] == [{"source": "192.0.2.7", "lines": 21}]
    assert [entry["alarm"] for entry in output["not_judged"]] == ["client-error"]


def test_the_alarm_on_one_source_counts_the_busiest_address(tmp_path: Path) -> None:
    """Twelve lines of twelve addresses do not fire it. Six lines of one address do."""
    app = Flask("shop")
    app.config["ERRWATCH_PER_SOURCE_ALARMS"] = "not-found-error"
    ErrWatch(app)
    app.cli.add_command(errwatch)
    spread = [access(60 * n, client=f"192.0.2.{n % 6}") for n in range(5)]
    spread += [access(n, client=f"192.0.2.{n}") for n in range(12)]
    busiest = [access(3600 + 50 * n, client="198.51.100.9") for n in range(6)]
    # An older period decides a period without lines, so each minute has a line.
    others = [access(60 * n, client=f"203.0.113.{n % 50}") for n in range(100)]
    output, _ = replayed(app, write_log(tmp_path, spread + busiest + others))
    source, _ = output["other_alarms"]
    assert source["alarm"] == "not-found-error-one-source"
    assert source["condition"] == "MaxContributorValue > 5 over 300 s, 1 of 1 periods"
    assert [(alarm["from"], alarm["peak"]) for alarm in source["alarms"]] == [
        ("2026-11-25T01:05:00Z", 6.0)
    ]
    assert source["alarms"][0]["sources"][0] == {"source": "198.51.100.9", "lines": 6}
    text = (
        app.test_cli_runner()
        .invoke(args=["errwatch", "replay", str(tmp_path / "access.log")])
        .stdout
    )
    rows = [line.split() for line in text.splitlines()]
    assert ["not-found-error-one-source", "123", "1", "6", "2026-11-25", "01:00", "5"] in rows
    assert "fires when MaxContributorValue > 5 over 300 s, 1 of 1 periods." in text


def test_silence_is_judged_if_the_log_has_heartbeats(tmp_path: Path) -> None:
    """It fires after three periods without a heartbeat, and not at the ends of the log."""
    beats = [event(60 * minute, "Heartbeat") for minute in range(1, 20)]
    beats += [event(60 * minute, "Heartbeat") for minute in range(40, 60)]
    app = app_with_every_alarm(SILENCE_ALARM=True)
    output, _ = replayed(app, write_log(tmp_path, [event(0), *beats]))
    (silent,) = output["other_alarms"]
    assert silent["alarm"] == "silent"
    assert [(alarm["from"], alarm["to"]) for alarm in silent["alarms"]] == [
        ("2026-11-25T00:35:00Z", "2026-11-25T00:41:00Z")
    ]


def test_deaths_are_judged_if_the_log_has_operational_lines(tmp_path: Path) -> None:
    """One process that died is enough, and heartbeats beside it are something else."""
    lines = [event(60 * minute, "Heartbeat") for minute in range(30)]
    app = app_with_every_alarm(SILENCE_ALARM=True, PROCESS_ALARM=True)
    log = write_log(tmp_path, [*lines, event(120, "Process Died")])
    output, _ = replayed(app, log)
    silent, died = output["other_alarms"]
    assert (silent["alarm"], silent["alarms"]) == ("silent", [])
    assert died["alarm"] == "process-died"
    assert [(alarm["from"], alarm["peak"]) for alarm in died["alarms"]] == [
        ("2026-11-25T00:03:00Z", 1.0)
    ]


def test_a_page_in_a_missing_folder_is_refused(tmp_path: Path, run: Run) -> None:
    """One sentence and exit code 2, before a log is read."""
    page = tmp_path / "missing" / "page.html"
    result = run(write_log(tmp_path, BURSTS), "--html", page)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: --html = {page}: Its folder does not exist, or is not writable.\n"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_an_invalid_number_of_alarms_is_refused(tmp_path: Path, run: Run, value: str) -> None:
    """Click refuses it like any other invalid option."""
    result = run(write_log(tmp_path, BURSTS), "--advise", value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: Invalid value for '--advise': " in result.stderr


def test_advice_for_very_many_alarms(tmp_path: Path, run: Run) -> None:
    """A threshold is proposed however many alarms are allowed, also for more than a week."""
    later = [access(0, 200).replace("25/Nov", day) for day in ("30/Nov", "04/Dec")]
    result = run(write_log(tmp_path, [*BURSTS, *later]), "--advise", "1.7e308")
    assert result.exit_code == 0
    assert "advice   threshold 0 gives 3 alarms" in result.stdout


def test_a_page_does_not_replace_a_log(tmp_path: Path, run: Run) -> None:
    """A page with the path of a log, or of a link to it, is refused before a log is read."""
    log = write_log(tmp_path, BURSTS)
    (tmp_path / "link.html").symlink_to(log)
    for page in (log, tmp_path / "link.html"):
        result = run(write_log(tmp_path, BURSTS, "other.log"), log, "--html", page)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == (
            f"Error: --html = {page}: It is a log to be read: name another file.\n"
        )
    assert log.read_text() == "".join(BURSTS)


def test_a_page_does_not_replace_the_file_on_standard_input(tmp_path: Path) -> None:
    """A page with the path of the redirected log is refused."""
    log = write_log(tmp_path, BURSTS)
    command = [sys.executable, "-m", "flask", "errwatch", "replay", "-", "--html", str(log)]
    with log.open("rb") as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert b"It is a log to be read" in done.stderr
    assert log.read_text() == "".join(BURSTS)


def test_the_page_is_written_before_the_table(tmp_path: Path) -> None:
    """A reader that leaves early, as `head` does, still gets the page, and is told of it."""
    page, (ours, theirs) = tmp_path / "page.html", os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "flask", "errwatch", "replay", "--html", str(page)]
    done = subprocess.run(
        [*command, str(write_log(tmp_path, BURSTS))],
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    os.close(theirs)
    assert done.stderr == f"The page is in {page}.\n"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize(
    ("arguments", "place"),
    [((), "standard output"), (("--json",), "standard output"), (("--html", str(FULL)), str(FULL))],
)
def test_a_full_disk_is_reported_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], place: str
) -> None:
    """Only the reason is printed, whichever output cannot be written. The exit code is 1."""
    command = [sys.executable, "-m", "flask", "errwatch", "replay", *arguments]
    with Path("/dev/null" if "--html" in arguments else FULL).open("wb") as output:
        done = subprocess.run(
            [*command, str(write_log(tmp_path, BURSTS))],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 1
    assert done.stderr == f"Error: {place} cannot be written: No space left on device.\n"


def test_a_setting_that_is_nested_too_deeply_is_refused(tmp_path: Path, run: Run) -> None:
    """One sentence, as for any value that is not a number."""
    log = write_log(tmp_path, BURSTS)
    result = run(log, "--set", "not-found-error.threshold=" + "[" * 100_000)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_alarm_of_the_whole_app_is_judged(tmp_path: Path) -> None:
    """It fires with the first of its alarms. No detector's sources are shown for it."""
    app = Flask("shop")
    app.config.update(ERRWATCH_NOTIFY="app", ERRWATCH_QUIET_PERIODS=3)
    ErrWatch(app)
    app.cli.add_command(errwatch)
    burst = [access(n, client="198.51.100.9") for n in range(12)]
    calm = [access(60 * n, client=f"203.0.113.{n}") for n in range(1, 60)]
    output, _ = replayed(app, write_log(tmp_path, burst + calm))
    _, whole = output["other_alarms"]
    assert whole["alarm"] == "alarms"
    assert whole["condition"].startswith('ALARM("shop-critical-error") OR ')
    assert [(alarm["from"], alarm["sources"]) for alarm in whole["alarms"]] == [
        ("2026-11-25T00:01:00Z", [])
    ]


def test_the_formats_of_the_option_are_those_that_are_known() -> None:
    """The command does not import them to show its help."""
    assert FORMATS == FORMAT_NAMES
