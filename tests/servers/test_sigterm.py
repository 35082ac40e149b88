"""SIGTERM: servers that leave it its default action send their lines, and a signal ends them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.scripts import content, events, run, start
from tests.fake_logs import FakeLogs
from tests.stress.harness import Stage, stage, wait_until

_PYTHON = sys.executable

#: gevent's own server, under gevent.
_PYWSGI = """
from gevent import monkey
monkey.patch_all()
from gevent.pywsgi import WSGIServer
from tests.stress.stressed import app
server = WSGIServer(("127.0.0.1", 0), app, log=None)
server.init_socket()
print(f"127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""

#: uvicorn imports the app as it runs in each of its workers. Older versions always do.
_LATE_UVICORN = """
import uvicorn
uvicorn.Server(uvicorn.Config("tests.servers.served:asgi", port=0)).run()
"""

#: Each server, and how it is started on a port of the system's choice.
SERVERS = {
    "waitress": (_PYTHON, "-m", "waitress", "--listen=127.0.0.1:0", "tests.stress.stressed:app"),
    "flask run": (_PYTHON, "-m", "flask", "--app", "tests.stress.stressed", "run", "--port", "0"),
    "uvicorn": (_PYTHON, "-m", "uvicorn", "--port", "0", "tests.servers.served:asgi"),
    "uvicorn that imports the app as it runs": (_PYTHON, "-c", _LATE_UVICORN),
    "pywsgi": (_PYTHON, "-c", _PYWSGI),
}


@pytest.fixture
def on() -> Iterator[Stage]:
    """A stage whose lines wait for an hour, so that only the end of a process sends them."""
    with stage(SEND_INTERVAL=3600, SHUTDOWN_TIMEOUT=50) as set_up:
        yield set_up


@pytest.fixture
def fake() -> Iterator[FakeLogs]:
    """An endpoint that works until a test switches it."""
    with FakeLogs() as running:
        yield running


def _fail(port: int) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/gone", timeout=60)


@pytest.mark.parametrize("server", SERVERS)
def test_the_line_of_a_failing_request_is_sent(server: str, on: Stage) -> None:
    """Right after the response, SIGTERM ends the server, and its line has arrived by then."""
    child = on.start(*SERVERS[server])
    _fail(child.port())
    child.end()
    assert child.process.returncode == -signal.SIGTERM, child.output
    assert [line["path"] for line in on.arrived()] == ["/gone"], child.output


def test_an_outage_delays_the_end_by_the_timeout_and_keeps_the_lines(on: Stage) -> None:
    """The signal ends the process also then. Its lines are in the journal, and stderr says so."""
    on.fake.switch("500")
    on.settings["SHUTDOWN_TIMEOUT"] = 1
    child = on.start(*SERVERS["waitress"])
    _fail(child.port())
    child.end()
    assert child.process.returncode == -signal.SIGTERM
    assert "1 line left in the journal as the process ends" in child.output
    on.fake.switch("ok")
    on.drain()
    assert "/gone" in [line.get("path") for line in on.arrived()]


def _terminated(
    process: subprocess.Popen[str], fake: FakeLogs, calls: int = 0
) -> tuple[int | None, str]:
    """Sends SIGTERM once the process has written a line, and returns its end and stderr."""
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    if calls:
        assert wait_until(lambda: fake.calls.total() >= calls)
        process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


_WAIT = """
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""


def test_a_second_signal_ends_the_process_at_once(fake: FakeLogs, tmp_path: Path) -> None:
    """Whoever cannot wait for the lines sends it again: they stay in the journal."""
    fake.switch("hang")
    with start(f"report()\n{_WAIT}", fake, tmp_path) as process:
        ended = _terminated(process, fake, calls=1)
    assert ended == (-signal.SIGTERM, "")


@pytest.mark.stress
def test_a_signal_during_the_exit_does_not_cut_it_short(fake: FakeLogs, tmp_path: Path) -> None:
    """An interpreter that is sending at its end goes on with that, then the signal ends it."""
    fake.switch("500")
    with start("report()\nprint('ready', flush=True)", fake, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert wait_until(lambda: fake.calls.total() >= 2)
        process.send_signal(signal.SIGTERM)
        calls = fake.calls.total()
        assert wait_until(lambda: fake.calls.total() >= calls + 2)
        fake.switch("ok")
        process.communicate(timeout=60)
    assert (process.returncode, events(fake)) == (-signal.SIGTERM, ["Critical Error"])


def test_every_app_of_the_process_is_stopped(fake: FakeLogs, tmp_path: Path) -> None:
    """The handler is installed once, for all of them."""
    code = """
for name in ("first", "second"):
    other = Flask(name)
    ErrWatch(other).report("critical-error", app=other)
"""
    with start(code + _WAIT, fake, tmp_path, ERRWATCH_SEND_INTERVAL="3600") as process:
        assert _terminated(process, fake)[0] == -signal.SIGTERM
    assert sorted(content(arrived.message)["app"] for arrived in fake.lines()) == [
        *("first", "second"),
    ]


def test_a_child_without_lines_has_the_default_action(fake: FakeLogs, tmp_path: Path) -> None:
    """It ends at once, also in code that runs no handler. One with lines sends them first."""
    code = """
def wait():
    started.set()
    for _ in range(600):
        time.sleep(0.1)

def report_and_wait():
    report()
    wait()

context = multiprocessing.get_context("fork")
started = context.Event()
before = signal.getsignal(signal.SIGTERM)
for target in (wait, report_and_wait):
    started.clear()
    child = context.Process(target=target)
    child.start()
    assert started.wait(50)
    child.terminate()
    child.join(50)
    print(child.exitcode)
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, repr(signal.getsignal(signal.SIGTERM)).encode())
    os._exit(0)
