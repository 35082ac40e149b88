"""The journal: private, bounded, and read by a later process when its own has died."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from flask_errwatch import config
from flask_errwatch.config import Config
from flask_errwatch.delivery.journal.directory import UnusableFolderError, create_app_folder
from flask_errwatch.delivery.journal.disk import DiskJournal, open_journal
from flask_errwatch.delivery.journal.memory import MemoryJournal
from flask_errwatch.delivery.journal.protocols import Journal
from flask_errwatch.delivery.journal.reader import TORN
from flask_errwatch.delivery.journal.records import pack
from flask_errwatch.delivery.journal.writer import FULL
from tests.lines import anything, line

MIB = 1_048_576


def _line(number: int, size: int = 0) -> bytes:
    return line(1_000_000 + number, n=number, pad="x" * size)


def _drained(journal: Journal) -> list[int]:
    """The numbers of all lines that are left. Acknowledges each read."""
    numbers = []
    for _ in range(10_000):
        records = journal.read()
        if records:
            numbers += [record.line.timestamp - 1_000_000 for record in records]
            journal.acknowledge(records[-1].end)
        elif not journal.read():
            return numbers
        else:
            journal.reset_to_committed()
    raise AssertionError("the journal does not end")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for journals."""
    folder = tmp_path / "app"
    folder.mkdir(mode=0o700)
    return folder


def _config(**settings: object) -> Config:
    keys = {f"ERRWATCH_{key.upper()}": value for key, value in settings.items()}
    return config.load(keys, {}, app_name="shop")


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_lines_come_back_in_order_and_once(kind: str, place: Path) -> None:
    """Lines are read in the order of their appends. What was acknowledged is not read again."""
    journal: Journal = DiskJournal(place, MIB) if kind == "disk" else MemoryJournal(MIB)
    for number in range(3):
        journal.append(_line(number))
    first = journal.read()
    assert [record.line.text for record in first] == [_line(0), _line(1), _line(2)]
    assert journal.read() == []
    journal.reset_to_committed()
    assert journal.read() == first
    journal.acknowledge(first[1].end)
    journal.reset_to_committed()
    assert [record.line.text for record in journal.read()] == [_line(2)]
    assert journal.appended == 3


def test_segments_are_rotated_and_removed(place: Path) -> None:
    """A journal of many segments is read whole, and takes one segment afterwards."""
    journal = DiskJournal(place, 32 * 65_536)
    for number in range(1000):
        journal.append(_line(number, 400))
    assert len(list(place.glob("*.log"))) > 3
    assert _drained(journal) == list(range(1000))
    assert len(list(place.glob("*.log"))) == 1


