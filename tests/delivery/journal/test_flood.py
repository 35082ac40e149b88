"""What a flood into a full journal leaves: the lines that are not the flood's."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from flask_errwatch.delivery.journal.disk import DiskJournal
from flask_errwatch.delivery.journal.memory import MemoryJournal
from flask_errwatch.delivery.journal.protocols import Journal, RecordSource
from flask_errwatch.delivery.journal.writer import FULL
from tests.lines import anything, line

MIB = 1_048_576
#: Earlier lines of another source, from the first one on.
EARLIER = 50

MakeJournal = Callable[[], Journal]
#: A line with its number.
MakeLine = Callable[[int], bytes]


def _line(number: int, client: str, detector: str = "not-found", **fields: object) -> bytes:
    return line(
        1_000_000 + number, detector=detector, client_ip=client, n=number, pad="x" * 350, **fields
    )


def _exception(fingerprint: str) -> dict[str, object]:
    return {"level": "critical", "exception": {"type": "ValueError", "fingerprint": fingerprint}}


FLOODS: dict[str, MakeLine] = {
    "one source": lambda n: _line(n, "192.0.2.1"),
    "fifty sources": lambda n: _line(n, f"192.0.2.{n % 50}"),
    "a source for each line": lambda n: _line(n, f"2001:db8::{n:x}"),
    "three detectors": lambda n: _line(n, "192.0.2.1", ("a", "b", "c")[n % 3]),
    "critical lines": lambda n: _line(n, "192.0.2.1", "critical-error", **_exception("flood")),
    "without a source": lambda n: line(1_000_000 + n, detector="not-found", n=n, pad="x" * 380),
}
EARLIER_LINES: dict[str, MakeLine] = {
    "of the same detector": lambda n: _line(n, "198.51.100.7"),
    "of another detector": lambda n: _line(n, "198.51.100.7", "login-failed"),
}
JOURNALS: dict[str, Callable[[Path], Journal]] = {
    "disk": lambda folder: DiskJournal(folder, MIB),
    "memory": lambda _: MemoryJournal(MIB),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for journals."""
    folder = tmp_path / "app"
    folder.mkdir(mode=0o700)
    return folder


def _numbers(source: RecordSource) -> list[int]:
    """The numbers of all lines of a journal that are left, each acknowledged."""

    def records() -> Iterator[int]:
        while read := source.read() or source.read():
            yield from (record.line.timestamp - 1_000_000 for record in read)
            source.acknowledge(read[-1].end)

    return list(records())


def _all_numbers(journal: Journal) -> list[int]:
    """The same, of the reserve too, and of journals that are adopted."""
    numbers = []
    while (adopted := journal.reserve or journal.adopt(anything)) is not None:
        numbers += _numbers(adopted)
        journal.finish(adopted)
    return numbers + _numbers(journal)


def _fill(journal: Journal, make_line: MakeLine, numbers: range) -> None:
    for number in numbers:
        assert journal.append(make_line(number))
        if number % 20 == 0:
            journal.keep_within_bound()


@pytest.mark.parametrize("kind", JOURNALS)
@pytest.mark.parametrize("earlier", EARLIER_LINES)
@pytest.mark.parametrize("flood", FLOODS)
def test_earlier_lines_outlive_a_flood(kind: str, earlier: str, flood: str, place: Path) -> None:
    """All lines that came before it are left. Those that are left or counted are all lines."""
    journal = JOURNALS[kind](place)
    _fill(journal, EARLIER_LINES[earlier], range(EARLIER))
    _fill(journal, FLOODS[flood], range(EARLIER, 12_000))
    assert sum(path.stat().st_size for path in place.glob("*.log")) <= MIB
    left = _all_numbers(journal)
    assert set(range(EARLIER)) <= set(left)
    assert len(left) == len(set(left))
    assert journal.losses.by_reason[FULL].count + len(left) == 12_000
    assert max(left) == 11_999


@pytest.mark.parametrize("kind", JOURNALS)
@pytest.mark.parametrize("first", [1500, 2900])
@pytest.mark.parametrize("flood", ["one source", "fifty sources", "critical lines"])
def test_lines_between_two_floods_outlive_both(
    kind: str, first: int, flood: str, place: Path
) -> None:
    """The second flood does not turn the first one's lines into something rare."""
    journal = JOURNALS[kind](place)
    _fill(journal, FLOODS[flood], range(first))
    _fill(journal, EARLIER_LINES["of another detector"], range(first, first + EARLIER))
    _fill(
        journal,
        lambda n: _line(n, f"203.0.113.{n % 50}", "method-not-allowed"),
        range(first + EARLIER, 10_000),
    )
    left = _all_numbers(journal)
    assert set(range(first, first + EARLIER)) <= set(left)
    assert journal.losses.by_reason[FULL].count + len(left) == 10_000


@pytest.mark.parametrize("kind", JOURNALS)
def test_critical_lines_and_new_fingerprints_come_first(kind: str, place: Path) -> None:
    """Of the lines that are not the flood's, they are kept where the others have no room.

    An exception that is new is kept although it comes from the flood's source and detector.
    """

    def mixed(number: int) -> bytes:
        if number % 40 == 3:
            return _line(number, "192.0.2.1", "not-found", **_exception(f"new-{number}"))
        if number % 40 == 5:
            return _line(number, "203.0.113.9", "not-found", level="critical")
        if number % 40 < 20:
            return _line(number, f"198.51.100.{number % 40}")
        return _line(number, "192.0.2.1")

    journal = JOURNALS[kind](place)
    _fill(journal, mixed, range(4000))
    _fill(journal, FLOODS["one source"], range(4000, 8000))
    left = set(_all_numbers(journal))
    assert [number for number in range(3, 4000, 40) if number not in left] == []
    assert [number for number in range(5, 4000, 40) if number not in left] == []


