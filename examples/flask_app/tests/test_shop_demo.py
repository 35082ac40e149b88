"""The demonstration's parts that can be wrong by themselves; `make demo` runs the whole."""
# ruff: noqa: S101  # tests assert

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from examples.flask_app import create_app
from examples.flask_app.demo import chart
from examples.flask_app.demo.evidence import Evidence, Watch
from examples.flask_app.demo.subscriber import Message
from examples.flask_app.demo.traffic import GUESSER, HOUR, SCANNER, Answer, Visit, scripted_hour
from examples.flask_app.demo.verdict import checks
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue

CATALOGUE = Catalogue(DEFAULT_DETECTORS)


def answered(visits: list[Visit]) -> list[tuple[Visit, int]]:
    """What the shop answers to each visit, without a server."""
    client = create_app({"ERRWATCH_SINKS": "none"}).test_client()
    return [
        (visit, client.open(visit.path, method=visit.method, data=visit.form).status_code)
        for visit in visits
    ]


def most_in_five_minutes(visits: list[Visit]) -> dict[str, int]:
    """Per detector, the most failures that any five minutes hold."""
    times: dict[str, list[float]] = {}
    for visit, status in answered(visits):
        detector = CATALOGUE.for_status(status)
        if detector is not None:
            times.setdefault(detector.name, []).append(visit.at)
    return {
        name: max(sum(0 <= other - first < 300 for other in found) for first in found)
        for name, found in times.items()
    }


def test_customers_stay_far_below_every_threshold() -> None:
    """Without the two attackers no five minutes hold more than four failures of a kind."""
    customers = [each for each in scripted_hour() if each.client not in {SCANNER, GUESSER}]
    most = most_in_five_minutes(customers)
    assert set(most) == {
        *("critical-error", "authentication-error", "bad-request-error", "not-found-error"),
        "client-error",
    }
    assert max(most.values()) <= 4


def test_attackers_exceed_one_threshold_each() -> None:
    """The scan is for paths that do not exist, the guesses are all wrong; both are many."""
    hour = scripted_hour()
    scan = most_in_five_minutes([each for each in hour if each.client == SCANNER])
    guesses = most_in_five_minutes([each for each in hour if each.client == GUESSER])
    assert list(scan) == ["not-found-error"]
    assert scan["not-found-error"] > 40
    assert list(guesses) == ["authentication-error"]
    assert guesses["authentication-error"] > 30


def test_script_is_the_same_each_time_and_lasts_an_hour() -> None:
    """Two runs send the same requests, in the order of time, within the hour."""
    hour = scripted_hour()
    assert hour == scripted_hour()
    assert [each.at for each in hour] == sorted(each.at for each in hour)
    assert hour[0].at >= 0
    assert hour[-1].at < HOUR


def test_chart_shows_threshold_and_values() -> None:
    """The bar above the threshold is red, those below are not, and the line runs through."""
    top, middle, bottom = chart.bars([0, 30, 2], 10)
    assert top.plain == " 30    ██   "
    assert middle.plain == " 10 ╌╌╌██╌╌╌"
    assert bottom.plain == "       ██ ▂▂"
    styles = {bottom.plain[span.start : span.end]: span.style for span in bottom.spans}
    assert (styles["██"], styles["▂▂"]) == ("red", "green")


def test_chart_without_values_is_its_threshold_alone() -> None:
    """Nothing happened: one line, or none where no alarm watches."""
    assert [row.plain for row in chart.bars([0, 0], 10)] == [" 10 ╌╌╌╌╌"]
    assert chart.bars([0, 0], None) == []


def test_chart_of_an_hour_fits_half_a_terminal() -> None:
    """Two charts of twelve periods stand side by side in 80 columns."""
    rows = [*chart.bars([999] * 12, 10), chart.axis(["00:00"] * 12)]
    assert max(row.cell_len for row in rows) <= 39


def evidence_of(*lines: dict[str, object], counted: float) -> Evidence:
    """A lab in which these lines stand."""
    watch = Watch(
        name="shop-not-found-error",
        pattern="",
        threshold=10,
        seconds=300,
        state="OK",
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


def test_verdict_holds_only_when_every_line_is_found_and_the_right_alarms_rang() -> None:
    """A lost line, a line too many, a miscount, a silent or a wrong alarm: each is noticed."""
    answers = [
        Answer(Visit(at=0, client="192.0.2.1", path="/x"), 404),
        Answer(Visit(at=1, client="192.0.2.1", path="/"), 200),
    ]
    line = {"detector": "not-found-error", "client_ip": "192.0.2.1", "status": 404, "path": "/x"}
    rang = [
        Message(subject="", alarm=name, state="ALARM", time="", reason="")
        for name in ("shop-authentication-error", "shop-not-found-error")
    ]

    def holds(evidence: Evidence, messages: list[Message], sent: list[Answer]) -> list[bool]:
        return [each.holds for each in checks(sent, evidence, messages)]

    found = evidence_of(line, {"event": "Heartbeat"}, counted=1)
    assert holds(found, rang, answers) == [True, True, True, True]
    assert holds(evidence_of(counted=0), rang, answers) == [True, False, True, True]
    assert holds(evidence_of(line, line, counted=2), rang, answers) == [True, False, True, True]
    assert holds(evidence_of(line, counted=2), rang, answers) == [True, True, False, True]
    assert holds(found, rang[:1], answers) == [True, True, True, False]
    critical = Message(subject="", alarm="shop-critical-error", state="ALARM", time="", reason="")
    assert holds(found, [*rang, critical], answers) == [True, True, True, False]
    lost = Answer(Visit(at=2, client="192.0.2.1", path="/"), 0)
    assert holds(found, rang, [*answers, lost]) == [False, True, True, True]
    missing = checks(answers, evidence_of(counted=0), rang)[1]
    assert missing.says == (
        "1 of them failed, 0 lines found; missing: 1, as ('192.0.2.1', 404, '/x')"
    )
    assert Counter(each.holds for each in checks(answers, found, rang)) == {True: 4}
