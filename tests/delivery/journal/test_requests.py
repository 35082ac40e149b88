"""The file of the requests under way: what it has survives the process, and it grows no further."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flask_errwatch.delivery.journal.requests import SLOT, SLOTS, RequestSlots, read_requests
from tests.processes import in_a_child


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "1-a.requests"


def _found(path: Path) -> list[str]:
    requests, more = read_requests(path) or ([], 0)
    assert more == 0
    return [request.path for request in requests]


def test_slots_are_used_again(path: Path) -> None:
    """Ten thousand requests one after the other take one slot, and none is left."""
    slots = RequestSlots(path)
    for number in range(10_000):
        slots.end(slots.begin("GET", f"/{number}", 0))
    assert path.stat().st_size < SLOT
    assert _found(path) == []
    slots.begin("GET", "/long", 0)
    slots.end(slots.begin("GET", "/longer-than-the-next", 0))
    slots.begin("PUT", "/x", 0)
    assert sorted(_found(path)) == ["/long", "/x"]


def test_requests_beyond_the_slots_are_counted(path: Path) -> None:
    """So is each of them that ends."""
    slots = RequestSlots(path)
    numbers = [slots.begin("GET", "/", 0) for _ in range(SLOTS + 3)]
    requests, more = read_requests(path) or ([], 0)
    assert (len(requests), more) == (SLOTS, 3)
    slots.end(numbers[-1])
    assert (read_requests(path) or ([], 0))[1] == 2
    for number in numbers[:-1]:
        slots.end(number)
    assert read_requests(path) == ([], 0)


def test_a_path_that_is_too_long_stays_in_its_slot(path: Path) -> None:
    """Whatever a caller passes, the next slot is not touched."""
    slots = RequestSlots(path)
    slots.begin("GET", "/" + "é" * SLOT, 0)
    slots.begin("GET", "/next", 0)
    (first, second) = sorted(_found(path), key=len, reverse=True)
    assert second == "/next"
    assert SLOT // 2 - 30 < len(first) < SLOT


def test_a_torn_slot_is_left_out(path: Path) -> None:
    """A slot that was filled in part, or holds anything else, is no request."""
    slots = RequestSlots(path)
    for name in ("/one", "/two", "/three"):
        slots.begin("GET", name, 0)
    content = bytearray(path.read_bytes())
    content[SLOT : SLOT + 4] = b"torn"
    path.write_bytes(content)
    assert sorted(_found(path)) == ["/one", "/three"]


def test_a_child_neither_fills_nor_empties_a_slot_of_its_parent(path: Path) -> None:
    """A fork inherits nothing."""
    slots = RequestSlots(path)
    number = slots.begin("GET", "/parents", 0)
    assert in_a_child(lambda: bool(slots.begin("GET", "/childs", 0)))
    assert in_a_child(lambda: not slots.end(number))  # type: ignore[func-returns-value]
    assert _found(path) == ["/parents"]


def test_a_closed_descriptor_never_reaches_another_file(path: Path, tmp_path: Path) -> None:
    """Whatever closes all descriptors gets low numbers for what it opens. The file comes back."""
    slots = RequestSlots(path)
    os.close(slots._descriptor)
    other = tmp_path / "other"
    with other.open("wb"):
        slots.begin("GET", "/lost", 0)
        assert other.stat().st_size == 0
    slots.recover()
    slots.begin("GET", "/found", 0)
    assert _found(path) == ["/found"]


def test_a_process_that_does_not_track_has_no_requests(path: Path) -> None:
    """That is something else than none under way."""
    assert read_requests(path) is None
    RequestSlots(path)
    assert read_requests(path) == ([], 0)
