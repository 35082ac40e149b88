"""The delivery's thread blocks the process's signals."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from flask_errwatch.delivery import threads
from flask_errwatch.delivery.threads import start_brief_thread, start_daemon_thread
from tests.processes import blocked_in


def test_the_thread_takes_no_signal_of_the_app() -> None:
    """A server such as uWSGI ends in the thread that a signal interrupts: never in ours."""
    seen: list[set[int]] = []
    start_daemon_thread("ours", lambda: seen.append(blocked_in(threading.get_native_id()))).join(60)
    (blocked,) = seen
    assert blocked >= {
        *(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
        *(signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPROF, signal.SIGRTMIN),
    }
    # Faults of the thread, and the children of a program that it starts.
    assert not blocked & {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGCHLD}


_STARTS = {
    "a daemon thread": lambda: start_daemon_thread("ours", lambda: None),
    "a brief thread": lambda: start_brief_thread(lambda: None),
}


def _replaced(
    monkeypatch: pytest.MonkeyPatch, replacement: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    """Replaces what starts a thread."""
    monkeypatch.setattr(threading.Thread, "start", replacement(threading.Thread.start))
    monkeypatch.setattr(_thread, "start_new_thread", replacement(_thread.start_new_thread))
    monkeypatch.setattr(threads, "are_greenlets", lambda: False)


@pytest.mark.parametrize("start", _STARTS.values(), ids=_STARTS)
def test_the_thread_blocks_signals_from_its_first_moment(
    start: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It inherits what it blocks: no signal finds it before its own code runs."""
    blocked: list[set[int]] = []

    def noting(start_it: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            blocked.append(blocked_in(threading.get_native_id()))
            return start_it(*args)

        return noted

    _replaced(monkeypatch, noting)
    start()
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGALRM} <= blocked[0]


@pytest.mark.parametrize("start", _STARTS.values(), ids=_STARTS)
def test_the_thread_that_starts_it_has_its_signals_again(start: Callable[[], object]) -> None:
    """A request that starts the delivery blocks afterwards what it blocked before."""
    starter = threading.get_native_id()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        before = blocked_in(starter)
        assert signal.SIGUSR2 in before
        start()
        assert blocked_in(starter) == before
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})


@pytest.mark.parametrize("start", _STARTS.values(), ids=_STARTS)
def test_a_thread_that_cannot_be_started_leaves_no_signal_blocked(
    start: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the system has no thread left."""

    def refused(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    _replaced(monkeypatch, lambda _: refused)
    before = blocked_in(threading.get_native_id())
    with pytest.raises(RuntimeError, match="can't start new thread"):
        start()
    assert blocked_in(threading.get_native_id()) == before


def test_a_handler_that_raises_meanwhile_leaves_no_signal_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python runs the handler of an earlier signal when a mask was set."""
    set_mask = signal.pthread_sigmask

    def interrupted(how: int, mask: Iterable[int]) -> object:
        result = set_mask(how, mask)
        if how == signal.SIG_BLOCK and mask:
            raise SystemExit
        return result

    before = blocked_in(threading.get_native_id())
    monkeypatch.setattr(signal, "pthread_sigmask", interrupted)
    with pytest.raises(SystemExit):
        start_daemon_thread("ours", lambda: None)
    assert blocked_in(threading.get_native_id()) == before


_UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import signal
from flask_errwatch.delivery.threads import start_daemon_thread
masks = []
def note():
    masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
start_daemon_thread("green", note).join()
print(masks)
"""


def test_a_greenlet_blocks_no_signals() -> None:
    """Under gevent the thread is a greenlet of the app's thread, which gets its signals."""
    done = subprocess.run(
        [sys.executable, "-c", _UNDER_GEVENT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[set()]\n", "")


_KILLED = """
from gevent import monkey
monkey.patch_all()
import gevent
from flask_errwatch.delivery.threads import start_daemon_thread
greenlets = []
def wait():
    greenlets.append(gevent.getcurrent())
    gevent.sleep(3600)
start_daemon_thread("green", wait)
gevent.sleep(0)
greenlets[0].kill(timeout=30)
print(greenlets[0].dead)
"""


def test_a_greenlet_that_the_app_kills_ends() -> None:
    """Only in a child that was forked is that put off, where its end would print an error."""
    done = subprocess.run(
        [sys.executable, "-c", _KILLED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
