"""The fingerprints of a folder: what is new, whoever asks and whatever happened to the file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from flask_errwatch.delivery.journal import fingerprints
from flask_errwatch.delivery.journal.fingerprints import (
    MOST,
    READ_BYTES,
    FolderFingerprints,
    MemoryFingerprints,
)
from tests.processes import in_a_child

NOW = 1_790_000_000
HOUR, DAY = 3600, 24 * 3600
WEEK = 7 * DAY


def number(value: int) -> str:
    """A fingerprint."""
    return f"{value:016x}"


CRASH = number(0xC0FFEE)


def content(folder: Path) -> bytes:
    """The content of the file."""
    return (folder / "fingerprints").read_bytes()


def test_a_failure_is_new_once_and_again_after_a_week_without_it(tmp_path: Path) -> None:
    """Each time that it is shown, at most an hour early, begins another week."""
    shown = FolderFingerprints(tmp_path)
    assert shown.note(CRASH, NOW)
    assert not shown.note(CRASH, NOW)
    assert not shown.note(CRASH, NOW + 6 * DAY)
    assert not shown.note(CRASH, NOW + 12 * DAY)
    assert not shown.note(CRASH, NOW + 12 * DAY + WEEK - 1)
    assert shown.note(CRASH, NOW + 19 * DAY + WEEK)
    assert shown.note(number(1), NOW)


def test_processes_share_the_file(tmp_path: Path) -> None:
    """What another process has shown, before or since the last look, is not new."""
    one, other = FolderFingerprints(tmp_path), FolderFingerprints(tmp_path)
    assert one.note(CRASH, NOW)
    assert not other.note(CRASH, NOW + 1)
    assert other.note(number(1), NOW + 2)
    assert not one.note(number(1), NOW + 3)
    assert not FolderFingerprints(tmp_path).note(CRASH, NOW + DAY)


def test_of_two_at_the_same_moment_one_has_it_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process writes between this one's look at the file and its record."""
    one, other = FolderFingerprints(tmp_path), FolderFingerprints(tmp_path)
    results: list[bool] = []
    read = fingerprints._read

    def read_and_be_overtaken(descriptor: int, end: int) -> bytes:
        found = read(descriptor, end)
        monkeypatch.setattr(fingerprints, "_read", read)
        results.append(other.note(CRASH, NOW))
        return found

    monkeypatch.setattr(fingerprints, "_read", read_and_be_overtaken)
    assert not one.note(CRASH, NOW)
    assert results == [True]
    assert content(tmp_path).count(CRASH.encode()) == 2


def test_a_child_shares_it_with_its_parent(tmp_path: Path) -> None:
    """A fork neither forgets nor hides anything."""
    shown = FolderFingerprints(tmp_path)
    assert shown.note(CRASH, NOW)
    assert in_a_child(lambda: not shown.note(CRASH, NOW) and shown.note(number(1), NOW))
    assert not shown.note(number(1), NOW)


def test_within_an_hour_a_fingerprint_costs_no_file(tmp_path: Path) -> None:
    """A process that crashes all the time neither reads nor writes. Others add no record either."""
    shown = FolderFingerprints(tmp_path)
    shown.note(CRASH, NOW)
    size = len(content(tmp_path))
    assert not FolderFingerprints(tmp_path).note(CRASH, NOW + HOUR - 1)
    assert len(content(tmp_path)) == size
    (tmp_path / "fingerprints").unlink()
    assert not shown.note(CRASH, NOW + HOUR - 1)
    assert not (tmp_path / "fingerprints").exists()
    assert not FolderFingerprints(tmp_path / "gone").note(CRASH, NOW)


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    """A long file is written anew: 4,096 of them stay, each once, and none older than a week."""
    shown = FolderFingerprints(tmp_path)
    shown.note(CRASH, NOW - WEEK - DAY)
    for value in range(7_400):
        shown.note(number(value), NOW)
    for value in range(2_000):
        shown.note(number(value), NOW + 2 * HOUR)
    assert len(content(tmp_path)) > READ_BYTES
    shown.keep(NOW + 2 * HOUR)
    records = content(tmp_path).split(b"\n")[1:]
    assert len({record[:16] for record in records}) == len(records) == MOST
    assert [path.name for path in tmp_path.iterdir()] == ["fingerprints"]
    # Those that were shown last, whenever they were shown first.
    later = FolderFingerprints(tmp_path)
    assert not any(later.note(number(value), NOW + 2 * HOUR) for value in (0, 1_999, 7_399))
    assert all(later.note(value, NOW + 2 * HOUR) for value in (number(2_000), CRASH))


