"""The shipper: when it creates its sender, which imports boto3, and when it sends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from flask_errwatch._aws import DELIVERY, Aws
from flask_errwatch._guard import Guard
from flask_errwatch.delivery.journal import Record
from flask_errwatch.delivery.journal.memory import MemoryJournal
from flask_errwatch.delivery.sender import RefusedLine, Sender
from flask_errwatch.delivery.shipper import IMPORT_DELAY, Shipper
from tests.lab.lab_bench import eventually
from tests.lines import line

MIB = 1_048_576


class NotingJournal(MemoryJournal):
    """Notes each poll."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(MIB)
        self._notes = notes

    def recover(self) -> int | None:
        """Is called once a poll, and notes it."""
        self._notes.append("poll")
        return super().recover()


class NotingSender(Sender):
    """Accepts every line, and notes its own creation and each batch."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__(Aws(patience=DELIVERY), "shop", "web-1")
        self._notes = notes
        notes.append("created")

    def send(self, batch: Sequence[Record]) -> list[RefusedLine]:
        """Notes the number of lines."""
        self._notes.append(f"sent {len(batch)}")
        return []


@contextmanager
def shipping(
    interval: float, *lines: bytes, heartbeat_seconds: float = 0
) -> Iterator[tuple[MemoryJournal, list[str]]]:
    """A journal with a shipper, and what the shipper does: `poll`, `created`, `sent …`, `beat`.

    Args:
        interval: Longest time that a line waits, in seconds.
        *lines: The lines in the journal before the shipper starts.
        heartbeat_seconds: Seconds between two heartbeats; 0 means none.
    """
    notes: list[str] = []
    journal = NotingJournal(notes)
    for text in lines:
        assert journal.append(text)
    alive = [True]
    shipper = Shipper(
        journal,
        lambda: NotingSender(notes),
        guard=Guard(),
        interval=interval,
        heartbeat_seconds=heartbeat_seconds,
        emit=lambda _event, _data: True,
        emit_heartbeat=lambda: notes.append("beat"),
        emit_death=lambda _death: True,
        app_is_alive=lambda: bool(alive),
    )
    shipper.start()
    try:
        yield journal, notes
    finally:
        alive.clear()


def wait_for_polls(notes: list[str]) -> None:
    """Waits until a poll that began after this call has ended."""
    polls = notes.count("poll")
    assert eventually(lambda: notes.count("poll") >= polls + 3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of the shipper's monotonic clock, which runs only when a test moves it."""
    seconds = [1000.0]
    fake = SimpleNamespace(monotonic=lambda: seconds[0], sleep=time.sleep)
    monkeypatch.setattr("flask_errwatch.delivery.shipper.time", fake)
    monkeypatch.setattr("flask_errwatch.delivery.shipper.POLL", 0.01)
    return seconds


def test_the_sender_is_created_soon_after_the_start(clock: list[float]) -> None:
    """Not at once, but without a line: one that comes later must not wait for boto3."""
    with shipping(3600) as (journal, notes):
        wait_for_polls(notes)
        assert "created" not in notes
        clock[0] += IMPORT_DELAY
        assert eventually(lambda: "created" in notes)
        assert journal.append(line(1_000_000, level="critical"))
        assert eventually(lambda: "sent 1" in notes)
        assert notes.count("created") == 1


def test_the_sender_exists_when_the_first_line_is_due(clock: list[float]) -> None:
    """It is created while the line waits, so that the line waits for nothing else."""
    with shipping(60, line(1_000_000)) as (_, notes):
        wait_for_polls(notes)
        assert set(notes) == {"poll"}
        clock[0] += 59
        wait_for_polls(notes)
        assert set(notes) == {"poll", "created"}
        clock[0] += 1
        assert eventually(lambda: "sent 1" in notes)


def test_a_critical_line_is_sent_at_once() -> None:
    """Right after the start, with a sender that is created for it."""
    with shipping(3600, line(1_000_000, level="critical")) as (_, notes):
        assert eventually(lambda: "sent 1" in notes)
        assert notes[:3] == ["poll", "created", "sent 1"]


def test_a_heartbeat_comes_once_an_interval(clock: list[float]) -> None:
    """The first comes an interval after the start. Polls between two of them emit none."""
    with shipping(3600, heartbeat_seconds=60) as (_, notes):
        for beats in range(3):
            wait_for_polls(notes)
            assert notes.count("beat") == beats
            clock[0] += 59
            wait_for_polls(notes)
            assert notes.count("beat") == beats
            clock[0] += 1


def test_no_heartbeat_without_an_interval() -> None:
    """0 turns the heartbeat off."""
    with shipping(3600) as (_, notes):
        assert eventually(lambda: notes.count("poll") >= 3)
        assert "beat" not in notes
