"""The inspection of a journal folder: what it finds, and that it changes nothing."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from flask_errwatch.delivery.journal import inspect_folder
from flask_errwatch.delivery.journal.directory import lock_path, segment_path
from flask_errwatch.delivery.journal.disk import DiskJournal
from flask_errwatch.delivery.journal.lock import Lock, is_locked
from tests.architecture import graph
from tests.lines import line

MIB = 1_048_576

_HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_it_finds_journals_and_their_sizes(tmp_path: Path) -> None:
    """Segments of one journal are summed. A file that is not a segment does not count."""
    segment_path(tmp_path, "1-a", 1).write_bytes(b"x" * 10)
    segment_path(tmp_path, "1-a", 2).write_bytes(b"x" * 5)
    segment_path(tmp_path, "2-b", 7).write_bytes(b"x")
    (tmp_path / "1-a.state").write_bytes(b"{}")
    (tmp_path / "other.log").write_bytes(b"x" * 100)
    for name in ("3-c", "1-a"):
        lock_path(tmp_path, name).touch()
    contents = inspect_folder(tmp_path)
    assert contents.segment_bytes == {"1-a": 15, "2-b": 1}
    assert contents.locks == ("1-a", "3-c")
    assert (contents.used, contents.processes) == (16, 2)
    assert contents.orphans() == {"1-a": 15, "3-c": 0}


def test_an_empty_folder_is_for_one_process(tmp_path: Path) -> None:
    """The bound is shared by at least one process."""
    contents = inspect_folder(tmp_path)
    assert (contents.used, contents.processes, contents.orphans()) == (0, 1, {})


def test_a_lock_of_another_process_is_seen_and_left_alone(tmp_path: Path) -> None:
    """It is locked while it is held. Afterwards its file has not changed."""
    lock = lock_path(tmp_path, "1-a")
    lock.touch()
    before = lock.stat()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(lock)
        holder.communicate()
    assert not is_locked(lock)
    after = lock.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_it_takes_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inspection never makes a process miss a journal that it could adopt."""
    lock_path(tmp_path, "1-a").touch()

    def refuse(*_: object) -> None:
        raise AssertionError("a lock was taken")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    assert inspect_folder(tmp_path).orphans() == {"1-a": 0}


def test_journals_of_this_process_are_not_orphans(tmp_path: Path) -> None:
    """Also adopted ones: an inspection does not release a lock that its process holds."""
    own = DiskJournal(tmp_path, MIB)
    own.append(line(1_000_000))
    adopted = Lock(lock_path(tmp_path, "1-dead"))
    adopted.create()
    assert inspect_folder(tmp_path).orphans() == {}
    code = (
        "import fcntl, os, sys\n"
        "fcntl.lockf(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
    )
    for path in tmp_path.glob("*.lock"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], check=False, capture_output=True, text=True
        )
        assert "BlockingIOError" in done.stderr


def test_what_cannot_be_acquired_is_not_an_orphan(tmp_path: Path) -> None:
    """Neither is a link, a folder, or a lock file that was removed meanwhile."""
    (tmp_path / "1-link.lock").symlink_to(tmp_path / "nowhere")
    (tmp_path / "2-folder.lock").mkdir()
    lock_path(tmp_path, "3-removed").touch()
    contents = inspect_folder(tmp_path)
    lock_path(tmp_path, "3-removed").unlink()
    assert contents.orphans() == {}


def test_other_packages_import_the_journal_from_its_front() -> None:
    """No module outside the package knows how the package is divided into modules."""
    inside = "delivery.journal"
    assert {
        module: names
        for module, imported in graph().items()
        if not module.startswith(inside)
        and (names := {name for name in imported if name.startswith(f"{inside}.")})
    } == {}
