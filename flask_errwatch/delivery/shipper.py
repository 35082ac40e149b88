"""The shipper: the thread of a process that sends the lines in the journal to CloudWatch.

It polls the journal: no other thread wakes it for a line. After a failure it waits and reads the
same lines again. So memory stays flat whatever AWS does, and lines that were not accepted stay in
the journal.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from flask_errwatch._guard import Guard, warn
from flask_errwatch._text import counted
from flask_errwatch._time import rfc3339
from flask_errwatch.delivery.backoff import Backoff
from flask_errwatch.delivery.batches import batches
from flask_errwatch.delivery.journal import (
    Journal,
    JournalReader,
    Record,
    RecordSource,
    UnusableFolderError,
)
from flask_errwatch.delivery.ownership import Ownership
from flask_errwatch.delivery.sender import RefusedLine, Sender
from flask_errwatch.delivery.stats import ShipperFigures
from flask_errwatch.delivery.threads import start_daemon_thread
from flask_errwatch.detectors import LINES_DROPPED
from flask_errwatch.errors import AwsCallError

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal import Death

#: Emits an operational line, by event name and data, and returns whether the sinks accepted it.
EmitOperational = Callable[[str, dict[str, object]], bool]

#: Seconds between two polls: a critical line must be on its way within a second.
POLL = 0.25
#: The same while the journal fills up: the oldest lines must go before the newest have no room.
NEARLY_FULL_POLL = 0.02
#: Seconds after the start until boto3 is imported, if no line is due before: the import does not
#: compete with a process's first requests for the processor.
IMPORT_DELAY = 1.0
#: Seconds between two searches for journals of dead processes.
ADOPT_EVERY = 5.0
#: Bytes of waiting lines at which a batch is sent although the interval is not over.
_BATCH_BYTES = 200 * 1024
#: After these it is unknown whether the lines arrived: they are sent again and may be there twice.
_UNCERTAIN = {"ReadTimeoutError", "ConnectionClosedError", "ResponseStreamingError"}


class Shipper:
    """Ships one process's lines, and those that dead processes of the same app left.

    Args:
        journal: This process's journal.
        make_sender: Makes the sender, in the shipper's thread: it imports boto3.
        guard: Reports failures to the operator.
        interval: Longest time that a line waits, in seconds.
        heartbeat_seconds: Seconds between two heartbeats, 0 for none. CloudWatch publishes a
            metric filter's default value only for minutes in which a line arrived (AWS, Creating
            metrics from log events using filters): without a heartbeat, the metrics of a quiet
            app have no data instead of zeros.
        emit: Emits an operational line.
        emit_heartbeat: Emits the heartbeat.
        emit_death: Emits the line of a process that died, and returns whether the sinks accepted
            it.
        app_is_alive: False once the app was garbage-collected: the pending lines are sent, then
            the thread ends.

    Attributes:
        journal: The journal that it ships: in memory once the folder cannot be used any more.
    """

    def __init__(
        self,
        journal: Journal,
        make_sender: Callable[[], Sender],
        *,
        guard: Guard,
        interval: float,
        heartbeat_seconds: float,
        emit: EmitOperational,
        emit_heartbeat: Callable[[], None],
        emit_death: Callable[[Death], bool],
        app_is_alive: Callable[[], bool],
    ) -> None:
        self.figures = ShipperFigures()
        self.journal = journal
        self._make_sender = make_sender
        self._sender: Sender | None = None
        self._guard = guard
        self._interval = interval
        self._heartbeat_seconds = heartbeat_seconds
        self._emit = emit
        self._emit_heartbeat = emit_heartbeat
        self._emit_death = emit_death
        self._app_is_alive = app_is_alive
        self._ownership = Ownership(self._get_sender, guard)
        self._backoff = Backoff()
        self._waiting: list[Record] = []
        self._waiting_since = 0.0
        self._adopted: deque[JournalReader] = deque()
        self._import_at = self._heartbeat_at = self._adopt_at = 0.0
        self._wake = threading.Event()
        self._is_flushing = False
        # Numbers of the last search for journals that was asked for, and of the last one made.
        self._search_wanted = self._search_made = 0
        self._gave_up = False
        self._last_send_succeeded = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread. If that is impossible, lines wait for another process."""
        self._thread = self._guard.run(
            "starting the shipper", start_daemon_thread, "errwatch-shipper", self._run
        )

    @property
    def lost(self) -> int:
        """Lines that were lost, whether that was reported or not."""
        return self.figures.reported + self.journal.losses.count

    @property
    def has_logged_outage(self) -> bool:
        """Whether stderr already shows why lines wait now."""
        return self._backoff.is_open

    @property
    def pending(self) -> int:
        """Lines of this process that are neither delivered nor lost."""
        return max(0, self.journal.appended - self.figures.committed)

    def flush(self, deadline: float) -> bool:
        """Waits until no line is pending, or until the deadline of the monotonic clock."""
        return self._wait(deadline, lambda: False)

    def stop(self, deadline: float) -> bool:
        """Like `flush`, but gives up at once on a lasting error, such as a missing permission."""
        self._gave_up = False
        return self._wait(deadline, lambda: self._gave_up)

    def search(self) -> None:
        """Searches for journals of dead processes at the next poll. `stop` waits for that too."""
        self._search_wanted += 1

    def _wait(self, deadline: float, must_give_up: Callable[[], bool]) -> bool:
        self._is_flushing = True
        self._backoff.reset()
        self._wake.set()
        try:
            # The search first: what it finds meanwhile is then seen. Under gevent, asking whether
            # the thread runs lets it run.
            while self._is_searching or self._adopted or self.pending:
                seconds = deadline - time.monotonic()
                if seconds <= 0 or must_give_up():
                    return False
                time.sleep(min(0.01, seconds))
            return True
        finally:
            self._is_flushing = False

    @property
    def _is_searching(self) -> bool:
        has_thread = self._thread is not None and self._thread.is_alive()
        return has_thread and self._search_made < self._search_wanted

    def _run(self) -> None:
        now = time.monotonic()
        self._import_at = now + IMPORT_DELAY
        self._heartbeat_at = now + self._heartbeat_seconds
        while self._app_is_alive() or self.pending:
            has_more = self._guard.run("the shipper", self._poll)
            if has_more is None:
                # A full disk, or a bug: logged and counted, and nothing was committed by it.
                self._start_over(time.monotonic())
            if not has_more:
                self._wake.wait(NEARLY_FULL_POLL if self.journal.is_nearly_full else POLL)
                self._wake.clear()
        self._guard.run("marking the end", self.journal.mark_ended)

    def _poll(self) -> bool:
        """Does everything that is due, and returns whether there is more to do at once."""
        now = time.monotonic()
        if self._heartbeat_seconds and now >= self._heartbeat_at:
            self._heartbeat_at = now + self._heartbeat_seconds
            self._emit_heartbeat()
        try:
            saved = self.journal.recover()
        except UnusableFolderError as unusable:
            self._continue_in_memory(unusable)
            return True
        if saved is not None:
            self._note_removed(self.pending - saved)
        self.journal.count_refused()
        lost = self.journal.keep_within_bound()
        if lost is not None:
            self.figures.committed += lost
            self._waiting = []
        reserve = self.journal.reserve
        if reserve is not None and reserve not in self._adopted:
            self._adopted.appendleft(reserve)
        if self._last_send_succeeded and self.journal.losses.count:
            # Right after room was made, while there is still some for the report.
            self._report_losses()
        wanted = self._search_wanted
        if now >= self._adopt_at or wanted > self._search_made:
            self._adopt_at = now + ADOPT_EVERY
            self._search()
            self._search_made = wanted
        if not self._backoff.may_try(now):
            return False
        return self._ship(now)

    def _search(self) -> None:
        """Adopts the journals of dead processes whose lines are for the same destination."""
        self.journal.touch()
        while (adopted := self.journal.adopt(self._ownership.belongs)) is not None:
            self._adopted.append(adopted)
            # Now: the line must not wait until CloudWatch accepts what is older.
            self._report_death(adopted)
        self._ownership.report_left()

    def _ship(self, now: float) -> bool:
        if now >= self._import_at:
            self._get_sender()  # so that no line that comes later has to wait for it
        reserve = self.journal.reserve
        if reserve is not None and self.journal.is_nearly_full:
            return self._ship_adopted(reserve)  # the flood's lines would take all the time
        if not self._waiting:
            self._waiting = self.journal.read()
            self._waiting_since = now
        elif not self._has_batch():
            self._waiting += self.journal.read()
        if self._waiting and self._is_due(now):
            records, self._waiting = self._waiting, []
            return self._deliver(self.journal, records)
        if self._adopted:
            return self._ship_adopted(self._adopted[0])
        if self._last_send_succeeded:
            self._ownership.note_account(self.journal)
        return False

    def _is_due(self, now: float) -> bool:
        return (
            self._is_flushing
            or self.journal.is_nearly_full
            or now - self._waiting_since >= self._interval
            or any(record.line.critical for record in self._waiting)
            or self._has_batch()
        )

    def _has_batch(self) -> bool:
        return sum(len(record.line.text) for record in self._waiting) >= _BATCH_BYTES

    def _ship_adopted(self, adopted: JournalReader) -> bool:
        try:
            records = adopted.read()
        except OSError as error:
            self._guard.note_failure(f"reading the journal {adopted.name}", error)
            self.journal.abandon(self._adopted.popleft())
            return True
        if not records:
            if not self._report_death(adopted):
                return False
            self._adopted.popleft()
            self._guard.run("finishing a journal", self.journal.finish, adopted)
            # There may be more of them than are held open at a time.
            self._adopt_at = 0.0
            return True
        return self._deliver(adopted, records)

    def _report_death(self, adopted: JournalReader) -> bool:
        """Emits the line of the process that died, if one is due.

        If this process is killed between the line and the mark, the next one reports it again.

        Returns:
            False if there was no room for the line.
        """
        if adopted.death is None:
            return True
        if self._guard.run("reporting a death", self._emit_death, adopted.death) is False:
            return False
        adopted.death = None
        self._guard.run("marking a death", adopted.note_reported)
        return True

    def _deliver(self, source: RecordSource, records: list[Record]) -> bool:
        """Sends the records, and commits only those that CloudWatch accepted or refused."""
        try:
            sender = self._get_sender()
            self._ownership.note(self.journal)
            for batch in batches(records):
                self._commit(source, batch, sender.send(batch))
        except AwsCallError as error:
            source.reset_to_committed()
            if error.code in _UNCERTAIN:
                source.in_doubt = max(source.in_doubt, len(records))
            self._failed(error)
            return False
        self._last_send_succeeded = True
        if self._backoff.succeeded():
            warn("CloudWatch Logs accepts lines again.")
        return True

    def _get_sender(self) -> Sender:
        """The sender. The first call imports boto3, which takes a good part of a second."""
        if self._sender is None:
            self._sender = self._make_sender()
        return self._sender

    def _commit(
        self, source: RecordSource, batch: list[Record], refused: list[RefusedLine]
    ) -> None:
        for line in refused:
            source.losses.add(line.reason, line.timestamp)
            text = f"a line was refused for good, {line.reason}: {line.message}"
            self._guard.warn_once(line.reason, text)
        again = min(source.in_doubt, len(batch))
        source.in_doubt -= again
        # If a full disk prevents the commit, that costs duplicates, and no delivery.
        self._guard.run("noting what was accepted", source.acknowledge, batch[-1].end)
        # Last: a caller that waits for these counters may end the process, and what was sent
        # but not committed by then is sent again.
        self.figures.redelivered += again
        self.figures.delivered += len(batch) - len(refused)
        if source.is_own:
            self.figures.committed += len(batch)

    def _failed(self, error: AwsCallError) -> None:
        self.figures.last_error = str(error)
        self._last_send_succeeded = False
        self._gave_up = error.is_lasting
        if self._backoff.failed(time.monotonic()):
            where = "journal" if self.journal.is_durable else "memory"
            warn(f"lines wait in the {where}: {error}")
        if self._sender is not None and error.kind == "credentials":
            self._sender.renew()

    def _note_removed(self, lost: int) -> None:
        warn("the journal was removed: a new one was created.")
        self._waiting = []
        if lost > 0:
            self.figures.committed += lost
            self.journal.losses.add("the journal was removed", 0, lost)

    def _continue_in_memory(self, unusable: UnusableFolderError) -> None:
        """Goes on without the folder. What cannot be read any more is counted as lost."""
        removed = self.journal
        self.journal, saved = removed.in_memory()
        lost = removed.appended - self.figures.committed - saved
        # It counts its own lines from here on.
        self.figures.committed = 0
        self._waiting = []
        self._adopted.clear()  # they stay where they are, for another process
        if lost > 0:
            self.journal.losses.add("the journal folder cannot be used any more", 0, lost)
        unread = f" {counted(lost, 'line')} in it cannot be read." if lost > 0 else ""
        warn(
            f"{unusable}: lines wait in memory until this process ends.{unread} "
            "Mend the folder, and restart the app."
        )

    def _start_over(self, now: float) -> None:
        self._waiting = []
        self.journal.reset_to_committed()
        for adopted in self._adopted:
            adopted.reset_to_committed()
        self._backoff.failed(now)

    def _report_losses(self) -> None:
        """Emits a `Lines Dropped` line for each reason, now that lines arrive again."""
        losses = self.journal.losses.by_reason
        for reason, loss in list(losses.items()):
            data: dict[str, object] = {"count": loss.count, "reason": reason}
            if loss.first:
                data["first"] = rfc3339(loss.first)
                data["last"] = rfc3339(loss.last)
            # A report that has no room is emitted again at the next poll.
            if self._emit(LINES_DROPPED, data):
                self.figures.reported += loss.count
                del losses[reason]
        self.journal.save()
