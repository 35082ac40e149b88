"""The sink `stdout`: whole lines from processes, threads and greenlets, whatever reads them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.stress import workers

#: The beginning of each program: an app, and `report(size)`, which emits a line of about that size.
_APP = """
import json, os, signal, sys, threading, time, warnings
warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # of any fork, from 3.12 on
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
app.config["ERRWATCH_SINKS"] = "stdout"
errwatch = ErrWatch(app)
def report(size=100):
    data = {f"field{number}": "x" * min(1000, size) for number in range(max(1, size // 1000))}
    if size <= 1000:
        return errwatch.report("critical-error", app=app, **data)
    # What anybody reports is bounded to less than a part of a pipe. Lines of this package are not.
    state = app.extensions["errwatch"]
    state.delivery.ensure_running()
    return state.recorder.emit_operational("Heartbeat", data)
def say(**values):
    sys.stderr.write(f"{json.dumps(values)}\\n")
def stats():
    return {name: getattr(errwatch.stats(app), name) for name in ("emitted", "pending", "dropped")}
"""


_FAILED = "flask-errwatch: writing to the standard output"


@dataclass
class Ends:
    """A pipe, FIFO or socket: the end that programs write to and the one that the test reads."""

    reading: int
    writing: int
    taken: bytearray = field(default_factory=bytearray)

    def read_all(self) -> list[Any]:
        """Reads until no process has the writing end any more, and returns what each line is."""
        self.hand_over()
        self.read_on()
        return self.lines()

    def hand_over(self) -> None:
        """Leaves the writing end to the programs, so that reading ends with them."""
        os.close(self.writing)
        self.writing = -1

    def read_on(self) -> None:
        """Reads until no process has the writing end any more."""
        while chunk := os.read(self.reading, 4096):
            self.taken += chunk

    def lines(self) -> list[Any]:
        """The lines that were read, which must be JSON and whole."""
        assert self.taken.endswith(b"\n")
        return [json.loads(line) for line in self.taken.splitlines()]

    def close(self) -> None:
        """Closes what is open."""
        for descriptor in (self.reading, self.writing):
            if descriptor >= 0:
                os.close(descriptor)


def _pipe(_folder: Path) -> Ends:
    return Ends(*os.pipe())


def _fifo(folder: Path) -> Ends:
    path = folder / "fifo"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(path, os.O_WRONLY)
    os.set_blocking(reading, True)
    return Ends(reading, writing)


def _socket(_folder: Path) -> Ends:
    """As systemd gives its services."""
    reading, writing = socket.socketpair()
    return Ends(reading.detach(), writing.detach())


@contextmanager
def _opened(make: Callable[[Path], Ends], folder: Path) -> Iterator[Ends]:
    ends = make(folder)
    try:
        yield ends
    finally:
        ends.close()


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Ends]:
    """A pipe for the standard output of programs."""
    with _opened(_pipe, tmp_path) as ends:
        yield ends


class Program:
    """A Python program with the app of `_APP`. It speaks to the test in lines on its stderr."""

    def __init__(self, code: str, stdout: int, *, head: str = _APP, **settings: object) -> None:
        environment = {f"ERRWATCH_{key.upper()}": str(value) for key, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-c", head + code],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )
        self._watchdog = threading.Timer(90, self.process.kill)  # so that a failing test ends
        self._watchdog.start()

    def heard(self) -> dict[str, Any]:
        """The next thing that it says."""
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, "it ended without a word"
        said = json.loads(line)
        assert isinstance(said, dict)
        return said

    def resume(self) -> None:
        """Lets it pass `sys.stdin.readline()`."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ended(self, code: int = 0) -> str:
        """Waits for its end with this code, and returns the rest of its stderr."""
        _, errors = self.process.communicate()
        self._watchdog.cancel()
        assert self.process.returncode == code, errors
        return errors


_EMIT = """
{first}
if {forks}:
    child = os.fork()
for number in range({count}):
    report(6000 if number % 3 else 300)
say(**stats())
if {forks} and child:
    os.waitpid(child, 0)
"""
_NON_BLOCKING = "os.set_blocking(1, False)"
_OLD_SYSTEM = "from flask_errwatch.delivery import descriptor; descriptor._NO_WAIT = None"


@pytest.mark.parametrize(
    ("make", "first", "count"),
    [
        (_pipe, "", 1000),
        (_pipe, _NON_BLOCKING, 150),
        (_pipe, _OLD_SYSTEM, 150),
        (_fifo, _NON_BLOCKING, 150),
        (_socket, "", 150),
        (_socket, _OLD_SYSTEM, 150),
    ],
)
def test_four_processes_with_a_slow_reader(
    make: Callable[[Path], Ends], first: str, count: int, tmp_path: Path
) -> None:
    """All lines arrive, each whole and in order, and no process waits for the reader.

    Nothing is read until each process has emitted all its lines. Two of the four are forked from
    the others. Two lines of three are longer than what the system keeps together.
    """
    with _opened(make, tmp_path) as ends:
        code = _EMIT.format(first=first, forks=True, count=count)
        programs = [Program(code, ends.writing) for _ in range(2)]
        said = [program.heard() for program in programs for _ in range(2)]
        assert [(stats["emitted"], stats["dropped"]) for stats in said] == [(count, 0)] * 4
        assert any(stats["pending"] > 0 for stats in said)
        events = ends.read_all()
        assert [program.ended() for program in programs] == ["", ""]
    by_process: dict[str, list[int]] = {}
    for event in events:
        by_process.setdefault(event["process"], []).append(event["seq"])
    assert list(by_process.values()) == [[*range(1, count + 1)]] * 4


def test_nothing_waits_while_there_is_room(pipe: Ends) -> None:
    """A line is in the pipe when the report returns: also `kill -9` does not lose it."""
    program = Program("report(6000)\nos.kill(os.getpid(), 9)", pipe.writing)
    assert len(pipe.read_all()) == 1
    assert program.ended(-signal.SIGKILL) == ""


_FULL = """
import _thread, types
from flask_errwatch.delivery import stdout
from flask_errwatch.delivery.descriptor import SharedDescriptor
SharedDescriptor.enlarge = lambda _self: None
def refuse(*_):
    raise RuntimeError("only the request itself writes")
_thread.start_new_thread = refuse
reading, writing = os.pipe()
os.dup2(writing, 1)
os.set_blocking(1, False)
def fill():
    try:
        while True:
            os.write(1, b"x" * 4096)
    except BlockingIOError:
        pass
def pause(_seconds):
    global pauses, taken
    pauses += 1
    taken += os.read(reading, 1_000_000)
stdout.time = types.SimpleNamespace(monotonic=time.monotonic, sleep=pause)
"""


def test_a_request_waits_for_a_reader_that_is_about_to_read(pipe: Ends) -> None:
    """For a moment, if the pipe does not block: what it has written is not lost by a `kill -9`."""
    code = """
stdout.PATIENCE = 60  # the reader of this test is never late
pauses, taken = 0, b""
fill()
report(300)
taken += os.read(reading, 1_000_000)
say(seqs=[json.loads(line)["seq"] for line in taken.lstrip(b"x").splitlines()], pauses=pauses)
os.kill(os.getpid(), 9)
"""
    program = Program(_FULL + code, pipe.writing)
    said = program.heard()
    while "seqs" not in said:
        said = program.heard()
    assert (said["seqs"], said["pauses"] > 0) == ([1], True)
    program.ended(-signal.SIGKILL)


def test_lines_beyond_the_bound_are_counted(pipe: Ends) -> None:
    """Where nothing reads, memory is bounded, the exit too, and every line is accounted for."""
    code = """
from flask_errwatch.delivery import stdout
stdout.QUEUE_BYTES = 50_000
for _ in range(400):
    report(6000)
say(**stats())
"""
    program = Program(code, pipe.writing, shutdown_timeout=0.1)
    stats: dict[str, Any] = {}
    first = program.process.stderr
    assert first is not None
    message = first.readline()
    assert message == (
        f"{_FAILED}: BlockingIOError: [Errno 11] its reader is too slow "
        "(logged once; counted in stats)\n"
    )
    stats = program.heard()
    assert stats["emitted"] == 400
    assert 0 < stats["pending"] <= 8
    assert program.ended() == (
        f"flask-errwatch: {stats['pending']} lines lost as the process ends: nothing reads the "
        "standard output, or too slowly\n"
    )
    pipe.hand_over()
    pipe.read_on()
    whole, _, torn = pipe.taken.rpartition(b"\n")
    written = [json.loads(line) for line in whole.splitlines()]
    assert len(written) + stats["pending"] + stats["dropped"] == 400
    assert not torn.startswith(b"\n")


def test_a_reader_that_goes_away(pipe: Ends) -> None:
    """What nobody will read is dropped and counted, and the app continues."""
    code = "report()\nsys.stdin.readline()\nreport()\nreport()\nsay(**stats())"
    program = Program(code, pipe.writing)
    os.read(pipe.reading, 65536)
    os.close(pipe.reading)
    pipe.reading = -1
    program.resume()
    rest = program.ended().splitlines()
    assert rest == [
        f"{_FAILED}: BrokenPipeError: [Errno 32] Broken pipe (logged once; counted in stats)",
        '{"emitted": 3, "pending": 0, "dropped": 2}',
    ]


def test_lines_that_wait_for_a_reader_that_goes_away(pipe: Ends) -> None:
    """They are dropped and counted as soon as the reader is gone, and nothing waits for it."""
    code = """
for _ in range(300):
    report(6000)
say(**stats())
sys.stdin.readline()
assert errwatch.flush(60)
sys.stderr.write("\\n")
say(**stats())
"""
    program = Program(code, pipe.writing)
    pending = program.heard()["pending"]
    assert pending > 0
    os.close(pipe.reading)
    pipe.reading = -1
    program.resume()
    assert json.loads(program.ended().splitlines()[-1]) == {
        "emitted": 300,
        "pending": 0,
        "dropped": pending,
    }


def test_the_next_reader_of_a_fifo_gets_whole_lines(tmp_path: Path) -> None:
    """A line that the first reader left in the middle does not spoil the one after it."""
    code = """
for _ in range(300):
    report(9000)
say(**stats())
sys.stdin.readline()
assert errwatch.flush(60)
say(**stats())
sys.stdin.readline()
report(5000)
"""
    with _opened(_fifo, tmp_path) as ends:
        program = Program(code, ends.writing)
        program.heard()
        os.close(ends.reading)
        program.resume()
        message = program.process.stderr
        assert message is not None
        assert "Broken pipe" in message.readline()
        assert program.heard()["pending"] == 0
        ends.reading = os.open(tmp_path / "fifo", os.O_RDONLY)
        program.resume()
        ends.hand_over()
        ends.read_on()
        program.ended()
    *_, torn, last = ends.taken.splitlines()
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(torn)
    assert json.loads(last)["seq"] == 301


_WITHOUT_STDOUT = "import os, sys; os.close(1); os.execv(sys.argv[1], sys.argv[1:])"


def test_a_standard_output_that_was_closed_at_the_start(tmp_path: Path) -> None:
    """Its number belongs to a file of the app, which gets no line."""
    path = tmp_path / "database"
    code = f"""
assert os.open({str(path)!r}, os.O_RDWR | os.O_CREAT) == 1
report()
say(**stats())
"""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_STDOUT, sys.executable, "-c", _APP + code],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.splitlines() == [
        f"{_FAILED}: OSError: [Errno 9] Bad file descriptor (logged once; counted in stats)",
        '{"emitted": 1, "pending": 0, "dropped": 1}',
    ]
    assert path.read_bytes() == b""


def test_a_standard_output_that_is_closed_later(pipe: Ends) -> None:
    """The lines after it, and those that wait, are dropped and counted."""
    code = """
for _ in range(300):
    report(6000)
before = stats()
os.close(1)
report()
assert errwatch.flush(60)
say(before=before, after=stats())
"""
    said = json.loads(Program(code, pipe.writing).ended().splitlines()[-1])
    assert said["before"]["pending"] > 0
    assert said["after"] == {
        "emitted": 301,
        "pending": 0,
        "dropped": said["before"]["pending"] + 1,
    }


def test_a_standard_output_that_is_replaced(pipe: Ends, tmp_path: Path) -> None:
    """A daemon that redirects it in the middle of a line has that line in the new file, whole."""
    path = tmp_path / "log"
    code = f"""
for _ in range(300):
    report(9000)
say(**stats())
os.dup2(os.open({str(path)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
report()
"""
    program = Program(code, pipe.writing)
    pending = program.heard()["pending"]
    assert pending > 0
    assert program.ended() == ""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["seq"] for event in events] == [*range(301 - pending, 302)]


@pytest.mark.parametrize("kind", ["file", "terminal", "null"])
def test_other_kinds_of_output(kind: str, tmp_path: Path) -> None:
    """A file and a terminal get whole lines, and nothing is needed for a device."""
    code = "for _ in range(20): report(6000)\nsay(**stats())"
    taken = b""
    if kind == "terminal":
        reading, writing = pty.openpty()
        program = Program(code, writing)
        os.close(writing)
        try:
            while chunk := os.read(reading, 4096):
                taken += chunk
        except OSError:
            pass  # all of it was read, and the program has ended
        os.close(reading)
    else:
        path = tmp_path / "log" if kind == "file" else Path(os.devnull)
        with path.open("wb") as file:
            program = Program(code, file.fileno())
        program.process.wait()
        taken = path.read_bytes()
    assert program.ended() == '{"emitted": 20, "pending": 0, "dropped": 0}\n'
    expected = [] if kind == "null" else [*range(1, 21)]
    assert [json.loads(line)["seq"] for line in taken.splitlines()] == expected


def test_a_child_repeats_no_line_of_its_parent(pipe: Ends) -> None:
    """A fork while lines wait, perhaps inside one: each process writes its own, once."""
    code = """
for _ in range(300):
    report(6000)
child = os.fork()
report(6000)
say(**stats())
sys.stdin.readline()
"""
    program = Program(code, pipe.writing)
    said = sorted((program.heard() for _ in range(2)), key=lambda stats: int(stats["emitted"]))
    assert said[0] == {"emitted": 1, "pending": 1, "dropped": 0}
    assert said[1]["emitted"] == 301
    program.resume()
    assert program.process.stdin is not None
    program.process.stdin.close()  # the child's end of it
    program.process.stdin = None
    events = pipe.read_all()
    assert program.ended() == ""
    numbers = sorted(event["seq"] for event in events)
    assert numbers == [1, *range(1, 302)]
    assert len({event["id"] for event in events}) == 302


_GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent
"""


def test_greenlets(pipe: Ends) -> None:
    """Under gevent other greenlets run while one waits. A forked child repeats nothing."""
    code = """
turns = 0
def turn():
    global turns
    while True:
        turns += 1
        gevent.sleep(0.001)
gevent.spawn(turn)
def work():
    for _ in range(20):
        report(6000)
        gevent.sleep(0)
gevent.joinall([gevent.spawn(work) for _ in range(20)])
child = os.fork()
report(6000)
say(turns=turns, **stats())
errwatch.flush(60)
if child == 0:
    gevent.sleep(0.05)  # a copy of the parent's thread would end now
    os._exit(0)
os.waitpid(child, 0)
"""
    program = Program(code, pipe.writing, head=_GREENLETS + _APP)
    said = [program.heard() for _ in range(2)]
    assert {stats["emitted"] for stats in said} == {1, 401}
    assert all(stats["turns"] > 5 for stats in said)
    events = pipe.read_all()
    assert program.ended() == ""
    assert len(events) == len({event["id"] for event in events}) == 402


def test_no_thread_can_be_started(pipe: Ends) -> None:
    """The next line and the end of the process write what waits."""
    code = """
import _thread
def refuse(*_):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = refuse
for _ in range(300):
    report(6000)
say(**stats())
sys.stdin.readline()
report(300)
"""
    program = Program(code, pipe.writing)
    message = program.process.stderr
    assert message is not None
    assert "can't start new thread" in message.readline()
    assert program.heard()["pending"] > 0
    program.resume()
    assert [event["seq"] for event in pipe.read_all()] == [*range(1, 302)]
    assert program.ended() == ""


def test_the_end_waits_while_the_reader_reads(pipe: Ends) -> None:
    """A slow reader gets all lines, also when it takes longer than the shutdown timeout."""
    code = "for _ in range(900): report(6000)\nsay(**stats())"
    program = Program(code, pipe.writing, shutdown_timeout=1)
    pending = program.heard()["pending"]
    assert pending > 0
    pipe.hand_over()
    while chunk := os.read(pipe.reading, 65536):
        pipe.taken += chunk
        time.sleep(0.05)  # the slow reader
    assert [event["seq"] for event in pipe.lines()] == [*range(1, 901)]
    assert program.ended() == ""


def test_apps_share_the_output_of_their_process(pipe: Ends) -> None:
    """Each app has its own figures, and the lines are in the order of their reports."""
    code = """
other = Flask("other")
other.config["ERRWATCH_SINKS"] = "stdout"
errwatch.init_app(other)
for _ in range(300):
    report(6000)
errwatch.report("critical-error", app=other)
say(**stats(), others=errwatch.stats(other).pending)
"""
    program = Program(code, pipe.writing)
    said = program.heard()
    assert said["others"] == 1
    assert said["emitted"] == 300
    events = pipe.read_all()
    assert [event["app"] for event in events] == ["shop"] * 300 + ["other"]
    assert program.ended() == ""


#: Interrupts a report at one more place each time, as a signal handler would, and raises there.
_AT_EVERY_STEP = """
from flask_errwatch.delivery import descriptor
descriptor._SET_PIPE_SIZE = None
DONE = 100
def interrupted_at(step):
    places = iter(range(step))
    raised = []
    def handler(_frame, event, _argument):
        if event in ("call", "c_return") and next(places, None) == step - 1:
            sys.setprofile(None)
            raised.append(report(300))
            raise SystemExit
    sys.setprofile(handler)
    try:
        report(6000)
    except SystemExit:
        pass
    sys.setprofile(None)
    report(300)
    errwatch.flush(20)
    return 0 if raised else DONE
report(300)
step, code = 0, 0
while code != DONE:
    step += 1
    child = os.fork()
    if child == 0:
        try:
            os._exit(interrupted_at(step))
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, DONE), code
say(steps=step)
"""


def test_a_report_that_is_ended_anywhere_tears_no_line(pipe: Ends) -> None:
    """Wherever a signal handler raises, every other line is whole and there once.

    The pipe is so small that lines are written in parts. Of the line that is interrupted a part may
    be left, on a line of its own, and it may be repeated.
    """
    fcntl.fcntl(pipe.writing, fcntl.F_SETPIPE_SZ, 4096)
    reader = threading.Thread(target=pipe.read_on)
    program = Program(_AT_EVERY_STEP, pipe.writing)
    pipe.hand_over()
    reader.start()
    assert program.heard()["steps"] > 100
    assert program.ended() == ""
    reader.join(60)
    lines = [line for line in pipe.taken.splitlines() if line]
    assert all(line.count(b'{"event"') == 1 for line in lines)
    by_process: dict[str, list[int]] = {}
    for line in lines:
        if line.endswith(b"}"):
            event = json.loads(line)
            size = len(event["data"]["field0"])
            by_process.setdefault(event["process"], []).append(size)
    _, *children, last = by_process.values()
    assert all(sizes.count(300) == 2 for sizes in children)
    assert sorted(last) == [300, 1000]


_SERVED = """
@app.get("/<int:size>")
def fail(size):
    report(size)
    return stats()
