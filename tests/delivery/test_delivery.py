"""Delivery end to end: a Flask app's lines arrive at CloudWatch Logs through every fault."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from flask_errwatch.delivery import Delivery
from flask_errwatch.delivery.journal.disk import DiskJournal
from flask_errwatch.extension import AppState, ErrWatch
from tests.fake_logs import FakeLogs, Mode
from tests.lines import line
from tests.processes import blocked_in

MakeApp = Callable[..., tuple[Flask, ErrWatch]]


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    """An endpoint that works until a test switches it."""
    with FakeLogs() as running:
        yield running


@pytest.fixture
def make_app(fake: FakeLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Creates apps whose lines go to the endpoint."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    def make(**settings: object) -> tuple[Flask, ErrWatch]:
        app = Flask("shop")
        app.config.update(
            ERRWATCH_REGION="eu-central-1",
            ERRWATCH_ENDPOINT_URL=fake.url,
            ERRWATCH_JOURNAL_DIR=str(tmp_path / "journal"),
            ERRWATCH_SEND_INTERVAL=0.1,
        )
        app.config.update({f"ERRWATCH_{key.upper()}": value for key, value in settings.items()})
        errwatch = ErrWatch(app)
        app.add_url_rule("/boom", view_func=_boom)
        return app, errwatch

    return make


def _shippers() -> int:
    return sum(thread.name == "errwatch-shipper" for thread in threading.enumerate())


def _boom() -> str:
    raise ValueError("boom")


def _delivery(app: Flask) -> Delivery:
    state = app.extensions["errwatch"]
    assert isinstance(state, AppState)
    return state.delivery


def _fail(app: Flask, count: int, prefix: str = "gone") -> list[str]:
    """Sends requests that are answered 404, and returns their paths."""
    client = app.test_client()
    paths = [f"/{prefix}-{number}" for number in range(count)]
    for path in paths:
        assert client.get(path).status_code == 404
    return paths


def _events(fake: FakeLogs) -> list[dict[str, object]]:
    return [json.loads(arrived.message) for arrived in fake.lines()]


def _paths(fake: FakeLogs) -> list[object]:
    return [event["path"] for event in _events(fake) if "path" in event]


def _wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true in time"
        time.sleep(0.01)


def _stderr_with(text: str, capfd: pytest.CaptureFixture[str]) -> str:
    """What was written to stderr since it was read last, when it contains the text."""
    written = ""

    def is_there() -> bool:
        nonlocal written
        written += capfd.readouterr().err
        return text in written

    _wait_until(is_there)
    return written


def test_lines_arrive_with_their_own_times_in_a_stream_of_the_process(
    fake: FakeLogs, make_app: MakeApp
) -> None:
    """Each line is one log event with the time in the line, in a stream of this process alone."""
    app, errwatch = make_app()
    paths = _fail(app, 3)
    assert errwatch.flush(60)
    assert _paths(fake) == paths
    for arrived in fake.lines():
        line = json.loads(arrived.message)
        seconds, milliseconds = divmod(arrived.timestamp, 1000)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        assert line["timestamp"] == f"{stamp}.{milliseconds:03d}Z"
        assert arrived.group == "shop"
        assert re.fullmatch(rf".+/shop/{os.getpid()}-\d{{8}}T\d{{6}}Z", arrived.stream)
    stats = errwatch.stats(app)
    assert (stats.emitted, stats.delivered, stats.pending, stats.dropped) == (3, 3, 0, 0)


def test_the_delivery_starts_with_the_first_request(
    fake: FakeLogs, make_app: MakeApp, tmp_path: Path
) -> None:
    """`init_app` makes no AWS call and creates no file and no thread."""
    threads = threading.active_count()
    app, errwatch = make_app()
    assert not (tmp_path / "journal").exists()
    assert threading.active_count() == threads
    assert not fake.calls
    app.test_client().get("/boom")
    assert (tmp_path / "journal").exists()
    assert errwatch.flush(60)
    assert fake.calls["PutLogEvents"] == 1


def test_a_request_that_does_not_fail_starts_the_shipper(make_app: MakeApp, tmp_path: Path) -> None:
    """Lines of a dead process are found although this one never fails."""
    app, _ = make_app()
    app.add_url_rule("/", view_func=lambda: "fine")
    app.test_client().get("/")
    assert list((tmp_path / "journal").glob("shop.*/*.lock"))


def test_the_shipper_leaves_the_signals_to_the_app(fake: FakeLogs, make_app: MakeApp) -> None:
    """The thread blocks the signals that end or reload a server, and still delivers."""
    others = {*threading.enumerate()}  # also the shippers of other tests' apps
    app, _ = make_app()
    _fail(app, 1)
    started = {*threading.enumerate()} - others
    (shipper,) = [thread for thread in started if thread.name == "errwatch-shipper"]
    assert fake.wait_for(1, timeout=60)
    assert shipper.native_id is not None
    assert blocked_in(shipper.native_id) >= {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def test_critical_lines_go_at_once(fake: FakeLogs, make_app: MakeApp) -> None:
    """A crash is sent long before the interval is over, together with the lines before it."""
    app, _ = make_app(send_interval=3600)
    _fail(app, 1)
    app.test_client().get("/boom")
    assert fake.wait_for(2, timeout=60)
    assert [event["event"] for event in _events(fake)] == ["Not Found Error", "Critical Error"]


def test_other_lines_wait_for_the_interval(fake: FakeLogs, make_app: MakeApp) -> None:
    """Lines of lower levels wait for the interval or a flush."""
    app, errwatch = make_app(send_interval=3600)
    _fail(app, 2)
    assert not fake.wait_for(1, timeout=1)
    assert errwatch.stats(app).pending == 2
    assert errwatch.flush(60)
    assert fake.count() == 2


FAULTS: list[Mode] = ["500", "throttle", "deny", "expired", "refuse", "lost-reply"]


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_delays_and_never_loses(
    mode: Mode, fake: FakeLogs, make_app: MakeApp, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through every kind of outage requests are answered, lines wait, and all arrive after it."""
    app, errwatch = make_app()
    before = _fail(app, 3, "before")
    assert errwatch.flush(60)
    fake.switch(mode)
    during = _fail(app, 50, "during")
    written = _stderr_with("lines wait in the journal", capfd)
    for _ in range(3):  # each tries again at once
        assert not errwatch.flush(0.2)
    assert errwatch.stats(app).last_error is not None
    written += capfd.readouterr().err
    assert written.count("lines wait in the journal") == 1
    assert "logs:PutLogEvents failed with" in written
    fake.switch("ok")
    after = _fail(app, 3, "after")
    assert errwatch.flush(60)
    assert sorted(set(map(str, _paths(fake)))) == sorted(before + during + after)
    assert _stderr_with("CloudWatch Logs accepts lines again", capfd)
    if mode != "lost-reply":
        assert len(_paths(fake)) == 56
        assert errwatch.stats(app).redelivered == 0
    else:
        assert errwatch.stats(app).redelivered > 0
    assert errwatch.stats(app).dropped == 0


