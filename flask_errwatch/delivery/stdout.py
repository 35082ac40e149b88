"""The sink `stdout`: whole lines on the standard output, whoever else writes them and reads them.

A request writes its line itself when there is room and no other process is writing one. What would
make it wait longer than `PATIENCE` stays in a queue, in order and bounded, and a thread writes it.
"""

from __future__ import annotations

import errno
import functools
import math
import sys
import time
from collections import deque
from typing import Final

from flask_errwatch._fork import PerProcess
from flask_errwatch._guard import Guard, warn
from flask_errwatch._text import counted
from flask_errwatch.delivery.descriptor import SharedDescriptor
from flask_errwatch.delivery.stats import SinkFigures
from flask_errwatch.delivery.threads import start_brief_thread

#: Seconds that a request waits at most: for its line to be written, or for room in the queue.
PATIENCE = 0.05
#: Bytes of the lines in a process's queue. A line that has no room is lost, and counted.
QUEUE_BYTES = 8 * 1024 * 1024
#: Seconds between two attempts: of a request, which waits, and of the thread.
_PAUSE, _THREAD_PAUSE = 0.001, 0.005
#: Seconds without progress after which nothing seems to read.
_STALLED = 1.0
_STDOUT, _CLOSED = 1, -1
_STEP = "the standard output"


class StdoutSink:
    """Writes one app's lines to the standard output, for an agent to collect (Docker, ECS, Lambda).

    It writes to the descriptor, because `sys.stdout` belongs to the application, which may buffer
    or replace it.

    Args:
        guard: Reports failures to the operator.
    """

    def __init__(self, guard: Guard) -> None:
        self.guard: Final = guard
        self._lost = 0

    def write(self, line: bytes) -> bool:
        """Writes the line, or leaves it to the thread. Never raises, and never waits for long.

        Returns:
            True: a line that is lost is counted here.
        """
        self.guard.run(_STEP, _output.get().write, _Line(self, line + b"\n"))
        return True

    def flush(self, deadline: float) -> bool:
        """Waits until no line is in the queue, or until the deadline of the monotonic clock."""
        output = _output.get()
        self.guard.run(_STEP, output.drain, deadline, _PAUSE)
        return not output.count(self)

    def stop(self, deadline: float) -> None:
        """Flushes as the process ends, and logs how many lines are lost.

        The time until the deadline starts again whenever the reader takes something.
        """
        output = _output.get()
        self.guard.run(_STEP, output.drain_while_it_moves, deadline)
        pending = output.count(self)
        if pending:
            warn(
                f"{counted(pending, 'line')} lost as the process ends: nothing reads the standard "
                "output, or too slowly"
            )

    def flush_before_os_exit(self, deadline: float) -> None:
        """Flushes."""
        self.flush(deadline)

    def figures(self) -> SinkFigures:
        """The lines that wait in the queue, and those that are lost."""
        return SinkFigures(pending=_output.get().count(self), lost=self._lost)

    def lose(self, error: OSError) -> None:
        """Counts a line that cannot be written."""
        self._lost += 1
        self.guard.note_failure("writing to the standard output", error)


class _Line:
    """A line in the queue.

    Attributes:
        sink: The sink that it belongs to.
        data: All of it, with its end.
        rest: What is not written yet.
    """

    __slots__ = ("data", "rest", "sink")

    def __init__(self, sink: StdoutSink, data: bytes) -> None:
        self.sink: Final = sink
        self.data: Final = data
        self.rest = data

    @property
    def is_begun(self) -> bool:
        """Whether a part of it was written, or may have been before a signal interrupted it."""
        return len(self.rest) != len(self.data)


