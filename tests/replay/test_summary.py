"""What a replay is for: the summary, the advice to paste, and the exit code of a check."""

from __future__ import annotations

import gzip
import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, Alarm, Detector, ErrWatch
from flask_errwatch.cli.commands import errwatch
from tests.cli.terminal import flask, on_a_terminal
from tests.replay.replay_lines import Run, access, event, write_log

BURSTS = [
    access(start + offset, path=f"/{offset}")
    for start, size in ((0, 30), (7200, 15), (14400, 60))
    for offset in range(size)
] + [access(80_000, 200)]
CRASHES = [
    access(start + offset, 500) for start, size in ((0, 12), (7200, 40)) for offset in range(size)
] + [access(80_000, 200)]


def advised(output: str) -> str:
    """The line to paste."""
    (line,) = [line for line in output.splitlines() if line.startswith("ERRWATCH_DETECTORS=")]
    return line


def alarms_of(output: str) -> dict[str, int]:
    """How often each alarm of `replay --json` fired, without those that did not."""
    rows: list[dict[str, Any]] = json.loads(output)["summary"]
    return {row["name"]: row["alarms"] for row in rows if row["alarms"]}


def from_shell(line: str) -> str:
    """The value that a program gets after the line was pasted."""
    shell = ["sh", "-c", f"export {line}; printenv ERRWATCH_DETECTORS"]
    return subprocess.run(shell, capture_output=True, text=True, check=True).stdout


def from_env_file(line: str) -> str:
    """The value that python-dotenv reads, which loads `.env` for `flask`."""
    dotenv = pytest.importorskip("dotenv")
    value: str = dotenv.dotenv_values(stream=StringIO(line))["ERRWATCH_DETECTORS"]
    return value


def test_the_rows_with_the_most_alarms_come_first(tmp_path: Path, run: Run) -> None:
    """Each has its lines, alarms, worst period, threshold and advised threshold."""
    printed = run(write_log(tmp_path, BURSTS), "--advise", "1").stdout
    rows = [line.split() for line in printed.split("\n\n")[1].splitlines()]
    assert rows[0][:4] == ["detector", "lines", "alarms", "worst"]
    assert rows[0][4:] == ["when", "(UTC)", "threshold", "advised"]
    assert rows[1:5] == [
        ["not-found-error", "105", "3", "60", "2026-11-25", "03:56", "10", "30"],
        ["scan", "105", "2", "60", "2026-11-25", "03:51", "16", "30"],
        ["failure-flood", "105", "1", "60", "2026-11-25", "03:56", "40", "30"],
        ["critical-error", "0", "0", "10"],
    ]
    assert (
        "6 alarms would have fired, 3 of them with a notification. "
        "Without one: not-found-error (3).\n"
    ) in printed


def test_a_detector_on_sources_has_one_row(tmp_path: Path, run: Run) -> None:
    """Its lines, and the alarms that are on each source. The further alarms have their own."""
    output = json.loads(run(write_log(tmp_path, BURSTS), "--json").stdout)
    names = [row["name"] for row in output["summary"]]
    assert names.count("scan") == 1
    assert "scan-one-source" not in names
    assert output["summary"][1] == {
        "name": "scan",
        "lines": 105,
        "alarms": 2,
        "notifies": True,
        "worst": {"from": "2026-11-25T03:51:00Z", "to": "2026-11-25T04:01:00Z", "value": 60.0},
        "threshold": 16.0,
        "advised": None,
        "hides_critical": False,
    }
    assert (output["alarms"], output["notifications"]) == (6, 3)


