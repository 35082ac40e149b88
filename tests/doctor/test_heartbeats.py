"""Findings about heartbeats: whether the threads run, and whether the app runs at all."""

from __future__ import annotations

from collections.abc import Sequence

from flask_errwatch.doctor.findings import Finding
from flask_errwatch.doctor.heartbeats import heartbeat_finding
from flask_errwatch.provision.log_lines import LoggedLine

NOON = 1_700_049_600  # 2023-11-15 12:00:00 UTC


def line(process: str, seconds: int, phrase: str = "Not Found Error") -> LoggedLine:
    """A line of a process, so many seconds after noon."""
    event = {"event": phrase, "process": process, "host": "web-1"}
    return LoggedLine((NOON + seconds) * 1000, event)


def beat(process: str, seconds: int) -> LoggedLine:
    """A heartbeat of a process, so many seconds after noon."""
    return line(process, seconds, "Heartbeat")


def at(seconds: int, lines: Sequence[LoggedLine], every: float = 60) -> Finding:
    """The finding so many seconds after noon."""
    return heartbeat_finding(lines, every, now=NOON + seconds)


def test_processes_without_heartbeats_have_no_running_threads() -> None:
    """Only a process that lived for more than three heartbeats is expected to emit one."""
    living = [beat("a", 0), beat("a", 60), beat("a", 240)]
    short = [line("b", 0), line("b", 100)]
    silent = [line("c", 0), line("c", 181)]
    assert at(240, [*living, *short]).message == "Emitted by 1 process."
    assert at(240, [*living, *short]).level == "ok"
    finding = at(240, [*living, *short, *silent])
    assert (finding.level, finding.message) == (
        "problem",
        "No heartbeat from 1 of 2 processes, on web-1.",
    )
    assert finding.remedy == (
        "Their threads do not run. Run uWSGI with enable-threads; else restart these processes, "
        "and read their stderr."
    )


def test_an_app_that_has_just_begun_has_no_heartbeat_yet() -> None:
    """It is said when the first one comes. A process that emitted one is counted however young."""
    finding = at(20, [line("a", 0), line("a", 10)])
    assert (finding.level, finding.message) == (
        "warning",
        "None yet: the newest line is of 2023-11-15 12:00:10 UTC.",
    )
    assert finding.remedy == (
        "Run this again: 60 s after its first request, a process emits its first heartbeat."
    )
    assert at(70, [line("a", 0), beat("a", 60)]).level == "ok"


def test_an_app_without_a_line_has_not_served() -> None:
    """The remedy is a request."""
    finding = at(0, [])
    assert (finding.level, finding.message) == (
        "warning",
        "None yet: the app has written no line in 24 hours.",
    )
    assert finding.remedy == (
        "Send it a request: 60 s after its first one, a process emits its first heartbeat."
    )


def test_an_app_whose_heartbeats_have_stopped_does_not_serve() -> None:
    """Those of two hours ago are not an app that runs."""
    lines = [line("a", 0), *(beat("a", 60 * minute) for minute in range(1, 6))]
    assert at(480, lines).level == "ok"
    finding = at(7500, lines)
    assert (finding.level, finding.message) == (
        "warning",
        "No process serves: the newest line is of 2023-11-15 12:05:00 UTC.",
    )


def test_heartbeats_that_are_turned_off_are_reported() -> None:
    """With the remedy that turns them on."""
    finding = at(60, [beat("a", 0)], every=0)
    assert (finding.level, finding.message) == ("warning", "It is turned off.")


def test_lines_with_values_of_other_types_do_not_raise() -> None:
    """Another program may log a line of this app with any JSON as process and host."""
    nested: list[object] = []
    for _ in range(1000):
        nested = [nested]
    event = {"event": "Not Found Error", "process": nested, "host": {"a": 1}}
    lines = [LoggedLine(NOON * 1000, event), LoggedLine(NOON * 1000 + 181_000, event)]
    assert at(181, lines).message == "No heartbeat from 1 of 1 process, on unknown."