def test_a_short_file_stays_as_it_is_but_looks_young(tmp_path: Path) -> None:
    """Cleaners of temp folders remove old files. Without a failure there is no file."""
    shown = FolderFingerprints(tmp_path)
    shown.keep(NOW)
    assert not [*tmp_path.iterdir()]
    shown.note(CRASH, NOW)
    before = content(tmp_path)
    os.utime(tmp_path / "fingerprints", (0, 0))
    shown.keep(NOW + 30 * DAY)
    assert content(tmp_path) == before
    assert (tmp_path / "fingerprints").stat().st_mtime > NOW - 30 * 365 * DAY


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 5000,
        b"\n" * 5000,
        b"\n" + CRASH.encode(),
        b"\n" + CRASH.encode() + b" ",
        b"\n" + CRASH.encode() + b" 17",
        b"\n" + CRASH.encode() + b" x\n",
        b"\n" + CRASH.encode() + b" " + b"9" * 5000,
        os.urandom(300_000),
    ],
    ids=["empty", "zeros", "lines", "torn", "torn time", "digits", "letters", "long", "noise"],
)
def test_what_is_damaged_is_forgotten(tmp_path: Path, damage: bytes) -> None:
    """Nothing raises, and what is noted afterwards is remembered, also when it is written anew."""
    (tmp_path / "fingerprints").write_bytes(damage)
    shown = FolderFingerprints(tmp_path)
    assert shown.note(CRASH, NOW)
    assert not FolderFingerprints(tmp_path).note(CRASH, NOW + 1)
    shown.keep(NOW + 1)
    assert not FolderFingerprints(tmp_path).note(CRASH, NOW + 1)
    assert len(content(tmp_path)) <= READ_BYTES


def test_a_torn_record_costs_only_itself(tmp_path: Path) -> None:
    """A full disk, or a process that was killed inside its write."""
    FolderFingerprints(tmp_path).note(number(1), NOW)
    with (tmp_path / "fingerprints").open("ab") as file:
        file.write(b"\n" + CRASH.encode()[:9])
    FolderFingerprints(tmp_path).note(number(2), NOW)
    again = FolderFingerprints(tmp_path)
    assert [again.note(text, NOW) for text in (number(1), number(2), CRASH)] == [False, False, True]


def test_a_clock_that_was_wrong_does_no_harm(tmp_path: Path) -> None:
    """A time in the far future, or in the past, is none: the next record is right again."""
    for wrong in (NOW + 3650 * DAY, 0):
        folder = tmp_path / str(wrong)
        folder.mkdir()
        assert FolderFingerprints(folder).note(CRASH, wrong)
        assert FolderFingerprints(folder).note(CRASH, NOW)
        assert not FolderFingerprints(folder).note(CRASH, NOW + DAY)


def test_what_cannot_be_used_has_nothing_new(tmp_path: Path) -> None:
    """A link, a folder, a pipe that nobody reads, a missing folder. Nothing else is touched."""
    target = tmp_path / "target"
    target.write_text("theirs")
    for name in ("link", "folder", "pipe"):
        (tmp_path / name).mkdir()
    (tmp_path / "link" / "fingerprints").symlink_to(target)
    (tmp_path / "folder" / "fingerprints").mkdir()
    os.mkfifo(tmp_path / "pipe" / "fingerprints")
    for name in ("link", "folder", "pipe", "missing"):
        shown = FolderFingerprints(tmp_path / name)
        assert not shown.note(CRASH, NOW)
        shown.keep(NOW)
    assert target.read_text() == "theirs"


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        FolderFingerprints(tmp_path).note(CRASH, NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "fingerprints").stat().st_mode) == 0o600
    assert content(tmp_path) == b"\n0000000000c0ffee 1790000000"


def test_in_memory_it_is_the_same_for_one_process() -> None:
    """So that tests of an app see it: new once, again after a week, and bounded."""
    shown = MemoryFingerprints()
    assert [shown.note(CRASH, at) for at in (NOW, NOW + 1, NOW + 2 + WEEK)] == [True, False, True]
    for value in range(MOST):
        assert shown.note(number(value), NOW + 2 + WEEK)
    assert shown.note(CRASH, NOW + 3 + WEEK)
