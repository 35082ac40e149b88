"""A process that dies leaves one `Process Died` line, and one that ends leaves none."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stress.harness import Child, Stage, stage, wait_until

#: Starts an app named `dying` that served one request and one failing one.
_SCRIPT = """
import gc, os, signal, sys, time
from pathlib import Path
from flask_errwatch.delivery.journal import process_marks
from tests.delivery.dying import make_app

def marked(text, times=1):
    folder = Path(os.environ["ERRWATCH_JOURNAL_DIR"])
    while not any(path.read_text().count(text) >= times for path in folder.glob("*/*.lock")):
        time.sleep(0.01)

app = make_app()
app.test_client().get("/").close()
app.test_client().get("/missing").close()
"""
_KILL = "os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def on() -> Iterator[Stage]:
    """A stage whose processes note their requests."""
    with stage(TRACK_REQUESTS=1, SEND_INTERVAL=0.1) as set_up:
        set_up.extra["DYING_NOTES"] = str(set_up.folder / "notes")
        (set_up.folder / "notes").mkdir()
        yield set_up


def _gunicorn(on: Stage, worker: str, *options: str) -> tuple[Child, int]:
    """Gunicorn with one worker, and its port."""
    server = on.start(
        *(sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", worker, "-w", "1"),
        *(*options, "-b", "127.0.0.1:0", "tests.delivery.dying:app"),
    )
    return server, server.port()


def _send(port: int, target: str, method: str = "GET") -> socket.socket:
    """Sends a request and does not wait for its response."""
    connection = socket.create_connection(("127.0.0.1", port))
    head = f"{method} {target} HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\nConnection: close"
    connection.sendall(f"{head}\r\n\r\n".encode())
    return connection


def _get(port: int, target: str = "/") -> bytes:
    """The response, empty when its process died."""
    with _send(port, target) as connection:
        parts = []
        while part := _received(connection):
            parts.append(part)
        return b"".join(parts)


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def _begun(on: Stage, *names: str) -> list[int]:
    """Waits until the views of these names have begun, and returns their process ids."""
    notes = [on.folder / "notes" / name for name in names]
    assert wait_until(lambda: all(path.is_file() and path.read_text() for path in notes))
    return [int(path.read_text()) for path in notes]


def _script(on: Stage, code: str) -> Child:
    """Runs the code after the start of `_SCRIPT`, to its end."""
    child = on.start(sys.executable, "-c", f"{_SCRIPT}{code}")
    child.ended()
    return child


def _deaths(on: Stage) -> list[dict[str, Any]]:
    return [line for line in on.arrived() if line["event"] == "Process Died"]


def _first_death(on: Stage) -> dict[str, Any]:
    assert wait_until(lambda: bool(_deaths(on)))
    return _deaths(on)[0]


def _all_deaths(on: Stage, *servers: Child) -> list[dict[str, Any]]:
    """Every such line, when the servers have ended and nothing is left in the journal."""
    for server in servers:
        server.end()
    on.drain("dying")
    return _deaths(on)


def test_a_killed_worker_names_the_requests_under_way(on: Stage) -> None:
    """One line names all of them, with their routes and without secrets or query strings."""
    server, port = _gunicorn(on, "gthread", "--threads", "4")
    _get(port, "/missing")
    assert wait_until(lambda: len(on.arrived()) == 1)
    held = [
        _send(port, "/stuck/one?password=hunter2", "POST"),
        _send(port, "/stuck/password=hunter2"),
        _send(port, "/streaming/three"),
    ]
    pid, *_ = _begun(on, "one", "password=hunter2", "three")
    files = [path.read_bytes() for path in on.journal.rglob("*") if path.is_file()]
    assert not any(b"hunter2" in content for content in files)
    os.kill(pid, signal.SIGKILL)
    _get(port)
    death = _first_death(on)
    assert [key for key in death if key not in {"timestamp", "id"}] == [
        *("event", "level", "schema", "data", "app", "host", "pid", "process", "seq")
    ]
    assert (death["event"], death["level"], death["app"]) == ("Process Died", "error", "dying")
    (missing,) = [line for line in on.arrived() if line["event"] == "Not Found Error"]
    data = death["data"]
    assert (data["pid"], data["host"]) == (pid, missing["host"])
    assert (data["process"], data["last_line"]) == (missing["process"], missing["timestamp"])
    assert data["started"] < data["last_line"] < data["last_seen"] < death["timestamp"]
    assert data["count"] == 3
    requests = sorted(data["requests"], key=lambda request: str(request["path"]))
    assert all(data["last_line"] < request.pop("started") for request in requests)
    stuck = {"route": "/stuck/<name>", "endpoint": "views.stuck"}
    streaming = {"route": "/streaming/<name>", "endpoint": "views.streaming"}
    assert requests == [
        {"method": "GET", "path": "/streaming/three", **streaming},
        {"method": "POST", "path": "/stuck/one", **stuck},
        {"method": "GET", "path": "/stuck/password=[redacted]", **stuck},
    ]
    assert [line["data"]["pid"] for line in _all_deaths(on, server)] == [pid]
    assert not list(on.journal.glob(f"*/{pid}-*"))
    for connection in held:
        connection.close()


@pytest.mark.parametrize("path", ["/segfault", "/busy/one"])
def test_a_crash_and_a_worker_that_hangs_in_c_name_their_request(path: str, on: Stage) -> None:
    """A segmentation fault, and gunicorn's timeout when no signal handler can run."""
    server, port = _gunicorn(on, "sync", "--timeout", "2")
    assert _get(port, path) == b""
    _get(port)
    data = _first_death(on)["data"]
    assert [request["path"] for request in data["requests"]] == [path]
    assert "last_line" not in data
    assert len(_all_deaths(on, server)) == 1


