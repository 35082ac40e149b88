"""Parts of the demonstration that can fail alone. `make demo` runs all of it."""
# ruff: noqa: S101  # tests assert

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from examples.flask_app import create_app
from examples.flask_app.demo import chart, report
from examples.flask_app.demo.blocks import BY_HAND, Blocks
from examples.flask_app.demo.evidence import Evidence, Watch
from examples.flask_app.demo.subscriber import Message
from examples.flask_app.demo.traffic import GUESSER, HOUR, SCANNER, Answer, Visit, scripted_hour
from examples.flask_app.demo.verdict import CAUSES, block_checks, checks
from examples.flask_app.demo.whys import Why, ask
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue

CATALOGUE = Catalogue(DEFAULT_DETECTORS)
#: The expected answers.
WHYS = [
    Why(alarm=alarm, kind=kind, source=source, text=f"{alarm}: {kind}")
    for alarm, (kind, source) in CAUSES.items()
]


def answered(visits: list[Visit]) -> list[tuple[Visit, int]]:
    """The status of the response to each visit, without a server."""
    client = create_app({"ERRWATCH_SINKS": "none"}).test_client()
    return [
        (visit, client.open(visit.path, method=visit.method, data=visit.form).status_code)
        for visit in visits
    ]


def most_in_five_minutes(visits: list[Visit]) -> dict[str, int]:
    """The maximum number of failures in any five minutes, per detector."""
    times: dict[str, list[float]] = {}
    for visit, status in answered(visits):
        detector = CATALOGUE.for_status(status)
        if detector is not None:
            times.setdefault(detector.name, []).append(visit.at)
    return {
        name: max(sum(0 <= other - first < 300 for other in moments) for first in moments)
        for name, moments in times.items()
    }


def test_customers_stay_far_below_every_threshold() -> None:
    """Without the two attackers there are at most four failures per detector in five minutes."""
    customers = [visit for visit in scripted_hour() if visit.client not in {SCANNER, GUESSER}]
    most = most_in_five_minutes(customers)
    assert set(most) == {
        *("critical-error", "authentication-error", "bad-request-error", "not-found-error"),
        "client-error",
    }
    assert max(most.values()) <= 4


def test_attackers_exceed_one_threshold_each() -> None:
    """All probed paths are unknown and all guesses wrong, both above the threshold."""
    hour = scripted_hour()
    scan = most_in_five_minutes([visit for visit in hour if visit.client == SCANNER])
    guesses = most_in_five_minutes([visit for visit in hour if visit.client == GUESSER])
    assert list(scan) == ["not-found-error"]
    assert scan["not-found-error"] > 30
    assert list(guesses) == ["authentication-error"]
    assert guesses["authentication-error"] > 30


def test_script_is_the_same_each_time_and_lasts_an_hour() -> None:
    """Two runs send the same requests in the same order within an hour."""
    hour = scripted_hour()
    assert hour == scripted_hour()
    assert [visit.at for visit in hour] == sorted(visit.at for visit in hour)
    assert hour[0].at >= 0
    assert hour[-1].at < HOUR


def test_chart_shows_threshold_and_values() -> None:
    """Bars above the threshold are red, those below green. The line crosses them."""
    top, middle, bottom = chart.bars([0, 30, 2], 10)
    assert top.plain == " 30    ██   "
    assert middle.plain == " 10 ╌╌╌██╌╌╌"
    assert bottom.plain == "       ██ ▂▂"
    styles = {bottom.plain[span.start : span.end]: span.style for span in bottom.spans}
    assert (styles["██"], styles["▂▂"]) == ("red", "green")


def test_chart_without_values_is_its_threshold_alone() -> None:
    """Zeros alone show the threshold, or nothing without an alarm."""
    assert [row.plain for row in chart.bars([0, 0], 10)] == [" 10 ╌╌╌╌╌"]
    assert chart.bars([0, 0], None) == []


def test_chart_of_an_hour_fits_half_a_terminal() -> None:
    """Two charts of twelve periods fit side by side in 80 columns."""
    rows = [*chart.bars([999] * 12, 10), chart.axis(["00:00"] * 12)]
    assert max(row.cell_len for row in rows) <= 39


