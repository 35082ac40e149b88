"""`Delivery` owns one app's sinks and starts them at their first use in each process."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from flask_errwatch._fork import PerProcess, mark
from flask_errwatch._guard import Guard, tell
from flask_errwatch.config import Config
from flask_errwatch.delivery import interception
from flask_errwatch.delivery.cloudwatch import CloudWatchSink, EmitOperational
from flask_errwatch.delivery.sinks import MemorySink, StdoutSink
from flask_errwatch.delivery.stats import Stats
from flask_errwatch.detectors import HEARTBEAT

if TYPE_CHECKING:
    from flask import Flask

#: Writes a line to a sink, and whether the sink took it; never raises.
Write = Callable[[bytes], bool]


def _to_all(writes: list[Write]) -> Write:
    """One function for all sinks; where there is one sink, its own."""
    if len(writes) == 1:
        return writes[0]

    def write_to_all(line: bytes) -> bool:
        taken = [write(line) for write in writes]
        return all(taken)

    return write_to_all


class Delivery:
    """Takes the lines of one app, in whatever process it runs.

    Args:
        config: The app's configuration.
        guard: Keeps failures away from the app.
        app: The app, held weakly. Whether it is under test is asked at the first event, since
            test fixtures say so after the factory ran.

    Attributes:
        emitted: Lines handed over in this process.
    """

    def __init__(self, config: Config, guard: Guard, *, app: Callable[[], Flask | None]) -> None:
        self._config = config
        self._guard = guard
        self._app = app
        self._operational: EmitOperational = lambda _phrase, _data: False
        self._cloudwatch: CloudWatchSink | None = None
        # Re-entrant: a signal handler that reports may interrupt the start itself.
        self._starting = PerProcess(threading.RLock)
        self._starting_in = 0
        # Of one process: a fork must not write what its parent writes.
        self._early: PerProcess[deque[bytes]] = PerProcess(lambda: deque(maxlen=1000))
        self._dropped = 0
        self._memory = MemorySink()
        # Its number is 1 in the process that opened the sinks.
        self._is_open = mark()
        self._write_to_sinks: Write = self._write_meanwhile
        self.emitted = 0

    def write(self, line: bytes) -> bool:
        """Hands the line to every sink. A sink that fails does not keep it from the others.

        Returns:
            Whether no sink refused it.
        """
        if self._is_open[0] and not interception.interceptors:
            self.emitted += 1
            return self._write_to_sinks(line)
        return self._write_meanwhile(line)

    def set_emitter(self, operational: EmitOperational) -> None:
        """Says how lines outside the catalogue, such as the heartbeat, are emitted."""
        self._operational = operational

    @property
    def is_running(self) -> bool:
        """Whether this process has its sinks: after a fork it has not."""
        return bool(self._is_open[0])

    @property
    def memory(self) -> MemorySink:
        """The memory sink; it stays empty unless it is one of the sinks."""
        return self._memory

    @property
    def shutdown_timeout(self) -> float:
        """Seconds that it may take to stop."""
        return self._config.shutdown_timeout

    def ensure_running(self) -> None:
        """Opens this process's sinks, starts what they need, and writes what waits for it, once."""
        if interception.interceptors or (self.is_running and not self._early.get()):
            return
        with self._starting.get():
            if self._starting_in == os.getpid():
                return  # in a signal handler that interrupted the start: that goes on
            try:
                # All of it in here: a signal handler may end the start by an exception anywhere.
                self._starting_in = os.getpid()
                if not self.is_running:
                    self._start()
                early = self._early.get()
                while early:
                    self.write(early[0])
                    early.popleft()  # not before: rather twice than never
            finally:
                self._starting_in = 0

    def _start(self) -> None:
        # Before anything is opened: a process may be told to end in the middle of its start.
        _at_exit(self)
        names = self._config.sinks
        if names is None:
            app = self._app()
            names = ("memory",) if app is not None and app.testing else ("cloudwatch",)
        self._dropped = 0
        self.emitted = 0
        self._write_to_sinks = _to_all([self._opened(name) for name in names])
        self._is_open[0] = 1

    def _write_meanwhile(self, line: bytes) -> bool:
        if interception.interceptors:
            self.emitted += 1
            interception.intercept(self._app(), line)
            return True
        self.ensure_running()
        if self.is_running:
            return self.write(line)
        self._early.get().append(line)  # in a signal handler that interrupted the start
        return True

    def note_dropped(self) -> None:
        """Counts an event that has no line: a hook dropped it, or it could not be rendered."""
        self._dropped += 1

    def flush(self, timeout: float) -> bool:
        """Waits until CloudWatch has every line, for at most `timeout` seconds."""
        self._end_start()
        if not self.is_running or self._cloudwatch is None:
            return True
        return self._cloudwatch.shipper.flush(time.monotonic() + timeout)

    def stats(self) -> Stats:
        """The figures of this process, at this moment."""
        if not self.is_running or self._cloudwatch is None:
            return Stats(
                emitted=self.emitted,
                dropped=self._dropped,
                last_error=self._guard.last_error,
            )
        shipper = self._cloudwatch.shipper
        figures = shipper.figures
        return Stats(
            emitted=self.emitted,
            delivered=figures.delivered,
            pending=shipper.pending,
            dropped=self._dropped + shipper.lost,
            redelivered=figures.redelivered,
            last_error=figures.last_error or self._guard.last_error,
        )

    def stop(self, deadline: float) -> None:
        """Flushes as the process ends, and says what is left."""
        self._end_start()
        if not self.is_running or self._cloudwatch is None:
            return
        if self._cloudwatch.shipper.stop(deadline):
            return
        stats = self.stats()
        one = stats.pending == 1
        if self._cloudwatch.journal.lasts:
            left = f"{'line waits' if one else 'lines wait'} in the journal"
        else:
            left = f"{'line is' if one else 'lines are'} lost"
        told = self._cloudwatch.shipper.has_told
        reason = "" if told or not stats.last_error else f": {stats.last_error}"
        tell(f"{stats.pending} {left} as the process ends{reason}")

    def _end_start(self) -> None:
        """Writes what a signal handler reported during a start that did not come to its end."""
        if self._early.get():
            self._guard.run("starting the delivery", self.ensure_running)

    def _opened(self, name: str) -> Write:
        """What writes a line to the sink, and never raises."""
        if name == "stdout":
            return self._guarded(StdoutSink().write)
        if name == "memory":
            return self._guarded(self._memory.write)
        before = self._cloudwatch.journal if self._cloudwatch is not None else None
        self._cloudwatch = CloudWatchSink(
            self._config,
            self._guard,
            operational=self._operational,
            beat=self._beat,
            is_wanted=lambda: self._app() is not None,
            before=before,
        )
        return self._cloudwatch.write

    def _guarded(self, write: Callable[[bytes], None]) -> Write:
        def guarded(line: bytes) -> bool:
            self._guard.run("a sink", write, line)
            return True

        return guarded

    def _beat(self) -> None:
        self._operational(
            HEARTBEAT, {k: v for k, v in asdict(self.stats()).items() if v is not None}
        )


_running: weakref.WeakSet[Delivery] = weakref.WeakSet()
_registered: list[bool] = []


def _at_exit(delivery: Delivery) -> None:
    """Has the delivery stopped when the interpreter ends; all together, within one timeout."""
    _running.add(delivery)
    if not _registered:
        # Twice, if a signal handler raises in between: so nothing is stopped twice.
        atexit.register(_stop_all)
        _registered.append(True)


def _stop_all() -> None:
    begun = time.monotonic()
    timeout = max((delivery.shutdown_timeout for delivery in _running), default=0.0)
    while _running:
        _running.pop().stop(begun + timeout)
