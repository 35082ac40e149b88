"""Folded lines are counted as their events would be, whatever the detectors compare or sum."""

from __future__ import annotations

import json

import pytest
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, Alarm, Catalogue, Detector, ErrWatch, SourceAlarm
from flask_errwatch.capture.collapse import Folds
from flask_errwatch.capture.fold_fields import FoldFields, fold_fields
from flask_errwatch.config import load
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.simulation import Judge

NOON = 1_700_049_600  # 2023-11-15T12:00:00Z
SCAN = Detector(
    name="scan",
    where="$.suspicion > 0",
    value="$.suspicion",
    alarm=Alarm(threshold=20, period=300),
)
PAID = Detector(
    name="payment-failed",
    event="Payment Failed",
    value="$.data.amount",
    alarm=Alarm(threshold=250, period=300),
)


def judge_of(*detectors: Detector, collapse: float = 0) -> Judge:
    """The judge of the resources that an app with these detectors creates."""
    config = load({"ERRWATCH_COLLAPSE_SECONDS": collapse}, {}, app_name="shop")
    return Judge(desired_resources(Catalogue(detectors).configured(config), config).resources)


def lines_of(app: Flask) -> list[dict[str, object]]:
    """The lines of the app."""
    return [json.loads(line) for line in app.extensions["errwatch"].delivery.memory.lines]


def test_a_scan_has_one_alarm_folded_or_not() -> None:
    """A folded line has in `suspicion` the sum over its events, and the filter sums that."""
    suspicions = [1, 2, 0] * 20
    each = judge_of(SCAN)
    for second, suspicion in enumerate(suspicions):
        line = {"event": "Not Found Error", "suspicion": suspicion}
        each.feed((NOON + second) * 1000, json.dumps(line))
    folded = judge_of(SCAN, collapse=10)
    first, *rest = suspicions
    for second, group in [
        (0, [first]),
        *((at + 9, rest[at : at + 10]) for at in range(0, len(rest), 10)),
    ]:
        line = {"event": "Not Found Error", "count": len(group), "suspicion": sum(group)}
        folded.feed((NOON + second) * 1000, json.dumps(line))
    found = each.advance(NOON + 3600)
    assert [(one.alarm, one.at, one.new) for one in found] == [
        ("shop-scan", NOON + 60, "ALARM"),
        ("shop-scan", NOON + 960, "OK"),
    ]
    assert [(one.at, one.new) for one in folded.advance(NOON + 3600)] == [
        (one.at, one.new) for one in found
    ]


def test_a_field_that_a_filter_sums_keeps_its_lines_apart() -> None:
    """Each report has its line, and the metric gets every amount. The others still fold."""
    app = Flask("shop")
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_COLLAPSE_SECONDS=60)
    errwatch = ErrWatch(app, detectors=[*DEFAULT_DETECTORS, PAID])
    for _ in range(3):
        errwatch.report("payment-failed", amount=100)
        errwatch.report("payment-failed", note="without an amount")
        errwatch.report("client-error", amount=100)
    assert errwatch.flush(10)
    counts = [(line["detector"], line["count"]) for line in lines_of(app)]
    assert sorted(counts) == [
        ("client-error", 1),
        ("client-error", 2),
        ("payment-failed", 1),
        ("payment-failed", 1),
        ("payment-failed", 1),
        ("payment-failed", 1),
        ("payment-failed", 2),
    ]
    judge = judge_of(PAID, collapse=60)
    for line in lines_of(app):
        judge.feed(NOON * 1000, json.dumps(line))
    (fired,) = judge.advance(NOON + 60)
    assert (fired.alarm, fired.new) == ("shop-payment-failed", "ALARM")
    assert "(Sum over 300 s: 300)" in fired.reason


def test_events_on_both_sides_of_a_condition_do_not_fold() -> None:
    """A GET from the own site is not counted, so it shares no line with a POST that is."""
    folds = Folds(60.0, fold_fields(Catalogue(DEFAULT_DETECTORS)))
    for method in ("GET", "POST", "GET", "POST", "GET"):
        event = {
            "detector": "authentication-error",
            "client_ip": "192.0.2.1",
            "route": "/login",
            "method": method,
            "referrer": "same",
            "status": 401,
            "timestamp": "2026-01-01T00:00:00.000Z",
        }
        folds.fold(event, now=0.0)
    assert [(line["method"], line["count"]) for line in folds.due(now=60.0)] == [
        ("GET", 2),
        ("POST", 1),
    ]


def test_the_fields_of_the_default_catalogue() -> None:
    """A flood is of one class of statuses. `suspicion` may differ: the line has the sum."""
    fields = fold_fields(Catalogue(DEFAULT_DETECTORS))
    assert fields["not-found-error"] == FoldFields(compared=("status",))
    assert fields["authentication-error"] == FoldFields(compared=("method", "referrer", "status"))
    assert "scan" not in fields


@pytest.mark.parametrize(
    ("detector", "fields"),
    [
        (Detector(name="a", where="$.data.tries > 3"), FoldFields()),
        (Detector(name="a", where="$.* = 4"), FoldFields(compared=("id",))),
        (
            Detector(name="a", where="$.exception.type = *", value="$.duration_ms"),
            FoldFields(compared=("exception",), summed=(("duration_ms",),)),
        ),
        (
            Detector(
                name="a",
                event="A",
                value="$.count",
                alarm=SourceAlarm(threshold=1, period=60, value="$.data.amount"),
            ),
            FoldFields(),
        ),
    ],
)
def test_what_other_detectors_read(detector: Detector, fields: FoldFields) -> None:
    """One without an event reads the lines of all, one with an event only its own."""
    assert fold_fields(Catalogue([detector, PAID]))["critical-error"] == fields