def test_a_hang_does_not_keep_a_request_waiting(fake: FakeLogs, make_app: MakeApp) -> None:
    """While AWS takes connections and never answers, requests are answered and lines wait."""
    app, errwatch = make_app()
    fake.switch("hang")
    paths = _fail(app, 20)
    assert not errwatch.flush(0.5)
    fake.switch("ok")
    assert errwatch.flush(60)
    assert sorted(set(map(str, _paths(fake)))) == sorted(paths)


def test_a_deleted_group_and_stream_are_created_again(fake: FakeLogs, make_app: MakeApp) -> None:
    """Deleting the stream or the whole group loses no line."""
    app, errwatch = make_app()
    _fail(app, 1, "a")
    assert errwatch.flush(60)
    fake.delete_streams()
    _fail(app, 1, "b")
    assert errwatch.flush(60)
    fake.delete_group("shop")
    _fail(app, 1, "c")
    assert errwatch.flush(60)
    assert errwatch.stats(app).delivered == 3
    assert errwatch.stats(app).last_error is None


def test_a_stream_that_is_slow_to_create_loses_nothing(fake: FakeLogs, make_app: MakeApp) -> None:
    """Lines wait while their stream is being created."""
    fake.slow_streams(1.0)
    app, errwatch = make_app()
    paths = _fail(app, 200)
    assert errwatch.flush(60)
    assert _paths(fake) == paths


