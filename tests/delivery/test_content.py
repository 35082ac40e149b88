"""Content that breaks other tools arrives as valid JSON, in bounds, and its filter matches it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from flask_errwatch.extension import ErrWatch
from flask_errwatch.patterns import PatternSet, parse
from tests.fake_logs import FakeLogs


class Unshowable:
    """Its `__str__` raises."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def _nested(depth: int) -> object:
    nest: object = "bottom"
    for _ in range(depth):
        nest = [nest]
    return nest


def _deep(depth: int) -> None:
    if depth == 0:
        raise ValueError("bottom")
    _deep(depth - 1)


def _raise_long() -> None:
    raise ValueError("x" * 1_048_576)


def _recurse() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(11_000)
    try:
        _deep(10_000)
    finally:
        sys.setrecursionlimit(limit)


def _raise_hostile() -> None:
    raise ValueError('\x00\x1b[2J\ud800\u2028\r\n"} { "event": "Not Found Error" \x7f')


CRASHES: dict[str, Callable[[], None]] = {
    "1 MB message": _raise_long,
    "10,000 frames": _recurse,
    "NUL, escape, surrogate, line separators": _raise_hostile,
}
REPORTS: dict[str, object] = {
    "1 MB value": "y" * 1_048_576,
    "NaN": math.nan,
    "infinity": math.inf,
    "lone surrogate": "\ud800",
    "NUL bytes": "\x00" * 100,
    "bytes": b"\xff\x00\n",
    "a huge integer": 10**400,
    "a foreign object": Unshowable(),
    "a deep nest": _nested(500),
}


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    """An endpoint that enforces CloudWatch's limits."""
    with FakeLogs() as running:
        yield running


@pytest.fixture
def app(fake: FakeLogs, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """An app whose lines go to the endpoint."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    app = Flask("shop")
    app.logger.disabled = True
    app.config.update(
        ERRWATCH_REGION="eu-central-1",
        ERRWATCH_ENDPOINT_URL=fake.url,
        ERRWATCH_JOURNAL_DIR=str(tmp_path),
        ERRWATCH_SEND_INTERVAL=0.1,
    )
    return app


def _arrived(fake: FakeLogs, errwatch: ErrWatch, app: Flask) -> dict[str, object]:
    """The only line that arrived, matched against every pattern of the catalogue."""
    assert errwatch.flush(10, app=app)
    (arrived,) = fake.lines()
    assert len(arrived.message.encode()) <= 32 * 1024
    assert not [
        char
        for char in arrived.message
        if ord(char) < 32 or 127 <= ord(char) < 160 or char in "\u2028\u2029"
    ]
    catalogue = app.extensions["errwatch"].catalogue
    matched = PatternSet([parse(detector.pattern) for detector in catalogue]).matching(
        arrived.message
    )
    names = [detector.name for detector, matches in zip(catalogue, matched, strict=True) if matches]
    assert names == ["critical-error"]

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    event = json.loads(arrived.message, parse_constant=refuse)
    assert isinstance(event, dict)
    return event


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_with_any_content_arrives(crash: str, fake: FakeLogs, app: Flask) -> None:
    """An exception of any size and content is one valid line that its own filter matches."""
    errwatch = ErrWatch(app)
    app.add_url_rule("/", view_func=lambda: str(CRASHES[crash]()))
    assert app.test_client().get("/").status_code == 500
    event = _arrived(fake, errwatch, app)
    assert event["status"] == 500
    assert isinstance(event["exception"], dict)
    assert event["exception"]["type"] == "ValueError"


@pytest.mark.parametrize("value", REPORTS)
def test_a_report_with_any_value_arrives(value: str, fake: FakeLogs, app: Flask) -> None:
    """Reported values of any kind are one valid line that its own filter matches."""
    errwatch = ErrWatch(app)
    errwatch.report("critical-error", app=app, value=REPORTS[value])
    event = _arrived(fake, errwatch, app)
    assert isinstance(event["data"], dict)
    assert "value" in event["data"]
