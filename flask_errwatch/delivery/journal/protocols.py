"""What the shipper needs of a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flask_errwatch.delivery.journal.losses import Losses
from flask_errwatch.delivery.journal.records import Position, Record

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal.adoption import Belongs
    from flask_errwatch.delivery.journal.destination import Destination
    from flask_errwatch.delivery.journal.reader import JournalReader
    from flask_errwatch.delivery.journal.requests import RequestSlots


class Fingerprints(Protocol):
    """The fingerprints that an app has shown."""

    def note(self, fingerprint: str, now: int) -> bool:
        """Notes that a line has the fingerprint. Never waits and never raises.

        Args:
            fingerprint: Of the exception.
            now: The time, in seconds since the epoch.

        Returns:
            Whether no line had it in the seven days before.
        """


class RecordSource(Protocol):
    """What a shipper reads from: the journal of this process, or of one that died.

    Attributes:
        losses: Lines that were lost and are not reported yet.
        in_doubt: Lines after the committed position that CloudWatch may have accepted already.
        is_own: Whether its lines count as lines of this process.
    """

    losses: Losses
    in_doubt: int
    is_own: bool

    def read(self) -> list[Record]:
        """The next records after those that were read, or an empty list."""

    def reset_to_committed(self) -> None:
        """Makes the next `read` start at the committed position again."""

    def acknowledge(self, end: Position) -> None:
        """Commits everything before a record's end."""

    def save(self) -> None:
        """Writes position and losses, so that they survive the process."""


class Journal(RecordSource, Protocol):
    """The journal that this process writes to.

    Attributes:
        is_durable: Whether another process finds the lines after this one has ended.
        is_nearly_full: Whether it is more than half full, so that the shipper must poll faster.
    """

    is_durable: bool
    is_nearly_full: bool

    @property
    def fingerprints(self) -> Fingerprints | None:
        """Those that the app has shown on this host. None without a folder."""

    @property
    def appended(self) -> int:
        """Lines appended so far."""

    @property
    def reserve(self) -> JournalReader | None:
        """Lines that were kept when others had to go. They are shipped like an adopted journal."""

    def append(self, text: bytes) -> bool:
        """Appends a line and returns whether it could. Never waits and never raises."""

    def count_refused(self) -> None:
        """Counts the lines that could not be appended as losses."""

    def recover(self) -> int | None:
        """Repairs removed files and closed descriptors.

        Returns:
            How many waiting lines were saved from a removed journal, or None if it was not.

        Raises:
            UnusableFolderError: When its folder cannot be used any more.
        """

    def in_memory(self) -> tuple[Journal, int]:
        """The journal that takes its place when its folder cannot be used any more.

        From now on, `append` appends to it.

        Returns:
            The journal, and how many lines it has taken over: those that can still be read.
        """

    def keep_within_bound(self) -> int | None:
        """Drops the oldest lines of the majority near the bound.

        Returns:
            How many lines of this process were lost, or None when no line was dropped or moved.
        """

    def note_destination(self, destination: Destination) -> None:
        """Notes with the lines where they go, for the process that may adopt them."""

    def adopt(self, belongs: Belongs) -> JournalReader | None:
        """Takes over the journal of a dead process, if there is one that belongs here."""

    def finish(self, adopted: JournalReader) -> None:
        """Removes an adopted journal that was read to its end, and takes over its losses."""

    def abandon(self, adopted: JournalReader) -> None:
        """Leaves an adopted journal that cannot be read as it is."""

    def track_requests(self) -> RequestSlots | None:
        """The file of the requests that this process serves, or None without a folder."""

    def mark_ended(self) -> None:
        """Notes that the process ends, or this journal's app: it has not died."""

    def touch(self) -> None:
        """Sets the time of its files to now, for cleaners that remove old files."""
