"""The shipper: one thread of a process, which takes lines from the journal to CloudWatch.

Nobody wakes it: it looks into the journal by itself. Failure means: do not go on, wait, read
again. So memory stays flat whatever AWS does, and what was not accepted stays in the journal.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from flask_errwatch._guard import Guard, tell
from flask_errwatch._time import rfc3339
from flask_errwatch.delivery.backoff import Breaker
from flask_errwatch.delivery.batches import batches
from flask_errwatch.delivery.journal.disk import OwnJournal, Reading
from flask_errwatch.delivery.journal.reader import Journal
from flask_errwatch.delivery.journal.records import Record
from flask_errwatch.delivery.sender import Refused, Sender
from flask_errwatch.delivery.threads import lasting_thread
from flask_errwatch.detectors import LINES_DROPPED
from flask_errwatch.errors import AwsCallError

#: Seconds between two looks into the journal: a critical line is to be on its way in a second.
POLL = 0.25
#: The same while the journal fills up: the oldest lines are to go before the newest find no room.
PRESSED_POLL = 0.02
#: Seconds after the start until boto3 is brought in, if no line is due before: a process's first
#: requests do not share its processor with that.
GRACE = 1.0
#: Seconds between two searches for journals whose process died.
ADOPT_EVERY = 5.0
#: Bytes of waiting lines at which a batch is sent although the interval is not over.
_ENOUGH = 200 * 1024
#: After these, whether the lines arrived is unknown: they are sent again and may stand twice.
_UNCERTAIN = {"ReadTimeoutError", "ConnectionClosedError", "ResponseStreamingError"}


class Figures:
    """What one process's shipper has done.

    Attributes:
        settled: Lines of this process that need no more work: delivered, refused or lost.
        delivered: Lines that CloudWatch accepted.
        redelivered: Of those, lines that it may have accepted before.
        reported: Losses that a `Lines Dropped` line has told of.
        last_error: What the last failure said, or None.
    """

    def __init__(self) -> None:
        self.settled = self.delivered = self.redelivered = self.reported = 0
        self.last_error: str | None = None


class Shipper:
    """Ships one process's lines, and those that dead processes of the same app left.

    Args:
        journal: This process's journal.
        make_sender: Makes the sender, in the shipper's own thread: it imports boto3.
        interval: Longest time that a line waits, in seconds.
        guard: Tells the operator.
        operational: Emits a line outside the catalogue, by phrase and data; whether it was
            taken.
        heartbeat: Called once a poll, with the monotonic time.
        is_wanted: Whether the app still exists; without it, what is left is sent and no more.
    """

    def __init__(
        self,
        journal: OwnJournal,
        make_sender: Callable[[], Sender],
        *,
        interval: float,
        guard: Guard,
        operational: Callable[[str, dict[str, object]], bool],
        heartbeat: Callable[[float], None],
        is_wanted: Callable[[], bool],
    ) -> None:
        self.figures = Figures()
        self._journal = journal
        self._make_sender = make_sender
        self._sender: Sender | None = None
        self._interval = interval
        self._guard = guard
        self._operational = operational
        self._heartbeat = heartbeat
        self._is_wanted = is_wanted
        self._breaker = Breaker()
        self._waiting: list[Record] = []
        self._waiting_since = 0.0
        self._ready_at = 0.0
        self._adopt_at = 0.0
        self._adopted: deque[Journal] = deque()
        self._wanted = threading.Event()
        self._hurrying = False
        self._hopeless = False
        self._works = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread; where none can be started, lines wait for another process."""
        self._thread = self._guard.run(
            "starting the shipper", lasting_thread, "errwatch-shipper", self._run
        )

    @property
    def lost(self) -> int:
        """Lines that were lost, whether that was reported or not."""
        return self.figures.reported + self._journal.losses.count

    @property
    def has_told(self) -> bool:
        """Whether the operator was told why lines wait just now."""
        return self._breaker.is_open

    @property
    def pending(self) -> int:
        """Lines of this process that are neither delivered nor lost."""
        return max(0, self._journal.appended - self.figures.settled)

    def flush(self, deadline: float) -> bool:
        """Waits until nothing is pending, or until the deadline of the monotonic clock."""
        return self._wait(deadline, lambda: False)

    def stop(self, deadline: float) -> bool:
        """The same, but no longer than there is hope: a permission does not come in seconds."""
        self._hopeless = False
        return self._wait(deadline, lambda: self._hopeless)

    def _wait(self, deadline: float, give_up: Callable[[], bool]) -> bool:
        self._hurrying = True
        self._breaker.hurry()
        self._wanted.set()
        try:
            while self.pending or self._adopted:
                left = deadline - time.monotonic()
                if left <= 0 or give_up():
                    return False
                time.sleep(min(0.01, left))
            return True
        finally:
            self._hurrying = False

    def _run(self) -> None:
        self._ready_at = time.monotonic() + GRACE
        while self._is_wanted() or self.pending:
            more = self._guard.run("the shipper", self._round)
            if more is None:
                # A full disk, or a bug of ours: told and counted; nothing was settled by it.
                self._start_over(time.monotonic())
            if not more:
                self._wanted.wait(PRESSED_POLL if self._journal.is_pressed else POLL)
                self._wanted.clear()

    def _round(self) -> bool:
        """Looks once at everything; whether there is more to do at once."""
        now = time.monotonic()
        self._heartbeat(now)
        saved = self._journal.heal()
        if saved is not None:
            self._note_removed(self.pending - saved)
        self._journal.count_refused()
        lost = self._journal.keep_within_bound()
        if lost:
            self.figures.settled += lost
            self._waiting = []
        if self._works and self._journal.losses.count:
            # Right after room was made, while the report still finds some.
            self._report_losses()
        if now >= self._adopt_at:
            self._adopt_at = now + ADOPT_EVERY
            self._journal.keep()
            while (adopted := self._journal.adopt()) is not None:
                self._adopted.append(adopted)
        if not self._breaker.may_try(now):
            return False
        return self._ship(now)

    def _ship(self, now: float) -> bool:
        if now >= self._ready_at:
            self._ready()  # so that no line that comes later has to wait for it
        if not self._waiting:
            self._waiting = self._journal.read()
            self._waiting_since = now
        elif not self._has_enough():
            self._waiting += self._journal.read()
        if self._waiting and self._is_due(now):
            records, self._waiting = self._waiting, []
            return self._deliver(self._journal, records)
        if self._adopted:
            return self._ship_adopted(self._adopted[0])
        return False

    def _is_due(self, now: float) -> bool:
        return (
            self._hurrying
            or self._journal.is_pressed
            or now - self._waiting_since >= self._interval
            or any(record.line.critical for record in self._waiting)
            or self._has_enough()
        )

    def _has_enough(self) -> bool:
        return sum(len(record.line.text) for record in self._waiting) >= _ENOUGH

    def _ship_adopted(self, adopted: Journal) -> bool:
        try:
            records = adopted.read()
        except OSError as error:
            self._guard.note(f"reading the journal {adopted.name}", error)
            self._journal.set_aside(self._adopted.popleft())
            return True
        if not records:
            self._adopted.popleft()
            self._guard.run("finishing a journal", self._journal.finish, adopted)
            # There may be more of them than are held open at a time.
            self._adopt_at = 0.0
            return True
        return self._deliver(adopted, records)

    def _deliver(self, source: Reading, records: list[Record]) -> bool:
        """Sends the records; settles what CloudWatch answered, and nothing else."""
        try:
            sender = self._ready()
            for batch in batches(records):
                self._settle(source, batch, sender.send(batch))
        except AwsCallError as error:
            source.rewind()
            if error.code in _UNCERTAIN:
                source.doubtful = max(source.doubtful, len(records))
            self._failed(error)
            return False
        self._works = True
        if self._breaker.succeeded():
            tell("CloudWatch Logs takes lines again.")
        return True

    def _ready(self) -> Sender:
        """The sender. The first time brings in boto3, which takes a good part of a second."""
        if self._sender is None:
            self._sender = self._make_sender()
        return self._sender

    def _settle(self, source: Reading, batch: list[Record], refused: list[Refused]) -> None:
        for each in refused:
            source.losses.add(each.reason, each.timestamp)
            text = f"a line was refused for good, {each.reason}: {each.message}"
            self._guard.tell(each.reason, text)
        again = min(source.doubtful, len(batch))
        source.doubtful -= again
        # A full disk keeps the place from being noted: that costs duplicates, and no delivery.
        self._guard.run("noting what was accepted", source.acknowledge, batch[-1].end)
        # Counted last: who waits for the count may end the process, and what was sent but not
        # noted by then is sent again.
        self.figures.redelivered += again
        self.figures.delivered += len(batch) - len(refused)
        if source is self._journal:
            self.figures.settled += len(batch)

    def _failed(self, error: AwsCallError) -> None:
        self.figures.last_error = str(error)
        self._works = False
        self._hopeless = error.is_lasting
        if self._breaker.failed(time.monotonic()):
            where = "journal" if self._journal.lasts else "memory"
            tell(f"lines wait in the {where}: {error}")
        if self._sender is not None and error.kind == "credentials":
            self._sender.renew()

    def _note_removed(self, lost: int) -> None:
        tell("somebody removed the journal: another one was begun.")
        self._waiting = []
        if lost > 0:
            self.figures.settled += lost
            self._journal.losses.add("the journal was removed", 0, lost)

    def _start_over(self, now: float) -> None:
        self._waiting = []
        self._journal.rewind()
        for adopted in self._adopted:
            adopted.rewind()
        self._breaker.failed(now)

    def _report_losses(self) -> None:
        """Says what was lost, in lines of its own, now that lines arrive again."""
        losses = self._journal.losses.by_reason
        for reason, loss in list(losses.items()):
            data: dict[str, object] = {"count": loss.count, "reason": reason}
            if loss.first:
                data["first"] = rfc3339(loss.first)
                data["last"] = rfc3339(loss.last)
            # A report that finds no room is made again at the next look.
            if self._operational(LINES_DROPPED, data):
                self.figures.reported += loss.count
                del losses[reason]
        self._journal.save()
