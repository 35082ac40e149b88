"""Failures that are alike share a line, whose count is exact."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import types
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from flask import Flask, abort

from flask_errwatch import Detector, ErrWatch, event_recorded
from flask_errwatch.capture import collapse
from flask_errwatch.capture.collapse import MOST, MOST_LARGE, Folds
from flask_errwatch.capture.events import Event
from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.testing import capture_events

LONG = 60.0


def _wait_until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true in time"
        time.sleep(0.01)


def _app(window: float) -> tuple[Flask, ErrWatch]:
    app = Flask("shop")
    app.config.update(ERRWATCH_SINKS="memory", ERRWATCH_COLLAPSE_SECONDS=window)
    report = Detector(name="login-failed", event="Login Failed")
    errwatch = ErrWatch(app, detectors=[*DEFAULT_DETECTORS, report])

    @app.get("/fail/<int:kind>")
    def fail(kind: int) -> str:
        if kind == 403:
            abort(403)
        if kind == 1:
            raise ValueError("one")
        raise KeyError("two")

    return app, errwatch


def _lines(app: Flask) -> list[dict[str, object]]:
    memory = app.extensions["errwatch"].delivery.memory
    return [json.loads(line) for line in memory.lines]


def _get(app: Flask, path: str, address: str = "192.0.2.1") -> None:
    app.test_client().get(path, environ_base={"REMOTE_ADDR": address})


def test_what_is_alike_shares_a_line() -> None:
    """The first one is written at once. The rest has an exact count, times and five paths."""
    app, errwatch = _app(LONG)
    for number in range(100):
        _get(app, f"/gone-{number}")
    (first,) = _lines(app)
    assert (first["path"], first["count"]) == ("/gone-0", 1)
    assert "first" not in first
    assert errwatch.flush(10)
    _, rest = _lines(app)
    assert (rest["event"], rest["path"], rest["count"]) == ("Not Found Error", "/gone-99", 99)
    assert rest["paths"] == [f"/gone-{number}" for number in range(1, 6)]
    times = [first["timestamp"], rest["first"], rest["last"], rest["timestamp"]]
    assert times == sorted(map(str, times))
    keys = [*rest]
    assert keys[keys.index("count") :][:5] == ["count", "first", "last", "paths", "app"]
    assert (first["seq"], rest["seq"]) == (1, 2)


def test_what_differs_has_its_own_line() -> None:
    """Another source, detector, route or exception is another fold."""
    app, errwatch = _app(LONG)
    for _ in range(3):
        _get(app, "/gone")
        _get(app, "/gone", "192.0.2.2")
        _get(app, "/fail/403")
        _get(app, "/fail/1")
        _get(app, "/fail/2")
        for name in ("ann", "bob"):
            errwatch.report("login-failed", app=app, username=name)
    assert errwatch.flush(10)
    assert [line["count"] for line in _lines(app)] == [1] * 7 + [2] * 7
    reported = [line["data"] for line in _lines(app) if line["event"] == "Login Failed"]
    assert reported == [{"username": "ann"}, {"username": "bob"}] * 2


def test_two_routes_are_two_folds() -> None:
    """Also with one detector and one source. Paths of one route are alike."""
    app, errwatch = _app(LONG)
    app.add_url_rule("/orders/<int:number>", "order", lambda **_: abort(403))
    for number in range(3):
        _get(app, f"/orders/{number}")
        _get(app, "/fail/403")
    assert errwatch.flush(10)
    assert [(line["route"], line["count"]) for line in _lines(app)] == [
        ("/orders/<int:number>", 1),
        ("/fail/<int:kind>", 1),
        ("/orders/<int:number>", 2),
        ("/fail/<int:kind>", 2),
    ]


def test_without_the_key_no_line_has_a_count() -> None:
    """The default is as before: a line for each event."""
    app, _ = _app(0)
    for _ in range(3):
        _get(app, "/gone")
    assert [line.get("count") for line in _lines(app)] == [None] * 3


def test_the_end_of_a_window_needs_no_further_event() -> None:
    """A thread writes the rest, and ends when nothing is folded any more."""
    app, _ = _app(0.2)
    for _ in range(5):
        _get(app, "/gone")
    _wait_until(lambda: sum(int(str(line["count"])) for line in _lines(app)) == 5)
    _wait_until(lambda: not any(one.name == "errwatch-collapse" for one in threading.enumerate()))
    _get(app, "/gone")
    assert _lines(app)[-1]["count"] == 1


def test_threads_lose_and_add_nothing() -> None:
    """Many threads at once: the counts add up to all events."""
    app, errwatch = _app(0.05)

    def flood() -> None:
        for number in range(300):
            _get(app, f"/gone-{number}", f"192.0.2.{number % 5}")

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errwatch.flush(10)
    assert sum(int(str(line["count"])) for line in _lines(app)) == 2400


def test_every_event_has_its_signal_and_its_hooks() -> None:
    """Hooks and receivers see events, as before, and not lines. Secrets are masked for them."""
    app, errwatch = _app(LONG)
    seen: list[Event] = []

    @errwatch.enrich
    def add(_event: Event) -> dict[str, object]:
        return {"password": "hunter2"}

    def receive(_sender: object, event: Event, **_: object) -> None:
        seen.append(event)

    with event_recorded.connected_to(receive, sender=app):
        for number in range(4):
            _get(app, f"/gone-{number}")
    assert [event["path"] for event in seen] == [f"/gone-{number}" for number in range(4)]
    assert "hunter2" not in str(seen)


def test_captured_events_have_counts() -> None:
    """`capture_events` shows the lines as they would be written."""
    app, errwatch = _app(LONG)
    with capture_events() as captured:
        for _ in range(3):
            _get(app, "/gone")
        errwatch.flush(1)
    assert captured[0]["count"] == 1


_SCRIPT = """
import os, signal, sys
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
app.config.update(ERRWATCH_SINKS="stdout", ERRWATCH_COLLAPSE_SECONDS=60)
errwatch = ErrWatch(app)
client = app.test_client()
for number in range(1000):
    client.get(f"/gone-{number}")
