"""The delivery's thread blocks the process's signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

from flask_errwatch.delivery.threads import start_daemon_thread
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


def test_the_thread_that_starts_it_keeps_its_signals() -> None:
    """A request that starts the delivery blocks nothing meanwhile, and nothing afterwards."""
    blocked: list[set[int]] = []
    starter = threading.get_native_id()
    before = blocked_in(starter)
    start_daemon_thread("ours", lambda: blocked.append(blocked_in(starter))).join(60)
    assert [*blocked, blocked_in(starter)] == [before, before]


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
