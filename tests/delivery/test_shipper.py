"""The shipper: when it makes its sender, which brings in boto3, and when it sends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask_errwatch._aws import DELIVERY, Aws
from flask_errwatch._guard import Guard
from flask_errwatch.delivery.journal.memory import MemoryJournal
from flask_errwatch.delivery.journal.records import Record
from flask_errwatch.delivery.sender import Refused, Sender
from flask_errwatch.delivery.shipper import Shipper
from tests.lab.lab_bench import eventually
from tests.lines import line

MIB = 1_048_576


class Noting(Sender):
    """Takes everything, and notes it."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(Aws(patience=DELIVERY), "shop", "web-1")
        self._notes = notes
        notes.append("made")

    def send(self, batch: Sequence[Record]) -> list[Refused]:
        """Notes the number of lines."""
        self._notes.append(f"sent {len(batch)}")
        return []


@contextmanager
def shipping(interval: float, *lines: bytes) -> Iterator[tuple[MemoryJournal, list[str]]]:
    """A journal that is shipped, and what its shipper does: each look, `made`, `sent …`.

    Args:
        interval: Longest time that a line waits, in seconds.
        *lines: What stands in the journal before the shipper starts.
    """
    journal = MemoryJournal(MIB)
    for each in lines:
        assert journal.append(each)
    notes: list[str] = []
    wanted = [True]
    shipper = Shipper(
        journal,
        lambda: Noting(notes),
        interval=interval,
        guard=Guard(),
        operational=lambda _phrase, _data: True,
        heartbeat=lambda _now: notes.append("look"),
        is_wanted=lambda: bool(wanted),
    )
    shipper.start()
    try:
        yield journal, notes
    finally:
        wanted.clear()


def test_the_sender_is_made_soon_after_the_start() -> None:
    """Not at once, but without a line: one that comes later must not wait for boto3."""
    with shipping(3600) as (journal, notes):
        assert eventually(lambda: "made" in notes)
        assert notes[:2] == ["look", "look"]
        assert journal.append(line(1_000_000, level="critical"))
        assert eventually(lambda: "sent 1" in notes)
        assert notes.count("made") == 1


def test_the_sender_is_there_when_the_first_line_is_due() -> None:
    """It is made while the line waits, so that the line waits for nothing else."""
    with shipping(3, line(1_000_000)) as (_, notes):
        assert eventually(lambda: "sent 1" in notes)
        looks = [note == "look" for note in notes]
        made = notes.index("made")
        assert all(looks[:made])
        assert any(looks[made : notes.index("sent 1")])


def test_a_critical_line_is_sent_at_once() -> None:
    """Right after the start with a sender that is made for it."""
    with shipping(3600, line(1_000_000, level="critical")) as (_, notes):
        assert eventually(lambda: "sent 1" in notes)
        assert notes[:3] == ["look", "made", "sent 1"]