"""
ENDS: dict[str, str] = {
    "exit": "",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()",
    "a fork": "if not os.fork():\n    client.get('/child')\nelse:\n    os.wait()",
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_process_writes_the_rest(end: str) -> None:
    """Each event is counted once, by the process that had it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT + ENDS[end]],
        check=False,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == (-signal.SIGTERM if end == "SIGTERM" else 0), done.stderr
    counts: Counter[int] = Counter()
    for line in map(json.loads, done.stdout.splitlines()):
        counts[line["pid"]] += line["count"]
    assert sorted(counts.values()) == ([1, 1000] if end == "a fork" else [1000])


def _event(source: str, path: str = "/") -> Event:
    fields: Event = {"detector": "gone", "client_ip": source, "timestamp": "t", "path": path}
    return fields


def test_a_fold_has_at_most_one_line_in_a_window() -> None:
    """However long it goes on. The counts of its lines are exact."""
    folds, lines = Folds(1.0), []
    for tick in range(1, 10_001):
        now = tick / 100
        lines += [(now, event["count"]) for event in folds.due(now)]
        own = folds.fold(_event("192.0.2.1"), now)
        if own is not None:
            lines.append((now, own["count"]))
    lines += [(LONG * 2, event["count"]) for event in folds.all()]
    assert sum(count for _, count in lines) == 10_000
    assert all(later - earlier >= 0.99 for (earlier, _), (later, _) in pairwise(lines))


def test_two_users_do_not_share_a_line() -> None:
    """Whoever signs in from behind one address is seen."""
    folds = Folds(1.0)
    users = ["ann", "bob", "ann", None]
    events = [{**_event("192.0.2.1"), **({"user": user} if user else {})} for user in users]
    written = [folds.fold(event, 0.0) is not None for event in events]
    assert written == [True, True, False, True]


def test_the_open_folds_are_bounded() -> None:
    """A million sources get a line each, and memory for the newest ones only."""
    folds = Folds(1.0)
    written = sum(folds.fold(_event(f"{number:x}"), 0.0) is not None for number in range(50_000))
    assert (written, len(folds)) == (50_000, MOST)
    assert folds.fold(_event(f"{49_999:x}"), 0.5) is None
    assert [event["count"] for event in folds.due(1.0)] == [1]
    assert folds.due(2.0) == []
    assert len(folds) == 0


@pytest.mark.parametrize("events", [1, 2])
@pytest.mark.parametrize("more", [{}, {"data": {"username": "ann"}}], ids=["small", "large"])
def test_many_sources_do_not_keep_another_one_from_folding(
    events: int, more: dict[str, object]
) -> None:
    """The oldest folds end early for it, with a line or without. Each event is in one line."""
    folds = Folds(1.0)
    bound = MOST_LARGE if more else MOST
    counts = []
    for number in range(bound):
        for _ in range(events):
            own = folds.fold({**_event(f"10.0.{number}"), **more}, 0.0)
            counts += [] if own is None else [own["count"]]
    flood = [folds.fold({**_event("192.0.2.1"), **more}, 0.1) for _ in range(1000)]
    assert [own["count"] for own in flood if own is not None] == [1]
    assert len(folds) == bound
    counts += [line["count"] for line in folds.due(0.2)]
    assert sum(counts) == bound + events - 1
    counts += [line["count"] for line in folds.all()]
    assert sum(counts) + 1 == bound * events + 1000
    assert folds.all() == []


