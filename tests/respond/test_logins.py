"""A real night of password guessing, sent to an app with Flask-Login."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch import DEFAULT_DETECTORS, SECURITY_DETECTORS
from flask_errwatch._time import readable
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.answer.verdict import Kind
from flask_errwatch.respond.ranking.summarize import summarize
from flask_errwatch.respond.ranking.summary import Summary
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.views.text import story_lines
from flask_errwatch.simulation import judge_log
from tests.replay.replay_lines import detector_set, write_log
from tests.respond.login_app import LOG, lines_of, visits
from tests.respond.stories import SCAN

pytestmark = pytest.mark.skipif(
    not LOG.is_file(), reason="the logs are not in ../shared/data, beside the project"
)

#: The night of 14 December 2024, from 22:25 to 23:50 UTC.
NIGHT = Window(
    start=datetime.fromisoformat("2024-12-14T22:25Z").timestamp(),
    end=datetime.fromisoformat("2024-12-14T23:50Z").timestamp(),
)
GUESSERS = {
    "198.18.101.69": 80,
    "198.18.75.46": 62,
    "198.18.223.62": 58,
    "198.18.250.92": 12,
}
OWNER = "198.18.152.123"

Line = dict[str, Any]


@pytest.fixture(name="lines", scope="module")
def _lines() -> list[Line]:
    """What the app wrote in that night."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return lines_of([*visits(NIGHT.start, NIGHT.end)], monkeypatch)


def summed(lines: Iterable[Line], window: Window) -> Summary:
    """The summary of a window for the alarm of failed logins."""
    timed = [(time_of(line), line) for line in lines]
    inside = [row for row in timed if row[0] in window or row[0] in window.baseline]
    return summarize(
        lambda: iter(inside), lambda line: line["detector"] == "login-failed", window=window
    )


def time_of(line: Line) -> float:
    """The time of a line, in seconds since the epoch."""
    return datetime.fromisoformat(line["timestamp"]).timestamp()


def first_alarm(lines: Iterable[Line], folder: Path) -> Window:
    """The period for which the judge lets the alarm of failed logins fire first."""
    detectors = detector_set(*DEFAULT_DETECTORS, *SECURITY_DETECTORS)
    log = write_log(folder, [f"{json.dumps(line)}\n" for line in lines], "farm.jsonl")
    with open_logs([str(log)]) as logs:
        session = Session(logs, detectors)
        for _ in session.read():
            pass
    log_of_app = judge_log(
        session.gathered.tally,
        detectors.catalogue,
        detectors.desired,
        session.gathered.coverage,
        heartbeat=True,
    )
    (judged,) = [row for row in log_of_app.detectors if row.detector.name == "login-failed"]
    end = judged.alarms[0].span.start
    return Window(start=end - 300, end=end)


def test_one_line_each(lines: list[Line]) -> None:
    """Each failed login and each sign-in is one line at its time. A logout is none."""
    assert Counter((line["client_ip"], line["event"]) for line in lines) == {
        **{(source, "Login Failed"): number for source, number in GUESSERS.items()},
        (OWNER, "Login Failed"): 1,
        (OWNER, "Login Succeeded"): 8,
    }
    assert (lines[0]["timestamp"], lines[-1]["timestamp"]) == (
        "2024-12-14T22:25:52.000Z",
        "2024-12-14T23:48:40.000Z",
    )


def test_the_whole_night(lines: list[Line]) -> None:
    """Four sources guessed and none got in. The owner, who mistyped once, is not accused."""
    found = verdict(summed(lines, NIGHT))
    assert found.kind is Kind.GUESSING
    assert found.sources == tuple(GUESSERS)
    assert found.evidence["by_source"] == GUESSERS
    assert found.succeeded == 0
    for source, failures in GUESSERS.items():
        assert f"{source} ({failures})" in found.sentence
    assert "None succeeded" in found.sentence
    assert OWNER not in found.sentence


def test_the_first_alarm(lines: list[Line], tmp_path: Path) -> None:
    """In its window no source has ten failures yet: guessing spread over sources."""
    window = first_alarm(lines, tmp_path)
    assert (readable(window.start), readable(window.end)) == (
        "2024-12-14 22:56:00 UTC",
        "2024-12-14 23:01:00 UTC",
    )
    summary = summed(lines, window)
    assert [(row.source, row.failed_logins) for row in summary.sources] == [
        ("198.18.101.69", 8),
        ("198.18.75.46", 4),
        ("198.18.223.62", 3),
    ]
    found = verdict(summary)
    assert found.kind is Kind.SPREAD
    assert found.sources == ("198.18.101.69", "198.18.75.46", "198.18.223.62")
    assert found.succeeded == 0


def test_the_text(lines: list[Line]) -> None:
    """The table has the owner too, with the sign-ins that tell him from those who guess."""
    summary = summed(lines, NIGHT)
    story = replace(SCAN, summary=summary, verdict=verdict(summary), now=NIGHT.end + 60)
    text = story_lines(story)
    start = text.index("in the hour before.") - 1
    assert text[start - 2 : start + 10] == [
        "Password guessing by 4 sources: 212 failed logins, 198.18.101.69 (80),",
        "198.18.75.46 (62), 198.18.223.62 (58), 198.18.250.92 (12).",
        "None succeeded: no sign-in from there after the first failure. No line of them",
        "in the hour before.",
        "",
        "SOURCE          lines  paths  unrouted  users  sign-ins     first      last",
        "198.18.101.69      80      1         0      0         0  22:42:43  23:35:39",
        "198.18.75.46       62      1         0      0         0  22:59:24  23:35:43",
        "198.18.223.62      58      1         0      0         0  22:59:57  23:31:39",
        "198.18.250.92      12      1         0      0         0  23:30:07  23:38:04",
        "198.18.152.123      1      1         0      1         8  22:27:48  22:27:48",
        "PATH    lines  sources",
    ]
