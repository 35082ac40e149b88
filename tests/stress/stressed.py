"""The app under stress: a request for any other path is a line.

If `STRESS_NOISE` contains a path, a signal handler runs 50 times a second and finalizers run at any
allocation. Both report, and the id of each report that returned is appended to the file.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
from dataclasses import asdict

from flask import Flask, Response, jsonify

from flask_errwatch import DEFAULT_DETECTORS, Detector, ErrWatch

SIGNALS_PER_SECOND = 50
#: Allocations between two garbage collections: finalizers run all the time.
_EAGER = 50
#: Reports that interrupt each other. A machine that is slower than the signals would nest them
#: until Python's stack is full.
_DEEPEST = 8


def make_app(name: str = "stress") -> tuple[Flask, ErrWatch]:
    """The app and its extension, which reads its configuration from the environment."""
    app = Flask(name)
    noise = Detector(name="noise", event="Noise")
    errwatch = ErrWatch(app, detectors=[*DEFAULT_DETECTORS, noise])

    @app.get("/crash/<key>")
    def crash(key: str) -> str:
        raise RuntimeError(key)

    @app.get("/stats")
    def stats() -> Response:
        return jsonify(pid=os.getpid(), **asdict(errwatch.stats()))

    return app, errwatch


class Noise:
    """Reports from signal handlers and finalizers, and notes which reports returned."""

    def __init__(self, errwatch: ErrWatch, app: Flask, path: str) -> None:
        self._errwatch = errwatch
        self._app = app
        self._reporting: list[str] = []  # its changes are atomic: finalizers run in any thread
        self._notes = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def start(self) -> None:
        """Starts signals and finalizers. Must be called in the main thread.

        The signals interrupt system calls, as Python's do. If they restarted a wait, and a SIGTERM
        came at the same moment (signal(7)), Python would handle that only at the end of the wait.
        """
        gc.set_threshold(_EAGER)
        signal.signal(signal.SIGALRM, lambda _number, _frame: self.report("signal"))
        every = 1 / SIGNALS_PER_SECOND
        signal.setitimer(signal.ITIMER_REAL, every, every)
        # Registered before the delivery's handler, so that it runs after it, and the noise goes on
        # while the delivery flushes. A signal after the interpreter's end would kill the process.
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
        self._app.before_request(lambda: Unclosed(self).forget())

    def report(self, source: str) -> None:
        """Reports, and notes the id when the report has returned."""
        if len(self._reporting) >= _DEEPEST:
            return
        self._reporting.append(source)
        try:
            report_id = self._errwatch.report("noise", app=self._app, source=source)
            os.write(self._notes, f"{report_id}\n".encode())
        finally:
            self._reporting.pop()


class Unclosed:
    """An object in a cycle that reports in its finalizer, as unclosed clients do."""

    def __init__(self, noise: Noise) -> None:
        self._noise = noise
        self._itself = self

    def __del__(self) -> None:
        self._noise.report("finalizer")

    def forget(self) -> None:
        """Does nothing: afterwards only the garbage collector finds the cycle."""


app, errwatch = make_app()
if "STRESS_NOISE" in os.environ:
    Noise(errwatch, app, os.environ["STRESS_NOISE"]).start()
