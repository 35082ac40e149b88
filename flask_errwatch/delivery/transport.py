"""`Delivery` owns one app's sinks and starts them at their first use in each process."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

from flask_errwatch._fork import HAS_POSIX, PerProcess, process_flag
from flask_errwatch._guard import Guard
from flask_errwatch._lambda import is_lambda
from flask_errwatch.config import Config
from flask_errwatch.delivery import interception
from flask_errwatch.delivery.cloudwatch import CloudWatchSink
from flask_errwatch.delivery.default_sinks import SinkChoice, choose_sinks
from flask_errwatch.delivery.journal import fingerprints_in_memory
from flask_errwatch.delivery.process_end import may_end_by_os_exit, stop_at_end
from flask_errwatch.delivery.shipper import EmitOperational
from flask_errwatch.delivery.sigterm import stop_at_inherited_sigterm
from flask_errwatch.delivery.sinks import MemorySink, Sink, UnavailableSink
from flask_errwatch.delivery.stats import Stats
from flask_errwatch.delivery.stdout import StdoutSink
from flask_errwatch.delivery.threads import are_greenlets, start_daemon_thread
from flask_errwatch.detectors import HEARTBEAT, PROCESS_DIED

if TYPE_CHECKING:
    from flask import Flask

    from flask_errwatch.delivery.journal import Death, Fingerprints, RequestSlots

_NEEDS_POSIX = (
    "the sink cloudwatch needs a POSIX system, such as Linux or macOS, for its journal: lines are "
    "lost and counted. Set ERRWATCH_SINKS=stdout."
)

#: Writes a line to a sink and returns whether the sink accepted it. Never raises.
Write = Callable[[bytes], bool]


class Delivery:
    """Takes the lines of one app, in every process that it runs in.

    The first use in a process opens the sinks. A signal handler may interrupt that and report:
    its lines are deferred until the start is complete, or is repeated by the next use.

    Args:
        config: The app's configuration.
        guard: Keeps failures away from the app.
        app: The app, held weakly. Whether it is under test or in debug mode is read at the first
            use, since test fixtures and `flask --debug` set that after the factory ran.

    Attributes:
        emitted: Lines handed over in this process.
    """

    def __init__(self, config: Config, guard: Guard, *, app: Callable[[], Flask | None]) -> None:
        self._config = config
        self._guard = guard
        self._app = app
        self._emit: EmitOperational = lambda _event, _data: False
        self._configured_sinks = config.sinks
        self._memory = MemorySink()
        self._cloudwatch: CloudWatchSink | None = None
        self._sinks: tuple[Sink, ...] = ()
        self._write_to_sinks: Write = self._write_unopened  # until the sinks are open
        # 1 in the process that opened the sinks, 0 in a child that was forked since.
        self._is_open = process_flag()
        # Re-entrant: a signal handler that reports may interrupt the start itself.
        self._start_lock = PerProcess(threading.RLock)
        self._starting_pid = 0
        # Lines from such a handler. Per process: a child must not write its parent's lines.
        self._deferred: PerProcess[deque[bytes]] = PerProcess(lambda: deque(maxlen=1000))
        # Functions that write folded events.
        self._before_flush: list[Callable[[], None]] = []
        # Those that write events which are held until their request or job has ended.
        self._before_end: list[Callable[[], None]] = []
        self._dropped = 0
        self.emitted = 0

    def write(self, line: bytes) -> bool:
        """Hands the line to every sink. A failure of one does not affect the others.

        Returns:
            Whether all sinks accepted it.
        """
        if self._is_open[0] and not interception.interceptors:
            self.emitted += 1
            return self._write_to_sinks(line)
        return self._write_unopened(line)

    def _write_unopened(self, line: bytes) -> bool:
        """Writes a line that is intercepted, or the first one of this process."""
        if interception.interceptors:
            self.emitted += 1
            interception.intercept(self._app(), line)
            return True
        self.ensure_running()
        if self.is_running:
            return self.write(line)
        self._deferred.get().append(line)  # in a signal handler that interrupted the start
        return True

    def note_dropped(self) -> None:
        """Counts an event that has no line: a hook dropped it, or it could not be rendered."""
        self._dropped += 1

    def is_new_failure(self, fingerprint: str) -> bool:
        """Notes a critical failure, and returns whether the app has not shown it for seven days.

        None is new where nothing outlives the process: on the standard output, without a folder.
        """
        shown = self._shown_fingerprints
        return shown is not None and shown.note(fingerprint, int(time.time()))

    @property
    def _shown_fingerprints(self) -> Fingerprints | None:
        if interception.interceptors:
            return self._fingerprints_in_memory
        if not self.is_running:
            return None  # in a signal handler that interrupted the start
        if self._cloudwatch is not None:
            return self._cloudwatch.journal.fingerprints
        return self._fingerprints_in_memory if self._memory in self._sinks else None

    @cached_property
    def _fingerprints_in_memory(self) -> Fingerprints:
        return fingerprints_in_memory()

    def set_emitter(self, emit: EmitOperational) -> None:
        """Sets how operational lines, such as the heartbeat, are emitted."""
        self._emit = emit

    def start_thread(self, name: str, target: Callable[[], None]) -> object:
        """Starts a daemon thread that handles no signal of the process."""
        return start_daemon_thread(name, target)

    def before_flush(self, write: Callable[[], None]) -> None:
        """Calls the function before lines are flushed, and as the process ends."""
        self._before_flush.append(write)

    def before_end(self, write: Callable[[], None]) -> None:
        """Calls the function only as the process ends, before those of `before_flush`."""
        self._before_end.append(write)

    @property
    def is_running(self) -> bool:
        """Whether this process has opened its sinks, which a forked child has not."""
        return bool(self._is_open[0])

    @property
    def memory(self) -> MemorySink:
        """The memory sink, which stays empty unless it is configured."""
        return self._memory

    @property
    def shutdown_timeout(self) -> float:
        """Seconds that `stop` may take."""
        return self._config.shutdown_timeout

    def ensure_running(self) -> None:
        """Opens this process's sinks and writes deferred lines, unless that has been done."""
        if interception.interceptors or (self.is_running and not self._deferred.get()):
            return
        with self._start_lock.get():
            if self._starting_pid == os.getpid():
                return  # a signal handler interrupted the start, which continues after it
            try:
                # All of it in here: a signal handler may end the start by an exception anywhere.
                self._starting_pid = os.getpid()
                if not self.is_running:
                    self._open_sinks()
                deferred = self._deferred.get()
                while deferred:
                    self.write(deferred[0])
                    deferred.popleft()  # afterwards: a line twice is better than a lost line
            finally:
                self._starting_pid = 0

    def _open_sinks(self) -> None:
        # Before anything is opened: a signal may end the process in the middle of this.
        self._guard.run("registering the end of the process", stop_at_end, self)
        self._guard.run("installing the handler of SIGTERM", stop_at_inherited_sigterm)
        self._dropped = 0
        self.emitted = 0
        self._sinks = tuple(map(self._open_sink, self.choose_sinks().names))
        self._write_to_sinks = _to_all([sink.write for sink in self._sinks])
        self._is_open[0] = 1

    def choose_sinks(self) -> SinkChoice:
        """Where the lines go if the sinks are opened now, and why."""
        app = self._app()
        return choose_sinks(
            self._configured_sinks,
            is_testing=app is not None and bool(app.testing),
            is_debug=app is not None and bool(app.debug),
            in_lambda=is_lambda(os.environ),
        )

    def default_to(self, *names: str) -> None:
        """Sets the sinks of a command that knows them, unless `ERRWATCH_SINKS` is set.

        Args:
            *names: The names of the sinks.
        """
        self._configured_sinks = self._config.sinks or names

    def _open_sink(self, name: str) -> Sink:
        if name == "stdout":
            return StdoutSink(self._guard)
        if name == "memory":
            return self._memory
        if not HAS_POSIX:
            self._guard.warn_once(name, _NEEDS_POSIX)
            return UnavailableSink(_NEEDS_POSIX)
        self._cloudwatch = CloudWatchSink(
            self._config,
            self._guard,
            emit=self._emit,
            emit_heartbeat=self._emit_heartbeat,
            emit_death=self._emit_death,
            app_is_alive=lambda: self._app() is not None,
            parent=self._cloudwatch.journal if self._cloudwatch is not None else None,
        )
        return self._cloudwatch

    def _emit_heartbeat(self) -> None:
        figures = asdict(self.stats())
        self._emit(HEARTBEAT, {key: value for key, value in figures.items() if value is not None})

    def _emit_death(self, death: Death) -> bool:
        from flask_errwatch.delivery.death_line import died_fields

        return self._emit(PROCESS_DIED, died_fields(death, self._app(), self._guard))

    @property
    def requests(self) -> RequestSlots | None:
        """Takes the requests of this process, if they are tracked and the journal has a folder."""
        return self._cloudwatch.requests if self.is_running and self._cloudwatch else None

    def flush(self, timeout: float) -> bool:
        """Waits until no sink has a pending line, for at most `timeout` seconds.

        Returns:
            Whether no line is pending.
        """
        deadline = time.monotonic() + timeout
        return all(sink.flush(deadline) for sink in self._opened())

    def stop(self, deadline: float) -> None:
        """Flushes as the process ends, until a time of the monotonic clock."""
        self._call(self._before_end)
        # CloudWatch first: the thread of the standard output continues meanwhile.
        for sink in sorted(self._opened(), key=lambda sink: sink is not self._cloudwatch):
            sink.stop(deadline)

    def flush_before_os_exit(self) -> None:
        """Sends what is pending if this process may end without running any more of our code.

        It waits for at most the shutdown timeout, but not in an event loop, not under gevent, and
        not while nothing can be sent.
        """
        if not may_end_by_os_exit() or _is_in_event_loop() or are_greenlets():
            return
        deadline = time.monotonic() + self.shutdown_timeout
        for sink in self._opened():
            sink.flush_before_os_exit(deadline)

    def _opened(self) -> tuple[Sink, ...]:
        """Writes what is deferred or folded, and returns this process's sinks."""
        if self._deferred.get():
            self._guard.run("starting the delivery", self.ensure_running)
        self.write_folded()
        return self._sinks if self.is_running else ()

    def write_folded(self) -> None:
        """Writes the folded events, as before a flush. It waits for no sink."""
        self._call(self._before_flush)

    def _call(self, writes: list[Callable[[], None]]) -> None:
        for write in writes:
            self._guard.run("writing what is held back", write)

    def stats(self) -> Stats:
        """The delivery figures of this process, at this moment."""
        figures = [sink.figures() for sink in (self._sinks if self.is_running else ())]
        errors = (sink.last_error for sink in figures)
        return Stats(
            emitted=self.emitted,
            delivered=sum(sink.delivered for sink in figures),
            pending=sum(sink.pending for sink in figures),
            dropped=self._dropped + sum(sink.lost for sink in figures),
            redelivered=sum(sink.redelivered for sink in figures),
            last_error=next(filter(None, errors), self._guard.last_error),
        )


def _to_all(writes: list[Write]) -> Write:
    """One function that writes to all sinks."""
    if len(writes) == 1:
        return writes[0]

    def write_to_all(line: bytes) -> bool:
        accepted = [write(line) for write in writes]
        return all(accepted)

    return write_to_all


def _is_in_event_loop() -> bool:
    """Whether this thread runs an event loop, which must not wait."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - exported
