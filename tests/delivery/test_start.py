"""The start of the delivery when signal handlers interrupt it to report, raise or fork."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.delivery import Delivery, process_end, transport
from flask_errwatch.delivery.sinks import Sink
from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.extension import state_of
from tests.processes import in_a_child
from tests.wsgi_driver import events_of, watched


class Shop:
    """An app with its lines in memory, and reports that contain where they come from."""

    def __init__(self) -> None:
        self.app = Flask("shop")
        self.app.config["ERRWATCH_SINKS"] = "memory"
        self.errwatch: ErrWatch = watched(self.app)

    @property
    def delivery(self) -> Delivery:
        """Its delivery."""
        return state_of(self.app).delivery

    def report(self, where: str) -> None:
        """Reports with the place in the data."""
        self.errwatch.report("critical-error", app=self.app, where=where)

    def reported(self) -> list[str]:
        """The places in the reported lines."""
        return [event["data"]["where"] for event in events_of(self.app)]


def during_the_start(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, handler: Callable[[], object]
) -> None:
    """Runs the handler in the middle of the first start, as a signal's would."""
    open_sink = shop.delivery._open_sink
    handlers = iter([handler])

    def interrupted(name: str) -> Sink:
        for pending in handlers:
            pending()
        return open_sink(name)

    monkeypatch.setattr(shop.delivery, "_open_sink", interrupted)


def ends() -> None:
    """Ends the process, as a signal handler may."""
    raise SystemExit


def test_a_report_from_a_signal_handler_during_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that interrupts the start of the delivery and reports does not wait."""
    shop = Shop()
    during_the_start(shop, monkeypatch, lambda: shop.report("in the handler"))
    shop.report("outside")
    assert shop.reported() == ["in the handler", "outside"]


@pytest.mark.parametrize("step", ["stop_at_end", "_to_all"])
def test_a_start_that_was_ended_is_repeated(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a signal handler raises in the start, the next report is delivered."""
    shop = Shop()
    with monkeypatch.context() as patched:
        patched.setattr(transport, step, lambda *_: ends())
        with pytest.raises(SystemExit):
            shop.report("ended")
    shop.report("later")
    assert shop.reported() == ["later"]


def _stopped(shop: Shop) -> None:
    shop.delivery.stop(0)


def _flushed(shop: Shop) -> None:
    assert shop.errwatch.flush(0)


def _reported(shop: Shop) -> None:
    shop.report("later")


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (_stopped, ["in the handler"]),
        (_flushed, ["in the handler"]),
        (_reported, ["in the handler", "later"]),
    ],
)
def test_a_start_that_is_ended_at_its_end_loses_nothing(
    end: Callable[[Shop], None], kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that was reported during the start is kept until it is written."""
    shop = Shop()
    open_sink = shop.delivery._open_sink
    ending = iter([SystemExit()])

    def interrupted(name: str) -> Sink:
        shop.report("in the handler")
        sink = open_sink(name)
        write = sink.write

        def ended(line: bytes) -> bool:
            for error in ending:
                raise error
            return write(line)

        monkeypatch.setattr(sink, "write", ended)
        return sink

    monkeypatch.setattr(shop.delivery, "_open_sink", interrupted)
    with pytest.raises(SystemExit):
        shop.report("outside")
    assert shop.reported() == []
    end(shop)
    assert shop.reported() == kept


#: Interrupts the first report at one more place each time, wherever Python runs signal handlers:
#: when a function is entered, and when one of C has returned. The handler reports, and raises. A
#: report before has the patterns compiled, which `re` keeps: four in five of the places were there.
#: The argument is by how many places later.
_AT_EVERY_STEP = """
import atexit, os, sys
from flask import Flask
from flask_errwatch import ErrWatch

DONE = 100

def new_app():
    app = Flask("shop")
    app.config["ERRWATCH_SINKS"] = "memory"
    return app, ErrWatch(app)

def interrupted_at(step):
    app, errwatch = new_app()
    returned = []
    places = iter(range(step))

    def handler(_frame, event, _argument):
        if event in ("call", "c_return") and next(places, None) == step - 1:
            sys.setprofile(None)
            returned.append(errwatch.report("critical-error"))
            raise SystemExit

    sys.setprofile(handler)
    try:
        errwatch.report("critical-error", value="x")
    except SystemExit:
        pass
    sys.setprofile(None)
    if not returned:
        return DONE
    returned.append(errwatch.report("critical-error"))
    atexit._run_exitfuncs()
    lines = app.extensions["errwatch"].delivery.memory.lines
    cut = [line for line in lines if b'"x"' in line]  # it may have been written by then
    kept = [line for line in lines if line not in cut]
    return 0 if len(cut) < 2 and len(kept) == 2 and all(
        sum(event_id.encode() in text for text in kept) == 1 for event_id in returned
    ) else 1

new_app()[1].report("critical-error", value="x")
step, bad, code = 0, [], 0
while code != DONE:
    step += int(sys.argv[1])
    child = os.fork()
    if child == 0:
        try:
            os._exit(interrupted_at(step))
        finally:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, DONE):
        bad.append((step, code))
print(step > 100, bad)
"""


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.stress)])
def test_a_first_report_that_is_ended_anywhere_loses_no_other(step: int) -> None:
    """Each report that returned an id has one line, wherever a signal handler raised."""
    done = subprocess.run(
        [sys.executable, "-c", _AT_EVERY_STEP, str(step)],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.stdout, done.stderr) == ("True []\n", "")


def test_a_stop_during_the_start_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends while another thread starts the delivery writes each line once."""
    shop = Shop()
    begun, resume = threading.Event(), threading.Event()

    def slow() -> None:
        shop.report("in a finalizer")
        begun.set()
        assert resume.wait(60)

    during_the_start(shop, monkeypatch, slow)
    starter = threading.Thread(target=shop.report, args=("first",))
    starter.start()
    assert begun.wait(60)
    stopper = threading.Thread(target=shop.delivery.stop, args=(0,))
    stopper.start()
    stopper.join(0.1)
    assert stopper.is_alive()
    resume.set()
    starter.join(60)
    stopper.join(60)
    assert shop.reported() == ["in a finalizer", "first"]


def test_a_fork_writes_no_deferred_line_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the parent writes what was reported during its start."""
    shop = Shop()

    def handler() -> None:
        shop.report("in the handler")
        raise SystemExit

    during_the_start(shop, monkeypatch, handler)
    with pytest.raises(SystemExit):
        shop.report("outside")
    child = os.fork()
    if child == 0:
        try:
            shop.report("in the child")
            os._exit(0 if shop.reported() == ["in the child"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    shop.report("in the parent")
    assert shop.reported() == ["in the handler", "in the parent"]


def test_a_child_opens_its_own_sinks_for_a_line() -> None:
    """Also when a line is the first sign of the fork. The child counts its own figures."""
    shop = Shop()
    shop.report("in the parent")
    shop.report("in the parent")
    recorder = shop.app.extensions["errwatch"].recorder
    assert in_a_child(
        lambda: recorder.emit_operational(HEARTBEAT, {}) and shop.errwatch.stats().emitted == 1
    )
    assert shop.errwatch.stats().emitted == 2


def test_nothing_is_stopped_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler may register the stop twice: each delivery is stopped once."""
    stopped: list[float] = []
    shop = Shop()
    monkeypatch.setattr(process_end, "_running", {shop.delivery})
    monkeypatch.setattr(Delivery, "stop", lambda _self, deadline: stopped.append(deadline))
    process_end.stop_all()
    process_end.stop_all()
    assert len(stopped) == 1