def test_a_timeout_that_ends_python_code_is_a_critical_error(on: Stage) -> None:
    """Gunicorn's worker exits then: its line has the frames, and its end mark is written."""
    server, port = _gunicorn(on, "sync", "--timeout", "2")
    assert b"500 Internal Server Error" in _get(port, "/looping/one")
    assert _all_deaths(on, server) == []
    (line,) = on.arrived()
    assert (line["event"], line["path"]) == ("Critical Error", "/looping/one")
    assert line["exception"]["type"] == "SystemExit"


def test_requests_that_ended_are_not_named(on: Stage) -> None:
    """Neither one that was answered nor one that failed."""
    server, port = _gunicorn(on, "gthread", "--threads", "4")
    assert b"200 OK" in _get(port)
    assert b"404 NOT FOUND" in _get(port, "/missing")
    (pid,) = [int(path.name.partition("-")[0]) for path in on.journal.glob("*/*.requests")]
    os.kill(pid, signal.SIGKILL)
    _get(port)
    data = _first_death(on)["data"]
    assert (data["pid"], data["count"], data["requests"]) == (pid, 0, [])
    assert len(_all_deaths(on, server)) == 1


def test_without_tracking_the_line_names_no_request(on: Stage) -> None:
    """Off by default: no file is written, and no wrapper is there."""
    del on.settings["TRACK_REQUESTS"]
    code = "print(type(app.wsgi_app).__name__, flush=True)\n"
    child = _script(on, code + _KILL)
    assert child.output == "Middleware\n"
    assert not list(on.journal.glob("*/*.requests"))
    (death,) = _all_deaths(on)
    assert sorted(death["data"]) == ["host", "last_line", "last_seen", "pid", "process", "started"]


_ENDINGS = {
    "the end of the script": "",
    "an exit": "sys.exit(3)",
    "an exception": "raise ValueError",
    "an exit in an outage": "",
    "an app that was dropped": "del app\ngc.collect()\nmarked('ended')\n" + _KILL,
}


@pytest.mark.parametrize("ending", _ENDINGS)
def test_an_ordinary_end_leaves_no_line(ending: str, on: Stage) -> None:
    """Also when lines are left in the journal."""
    on.settings["SHUTDOWN_TIMEOUT"] = 0
    if "outage" in ending:
        on.fake.switch("deny")
    _script(on, _ENDINGS[ending])
    on.fake.switch("ok")
    assert _all_deaths(on) == []
    assert [line["event"] for line in on.arrived()] == ["Not Found Error"]


def test_a_graceful_end_leaves_no_line(on: Stage) -> None:
    """SIGTERM to a server that lets its workers end, with a worker that was never asked too."""
    server, port = _gunicorn(on, "gthread", "--threads", "4", "-w", "2")
    _get(port)
    assert _all_deaths(on, server) == []


def test_a_journal_of_version_0_1_is_no_death(on: Stage) -> None:
    """Its lock file is empty: its process wrote no end mark however it ended."""
    on.fake.switch("deny")
    _script(on, _KILL)
    (lock,) = on.journal.glob("*/*.lock")
    lock.write_bytes(b"")
    on.fake.switch("ok")
    assert _all_deaths(on) == []
    assert [line["event"] for line in on.arrived()] == ["Not Found Error"]


def test_each_death_has_one_line_whoever_adopts_in_an_outage(on: Stage) -> None:
    """The second process reports the first, and dies before anything can be delivered."""
    on.fake.switch("deny")
    server, port = _gunicorn(on, "sync")
    pids = []
    for name in ("one", "two"):
        _get(port, "/missing")
        with _send(port, f"/stuck/{name}"):
            pids += _begun(on, name)
            assert all(_is_reported(on, pid) for pid in pids[:-1])
            os.kill(pids[-1], signal.SIGKILL)
    _get(port)
    assert _is_reported(on, pids[-1])
    on.fake.switch("ok")
    deaths = _all_deaths(on, server)
    assert sorted(line["data"]["pid"] for line in deaths) == sorted(pids)
    named = {line["data"]["pid"]: line["data"]["requests"][0]["path"] for line in deaths}
    assert named == dict(zip(pids, ["/stuck/one", "/stuck/two"], strict=True))


