"""Each alarm of a replay has a verdict: what its lines look like."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch.replay import verdicts
from flask_errwatch.replay.session import Session
from tests.replay.replay_lines import Run, access, event, write_log

SCAN = (
    "A path scan by 192.0.2.7: 20 of 20 lines, 20 paths that no route matches. "
    "No line of it in the hour before."
)
OWN_LINES = [event(600 + n, path=f"/{n}.php") for n in range(20)]


def exported(lines: list[str]) -> list[str]:
    """The lines as CloudWatch exports them."""
    return [f"{json.loads(line)['timestamp']} {line}" for line in lines]


def document(lines: list[str]) -> str:
    """The lines as `aws logs filter-log-events` prints them."""
    first = 1_795_564_800_000 + 600_000  # 25 November 2026, ten minutes past midnight
    return json.dumps(
        {"events": [{"timestamp": first + n, "message": line} for n, line in enumerate(lines)]}
    )


def verdicts_of(output: Any) -> dict[str, list[str]]:
    """The sentences on each alarm, by its name."""
    found = {one["detector"]: one["alarms"] for one in output["detectors"]}
    found |= {one["alarm"]: one["alarms"] for one in output["other_alarms"]}
    return {
        name: [alarm["looks_like"]["sentence"] for alarm in alarms]
        for name, alarms in found.items()
        if alarms
    }


@pytest.mark.parametrize(
    "log",
    [
        [access(600 + n, path=f"/{n}.php") for n in range(20)],
        OWN_LINES,
        exported(OWN_LINES),
        document(OWN_LINES),
        exported([f"{line.rstrip()} \n" for line in OWN_LINES]),
    ],
    ids=["access log", "own lines", "export", "document", "blanks"],
)
def test_a_scan_is_named_in_every_format(tmp_path: Path, replay_json: Run, log: list[str]) -> None:
    """Of the alarm on its lines and of the one on its source."""
    output = replay_json(write_log(tmp_path, log))
    assert verdicts_of(output) == {"not-found-error": [SCAN], "scan-one-source": [SCAN]}


def test_the_hour_before_is_read_too(tmp_path: Path, replay_json: Run) -> None:
    """Whoever was there before, and what an access log shows of answers, is known."""
    early = [access(7200 - 1800 + n, path=f"/{n}.asp") for n in range(3)]
    older = [access(n, path=f"/{n}.jsp") for n in range(3)]
    lines = [*older, *early, *(access(7200 + n, path=f"/{n}.php") for n in range(20))]
    found = verdicts_of(replay_json(write_log(tmp_path, lines)))
    assert "3 lines of it in the hour before." in found["not-found-error"][0]


def test_logins_are_judged_by_an_apps_own_lines(tmp_path: Path, replay_json: Run) -> None:
    """401s to what no link of the site leads to. An access log without referrers cannot tell."""
    refusal = {"status": 401, "suspicion": 0, "path_class": "own", "path": "/login"}
    lines = [event(600 + n, "Authentication Error", **refusal) for n in range(20)]
    found = verdicts_of(replay_json(write_log(tmp_path, lines)))
    (sentence,) = found["authentication-error"]
    assert sentence == (
        "Password guessing by 192.0.2.7: 20 failed logins. Whether one succeeded is not known: the "
        "app writes no line of a sign-in. No line of it in the hour before."
    )
    log = write_log(tmp_path, [access(600 + n, 401, path="/login") for n in range(20)])
    (sentence,) = verdicts_of(replay_json(log))["authentication-error"]
    assert sentence.startswith("Unclear: ")


def test_a_guess_that_succeeds_after_the_alarm_is_known(tmp_path: Path, replay_json: Run) -> None:
    """The lines of an hour after it are read for sign-ins."""
    refusal = {"status": 401, "suspicion": 0, "path_class": "own", "path": "/login"}
    signed_in = {"detector": "login-succeeded", "status": 302, "path": "/login", "user": "ann"}
    lines = [event(600 + n, "Authentication Error", **refusal) for n in range(20)]
    lines.append(event(600 + 3000, "Login Succeeded", **signed_in))
    (sentence,) = verdicts_of(replay_json(write_log(tmp_path, lines)))["authentication-error"]
    assert "1 sign-in from there after the first failure, after the window" in sentence


def test_the_output_has_the_sentence(tmp_path: Path, run: Run) -> None:
    """Below each alarm."""
    log = write_log(tmp_path, OWN_LINES)
    assert f"  verdict  {SCAN}\n" in run(log).stdout


def test_paths_of_strangers_are_shown_and_not_obeyed(tmp_path: Path, run: Run) -> None:
    """Control characters in a verdict are question marks."""
    fields: dict[str, Any] = {"path_class": "own", "suspicion": 0, "path": "/\x1b[2J\n"}
    lines = [event(600 + n, client_ip=f"192.0.2.{n}", **fields) for n in range(20)]
    printed = run(write_log(tmp_path, lines)).stdout
    assert "A broken link: 20 of 20 lines ask for /?[2J?, from 20 sources." in printed
    assert "\x1b" not in printed


def test_only_the_newest_alarms_have_one(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a note says how many have none."""
    monkeypatch.setattr(verdicts, "MOST", 2)
    lines = [access(3600 * hour + n, path="/a") for hour in range(5) for n in range(12)]
    result = run(write_log(tmp_path, lines), "--json")
    found = {one["detector"]: one["alarms"] for one in json.loads(result.stdout)["detectors"]}
    has = [alarm["looks_like"] is not None for alarm in found["not-found-error"]]
    assert has == [False, False, False, True, True]
    assert (
        "What 3 alarms looked like is not shown: only the worst and the newest are" in result.stderr
    )


