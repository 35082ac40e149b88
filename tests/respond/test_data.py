"""Real logs: scans are called scans, guessing is called guessing, and benign clients neither."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from benchmarks.detection.__main__ import SHARED
from benchmarks.detection.looks import COUNTED, Bin, LookedAtLog, benign, looked_at, second
from benchmarks.detection.truth import Truth, read_truth
from flask_errwatch.respond.answer.verdict import Kind
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.respond.ranking.window import Window

DATA = SHARED / "data"
LOGS = ("farmer_farmwork", "farmer_meatlabel", "farmer_saunathinker", "talemul_erp")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the logs are not in ../shared/data, beside the project"
)


@cache
def labels() -> dict[str, Truth]:
    return read_truth(SHARED / "detection" / "truth.csv")


def log(name: str) -> LookedAtLog:
    return looked_at(DATA / name / "access.log.gz")


def all_scans() -> Iterator[tuple[str, Bin]]:
    for name in LOGS:
        for found in log(name).scans():
            yield name, found


@pytest.mark.stress
def test_bins_of_a_scan_are_called_its_path_scan() -> None:
    """95 of 97. The two others are the beginnings of scans that the bin cuts, with eight paths."""
    scans = [*all_scans()]
    assert len(scans) == 97
    missed = {(name, one.start, one.source, one.paths) for name, one in scans if not one.is_right}
    assert missed == {
        ("farmer_meatlabel", second("2026-01-05T20:20Z"), "198.18.16.215", 8),
        ("talemul_erp", second("2025-05-27T06:55Z"), "198.19.91.91", 8),
    }


@pytest.mark.parametrize("counted", COUNTED)
def test_no_benign_client_is_accused(counted: str) -> None:
    """Whatever failures the alarm counts. Others may scan at the same time."""
    assert sum(len(benign(labels()[name])) for name in LOGS if name in labels()) == 133
    accused = [
        (name, row.start, row.clients)
        for name in LOGS
        if name in labels()
        for row in log(name).accused(labels()[name], counted)
    ]
    assert accused == []


def as_login(event: Event) -> Event:
    """The line that the app would have written for a POST to its login.

    It answers a wrong password with the form again, 200, and a right one with a redirect.
    """
    if (event.get("method"), event.get("path")) != ("POST", "/login"):
        return event
    is_success = event["status"] == 302
    name = "Login Succeeded" if is_success else "Login Failed"
    return {**event, "event": name, "detector": name.lower().replace(" ", "-")}


def is_failed_login(event: Event) -> bool:
    return event.get("detector") == "login-failed"


WHOLE = Window(start=second("2024-12-14T22:25Z"), end=second("2024-12-14T23:50Z"))


def test_the_guessing_of_14_december_2024() -> None:
    """Four sources are named. The owner, who mistyped once and signed in eight times, is not."""
    found = log("farmer_farmwork").verdict(WHOLE, is_failed_login, as_login)
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 0)
    assert found.evidence["by_source"] == {
        "198.18.101.69": 80,
        "198.18.75.46": 62,
        "198.18.223.62": 58,
        "198.18.250.92": 12,
    }
    assert found.sentence == (
        "Password guessing by 4 sources: 212 failed logins, 198.18.101.69 (80), 198.18.75.46 (62), "
        "198.18.223.62 (58), 198.18.250.92 (12). None succeeded: no sign-in from there after the "
        "first failure. No line of them in the hour before."
    )


def test_the_first_alarm_of_that_guessing() -> None:
    """More than ten failed logins in 300 s, no source with ten: it is spread over sources."""
    logins = [at for at, event in log("farmer_farmwork").lines if is_failed_login(as_login(event))]
    ends = range(int(WHOLE.start), int(WHOLE.end), 60)
    fired = next(end for end in ends if sum(end - 300 <= at < end for at in logins) > 10)
    window = Window(start=fired - 300, end=fired)
    found = log("farmer_farmwork").verdict(window, is_failed_login, as_login)
    assert fired == second("2024-12-14T23:01Z")
    assert found.kind is Kind.SPREAD
    assert found.sentence == (
        "Guessing spread over 3 sources: 15 failed logins, none with 10 or more: 198.18.101.69 "
        "(8), 198.18.75.46 (4), 198.18.223.62 (3). None succeeded: no sign-in from there after the "
        "first failure."
    )