def test_lines_that_are_too_old_are_counted_and_named(
    fake: FakeLogs, make_app: MakeApp, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line 15 days old among others is logged, counted and reported. The others arrive."""
    app, errwatch = make_app()
    delivery = _delivery(app)
    now = time.time_ns() // 1_000_000
    for number in range(1001):
        age = 15 * 86_400_000 if number == 500 else 0
        delivery.write(line(now - age, n=number))
    assert errwatch.flush(60)
    _wait_until(lambda: fake.count() >= 1001)
    numbers = [event["n"] for event in _events(fake) if "n" in event]
    assert sorted(map(str, numbers)) == sorted(str(n) for n in range(1001) if n != 500)
    (dropped,) = [event for event in _events(fake) if event.get("event") == "Lines Dropped"]
    data = dropped["data"]
    assert isinstance(data, dict)
    assert data["count"] == 1
    assert data["reason"] == "older than 14 days"
    assert data["first"] == data["last"]
    assert errwatch.stats(app).dropped == 1
    assert '{"n":500,' in capfd.readouterr().err


def test_losses_are_reported_when_lines_arrive_again(fake: FakeLogs, make_app: MakeApp) -> None:
    """Past the bound the oldest lines are dropped. Arrived and reported lines add up to all."""
    app, errwatch = make_app(journal_max_bytes=1_048_576)
    fake.switch("deny")
    sent = len(_fail(app, 5000))
    _wait_until(lambda: errwatch.stats(app).dropped > 0)
    fake.switch("ok")
    assert errwatch.flush(60)
    _wait_until(lambda: any(event["event"] == "Lines Dropped" for event in _events(fake)))
    assert errwatch.flush(60)
    reported = 0
    for event in _events(fake):
        if event["event"] == "Lines Dropped":
            data = event["data"]
            assert isinstance(data, dict)
            assert data["reason"] == "the journal is full"
            reported += int(data["count"])
    assert reported > 0
    assert len(_paths(fake)) + reported == sent
    assert errwatch.stats(app).dropped == reported


def test_the_heartbeat_contains_the_figures(fake: FakeLogs, make_app: MakeApp) -> None:
    """Each process emits a line with its delivery figures once an interval."""
    app, errwatch = make_app(heartbeat_seconds=0.3)
    _fail(app, 2)
    assert fake.wait_for(3, timeout=60)
    assert errwatch.flush(60)
    beat = next(event for event in _events(fake) if event["event"] == "Heartbeat")
    assert beat["level"] == "info"
    assert beat["app"] == "shop"
    data = beat["data"]
    assert isinstance(data, dict)
    assert set(data) >= {"emitted", "delivered", "pending", "dropped", "redelivered"}
    assert data["emitted"] >= 2


def test_credentials_that_come_later_are_used(
    fake: FakeLogs, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines wait for credentials, and a client without any is created again."""
    app, errwatch = make_app()
    with monkeypatch.context() as patched:
        patched.delenv("AWS_ACCESS_KEY_ID")
        patched.delenv("AWS_SECRET_ACCESS_KEY")
        patched.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patched.setenv("AWS_CONFIG_FILE", os.devnull)
        paths = _fail(app, 5)
        assert not errwatch.flush(1)
    assert errwatch.flush(60)
    assert _paths(fake) == paths


def test_without_a_folder_lines_wait_in_memory(
    fake: FakeLogs, make_app: MakeApp, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A journal folder that cannot be used is logged once, and lines still arrive."""
    (tmp_path / "file").write_text("")
    app, errwatch = make_app(journal_dir=str(tmp_path / "file" / "below"))
    paths = _fail(app, 3)
    assert errwatch.flush(60)
    assert _paths(fake) == paths
    assert capfd.readouterr().err.count("lines wait in memory") == 1


_CHILD = """
import os, sys, signal
from flask import Flask
from flask_errwatch.extension import ErrWatch
app = Flask("shop")
errwatch = ErrWatch(app)
client = app.test_client()
for number in range(int(sys.argv[1])):
    client.get(f"/gone-{number}")
exec(sys.argv[2])
"""


#: From 3.12 on Python warns of any fork by `__main__` beside a thread: docs/delivery.md.
FORKS = "ignore:This process:DeprecationWarning"


def _environment(
    fake: FakeLogs, tmp_path: Path, changed: Mapping[str, str | None] | None
) -> dict[str, str]:
    environment: dict[str, str | None] = {
        **os.environ,
        "ERRWATCH_ENDPOINT_URL": fake.url,
        "ERRWATCH_REGION": "eu-central-1",
        "ERRWATCH_JOURNAL_DIR": str(tmp_path / "journal"),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        **(changed or {}),
    }
    return {key: value for key, value in environment.items() if value is not None}


def _child(
    fake: FakeLogs,
    tmp_path: Path,
    code: str,
    *,
    lines: int = 20,
    changed: Mapping[str, str | None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs the code after so many failing requests, to its end: a minute is far too long."""
    return subprocess.run(
        [sys.executable, "-W", FORKS, "-c", _CHILD, str(lines), code],
        env=_environment(fake, tmp_path, changed),
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _held_child(
    fake: FakeLogs, tmp_path: Path, code: str, changed: Mapping[str, str | None]
) -> Iterator[subprocess.Popen[str]]:
    """The same, but the code runs when a line is written to its standard input."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CHILD, "20", f"signal.alarm(60)\ninput()\n{code}"],
        env=_environment(fake, tmp_path, {"ERRWATCH_SEND_INTERVAL": "0.1", **changed}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def test_a_script_that_ends_has_sent_its_lines(fake: FakeLogs, tmp_path: Path) -> None:
    """The end of the interpreter flushes: the script needs no call."""
    done = _child(fake, tmp_path, "pass")
    assert (done.returncode, done.stderr) == (0, "")
    assert fake.count() == 20


NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
MISSING: dict[str, tuple[Mode, dict[str, str | None], str]] = {
    "credentials": (
        "ok",
        {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
        "NoCredentialsError.*Give the process AWS credentials",
    ),
    "region": ("ok", {"ERRWATCH_REGION": None}, "NoRegionError.*Set ERRWATCH_REGION"),
    "endpoint": ("refuse", {}, "EndpointConnectionError.*check ERRWATCH_ENDPOINT_URL"),
    "permission": (
        "deny",
        {},
        "AccessDeniedException.*Allow logs:CreateLogStream in the IAM policy",
    ),
}


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_missing_is_named_once_and_stops_nothing(
    missing: str, fake: FakeLogs, tmp_path: Path
) -> None:
    """Requests are answered, and one line on stderr names what is missing.

    The end of the process does not wait for what does not come by itself.
    """
    mode, environment, reason = MISSING[missing]
    fake.switch(mode)
    code = "print(client.get('/after').status)"
    timeout = {"ERRWATCH_SHUTDOWN_TIMEOUT": "1" if missing == "endpoint" else "300"}
    with _held_child(fake, tmp_path, code, {**NO_FILES, **environment, **timeout}) as child:
        assert child.stderr is not None
        first = child.stderr.readline()
        stdout, last = child.communicate("\n", timeout=60)
    assert re.fullmatch(f"flask-errwatch: lines wait in the journal: .*{reason}.*\n", first)
    assert last == "flask-errwatch: 21 lines left in the journal as the process ends\n"
    assert (child.returncode, stdout) == (0, "404 NOT FOUND\n")


@pytest.mark.stress
def test_the_end_waits_for_what_comes_by_itself(fake: FakeLogs, tmp_path: Path) -> None:
    """A process that ends in an outage goes on trying, and delivers when the outage is over."""
    fake.switch("500")
    code = "print('leaving', flush=True)"
    with _held_child(fake, tmp_path, code, {"ERRWATCH_SHUTDOWN_TIMEOUT": "50"}) as child:
        assert child.stderr is not None
        assert child.stdout is not None
        assert child.stdin is not None
        assert "lines wait in the journal" in child.stderr.readline()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "leaving\n"
        calls = fake.calls.total()
        _wait_until(lambda: fake.calls.total() >= calls + 2)
        fake.switch("ok")
        _, stderr = child.communicate(timeout=60)
    assert (child.returncode, fake.count()) == (0, 20)
    assert stderr == "flask-errwatch: CloudWatch Logs accepts lines again.\n"


def test_the_next_process_delivers_the_lines_of_a_killed_one(
    fake: FakeLogs, tmp_path: Path, make_app: MakeApp
) -> None:
    """After kill -9 the next process of the same app delivers its lines, and one of the death."""
    fake.switch("deny")
    done = _child(fake, tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL
    assert fake.count() == 0
    fake.switch("ok")
    app, errwatch = make_app()
    app.test_client().get("/mine")
    assert fake.wait_for(22, timeout=60)
    assert errwatch.flush(60)
    by_pid: dict[object, int] = {}
    for event in _events(fake):
        by_pid[event["pid"]] = by_pid.get(event["pid"], 0) + 1
    assert sorted(by_pid.values()) == [2, 20]
    stats = errwatch.stats(app)
    assert (stats.emitted, stats.delivered, stats.pending) == (2, 22, 0)


@pytest.mark.parametrize("mode", ["500", "refuse", "hang", "deny"])
def test_an_exit_in_an_outage_is_bounded_and_keeps_the_lines(
    mode: Mode, fake: FakeLogs, tmp_path: Path, make_app: MakeApp
) -> None:
    """The process ends although the outage does not, and the next one delivers its lines."""
    fake.switch(mode)
    done = _child(fake, tmp_path, "pass", changed={"ERRWATCH_SHUTDOWN_TIMEOUT": "1"})
    assert done.returncode == 0
    assert "20 lines left in the journal as the process ends" in done.stderr
    fake.switch("ok")
    app, errwatch = make_app()
    app.test_client().get("/mine")
    assert fake.wait_for(21, timeout=60)
    assert errwatch.flush(60)


def test_a_fork_has_its_own_journal_stream_and_count(fake: FakeLogs, tmp_path: Path) -> None:
    """A child never sends its parent's lines, and its `seq` begins at 1."""
    code = (
        "errwatch.flush(60)\n"
        "client.get('/parent')\n"
        "pid = os.fork()\n"
        "client.get('/child' if pid == 0 else '/parent-2')\n"
        "errwatch.flush(60)\n"
        "os._exit(0) if pid == 0 else os.waitpid(pid, 0)\n"
    )
    done = _child(fake, tmp_path, code, lines=1)
    assert (done.returncode, done.stderr) == (0, "")
    events = {str(event["path"]): event for event in _events(fake) if "path" in event}
    assert set(events) == {"/gone-0", "/parent", "/child", "/parent-2"}
    assert [events[path]["seq"] for path in ("/gone-0", "/parent", "/child", "/parent-2")] == [
        *(1, 2, 1, 3),
    ]
    assert events["/child"]["process"] != events["/parent"]["process"]
    assert len({arrived.stream for arrived in fake.lines()}) == 2
    assert len(_paths(fake)) == 4


@pytest.mark.parametrize("delay", [0, 0.02, 0.1, 0.2, 0.4])
def test_a_fork_while_the_parent_starts_to_ship_does_no_harm(
    delay: float, fake: FakeLogs, tmp_path: Path
) -> None:
    """The children of a preloaded app that has reported can import and deliver."""
    code = (
        f"time.sleep({delay})\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    signal.alarm(60)\n"
        "    import boto3, watchtower, concurrent.futures\n"
        "    client.get('/child')\n"
        "    os._exit(0 if errwatch.flush(50) else 1)\n"
        "_, status = os.waitpid(pid, 0)\n"
        "assert status == 0, status\n"
    )
    done = _child(fake, tmp_path, f"import time\n{code}", lines=1)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(map(str, _paths(fake))) == ["/child", "/gone-0"]


def test_stdout_gets_whole_lines(tmp_path: Path, fake: FakeLogs) -> None:
    """The sink `stdout` writes each line to the standard output, and nothing to AWS."""
    done = _child(
        fake,
        tmp_path,
        "os.environ['ERRWATCH_SINKS'] = 'stdout'\n"
        "other = Flask('other')\n"
        "ErrWatch(other)\n"
        "other.test_client().get('/gone')\n"
        "print('mine')",
        lines=0,
    )
    first, second = done.stdout.splitlines()
    assert json.loads(first)["event"] == "Not Found Error"
    assert second == "mine"
    assert not fake.calls


def test_a_sink_that_fails_does_not_affect_the_others(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed standard output is an error in the stats, and the other sinks have the line."""
    app, errwatch = make_app(sinks="stdout,memory")

    def closed(_descriptor: int, _text: bytes) -> int:
        raise OSError(9, "Bad file descriptor")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", closed)
        app.test_client().get("/gone")
    assert len(_delivery(app).memory.lines) == 1
    assert "Bad file descriptor" in str(errwatch.stats(app).last_error)


def test_the_shipper_of_a_collected_app_sends_what_is_left_and_ends(
    fake: FakeLogs, make_app: MakeApp
) -> None:
    """The lines of an app without references are delivered, then its thread ends."""
    app, _ = make_app(send_interval=0.5)
    others = _shippers()
    paths = _fail(app, 3)
    assert _shippers() == others + 1
    del app
    _wait_until(lambda: gc.collect() >= 0 and _shippers() <= others)
    assert _paths(fake) == paths


def test_a_removed_journal_is_replaced(
    fake: FakeLogs, make_app: MakeApp, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Removing the journal while lines wait, as cleaners of temp folders do, loses none."""
    app, errwatch = make_app()
    before = _fail(app, 20, "before")
    assert errwatch.flush(60)
    fake.switch("deny")
    during = _fail(app, 20, "during")
    shutil.rmtree(tmp_path / "journal")
    _wait_until(lambda: bool(list((tmp_path / "journal").glob("shop.*/*.log"))))
    after = _fail(app, 20, "after")
    fake.switch("ok")
    assert errwatch.flush(60)
    assert _paths(fake) == before + during + after
    assert capfd.readouterr().err.count("the journal was removed") == 1
    assert errwatch.stats(app).dropped == 0


def test_lines_that_went_with_a_removed_journal_are_counted(
    fake: FakeLogs, make_app: MakeApp, tmp_path: Path
) -> None:
    """Lines in older segments of a removed journal are lost, counted and reported."""
    app, errwatch = make_app(journal_max_bytes=2_097_152)
    fake.switch("deny")
    sent = len(_fail(app, 400))
    shutil.rmtree(tmp_path / "journal")
    _wait_until(lambda: bool(list((tmp_path / "journal").glob("shop.*/*.log"))))
    fake.switch("ok")
    assert errwatch.flush(60)
    _wait_until(lambda: any(event["event"] == "Lines Dropped" for event in _events(fake)))
    (dropped,) = [event["data"] for event in _events(fake) if event["event"] == "Lines Dropped"]
    assert isinstance(dropped, dict)
    assert dropped["reason"] == "the journal was removed"
    assert len(_paths(fake)) + int(dropped["count"]) == sent


def test_a_closed_descriptor_is_opened_again(fake: FakeLogs, make_app: MakeApp) -> None:
    """After something closed all descriptors, waiting lines and new ones are delivered."""
    app, errwatch = make_app(send_interval=3600)
    before = _fail(app, 2, "before")
    sink = _delivery(app)._cloudwatch
    assert sink is not None
    journal = sink.journal
    assert isinstance(journal, DiskJournal)
    os.close(journal.writer.descriptor)
    _wait_until(journal.writer.owns_descriptor)
    after = _fail(app, 2, "after")
    assert errwatch.flush(60)
    assert _paths(fake) == before + after


def test_a_shipper_that_cannot_start_costs_no_line_and_no_descriptor(
    fake: FakeLogs, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If no thread can be started, lines wait in the journal for another process."""
    app, errwatch = make_app()

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        _fail(app, 1)
        before = len(list(Path("/proc/self/fd").iterdir()))
        _fail(app, 20)
        # What an earlier test left may be closed meanwhile.
        assert len(list(Path("/proc/self/fd").iterdir())) <= before
    stats = errwatch.stats(app)
    assert (stats.emitted, stats.pending) == (21, 21)
    assert "can't start new thread" in str(stats.last_error)
    assert fake.count() == 0
    del app


def test_a_report_of_losses_is_repeated_until_accepted(fake: FakeLogs, make_app: MakeApp) -> None:
    """In an overflow that goes on, as many lines are reported as were dropped."""
    app, errwatch = make_app(journal_max_bytes=1_048_576)
    delivery = _delivery(app)
    limit = time.monotonic() + 60
    while errwatch.stats(app).dropped < 20_000:
        now = time.time_ns() // 1_000_000
        for number in range(2000):
            delivery.write(line(now, n=number, pad="x" * 400))
        assert time.monotonic() < limit

    def reported() -> int:
        total = 0
        for event in _events(fake):
            data = event.get("data")
            if event.get("event") == "Lines Dropped" and isinstance(data, dict):
                total += int(data["count"])
        return total

    assert errwatch.flush(60)
    _wait_until(lambda: reported() == errwatch.stats(app).dropped)
    assert errwatch.flush(60)
    stats = errwatch.stats(app)
    assert stats.emitted == stats.delivered + stats.dropped