print(os.read(read, 1000).decode())
print(signal.getsignal(signal.SIGTERM) is before is not signal.SIG_DFL)
"""
    done = run(code, fake, tmp_path, ERRWATCH_SEND_INTERVAL="3600")
    assert done.stdout == "-15\n-15\n<Handlers.SIG_DFL: 0>\nTrue\n"
    assert events(fake) == ["Critical Error"]


_OTHERS = {
    "a handler of the app": "signal.signal(signal.SIGTERM, print)",
    "a signal that is ignored": "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "uWSGI": "sys.modules['uwsgi'] = object()",
    "mod_wsgi": "sys.modules['mod_wsgi'] = object()",
}


@pytest.mark.parametrize("other", _OTHERS)
def test_whoever_handles_the_signal_goes_on_doing_so(
    other: str, fake: FakeLogs, tmp_path: Path
) -> None:
    """No handler is replaced, and none is installed in servers that embed Python."""
    code = f"""
signal.signal(signal.SIGTERM, signal.SIG_DFL)
{_OTHERS[other]}
before = signal.getsignal(signal.SIGTERM)
ErrWatch(Flask("another"))
report()
print(signal.getsignal(signal.SIGTERM) == before)
"""
    done = run(code, fake, tmp_path)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_an_app_may_take_the_handler_away(fake: FakeLogs, tmp_path: Path) -> None:
    """The default action that an app sets after `init_app` stays, also in its children."""
    code = """
signal.signal(signal.SIGTERM, signal.SIG_DFL)
report()
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)
if os.fork() == 0:
    report()
    print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)
    os._exit(0)
os.wait()
"""
    assert run(code, fake, tmp_path).stdout == "True\nTrue\n"


def test_an_app_that_another_thread_creates_changes_nothing(fake: FakeLogs, tmp_path: Path) -> None:
    """Only the main thread can install a handler: elsewhere lines wait in the journal."""
    code = """
signal.signal(signal.SIGTERM, signal.SIG_DFL)
thread = threading.Thread(target=lambda: ErrWatch(Flask("another")))
thread.start()
thread.join()
print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)
"""
    done = run(code, fake, tmp_path)
    assert (done.stdout, done.stderr) == ("True\n", "")


_ALONE = ("unshare", "--pid", "--fork", "--mount-proc")


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.call([*_ALONE, "true"], stderr=subprocess.DEVNULL) != 0,
    reason="this system gives no process namespace to this user",
)
def test_the_first_process_of_a_container_goes_on(fake: FakeLogs, tmp_path: Path) -> None:
    """The system ignores the default action there, as before. It ends children with lines."""
    code = """
def report_and_wait():
    report()
    started.set()
    # Python handles a signal between two sleeps, also one that came right before a sleep began.
    for _ in range(600):
        time.sleep(0.1)

context = multiprocessing.get_context("fork")
started = context.Event()
child = context.Process(target=report_and_wait)
child.start()
assert started.wait(50)
child.terminate()
child.join(50)
os.kill(os.getpid(), signal.SIGTERM)
print(os.getpid(), child.exitcode)
"""
    done = run(code, fake, tmp_path, command=_ALONE, ERRWATCH_SEND_INTERVAL="3600")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 -15\n", "")
    assert events(fake) == ["Critical Error"]