"""


@pytest.mark.skipif(not workers.UWSGI.exists(), reason="pyuwsgi is not installed")
@pytest.mark.parametrize("options", [(), ("--log-master",), ("--log-master", "--enable-threads")])
def test_uwsgi(options: tuple[str, ...], tmp_path: Path, pipe: Ends) -> None:
    """Every line arrives, also where no thread runs, and on the non-blocking log of the master."""
    (tmp_path / "served.py").write_text(_APP + _SERVED)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(workers.UWSGI), "--http-socket", f"127.0.0.1:{port}", "--master", "--need-app"]
    command += ["--wsgi-file", str(tmp_path / "served.py"), "--callable", "app"]
    command += ["--die-on-term", "--disable-logging"]
    server = subprocess.Popen([*command, *options], stdout=pipe.writing, stderr=subprocess.STDOUT)
    pipe.hand_over()
    reader = threading.Thread(target=pipe.read_on)
    try:
        stats = [_get(port, "/3000") for _ in range(500)]
        assert stats[-1]["pending"] > 0
        reader.start()
        while stats[-1]["pending"]:
            stats.append(_get(port, "/100"))
        limit = time.monotonic() + 60
        while pipe.taken.count(b"\n{") < len(stats) and time.monotonic() < limit:
            time.sleep(0.02)  # uWSGI's master itself loses what it has not written when it ends
    finally:
        server.kill() if reader.ident is None else server.terminate()
        server.wait(60)
    reader.join(60)
    lines = [line for line in pipe.taken.splitlines() if line.startswith(b"{")]
    assert [json.loads(line)["seq"] for line in lines] == [*range(1, len(stats) + 1)]


def _get(port: int, path: str) -> dict[str, int]:
    """The answer of a server, which may still be starting."""
    limit = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                stats = json.load(answer)
        except OSError:
            assert time.monotonic() < limit
            time.sleep(0.05)
        else:
            assert isinstance(stats, dict)
            return stats