def test_threads_append_whole_records(place: Path) -> None:
    """Many threads append at once, across segments: every line is read, and none is torn."""
    journal = DiskJournal(place, 64 * MIB // 16)

    def write(start: int) -> None:
        for number in range(start, start + 500):
            journal.append(_line(number, 300))

    threads = [threading.Thread(target=write, args=(start,)) for start in range(0, 4000, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(_drained(journal)) == list(range(4000))
    assert journal.losses.count == 0


def test_the_oldest_lines_are_dropped_at_the_bound_and_counted(place: Path) -> None:
    """Past the bound the oldest lines are lost. Kept and lost lines add up to all."""
    journal = DiskJournal(place, MIB)
    for number in range(6000):
        journal.append(_line(number, 400))
        if number % 50 == 0:
            journal.keep_within_bound()
            assert sum(path.stat().st_size for path in place.glob("*.log")) <= MIB
    lost = journal.losses.by_reason[FULL]
    kept = _drained(journal)
    assert kept == list(range(lost.count, 6000))
    assert (lost.first, lost.last) == (1_000_000, 1_000_000 + lost.count - 1)


def test_a_flood_between_two_polls_stays_within_the_bound(place: Path) -> None:
    """Without a poll the folder stays within its bound, and each refusal is counted."""
    journal = DiskJournal(place, MIB)
    for number in range(6000):
        journal.append(_line(number, 400))
    assert sum(path.stat().st_size for path in place.glob("*.log")) <= MIB
    journal.count_refused()
    assert journal.losses.count + journal.appended == 6000
    assert len(_drained(journal)) == journal.appended


def test_the_bound_holds_for_all_processes_together(place: Path) -> None:
    """Two journals in one folder share its bound, and a quiet one loses nothing."""
    quiet, noisy = DiskJournal(place, MIB), DiskJournal(place, MIB)
    for number in range(100):
        quiet.append(_line(number, 400))
    for number in range(6000):
        noisy.append(_line(number, 400))
        if number % 50 == 0:
            noisy.keep_within_bound()
            quiet.keep_within_bound()
    assert sum(path.stat().st_size for path in place.glob("*.log")) <= MIB
    assert _drained(quiet) == list(range(100))
    assert noisy.losses.count + len(_drained(noisy)) == 6000


def test_memory_is_bounded_and_drops_the_oldest() -> None:
    """Without a folder the newest lines are kept, and the dropped ones are counted."""
    journal = MemoryJournal(100_000)
    for number in range(1000):
        journal.append(_line(number, 400))
        journal.keep_within_bound()
    kept = _drained(journal)
    assert kept == list(range(1000 - len(kept), 1000))
    assert len(kept) > 150
    assert journal.losses.by_reason[FULL].count == 1000 - len(kept)


def test_memory_refuses_lines_without_room() -> None:
    """Without a poll memory stays within its bound, and each refusal is counted."""
    journal = MemoryJournal(11 * len(_line(0, 80)) - 1)
    begun = time.time() - 0.001  # a loss has whole milliseconds
    for number in range(100):
        journal.append(_line(number, 80))
    journal.count_refused()
    assert journal.appended == 10
    lost = journal.losses.by_reason[FULL]
    assert lost.count == 90
    assert begun <= lost.first / 1000 <= lost.last / 1000 <= time.time()
    assert journal.keep_within_bound() == 2  # to three quarters of it
    lost = journal.losses.by_reason[FULL]
    assert (lost.count, lost.first) == (92, 1_000_000)


def test_a_full_disk_loses_the_line_and_nothing_else(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that the system refuses is counted with its reason. The next one is tried."""
    journal = DiskJournal(place, MIB)

    def refuse(_descriptor: int, _record: bytes) -> int:
        raise OSError(28, "No space left on device")

    begun = time.time() - 0.001  # a loss has whole milliseconds
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        journal.append(_line(1))
    journal.append(_line(2))
    journal.count_refused()
    lost = journal.losses.by_reason["cannot write (No space left on device)"]
    assert lost.count == 1
    assert begun <= lost.first / 1000 <= lost.last / 1000 <= time.time()
    assert _drained(journal) == [2]


@pytest.mark.parametrize("length", [200_000, 262_144, 300_000, 700_000])
def test_foreign_bytes_lose_no_line(place: Path, length: int) -> None:
    """Bytes that a crash of the machine or another program left are skipped and counted."""
    journal = DiskJournal(place, 64 * MIB)
    journal.append(_line(1))
    os.write(journal.writer.descriptor, bytes(length))
    assert [record.line.text for record in journal.read()] == [_line(1)]
    journal.append(_line(2))
    journal.append(_line(3))
    assert [record.line.text for record in journal.read()] == [_line(2), _line(3)]
    assert journal.losses.by_reason[TORN].count >= 1


@pytest.mark.parametrize("foreign", [bytes(300_000), b"not our line\n" * 40_000])
def test_lines_behind_foreign_bytes_are_read_or_counted(place: Path, foreign: bytes) -> None:
    """Adoption reads them, and so does whoever drops the segment, to count each line."""
    for name in ("1-dead", "2-dead"):
        (place / f"{name}.00000001.log").write_bytes(
            pack(_line(1)) + foreign + pack(_line(2)) + pack(_line(3))
        )
        (place / f"{name}.lock").touch(mode=0o600)
    journal = DiskJournal(place, 64 * MIB)
    read, dropped = journal.adopt(anything), journal.adopt(anything)
    assert read is not None
    assert dropped is not None
    numbers = []
    while records := read.read():
        numbers += [record.line.timestamp - 1_000_000 for record in records]
    assert numbers == [1, 2, 3]
    assert [record.line.timestamp - 1_000_000 for record in dropped.records_of(1)] == [1, 2, 3]


def test_a_short_write_loses_that_line_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A torn record is skipped, and counted once however often it is read."""
    journal = DiskJournal(place, MIB)
    write = os.write
    journal.append(_line(1))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, record: write(descriptor, record[:20]))
        journal.append(_line(2))
    journal.append(_line(3))
    journal.read()
    journal.reset_to_committed()
    assert _drained(journal) == [1, 3]
    assert journal.losses.by_reason[TORN].count == 1
    assert journal.appended == 2


_DYING = """
import os, sys
from pathlib import Path
from flask_errwatch.delivery.journal.disk import DiskJournal
from tests.lines import line
journal = DiskJournal(Path(sys.argv[1]), 1_048_576)
for number in range(int(sys.argv[2])):
    journal.append(line(1_000_000 + number))
records = journal.read()
journal.acknowledge(records[4].end)
journal.losses.add("the journal is full", 5, 7)
journal.save()
os.write(journal.writer.descriptor, b"\\nffff")
print("ready", flush=True)
sys.stdin.read()
os.kill(os.getpid(), 9)
"""


def _start_dying(place: Path, lines: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _DYING, str(place), str(lines)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_the_journal_of_a_dead_process_is_adopted_and_of_a_living_one_not(place: Path) -> None:
    """Exactly one other process reads a dead one's journal, from its committed position."""
    process = _start_dying(place, 20)
    first, second = DiskJournal(place, MIB), DiskJournal(place, MIB)
    assert first.adopt(anything) is None
    process.communicate()
    assert process.returncode == -9
    adopted = first.adopt(anything)
    assert adopted is not None
    assert first.adopt(anything) is None
    assert second.adopt(anything) is None
    assert adopted.in_doubt == 15
    records = adopted.read()
    assert [record.line.timestamp - 1_000_000 for record in records] == list(range(5, 20))
    adopted.acknowledge(records[-1].end)
    assert adopted.read() == []
    first.finish(adopted)
    assert first.losses.by_reason["the journal is full"].count == 7
    assert first.losses.by_reason[TORN].count == 1
    left = {path.name.partition(".")[0] for path in place.iterdir()}
    assert len(left) == 2


def test_a_child_uses_its_parents_descriptor_number_for_its_own_file(place: Path) -> None:
    """In a child, code that still has the parent's descriptor writes the child's journal."""
    parent = DiskJournal(place, MIB)
    parent.append(_line(1))
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        child = DiskJournal(place, MIB, parent=parent)
        same = child.writer.descriptor == parent.writer.descriptor
        child.append(_line(2))
        parent.append(_line(3))
        os.write(writing, f"{same} {_drained(child)}".encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    assert os.read(reading, 100) == b"True [2, 3]"
    os.close(reading)
    assert _drained(parent) == [1]


def test_a_reused_descriptor_number_is_left_alone(place: Path, tmp_path: Path) -> None:
    """After a daemon closed every descriptor, the number may belong to a socket."""
    parent = DiskJournal(place, MIB)
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    os.dup2(other, parent.writer.descriptor)
    child = DiskJournal(place, MIB, parent=parent)
    child.append(_line(1))
    assert child.writer.descriptor != parent.writer.descriptor
    assert (tmp_path / "other").read_bytes() == b""
    os.close(other)


def test_the_folder_is_private(tmp_path: Path) -> None:
    """The folder is 0700 and the files are 0600, whatever the umask is."""
    before = os.umask(0)
    try:
        journal, warning = open_journal(_config(journal_dir=str(tmp_path / "new" / "deep")), None)
        journal.append(_line(1))
        records = journal.read()
        journal.acknowledge(records[-1].end)
    finally:
        os.umask(before)
    assert warning is None
    (folder,) = (tmp_path / "new" / "deep").iterdir()
    assert folder.name.startswith("shop.")
    assert folder.name.endswith(".v2")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_last_choice_is_the_temp_folder(only_a_temp_folder: Path) -> None:
    """Where nothing else can be written to, each user has a folder in the temp folder."""
    folder = create_app_folder(_config())
    assert folder.parent == only_a_temp_folder / f"flask-errwatch-{os.geteuid()}"
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_link_in_the_temp_folder_is_not_followed(only_a_temp_folder: Path) -> None:
    """Nothing is written through a link that another user put in place of the folder."""
    elsewhere = only_a_temp_folder / "elsewhere"
    elsewhere.mkdir()
    (only_a_temp_folder / f"flask-errwatch-{os.geteuid()}").symlink_to(elsewhere)
    with pytest.raises(UnusableFolderError, match="is a link, a file or another user's folder"):
        create_app_folder(_config())
    assert list(elsewhere.iterdir()) == []


def test_a_folder_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that another user created in advance is refused, with the remedy."""
    create_app_folder(_config(journal_dir=str(tmp_path)))
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    with pytest.raises(UnusableFolderError, match="ERRWATCH_JOURNAL_DIR"):
        create_app_folder(_config(journal_dir=str(tmp_path)))


def test_two_log_groups_never_share_a_folder(tmp_path: Path) -> None:
    """Lines for one log group are never adopted by an app that writes to another."""
    first = create_app_folder(_config(journal_dir=str(tmp_path)))
    second = create_app_folder(_config(journal_dir=str(tmp_path), log_group="other"))
    assert first != second


def test_without_a_usable_folder_lines_wait_in_memory(tmp_path: Path) -> None:
    """With a read-only file system, or a file in the way, lines are kept in memory."""
    (tmp_path / "file").write_text("")
    journal, warning = open_journal(_config(journal_dir=str(tmp_path / "file")), None)
    assert isinstance(journal, MemoryJournal)
    assert not journal.is_durable
    assert warning is not None
    assert "ERRWATCH_JOURNAL_DIR" in warning
    assert "lines wait in memory" in warning
    assert journal.adopt(anything) is None


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"position": [1e999, 0], "losses": {}}',
        b'{"position": [1, 0], "losses": {"torn": [1e999, 0, 0]}}',
    ],
)
def test_a_damaged_checkpoint_causes_duplicates_and_loses_no_line(
    place: Path, content: bytes
) -> None:
    """If the checkpoint cannot be read, the journal is read from the beginning."""
    process = _start_dying(place, 8)
    process.communicate()
    (checkpoint,) = place.glob("*.state")
    checkpoint.write_bytes(content)
    adopted = DiskJournal(place, MIB).adopt(anything)
    assert adopted is not None
    assert len(adopted.read()) == 8


def test_many_dead_journals_take_few_descriptors(place: Path) -> None:
    """A process opens at most four of the journals of dead processes at a time."""
    for number in range(30):
        name = f"{number}-dead"
        (place / f"{name}.lock").touch(mode=0o600)
        (place / f"{name}.00000001.log").write_bytes(pack(_line(number)))
    journal = DiskJournal(place, MIB)
    before = len(list(Path("/proc/self/fd").iterdir()))
    read = []
    most = 0
    while True:
        adopted = [*iter(lambda: journal.adopt(anything), None)]
        if not adopted:
            break
        most = max(most, len(list(Path("/proc/self/fd").iterdir())) - before)
        for dead in adopted:
            read += [record.line.timestamp - 1_000_000 for record in dead.read()]
            journal.finish(dead)
    assert sorted(read) == list(range(30))
    assert most <= 4
    assert len(list(place.glob("*.log"))) == 1


def test_a_path_that_is_not_a_lock_file_does_not_block_adoption(place: Path) -> None:
    """A link or a folder with the name of a lock is skipped, and the others are adopted."""
    (place / "0-link.lock").symlink_to(place / "nowhere")
    (place / "1-folder.lock").mkdir()
    (place / "2-dead.lock").touch(mode=0o600)
    (place / "2-dead.00000001.log").write_bytes(pack(_line(7)))
    adopted = DiskJournal(place, MIB).adopt(anything)
    assert adopted is not None
    assert [record.line.text for record in adopted.read()] == [_line(7)]


@pytest.mark.parametrize(
    "checkpoint",
    [
        '{"position": [9, 0], "losses": {}}',
        '{"position": [1, -5], "losses": {}}',
        '{"position": [1, 0], "losses": {"full": ["many", 0, 0]}}',
        '{"position": [1, 0], "losses": {"full": [-3, 0, 0]}}',
        '{"position": "here", "losses": {}}',
        "[]",
    ],
)
def test_an_impossible_checkpoint_loses_nothing(checkpoint: str, place: Path) -> None:
    """Whatever a checkpoint file contains, the lines are read and the counts stay valid."""
    (place / "1-dead.lock").touch(mode=0o600)
    (place / "1-dead.00000001.log").write_bytes(pack(_line(1)) + pack(_line(2)))
    (place / "1-dead.state").write_text(checkpoint)
    journal = DiskJournal(place, MIB)
    adopted = journal.adopt(anything)
    assert adopted is not None
    assert [record.line.text for record in adopted.read()] == [_line(1), _line(2)]
    journal.finish(adopted)
    assert journal.losses.count == 0


def test_a_journal_whose_lock_is_not_recreated_is_adopted(place: Path) -> None:
    """A cleaner removed the locks: the living process recreates its own, a dead one cannot."""
    living = DiskJournal(place, MIB)
    living.append(_line(1))
    (place / "1-dead.00000001.log").write_bytes(pack(_line(2)))
    for path in place.glob("*.lock"):
        path.unlink()
    other = DiskJournal(place, MIB)
    assert other.adopt(anything) is None
    living.recover()
    adopted = other.adopt(anything)
    assert adopted is not None
    assert [record.line.text for record in adopted.read()] == [_line(2)]
    assert other.adopt(anything) is None
    assert _drained(living) == [1]


def test_a_folder_by_two_paths_is_one_folder(place: Path, tmp_path: Path) -> None:
    """Two apps of one name with different paths to the folder do not adopt each other."""
    (tmp_path / "link").symlink_to(place)
    first, second = DiskJournal(place, MIB), DiskJournal(tmp_path / "link", MIB)
    first.append(_line(1))
    second.append(_line(2))
    assert first.adopt(anything) is None
    assert second.adopt(anything) is None
    assert (_drained(first), _drained(second)) == ([1], [2])


def test_a_full_disk_has_room_again_when_its_lines_are_committed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a write without room the journal leaves its segment, so that it can be removed."""
    journal = DiskJournal(place, MIB)
    journal.append(_line(1))
    records = journal.read()
    journal.acknowledge(records[-1].end)

    def full(_descriptor: int, _record: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        journal.append(_line(2))
    journal.count_refused()
    assert journal.read() == []
    assert journal.read() == []
    assert [path.name[-12:] for path in place.glob("*.log")] == ["00000002.log"]
    journal.append(_line(3))
    assert _drained(journal) == [3]


def test_a_finished_journal_is_removed_without_room_for_a_checkpoint(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk a delivered journal is removed too, or each start would send it again."""
    (place / "1-dead.lock").touch(mode=0o600)
    (place / "1-dead.00000001.log").write_bytes(pack(_line(1)))
    journal = DiskJournal(place, MIB)
    adopted = journal.adopt(anything)
    assert adopted is not None

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            journal.finish(adopted)
    assert list(place.glob("1-dead*")) == []


def test_memory_is_counted_exactly_by_many_threads() -> None:
    """Threads that append at once do not falsify the size."""
    journal = MemoryJournal(64 * MIB)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def write() -> None:
        for number in range(3000):
            journal.append(_line(number))

    threads = [threading.Thread(target=write) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert journal._bytes == sum(map(len, journal._lines))
    assert len(_drained(journal)) == 12_000
    assert journal._bytes == 0
