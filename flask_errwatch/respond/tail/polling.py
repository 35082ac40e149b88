"""`Tail`: follows the lines of a log group with FilterLogEvents, each line once.

CloudWatch Logs has no order of arrival. A line is found by its own time, and may arrive after
later ones: from another process, or from the journal of an outage. So each poll reads the last
minute again, and once a minute the last hour. Events that were read are recognised by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flask_errwatch.errors import AwsCallError
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.respond.reading.line_reading import no_log_group
from flask_errwatch.respond.tail.wanted_lines import WantedLines

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds between two polls. FilterLogEvents allows 10 calls a second for an account in most
#: regions (CloudWatch Logs quotas), which others need too.
INTERVAL: Final = 2.0
#: The longest wait after failures in a row.
LONGEST_WAIT: Final = 60.0
#: Seconds that every poll reads again, and those that it reads once in `_LATE_EVERY` seconds.
_RECENT: Final = 60.0
_LATE: Final = 3600.0
_LATE_EVERY: Final = 60.0
#: Failures that pass.
_PASSING: Final = frozenset({"throttled", "unreachable", "fault"})


class TailedLine(NamedTuple):
    """A line that was followed.

    Attributes:
        at: Its time, in seconds since the epoch.
        event: Its fields.
    """

    at: float
    event: Event


class Tail:
    """The lines of a log group that arrive.

    Args:
        aws: The account and region.
        log_group: The log group.
        wanted: Which of its lines.
        since: The time of the first one, in seconds since the epoch.
    """

    def __init__(self, aws: Aws, log_group: str, wanted: WantedLines, since: float) -> None:
        self._aws = aws
        self._log_group = log_group
        self._wanted = wanted
        self._since = self._start = since
        self._read_late_at = since
        #: The times of events that were read, by their ids.
        self._seen: dict[str, float] = {}

    def follow(
        self,
        *,
        clock: Callable[[], float],
        wait: Callable[[float], object],
        note: Callable[[str], object],
    ) -> Iterator[TailedLine]:
        """Yields lines without end, and waits between two polls.

        Args:
            clock: The present, in seconds since the epoch.
            wait: Waits for some seconds.
            note: Tells of a failure that passes.

        Raises:
            NoAnswerError: When the log group does not exist.
            AwsCallError: When it cannot be read, for a reason that does not pass.
        """
        pause = INTERVAL
        while True:
            try:
                yield from self.new_lines(clock())
            except AwsCallError as error:
                if error.kind not in _PASSING:
                    raise
                pause = min(2 * pause, LONGEST_WAIT)
                note(f"{error} The next try is in {pause:g} s.")
            else:
                pause = INTERVAL
            wait(pause)

    def new_lines(self, now: float) -> Iterator[TailedLine]:
        """Yields the lines that no earlier poll had.

        A poll that fails is repeated from its beginning, without the lines that it had.

        Args:
            now: The present, in seconds since the epoch.
        """
        for entry in self._entries():
            at = entry["timestamp"] / 1000
            if entry["eventId"] in self._seen:
                continue
            self._seen[entry["eventId"]] = at
            event = self._wanted.event_of(entry["message"])
            if event is not None:
                yield TailedLine(at, event)
        self._forget(now)

    def _entries(self) -> Iterator[Any]:
        try:
            yield from self._aws.pages(
                *("logs", "filter_log_events", "events"),
                logGroupName=self._log_group,
                filterPattern=self._wanted.filter_pattern,
                startTime=max(0, int(self._start * 1000)),
                # In the order of time across streams: AWS always does so, emulators if asked.
                interleaved=True,
            )
        except AwsCallError as error:
            if not error.is_not_found:
                raise
            raise no_log_group(self._aws, (self._log_group,)) from error

    def _forget(self, now: float) -> None:
        """Decides from when on the next poll reads, and forgets what no later one reads."""
        is_late_due = now - self._read_late_at >= _LATE_EVERY
        if is_late_due:
            self._read_late_at = now
        self._start = max(self._since, now - (_LATE if is_late_due else _RECENT))
        oldest = now - _LATE - _LATE_EVERY
        if is_late_due:
            self._seen = {name: at for name, at in self._seen.items() if at >= oldest}
