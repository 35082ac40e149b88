"""What is derived of a request of counts, as of one of an access log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS
from flask_errwatch.capture.request_classifier import RequestClassifier
from flask_errwatch.replay.counts.count_row import CountRow
from flask_errwatch.replay.counts.row_counter import RowCounter
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.sites import SeenSite
from flask_errwatch.replay.result import ReplayResult
from tests.replay.counts.replayed import reasons, replayed, rows_of
from tests.replay.replay_lines import detector_set, replay_of, write_log

DETECTORS = detector_set(*DEFAULT_DETECTORS)


def classified(folder: Path, detectors: DetectorSet, **columns: object) -> ReplayResult:
    """The result of one row of 50 requests for `/orders/7`."""
    row = {"minute": "2026-11-25 00:00:00", "lines": 50, "status": 404, "client": "192.0.2.7"}
    row |= {"method": "GET", "path": "/orders/7?a=b", "agent": "curl/8"}
    log = write_log(folder, json.dumps({**row, **columns}) + "\n", "counts.jsonl")
    return replay_of(log, detectors=detectors, form="counts")


def test_a_path_like_one_that_was_answered_is_the_own_one(tmp_path: Path) -> None:
    """`own` stands for the first reading of an access log. Without it nothing is classified."""
    detectors = detector_set(*DEFAULT_DETECTORS)
    no_source = {"authentication-error": "The input does not show referrer."}
    foreign = classified(tmp_path, detectors, own=False)
    own = classified(tmp_path, detectors, own=True)
    unknown = classified(tmp_path, detectors)
    assert [row.lines for row in foreign.rows if row.name == "scan"] == [50]
    assert [row.lines for row in own.rows if row.name == "scan"] == [0]
    assert reasons(foreign) == reasons(own) == no_source
    hidden = "The input does not show suspicion."
    assert reasons(unknown) == {**no_source, "scan-one-source": hidden}


def test_a_link_of_the_site_needs_its_host(tmp_path: Path) -> None:
    """A page that the site itself links is no probe; without `host` no referrer is the site's."""
    detectors = detector_set(*DEFAULT_DETECTORS)
    columns = {"own": False, "referrer": "https://shop.example/a"}
    linked = classified(tmp_path, detectors, **columns, host="shop.example")
    assert [row.lines for row in linked.rows if row.name == "scan"] == [0]
    assert reasons(linked) == {}
    unknown = classified(tmp_path, detectors, **columns)
    assert [row.lines for row in unknown.rows if row.name == "scan"] == [50]
    assert reasons(unknown) == {"authentication-error": "The input does not show referrer."}


def test_the_url_map_of_an_app_tells_its_own_paths(tmp_path: Path) -> None:
    """With an app `own` is not needed."""
    app = Flask("shop")
    app.add_url_rule("/orders/<int:number>", view_func=str)
    detectors = detector_set(*DEFAULT_DETECTORS)
    with_app = replace(detectors, classifier=RequestClassifier(app, detectors.config))
    result = classified(tmp_path, with_app)
    assert [row.lines for row in result.rows if row.name == "scan"] == [0]
    assert reasons(result) == {"authentication-error": "The input does not show referrer."}


def test_a_line_without_a_request_hides_nothing(tmp_path: Path) -> None:
    """Its method and path are empty cells, and it counts as a probe, as in an access log."""
    counts = rows_of(
        tmp_path,
        "minute,lines,status,client,method,path,referrer,agent,own,host",
        "2026-11-25 00:00:00,9,400,192.0.2.7,,,-,-,false,",
    )
    result = replayed(counts)
    assert reasons(result) == {}
    assert [len(row.alarms) for row in result.rows if row.name == "scan"] == [1]


def test_rows_of_an_engine_belong_to_the_surveyed_site() -> None:
    """Rows without `own` are classified by the site that the engine found."""
    rows = [
        CountRow(
            minute=0,
            lines=3,
            status=404,
            client="192.0.2.7",
            method="GET",
            path=path,
            referrer="-",
            agent="curl/8",
        )
        for path in ("/orders/7", "/nowhere")
    ]
    gathered = Gathered(DETECTORS, SeenSite(answered=frozenset({"/orders/*"})))
    counter = RowCounter(gathered)
    for row in rows:
        counter.add(row)
    suspicions = {
        kind.event["suspicion"]: gathered.tally.total([kind]) for kind in gathered.tally.kinds
    }
    assert suspicions == {0: 3, 1: 3}