class _Output:
    """The standard output of one process, with the lines of all its apps that wait."""

    def __init__(self) -> None:
        # If it was closed when Python started, whatever the process opened first has its number.
        self._descriptor = SharedDescriptor(_STDOUT if sys.__stdout__ is not None else _CLOSED)
        self._lines: deque[_Line] = deque()
        self._size = 0
        # The one who writes. Not a lock: after a `try` that acquires one, a signal handler may
        # raise before it is known that it must be released.
        self._writer: dict[str, object] = {}
        self._is_torn = False
        self._moved_at = 0.0
        self._has_thread = False

    def write(self, line: _Line) -> None:
        """Writes the line after those in the queue, or leaves it there."""
        deadline = time.monotonic() + PATIENCE
        if self._size + len(line.data) > QUEUE_BYTES and not self._make_room(line, deadline):
            line.sink.lose(BlockingIOError(errno.EAGAIN, "its reader is too slow"))
            return
        is_first = not self._lines
        self._lines.append(line)
        self._size += len(line.data)
        is_done = False
        try:
            is_done = self._advance(deadline) or (is_first and self.drain(deadline, _PAUSE))
        finally:
            if not is_done:  # also when a signal handler ends this, perhaps inside a line
                self._ensure_thread(line.sink.guard)

    def count(self, sink: StdoutSink) -> int:
        """Lines of the sink that wait."""
        return sum(line.sink is sink for line in tuple(self._lines))

    def drain(self, deadline: float, pause: float) -> bool:
        """Writes until no line waits, or until the deadline. Returns whether none waits."""
        self._advance(deadline)
        while self._lines:
            if time.monotonic() >= deadline:
                return False
            time.sleep(pause)
            self._advance(deadline)
        return True

    def drain_while_it_moves(self, deadline: float) -> None:
        """Writes until no line waits, or until nothing was written for the time to the deadline."""
        patience = deadline - time.monotonic()
        while not self.drain(deadline, _PAUSE) and self._moved_at + patience > deadline:
            deadline = self._moved_at + patience

    def _make_room(self, line: _Line, deadline: float) -> bool:
        # A reader that has stopped is not waited for, or every request would be slower.
        deadline = min(deadline, self._moved_at + _STALLED)
        self._advance(deadline)
        while self._size + len(line.data) > QUEUE_BYTES:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)
            self._advance(deadline)
        return True

    def _ensure_thread(self, guard: Guard) -> None:
        """Starts the thread. Where that is impossible, the next line or the exit continues."""
        if not self._has_thread:
            self._has_thread = True
            run = functools.partial(self._run, guard)
            if guard.run(f"a thread for {_STEP}", start_brief_thread, run) is None:
                self._has_thread = False

    def _run(self, guard: Guard) -> None:
        try:
            is_drained: bool | None = True
            while self._lines and is_drained:
                is_drained = guard.run(_STEP, self.drain, math.inf, _THREAD_PAUSE)
                self._has_thread = False  # before the check: a line that comes now starts another
        finally:
            self._has_thread = False

    def _advance(self, deadline: float) -> bool:
        """Writes what can be written now, until the deadline.

        Returns:
            Whether nothing has to be waited for: no line is left, or another thread, or the
            function that a signal interrupted, is writing and will write all of them.
        """
        while self._lines:
            me = object()
            try:
                if self._writer.setdefault("", me) is not me:
                    return True
                if not self._write_lines(deadline):
                    return False
            finally:
                # No call in between, in which a signal handler could run.
                if "" in self._writer and self._writer[""] is me:
                    del self._writer[""]
        self._size = 0
        return True

    def _write_lines(self, deadline: float) -> bool:
        """Writes one line after the other. Returns False when it has to wait, or to end."""
        while self._lines:
            if _output.peek() is not self:
                self._lines.clear()  # a child, forked from within: these are its parent's
                return True
            was_begun = self._lines[0].is_begun
            if not self._write_first():
                return False
            if self._lines and (was_begun or time.monotonic() >= deadline):
                # Another process has its turn, and a request does not write for others for ever.
                return False
        return True

    def _write_first(self) -> bool:
        """Writes the first line, and returns False when it has to wait."""
        line = self._lines[0]
        try:
            if self._descriptor.note_file():
                line.rest, self._is_torn = line.data, False
            if not self._descriptor.try_acquire():
                return False
            if self._is_torn and not line.is_begun:
                line.rest, self._is_torn = b"\n" + line.data, False
            self._write_rest(line)
        except BlockingIOError:
            self._descriptor.enlarge()
            if not line.is_begun:
                self._descriptor.release()
            return False
        except OSError as error:
            self._is_torn = line.is_begun
            line.sink.lose(error)
        self._lines.popleft()
        self._size -= len(line.data)
        self._descriptor.release()
        return True

    def _write_rest(self, line: _Line) -> None:
        while line.rest:
            # If a signal handler ends this, it is unknown what was written: the line is repeated.
            rest, line.rest = line.rest, b"\n" + line.data
            try:
                written = self._descriptor.write(rest)
            except OSError:
                line.rest = rest
                raise
            line.rest = rest[written:]
            self._moved_at = time.monotonic()


_output: PerProcess[_Output] = PerProcess(_Output)