def evidence_of(*lines: dict[str, object], counted: float) -> Evidence:
    """A lab that contains these lines."""
    watch = Watch(
        name="shop-not-found-error",
        pattern="",
        threshold=10,
        seconds=300,
        state="OK",
        notifies=False,
        sums=(counted,),
    )
    return Evidence(
        group="shop",
        retention_days=90,
        subscribers=(),
        lines=lines,
        watches=(watch,),
        begin=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_checks_are_met_only_with_every_line_and_the_expected_alarms() -> None:
    """A missing line, an extra line, a wrong count, a missing or a wrong alarm fails a check."""
    answers = [
        Answer(Visit(at=0, client="192.0.2.1", path="/x"), 404),
        Answer(Visit(at=1, client="192.0.2.1", path="/"), 200),
    ]
    line = {"detector": "not-found-error", "client_ip": "192.0.2.1", "status": 404, "path": "/x"}
    named = {"shop-scan": SCANNER}
    fired = [
        Message(
            subject="", alarm=name, state="ALARM", time="", reason="", contributor=named.get(name)
        )
        for name in ("shop-scan", "shop-authentication-error")
    ]

    def met(evidence: Evidence, messages: list[Message], sent: list[Answer]) -> list[bool]:
        return [check.is_met for check in checks(sent, evidence, messages, WHYS)][:5]

    evidence = evidence_of(line, {"event": "Heartbeat"}, counted=1)
    assert met(evidence, fired, answers) == [True, True, True, True, True]
    assert met(evidence_of(counted=0), fired, answers) == [True, False, True, True, True]
    assert met(evidence_of(line, line, counted=2), fired, answers)[1:3] == [False, True]
    assert met(evidence_of(line, counted=2), fired, answers) == [True, True, False, True, True]
    assert met(evidence, fired[:1], answers) == [True, True, True, False, True]
    assert met(evidence, fired[1:], answers) == [True, True, True, False, False]
    critical = Message(subject="", alarm="shop-critical-error", state="ALARM", time="", reason="")
    assert met(evidence, [*fired, critical], answers) == [True, True, True, False, True]
    lost = Answer(Visit(at=2, client="192.0.2.1", path="/"), 0)
    assert met(evidence, fired, [*answers, lost]) == [False, True, True, True, True]
    missing = checks(answers, evidence_of(counted=0), fired, WHYS)[1]
    assert missing.text == (
        "1 of them failed, 0 lines found; missing: 1, as ('192.0.2.1', 404, '/x')"
    )
    assert Counter(check.is_met for check in checks(answers, evidence, fired, WHYS)) == {True: 7}


def test_checks_are_met_only_if_both_causes_are_named() -> None:
    """Another kind, another source, nobody, or no answer fails a check."""

    def met(*whys: Why) -> list[bool]:
        return [check.is_met for check in checks([], evidence_of(counted=0), [], whys)][5:]

    scan, guessing = WHYS
    assert met(scan, guessing) == [True, True]
    assert met(replace(scan, source=GUESSER), guessing) == [False, True]
    assert met(scan, replace(guessing, kind="unclear", source=None)) == [True, False]
    assert met(scan) == [True, False]


def test_checks_are_met_only_if_exactly_the_scanner_was_blocked() -> None:
    """Nothing blocked, an entry that is not ours, nothing removed, or too much removed fails."""
    ours = f"{SCANNER}/32"

    def met(blocked: tuple[str, ...], state: str, unblocked: tuple[str, ...]) -> list[bool]:
        states = {ours: state, BY_HAND: "foreign"}
        blocks = Blocks(texts={}, blocked=blocked, states=states, unblocked=unblocked)
        return [check.is_met for check in block_checks(blocks)]

    both, by_hand = (BY_HAND, ours), (BY_HAND,)
    assert met(both, "blocked", by_hand) == [True, True, True]
    assert met(by_hand, "foreign", by_hand) == [False, False, True]
    assert met(both, "overdue", both) == [True, True, False]
    assert met(both, "blocked", ()) == [True, True, False]


def test_a_question_without_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the command cannot answer is shown, and names nobody."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (why,) = ask(["shop-scan"], {"ERRWATCH_SINKS": "none", "ERRWATCH_REGION": "us-east-1"})
    assert (why.kind, why.source) == ("not answered", None)
    assert "credentials" in why.text
    console = Console(file=StringIO(), width=400, markup=False, emoji=False)
    report.show_whys(console, [why, *WHYS])
    assert isinstance(console.file, StringIO)
    output = console.file.getvalue()
    assert why.text.strip() in output
    assert "shop-authentication-error: password guessing" in output


def test_report_shows_what_strangers_chose_in_ascii() -> None:
    """A path, an event or an address cannot move the cursor, hide or reorder text."""
    hostile = "/\x1b[2J\u202e\u061c\u200b[red]"
    line: dict[str, object] = {
        **dict.fromkeys(("event", "client_ip", "path"), hostile),
        "detector": "x",
    }
    message = Message(subject=hostile, alarm="x", state="ALARM", time=hostile, reason=hostile)
    console = Console(file=StringIO(), width=400, markup=False, emoji=False)
    evidence = evidence_of(line, {"event": hostile}, {**line, "path": 7}, counted=0)
    report.show(console, evidence, [message])
    assert isinstance(console.file, StringIO)
    output = console.file.getvalue()
    assert output.count(r"/\x1b[2J\u202e\u061c\u200b[red]") == 6  # the chart cuts one
    assert {char for char in output if not char.isprintable()} == {"\n"}
    report.show_named(console, [replace(message, contributor=hostile)])
    named = console.file.getvalue().removeprefix(output)
    assert named.count(r"/\x1b[2J\u202e\u061c\u200b[red]") == 3
    assert {char for char in named if not char.isprintable()} == {"\n"}
