"""Folds events that are alike into one line with a count.

The first event of a fold is written at once. Those that follow it within the window are counted,
and written as one line at the window's end. `Folds` decides, `Collapser` writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol

import orjson

from flask_errwatch._fork import PerProcess
from flask_errwatch.capture.events import Event
from flask_errwatch.capture.fold_fields import NO_FIELDS, FoldFields
from flask_errwatch.capture.log_lines import fingerprint_of, source_of

#: Folds that are open at a time, and of those the ones with an exception or `data`, which are
#: large. One more closes the oldest of them.
MOST: Final = 1000
MOST_LARGE: Final = 100
#: Paths that a line shows, and characters of each: with them it is at most twice as long.
_PATHS: Final = 5
_PATH_LENGTH: Final = 48
#: No event has fields that keep it from sharing a line.
_NONE: Final[Mapping[str, FoldFields]] = {}
#: Seconds that an event waits for another thread, which may be an interrupted frame of its own.
_PATIENCE: Final = 0.1


class FoldKey(NamedTuple):
    """What events of one fold have in common.

    Attributes:
        detector: The detector.
        source: The client address, or that of the peer.
        user: The user, or an empty string for none.
        route: The route, or an empty string for none.
        fingerprint: That of the exception, or an empty string.
        data: The data, rendered, or empty.
        compared: The fields that conditions of detectors compare, rendered.
    """

    detector: str
    source: str
    user: str
    route: str
    fingerprint: str
    data: bytes
    compared: bytes


class _Fold:
    """The events of one fold since its last line."""

    __slots__ = ("count", "ends", "event", "first", "paths", "suspicion")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.count = 0
        self.first = ""
        self.event: Event = {}
        self.paths: list[str] = []
        self.suspicion: float = 0

    def add(self, event: Event) -> None:
        self.count += 1
        self.first = self.first or event["timestamp"]
        self.event = event
        self.suspicion += event.get("suspicion", 0)
        if len(self.paths) < _PATHS and "path" in event:
            path = event["path"][:_PATH_LENGTH]
            if path not in self.paths:
                self.paths.append(path)

    def line_event(self) -> Event:
        """The newest event, with what is known of the others."""
        event = self.event
        event["count"] = self.count
        if "suspicion" in event:
            event["suspicion"] = self.suspicion
        event["first"], event["last"] = self.first, event["timestamp"]
        if self.paths:
            event["paths"] = self.paths
        return event


class Folds:
    """The open folds of one process. Not safe for threads.

    Args:
        window: Seconds after which the events of a fold get their line.
        fields: The fields in which events of one fold may not differ, by the detector's name.

    Example:
        >>> folds = Folds(1.0)
        >>> event = {"detector": "gone", "client_ip": "192.0.2.1", "timestamp": "2026-01-01"}
        >>> folds.fold({**event}, now=0.0)["count"]
        1
        >>> folds.fold({**event}, now=0.1), folds.fold({**event}, now=0.2)
        (None, None)
        >>> [line["count"] for line in folds.due(now=1.0)]
        [2]
    """

    def __init__(self, window: float, fields: Mapping[str, FoldFields] = _NONE) -> None:
        self._window = window
        self._fields = fields
        # In the order in which they end: a fold that continues moves to the end.
        self._open: dict[FoldKey, _Fold] = {}
        self._large: dict[FoldKey, None] = {}  # those that are large, in the same order
        self._closed: list[Event] = []  # events of folds that were closed before their end

    def __len__(self) -> int:
        return len(self._open)

    def fold(self, event: Event, now: float) -> Event | None:
        """The event with its count, or None when it is folded into an earlier one."""
        key = _key_of(event, self._fields)
        fold = None if key is None else self._open.get(key)
        if fold is not None:
            fold.add(event)
            return None
        if key is not None:
            self._make_room(key)
            self._start(key, now)
        event["count"] = 1
        return event

    def _make_room(self, key: FoldKey) -> None:
        """Closes the oldest fold if all are taken: a few sources cannot keep all others out."""
        if _is_large(key) and len(self._large) >= MOST_LARGE:
            self._close(next(iter(self._large)))
        elif len(self._open) >= MOST:
            self._close(next(iter(self._open)))

    def _start(self, key: FoldKey, now: float) -> None:
        self._open[key] = _Fold(now + self._window)
        if _is_large(key):
            self._large[key] = None

    def _end(self, key: FoldKey) -> _Fold:
        self._large.pop(key, None)
        return self._open.pop(key)

    def _close(self, key: FoldKey) -> None:
        fold = self._end(key)
        if fold.count:
            self._closed.append(fold.line_event())

    def next_end(self) -> float | None:
        """When the next window ends, or None when no fold is open."""
        return next((fold.ends for fold in self._open.values()), None)

    def due(self, now: float) -> list[Event]:
        """The events whose window has ended, one for each fold that has some.

        A fold that had events continues: it has at most one line in each window. Those of folds
        that were closed before their end are the first.
        """
        events, self._closed = self._closed, []
        while (first := next(iter(self._open.items()), None)) is not None:
            key, fold = first
            if fold.ends > now:
                break
            self._end(key)
            if fold.count:
                events.append(fold.line_event())
                self._start(key, now)
        return events

    def all(self) -> list[Event]:
        """The events of all folds, whose windows end now. Nothing continues."""
        folds, closed = self._open, self._closed
        self._open, self._large, self._closed = {}, {}, []
        return closed + [fold.line_event() for fold in folds.values() if fold.count]


def _key_of(event: Event, fields: Mapping[str, FoldFields]) -> FoldKey | None:
    """What the event has in common with others, or None when it cannot be told."""
    detector = event.get("detector")
    if detector is None:
        return None  # an operational line
    compared, summed = fields.get(detector, NO_FIELDS)
    if any(_has(event, path) for path in summed):
        return None
    data = event.get("data")
    try:
        rendered = b"" if data is None else orjson.dumps(data)
        values = orjson.dumps([event.get(name) for name in compared])
    except TypeError:
        return None  # foreign values: rendering cleans them, and that is dear
    return FoldKey(
        detector,
        source_of(event),
        str(event.get("user") or ""),
        str(event.get("route") or ""),
        fingerprint_of(event),
        rendered,
        values,
    )


def _has(event: object, path: tuple[str, ...]) -> bool:
    """Whether the event has the field."""
    for name in path:
        if not isinstance(event, dict) or name not in event:
            return False
        event = event[name]
    return True


def _is_large(key: FoldKey) -> bool:
    return bool(key.fingerprint or key.data)


class Threads(Protocol):
    """What the collapser needs of the delivery."""

    def start_thread(self, name: str, target: Callable[[], None]) -> object:
        """Starts a daemon thread."""

    def before_flush(self, write: Callable[[], None]) -> None:
        """Calls the function before lines are flushed, and as the process ends."""


class _State:
    """The folds of one process, and what guards them."""

    def __init__(self, window: float, fields: Mapping[str, FoldFields]) -> None:
        self.folds = Folds(window, fields)
        self.lock = threading.Lock()
        self.has_thread = False
        self.wake = threading.Event()


class Collapser:
    """Writes events with their counts: at once, or at the end of their window.

    That end is seen by a thread, which runs while a fold is open, by the next event, and by the end
    of the process. A process that is killed loses at most one window of folded events.

    Args:
        window: Seconds of a window.
        write: Writes an event, and returns whether the sinks accepted its line.
        write_folded: Writes the event of a fold, with the time at which it is written.
        threads: The delivery.
        fields: The fields in which events of one line may not differ, by the detector's name.
    """

    def __init__(
        self,
        window: float,
        write: Callable[[Event], bool],
        write_folded: Callable[[Event], object],
        threads: Threads,
        fields: Mapping[str, FoldFields] = _NONE,
    ) -> None:
        self._window = window
        self._write = write
        self._write_folded = write_folded
        self._threads = threads
        self._state = PerProcess(lambda: _State(window, fields))
        threads.before_flush(self.write_all)

    def take(self, event: Event) -> bool:
        """Writes the event, or folds it, and writes what is due.

        Returns:
            Whether the sinks accepted its line, which a folded event has later.
        """
        state = self._state.get()
        now = time.monotonic()
        # A signal handler may interrupt the frame that has the lock.
        if not state.lock.acquire(timeout=_PATIENCE):
            event["count"] = 1
            return self._write(event)
        try:
            # Before the event: one that comes after its window belongs to the next one.
            due = state.folds.due(now)
            own = state.folds.fold(event, now)
            must_start = not state.has_thread and len(state.folds) > 0
            state.has_thread = state.has_thread or must_start
        finally:
            state.lock.release()
        if must_start:
            self._start(state)
        for ended in due:
            self._write_folded(ended)
        return True if own is None else self._write(own)

    def write_all(self) -> None:
        """Writes all folded events: the process ends, or a caller waits for their lines."""
        state = self._state.get()
        if state.lock.acquire(timeout=_PATIENCE):
            try:
                events = state.folds.all()
            finally:
                state.lock.release()
            for event in events:
                self._write_folded(event)
            state.wake.set()  # the thread has nothing left to wait for

    def _start(self, state: _State) -> None:
        try:
            self._threads.start_thread("errwatch-collapse", lambda: self._run(state))
        except RuntimeError:  # no thread can be started: the next event and the end write them
            state.has_thread = False

    def _run(self, state: _State) -> None:
        while True:
            with state.lock:
                end = state.folds.next_end()
                if end is None:
                    state.has_thread = False
                    return
            state.wake.wait(max(0.0, end - time.monotonic()))
            state.wake.clear()
            with state.lock:
                due = state.folds.due(time.monotonic())
            for event in due:
                self._write_folded(event)