def test_foreign_values_are_not_compared() -> None:
    """Their events have a line each. None is lost."""
    app, errwatch = _app(LONG)
    for _ in range(2):
        errwatch.report("login-failed", app=app, value=object())
    assert [line["count"] for line in _lines(app)] == [1, 1]


def _refuse_threads(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str, _target: object) -> object:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(app.extensions["errwatch"].delivery, "start_thread", refuse)


def test_without_a_thread_the_next_event_writes_what_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that comes after the window of its fold belongs to the next one."""
    app, errwatch = _app(LONG)
    _refuse_threads(app, monkeypatch)
    now = time.monotonic()
    counts = []
    for seconds in (0, 1, LONG + 1):
        clock = types.SimpleNamespace(monotonic=lambda at=now + seconds: at)
        monkeypatch.setattr(collapse, "time", clock)
        _get(app, "/gone")
        counts.append([line["count"] for line in _lines(app)])
    assert counts == [[1], [1], [1, 1]]
    assert errwatch.flush(10)
    assert [line["count"] for line in _lines(app)] == [1, 1, 1]


def test_an_event_in_the_middle_of_another_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler may report where the interrupted frame has the lock."""
    app, errwatch = _app(LONG)
    fold = Folds.fold

    def interrupted(folds: Folds, event: Event, now: float) -> Event | None:
        monkeypatch.setattr(Folds, "fold", fold)
        errwatch.report("login-failed", app=app)
        return fold(folds, event, now)

    monkeypatch.setattr(Folds, "fold", interrupted)
    request = threading.Thread(target=_get, args=(app, "/gone"), daemon=True)
    request.start()
    request.join(60)
    assert [(line["event"], line["count"]) for line in _lines(app)] == [
        ("Login Failed", 1),
        ("Not Found Error", 1),
    ]


def test_the_line_of_a_fold_has_the_time_at_which_it_is_written() -> None:
    """And an id of its own: that of no event that a receiver has seen."""
    app, errwatch = _app(LONG)
    seen: list[str] = []

    def receive(_sender: object, event: Event, **_: object) -> None:
        seen.append(event["id"])

    with event_recorded.connected_to(receive, sender=app):
        for _ in range(3):
            _get(app, "/gone")
    since = time.time()
    _wait_until(lambda: time.time() > since + 0.002)
    assert errwatch.flush(10)
    first, rest = _lines(app)
    assert first["id"] == seen[0]
    assert str(rest["id"]) > max(seen)
    assert str(rest["timestamp"]) > str(rest["last"])


def test_a_flush_ends_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left for which it could wait, here for more than an hour."""

    def monotonic() -> float:
        is_own = threading.current_thread().name == "errwatch-collapse"
        return time.monotonic() - 4000 * is_own

    monkeypatch.setattr(collapse, "time", types.SimpleNamespace(monotonic=monotonic))
    before = {*threading.enumerate()}
    app, errwatch = _app(LONG)
    _get(app, "/gone")
    (thread,) = (
        one for one in {*threading.enumerate()} - before if one.name == "errwatch-collapse"
    )
    assert errwatch.flush(10)
    _wait_until(lambda: not thread.is_alive())


def test_the_large_folds_have_a_bound_of_their_own() -> None:
    """Those with `data` take much memory. What ends makes room for others, however it ends."""
    app, errwatch = _app(LONG)

    def report_all(name: str) -> list[int]:
        before = len(_lines(app))
        for number in range(MOST_LARGE + 2):
            for _ in range(2):
                errwatch.report("login-failed", app=app, username=f"{name}-{number}")
        at_once = len(_lines(app)) - before
        assert errwatch.flush(10)
        return [at_once, len(_lines(app)) - before]

    # The first of each at once, and what two were folded into that had to end; then the others.
    expected = [MOST_LARGE + 4, 2 * MOST_LARGE + 4]
    assert report_all("ann") == expected
    assert report_all("bob") == expected  # the flush has ended the windows of the first ones


def test_large_folds_that_end_by_themselves_make_room() -> None:
    """Without a flush, too: nothing came in their window."""
    folds = Folds(1.0)
    for now in (0.0, 2.0, 4.0):
        for number in range(MOST_LARGE):
            event = {**_event("192.0.2.1"), "data": {"username": f"{now}-{number}"}}
            assert folds.fold({**event}, now) is not None
            assert folds.fold({**event}, now) is None
        assert [event["count"] for event in folds.due(now + 1.0)] == [1] * MOST_LARGE
        assert folds.due(now + 2.0) == []


def test_a_line_is_at_most_twice_as_long() -> None:
    """Whatever the paths of its events are."""
    app, errwatch = _app(LONG)
    for number in range(7):
        _get(app, f"/{number}" + "x" * 2000)
    errwatch.flush(10)
    plain, folded = (len(json.dumps(line)) for line in _lines(app))
    assert folded <= 2 * plain