def test_the_worst_alarms_have_one_however_old(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page lists the worst first. The newest follow."""
    monkeypatch.setattr(verdicts, "MOST", 3)
    monkeypatch.setattr(verdicts, "_WORST", 1)
    sizes = (12, 16, 12, 12, 12)
    lines = [access(3600 * hour + n, path="/a") for hour in range(5) for n in range(sizes[hour])]
    result = run(write_log(tmp_path, lines), "--json")
    found = {one["detector"]: one["alarms"] for one in json.loads(result.stdout)["detectors"]}
    has = [alarm["looks_like"] is not None for alarm in found["not-found-error"]]
    assert has == [False, True, False, True, True]


def test_a_log_without_alarms_is_not_read_again(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs nothing there."""
    monkeypatch.delattr(Session, "lines")
    assert run(write_log(tmp_path, OWN_LINES[:5])).exit_code == 0


@pytest.mark.parametrize("form", ["auto", "json"])
def test_a_pipe_has_verdicts_too(tmp_path: Path, form: str) -> None:
    """It is copied to a temporary file, to be read again."""
    command = [sys.executable, "-m", "flask", "errwatch", "replay", "-", "--format", form]
    done = subprocess.run(
        [*command, "--json"],
        input="".join(OWN_LINES).encode(),
        capture_output=True,
        check=True,
        cwd=tmp_path,
        timeout=60,
    )
    output = json.loads(done.stdout)
    (scan,) = [one for one in output["other_alarms"] if one["alarm"] == "scan-one-source"]
    assert [alarm["looks_like"]["kind"] for alarm in scan["alarms"]] == ["path scan"]


def test_damaged_lines_are_left_out(tmp_path: Path, replay_json: Run) -> None:
    """They were reported by the first reading."""
    odd = ["{\n", "[]\n", '{"event": 7, "timestamp": []}\n', "\xff\n", '{"timestamp": "2026"}\n']
    log = write_log(tmp_path, [*OWN_LINES[:10], *odd, *OWN_LINES[10:]])
    assert verdicts_of(replay_json(log))["not-found-error"] == [SCAN]