def test_what_is_kept_is_bounded_by_a_quarter(place: Path) -> None:
    """Lines that are all unlike one another take no more: the newest ones have the rest."""
    journal = DiskJournal(place, MIB)
    _fill(journal, FLOODS["a source for each line"], range(12_000))
    assert sum(path.stat().st_size for path in place.glob("*-reserve.*.log")) <= MIB // 4
    left = _all_numbers(journal)
    assert left[:100] == list(range(100))  # the oldest of those that are alike
    assert set(range(11_000, 12_000)) <= set(left)


def test_the_bound_holds_for_several_floods_together(place: Path) -> None:
    """Each process keeps its own earlier lines, within the bound of all of them."""
    journals = [DiskJournal(place, 4 * MIB) for _ in range(3)]
    for journal in journals:
        _fill(journal, EARLIER_LINES["of the same detector"], range(EARLIER))
    for start in range(EARLIER, 12_000, 50):
        for journal in journals:
            _fill(journal, FLOODS["fifty sources"], range(start, start + 50))
        assert sum(path.stat().st_size for path in place.glob("*.log")) <= 4 * MIB
    for journal in journals:
        kept = journal.reserve
        assert kept is not None
        assert set(range(EARLIER)) <= set(_numbers(kept))


def test_the_counts_are_exact_while_the_reserve_is_delivered(place: Path) -> None:
    """What is kept is pending until it is acknowledged, and what goes is counted once."""
    journal = DiskJournal(place, MIB)
    committed = 0
    _fill(journal, EARLIER_LINES["of another detector"], range(EARLIER))
    for number in range(EARLIER, 9000):
        assert journal.append(FLOODS["fifty sources"](number))
        if number % 20 == 0:
            committed += journal.keep_within_bound() or 0
        if number % 3000 == 0 and journal.reserve is not None:
            records = journal.reserve.read()
            journal.reserve.acknowledge(records[9].end)
            journal.reserve.reset_to_committed()
            committed += 10
    pending = journal.appended - committed
    assert pending == len(_all_numbers(journal))


#: Kills a process at each of its changes of the folder: before it, for even numbers, or after it.
_KILLED = """
import os, signal, sys
from pathlib import Path
from flask_errwatch.delivery.journal.disk import DiskJournal
from tests.delivery.journal.test_flood import EARLIER, EARLIER_LINES, FLOODS, MIB, _fill

def die_at(moment):
    changes = 0
    def counted(change):
        def wrapped(*args, **kwargs):
            nonlocal changes
            changes += 1
            if changes * 2 == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            result = change(*args, **kwargs)
            if changes * 2 + 1 == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        return wrapped
    for name in ("rename", "unlink", "replace"):
        setattr(Path, name, counted(getattr(Path, name)))

for moment in map(int, sys.argv[2:]):
    folder = Path(sys.argv[1]) / str(moment)
    folder.mkdir(mode=0o700)
    if not os.fork():
        journal = DiskJournal(folder, MIB)
        _fill(journal, EARLIER_LINES["of the same detector"], range(EARLIER))
        _fill(journal, FLOODS["fifty sources"], range(EARLIER, 1500))
        die_at(moment)
        _fill(journal, FLOODS["fifty sources"], range(1500, 9000))
        os._exit(1)
    assert os.wait()[1] == signal.SIGKILL, moment
"""


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.stress)])
def test_a_kill_at_any_moment_loses_nothing_that_is_kept(tmp_path: Path, step: int) -> None:
    """Whatever change of the folder a process dies in, the next one has all earlier lines.

    It adopts them while the flood goes on, and its journal is full at once.
    """
    moments = [*range(2, 60, step), 120, 201]
    subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), *map(str, moments)], check=True, timeout=100
    )
    for moment in moments:
        place = tmp_path / str(moment)
        journal = DiskJournal(place, MIB)
        while journal.adopt(anything) is not None:
            pass
        _fill(journal, FLOODS["fifty sources"], range(9000, 9400))
        adopted = [journal.reserve, *journal._adopted]
        left = [number for one in adopted if one is not None for number in _numbers(one)]
        left += _numbers(journal)
        missing = set(range(EARLIER)) - set(left)
        assert not missing, moment
        assert sum(path.stat().st_size for path in place.glob("*.log")) <= MIB


@pytest.mark.stress
def test_memory_is_bounded_whatever_the_flood_is_made_of(place: Path) -> None:
    """A million sources are not counted: a part of the newest lines is, whatever the bound is."""
    journal = DiskJournal(place, 32 * MIB)
    make_line = FLOODS["a source for each line"]
    numbers = count()
    for number in islice(numbers, 64_000):
        assert journal.append(make_line(number))
    tracemalloc.start()
    assert journal.keep_within_bound() is not None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert journal.reserve is not None
    assert journal.reserve.waiting > 10_000
    assert peak < 8 * MIB
