"""Folders, globs and thousands of files: what is found, and that one is open at a time."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flask_errwatch.replay.sources import open_logs
from tests.replay.replay_lines import Run, access, write_log


def names_in(folder: Path, *names: str) -> list[str]:
    """The names of the logs that are found, without their folder."""
    with open_logs([str(folder / name) for name in names]) as logs:
        return [log.name.removeprefix(f"{folder}{os.sep}") for log in logs]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with logs in two levels, a hidden one and one in a hidden folder."""
    for name in ("b.log", "a.log", "web/2.log.gz", "web/1.log.gz", ".a.log.swp", ".git/c.log"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        line = access(0).encode()
        path.write_bytes(gzip.compress(line) if name.endswith("gz") else line)
    return tmp_path


def test_a_folder_is_read_with_its_folders(folder: Path) -> None:
    """Its files come in the order of their names. Hidden files and folders are left out."""
    assert names_in(folder.parent, folder.name) == [
        f"{folder.name}/{name}" for name in ("a.log", "b.log", "web/1.log.gz", "web/2.log.gz")
    ]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.log", ["a.log", "b.log"]),
        ("web/?.log.gz", ["web/1.log.gz", "web/2.log.gz"]),
        ("**/*.gz", ["web/1.log.gz", "web/2.log.gz"]),
        ("[ab].log", ["a.log", "b.log"]),
        ("w*", ["web/1.log.gz", "web/2.log.gz"]),
        ("**", ["a.log", "b.log", "web/1.log.gz", "web/2.log.gz"]),
    ],
)
def test_a_glob(folder: Path, pattern: str, found: list[str]) -> None:
    """A quoted glob finds what a shell would, and reads folders that match like other folders."""
    assert names_in(folder, pattern) == found


def test_a_file_whose_name_looks_like_a_glob(folder: Path) -> None:
    """A name that exists is that file."""
    write_log(folder, access(0), "web[1].log")
    assert names_in(folder, "web[1].log") == ["web[1].log"]


def test_a_file_that_is_found_twice_is_read_once(folder: Path) -> None:
    """Overlapping folders, links and names that occur twice do not count a line twice."""
    (folder / "current.log").symlink_to(folder / "a.log")
    (folder / "same.log").hardlink_to(folder / "b.log")
    assert names_in(folder, "a.log", "*.log", ".", "a.log") == [
        *("a.log", "b.log"),
        *("web/1.log.gz", "web/2.log.gz"),
    ]


def test_a_file_that_is_named_twice_is_in_a_note(folder: Path, run: Run) -> None:
    """It says that it is read once."""
    log = folder / "a.log"
    result = run(log, log)
    assert result.exit_code == 0, result.output
    note = " ".join(result.stderr.split())
    assert f"Named or found more than once, and read once: {log}." in note
    assert run(log).stdout.count("\n") == result.stdout.count("\n")


def test_only_regular_files_are_read(folder: Path) -> None:
    """A named pipe in a folder would be waited for, and a broken link is no log."""
    os.mkfifo(folder / "pipe.log")
    (folder / "gone.log").symlink_to(folder / "nothing")
    assert names_in(folder, "*.log") == ["a.log", "b.log"]


def test_a_folder_is_judged(folder: Path, run: Run) -> None:
    """The lines of all files of a folder count."""
    assert json.loads(run(folder, "--json").stdout)["lines"] == 4


def test_nothing_to_read(tmp_path: Path, run: Run) -> None:
    """An empty folder ends with 1, a glob without a match with 2, each with one sentence."""
    write_log(tmp_path, "", ".hidden")
    empty = run(tmp_path)
    assert (empty.exit_code, empty.stdout) == (1, "")
    assert empty.stderr.endswith(": There is no file in it, apart from hidden ones.\n")
    missing = run(tmp_path / "*.gz")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert missing.stderr.endswith(": No file matches.\n")
    assert empty.stderr.count("\n") == missing.stderr.count("\n") == 1


def test_a_binary_file_of_a_folder_is_named(folder: Path, run: Run) -> None:
    """A note names it, and the others are judged. Where it is named itself, it is an error."""
    binary = write_log(folder, b"\x7fELF\0\0\0", "program")
    found = run(folder, "--json")
    assert (found.exit_code, json.loads(found.stdout)["lines"]) == (0, 4)
    sentence = "it is binary: give a text log, plain or compressed with gzip or zstd.\n"
    assert f"program: {sentence}" in found.stderr
    assert run(binary, folder / "a.log").exit_code == 2


def test_a_page_does_not_replace_a_log_of_a_folder(folder: Path, run: Run) -> None:
    """A log that is found is as safe as one that is named."""
    pytest.importorskip("plotly")
    result = run(folder, "--html", folder / "a.log")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(": It is a log to be read: name another file.\n")
    assert (folder / "a.log").read_text() == access(0)


def test_many_damaged_files_have_few_notes(tmp_path: Path, run: Run) -> None:
    """Ten of them are named, and the others are counted."""
    write_log(tmp_path, access(0), "good.log")
    for number in range(25):
        write_log(tmp_path, b"\0", f"{number:02}.log")
    result = run(tmp_path, "--json")
    assert json.loads(result.stdout)["lines"] == 1
    assert result.stderr.count("it is binary") == 10
    assert "15 more logs could not be read as a whole." in result.stderr


def test_a_file_that_is_gone_when_it_is_its_turn(folder: Path) -> None:
    """It has a defect, and the others are read."""
    with open_logs([str(folder / "a.log"), str(folder / "b.log")]) as logs:
        (folder / "a.log").unlink()
        read = [(b"".join(log.blocks()), log.defect) for log in logs]
    assert read == [
        (b"", "it cannot be opened (No such file or directory)."),
        (access(0).encode(), None),
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(folder: Path, run: Run) -> None:
    """It is refused before anything is read."""
    (folder / "b.log").chmod(0)
    result = run(folder / "a.log", folder / "b.log")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(": It cannot be opened (Permission denied).\n")


def test_one_file_is_open_at_a_time(tmp_path: Path) -> None:
    """300 files are judged by a process that may open 40."""
    pytest.importorskip("resource")
    for number in range(300):
        write_log(tmp_path, gzip.compress(access(number).encode()), f"{number:03}.log.gz")
    command = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40));"
        "from flask.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, "errwatch", "replay", "--json", str(tmp_path)],
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout)["lines"] == 300


def test_a_log_is_read_from_its_beginning_each_time(folder: Path) -> None:
    """The head can be looked at first, and reading that stopped early does not matter."""
    two_lines = (access(0) + access(1)).encode()
    write_log(folder, two_lines, "a.log")
    with open_logs([str(folder / "a.log")]) as logs:
        for _ in range(2):
            (log,) = logs
            assert log.head == two_lines
            assert next(iter(log.pieces())) == two_lines
            assert b"".join(log.blocks()) == two_lines
            assert log.position == log.size == len(two_lines)


def test_a_pipe_is_kept_on_request(tmp_path: Path) -> None:
    """Its copy is read as often as needed, compressed as it came, and deleted at the end."""
    lines = access(0).encode() * 3
    read, write = os.pipe()
    os.write(write, gzip.compress(lines))
    os.close(write)
    try:
        with open_logs([f"/dev/fd/{read}"]) as logs:
            (log,) = logs
            assert (log.size, logs.size) == (None, None)
            log.keep()
            assert [b"".join(log.blocks()) for _ in range(2)] == [lines, lines]
            assert log.size == len(gzip.compress(lines))
    finally:
        os.close(read)
    assert [*tmp_path.iterdir()] == []