def _is_reported(on: Stage, pid: int) -> bool:
    """Whether the lock of a process that died is marked so, before long."""
    return wait_until(
        lambda: any(
            b'"reported"' in path.read_bytes() for path in on.journal.glob(f"*/{pid}-*.lock")
        )
    )


def test_several_apps_of_one_name_die_once(on: Stage) -> None:
    """They share the folder and the log group, and the line names the requests of both."""
    code = (
        "import threading\n"
        "other = make_app()\n"
        "other.test_client().get('/')\n"
        "for each in (app, other):\n"
        "    name = 'one' if each is app else 'two'\n"
        "    call = each.test_client().get\n"
        "    threading.Thread(target=call, args=(f'/stuck/{name}',), daemon=True).start()\n"
        "while len(os.listdir(os.environ['DYING_NOTES'])) < 2: time.sleep(0.01)\n"
    )
    _script(on, code + _KILL)
    (death,) = _all_deaths(on)
    paths = {request["path"] for request in death["data"]["requests"]}
    assert paths == {"/stuck/one", "/stuck/two"}


def test_one_of_several_apps_that_is_dropped_does_not_end_the_process(on: Stage) -> None:
    """The process has its mark for all apps of a name, and an app that came later counts."""
    code = (
        "from flask_errwatch.extension import state_of\n"
        "other = make_app()\n"
        "other.test_client().get('/')\n"
        "shipper = state_of(app).delivery._cloudwatch.shipper._thread\n"
        "del app\n"
        "gc.collect()\n"
        "shipper.join()\n"
    )
    _script(on, code + _KILL)
    assert len(_all_deaths(on)) == 1


@pytest.mark.stress
def test_a_process_that_goes_on_after_its_end_mark_can_die(on: Stage) -> None:
    """A handler may run what runs at the end, and the process serves on."""
    code = (
        "process_marks.RUNNING_AGAIN_AFTER = 0\n"
        "app.extensions['errwatch'].delivery.stop(time.monotonic() + 60)\n"
        "marked('ended')\n"
        "marked('running', 2)\n"
    )
    _script(on, code + _KILL)
    assert len(_all_deaths(on)) == 1


def test_a_fork_inside_a_request_leaves_the_request_to_the_parent(on: Stage) -> None:
    """The child's end of the request is not the parent's."""
    code = (
        "app = make_app()\n"
        "@app.get('/forking')\n"
        "def forking():\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        return 'child'\n"
        "    os.waitpid(child, 0)\n"
        f"    {_KILL}\n"
        "app.test_client().get('/forking').close()\n"
        "os._exit(0)\n"
    )
    _script(on, code)
    (death,) = _all_deaths(on)
    assert [request["path"] for request in death["data"]["requests"]] == ["/forking"]


def test_files_that_were_removed_are_created_again_with_their_marks(on: Stage) -> None:
    """A cleaner of the temp folder neither hides a death nor makes one up."""
    code = (
        "import shutil, threading\n"
        "folder = Path(os.environ['ERRWATCH_JOURNAL_DIR'])\n"
        "old = {path.name for path in folder.glob('*/*')}\n"
        "shutil.rmtree(folder)\n"
        "def found(): return {path.name for path in folder.glob('*/*.requests')} - old\n"
        "while not found(): time.sleep(0.01)\n"
        "call = app.test_client().get\n"
        "threading.Thread(target=call, args=('/stuck/one',), daemon=True).start()\n"
        "while not os.listdir(os.environ['DYING_NOTES']): time.sleep(0.01)\n"
        "for path in folder.glob('*/*.lock'): path.unlink()\n"
        "marked('running')\n"
    )
    _script(on, code + _KILL)
    (death,) = _all_deaths(on)
    assert [request["path"] for request in death["data"]["requests"]] == ["/stuck/one"]


def test_a_segment_that_was_removed_leaves_no_death_behind(on: Stage) -> None:
    """The journal gets another name: the old name's lock must not look like a process."""
    code = (
        "folder = Path(os.environ['ERRWATCH_JOURNAL_DIR'])\n"
        "for path in folder.glob('*/*.log'): path.unlink()\n"
        "marked('ended')\n"
    )
    _script(on, code)
    assert _all_deaths(on) == []


def test_a_busy_journal_folder_of_many_dead_processes_names_each(on: Stage) -> None:
    """More of them than a process adopts at a time."""
    children = [on.start(sys.executable, "-c", _SCRIPT + _KILL) for _ in range(6)]
    for child in children:
        child.ended()
    deaths = _all_deaths(on)
    assert len(deaths) == 6
    assert {line["data"]["pid"] for line in deaths} == {child.process.pid for child in children}