def test_the_advice_can_be_pasted(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a shell, and as JSON in `app.config`: the advised alarms follow."""
    log = write_log(tmp_path, BURSTS)
    line = advised(run(log, "--advise", "1").stdout)
    assert line == (
        'ERRWATCH_DETECTORS=\'{"not-found-error": {"threshold": 30}, "scan": {"threshold": 30}, '
        '"failure-flood": {"threshold": 30}}\''
    )
    follow = {"not-found-error": 1, "scan": 1, "failure-flood": 1}
    in_shell = from_shell(line)
    monkeypatch.setenv("ERRWATCH_DETECTORS", in_shell)
    assert alarms_of(run(log, "--json").stdout) == follow
    monkeypatch.delenv("ERRWATCH_DETECTORS")
    app = Flask("shop")
    app.config["ERRWATCH_DETECTORS"] = json.loads(line.split("'")[1])
    ErrWatch(app)
    app.cli.add_command(errwatch)
    result = app.test_cli_runner().invoke(args=["errwatch", "replay", str(log), "--json"])
    assert alarms_of(result.stdout) == follow
    assert (
        "The advice changes no threshold."
        in app.test_cli_runner()
        .invoke(args=["errwatch", "replay", str(log), "--advise", "1"])
        .stdout
    )


def test_the_advice_keeps_the_present_overrides(tmp_path: Path) -> None:
    """It replaces the value when it is pasted. `--set` is part of it, and quotes survive."""
    text = r"it's ${HOME}, C:\new\\dir"
    app = Flask("shop")
    app.config["ERRWATCH_DETECTORS"] = {
        "client-error": {"description": text},
        "failure-flood": {"alarm": False},
    }
    ErrWatch(app)
    app.cli.add_command(errwatch)
    log = write_log(tmp_path, BURSTS)
    arguments = ["--advise", "1", "--set", "not-found-error.period=60"]
    command = ["errwatch", "replay", str(log), *arguments]
    line = advised(app.test_cli_runner().invoke(args=command).stdout)
    expected = {
        "client-error": {"description": text},
        "failure-flood": {"alarm": False},
        "not-found-error": {"period": 60, "threshold": 30},
        "scan": {"threshold": 30},
    }
    assert json.loads(from_shell(line)) == expected
    assert json.loads(from_env_file(line)) == expected
    document = app.test_cli_runner().invoke(args=[*command, "--json"]).stdout
    assert json.loads(document)["proposed"] == {"ERRWATCH_DETECTORS": expected}


def test_the_advice_of_an_additional_alarm_is_not_the_detectors(tmp_path: Path) -> None:
    """The threshold of an alarm on the busiest source is not that of the detector."""
    app = Flask("shop")
    app.config["ERRWATCH_PER_SOURCE_ALARMS"] = "not-found-error"
    ErrWatch(app)
    app.cli.add_command(errwatch)
    lines = [access(n, client=f"192.0.2.{n % 4}") for n in range(40)]
    command = ["errwatch", "replay", str(write_log(tmp_path, lines)), "--advise", "0", "--json"]
    output = json.loads(app.test_cli_runner().invoke(args=command).stdout)
    advised = {row["name"]: row["advised"] for row in output["summary"]}
    assert (advised["not-found-error"], advised["not-found-error-one-source"]) == (40, 10)
    assert output["proposed"]["ERRWATCH_DETECTORS"]["not-found-error"] == {"threshold": 40}


def test_a_detector_without_lines_gets_no_advice_to_paste(tmp_path: Path, run: Run) -> None:
    """The log shows nothing by which its threshold could be chosen."""
    output = json.loads(run(write_log(tmp_path, BURSTS), "--advise", "1", "--json").stdout)
    assert "critical-error" not in output["proposed"]["ERRWATCH_DETECTORS"]
    rows = {row["name"]: row["advised"] for row in output["summary"]}
    assert rows["critical-error"] is None


def test_advice_that_hides_critical_errors_comes_with_a_caution(tmp_path: Path, run: Run) -> None:
    """Beside the line to paste, and only for a detector whose lines are critical."""
    caution = (
        "Caution: with the advised threshold, 1 of 2 alarms of critical-error would not have "
        "fired, and its lines are critical. Look at these alarms before you raise the threshold.\n"
    )
    assert caution in run(write_log(tmp_path, CRASHES), "--advise", "1").stdout
    assert "Caution" not in run(write_log(tmp_path, CRASHES), "--advise", "2").stdout
    assert "Caution" not in run(write_log(tmp_path, BURSTS), "--advise", "1").stdout


def test_the_line_to_paste_is_not_broken_on_a_terminal(tmp_path: Path) -> None:
    """A line break inside would become part of what is pasted."""
    log = write_log(tmp_path, BURSTS)
    printed = on_a_terminal(flask("replay", log.name, "--advise", "1"), tmp_path, columns=80)
    line = advised(printed)
    assert len(line) > 80
    assert json.loads(line.split("'")[1])["scan"] == {"threshold": 30}


@pytest.mark.parametrize(("most", "code"), [("2", 4), ("3", 0)])
def test_a_check_fails_over_a_number_of_notifications(
    tmp_path: Path, run: Run, most: str, code: int
) -> None:
    """The exit code is 4, after the whole output. Alarms that notify no one do not count."""
    result = run(write_log(tmp_path, BURSTS), "--fail-over", most, "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["notifications"] == 3
    sentence = (
        "Error: 3 alarms would have notified, more than 2: scan-one-source (2), failure-flood (1)."
    )
    assert (sentence in result.stderr) == (code == 4)


def test_an_alarm_of_a_composite_does_not_notify_by_itself(tmp_path: Path) -> None:
    """With one alarm for the whole app, that one notifies."""
    app = Flask("shop")
    app.config["ERRWATCH_NOTIFY"] = "app"
    login = Detector(name="login-failed", event="Login Failed", alarm=Alarm(threshold=2))
    ErrWatch(app, detectors=[*DEFAULT_DETECTORS, login])
    app.cli.add_command(errwatch)
    log = write_log(tmp_path, [event(n, "Login Failed") for n in range(3)])
    result = app.test_cli_runner().invoke(args=["errwatch", "replay", str(log), "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)["summary"]}
    assert (rows["login-failed"]["alarms"], rows["login-failed"]["notifies"]) == (1, False)
    assert (rows["alarms"]["alarms"], rows["alarms"]["notifies"]) == (1, True)


@pytest.mark.parametrize("number", ["-1", "x"])
def test_a_check_needs_a_number(tmp_path: Path, run: Run, number: str) -> None:
    """Click refuses any other value."""
    result = run(write_log(tmp_path, BURSTS), "--fail-over", number)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Invalid value for '--fail-over'" in result.stderr


def test_logs_of_which_nothing_could_be_read(tmp_path: Path, run: Run) -> None:
    """The exit code is 1, and one sentence has the files and what was seen in them."""
    text = write_log(tmp_path, ["\x1b[2Jhello\n", "\n", "world\n"], "app.txt")
    empty = write_log(tmp_path, "", "empty.log")
    result = run(text, empty)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: Nothing could be read of app.txt (2 lines, none of them understood, the first is "
        "'?[2Jhello'). Give its format with --format, --log-format or --fields.\n"
    )
    assert "detector" not in result.stdout.splitlines()[1]
    assert f"  {text}:1: ?[2Jhello" in result.stdout.splitlines()
    other = run(text, "--json")
    assert (other.exit_code, json.loads(other.stdout)["bad_lines"]) == (1, 2)


def test_a_log_that_is_damaged_before_its_first_line(tmp_path: Path, run: Run) -> None:
    """The reason is what was seen."""
    packed = gzip.compress("".join(BURSTS).encode())
    result = run(write_log(tmp_path, packed[:14], "access.log.gz"))
    assert result.exit_code == 1
    assert "Nothing could be read of access.log.gz (it is truncated). Give" in result.stderr


def test_one_log_of_several_that_could_not_be_read(tmp_path: Path, run: Run) -> None:
    """The sentence names it, without the folder. The others are judged, and the exit code is 1."""
    text = write_log(tmp_path, ["hello\n"], "app.txt")
    result = run(text, write_log(tmp_path, BURSTS))
    assert result.exit_code == 1
    assert "not-found-error" in result.stdout
    assert (
        "Error: More than half could not be read of app.txt (1 line, none of them understood, the "
        "first is 'hello'). Give its format"
    ) in result.stderr


def test_logs_with_one_name_are_told_apart(tmp_path: Path, run: Run) -> None:
    """By as much of their folders as that needs."""
    logs = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        logs.append(write_log(tmp_path / folder, ["hello\n"]))
    result = run(*logs)
    assert "read of a/access.log (1 line" in result.stderr
    assert "b/access.log (1 line" in result.stderr
    assert str(tmp_path) not in result.stderr
