"""Opening logs: plain, packed or piped; what cannot be read is said in one sentence."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch.replay import files as opening
from flask_errwatch.replay.files import Log, TooLong
from tests.replay.replay_lines import Run, access, event, written

Pack = Callable[[bytes], bytes]

LINES = "".join(access(each) for each in range(2000)).encode()


def packed_with_zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    packed: bytes = zstd.compress(data)
    return packed


def read(path: Path) -> tuple[bytes, str | None]:
    log = Log(str(path))
    text = b"".join(log.blocks())
    log.close()
    return text, log.defect


@pytest.mark.parametrize("name", ["a.log", "a.log.gz", "a.log.zst", "named-wrongly.log"])
def test_plain_and_packed(tmp_path: Path, name: str) -> None:
    """What a file is, its first bytes say, not its name."""
    packs: dict[str, Pack] = {"a.log": bytes, "a.log.zst": packed_with_zstd}
    pack = packs.get(name, gzip.compress)
    assert read(written(tmp_path, pack(LINES), name)) == (LINES, None)


def test_several_members_in_one_file(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes it."""
    data = gzip.compress(LINES) + gzip.compress(b"last\n")
    assert read(written(tmp_path, data)) == (LINES + b"last\n", None)


def test_a_last_line_without_a_break(tmp_path: Path) -> None:
    """It is a line all the same."""
    assert read(written(tmp_path, LINES + b"last")) == (LINES + b"last\n", None)


@pytest.mark.parametrize("end", [b"\nlast\n", b""])
def test_a_line_without_end_is_cut_short(tmp_path: Path, end: bytes) -> None:
    """A line beyond a MiB leaves its beginning, and the lines around it are whole."""
    log = Log(str(written(tmp_path, b"first\n" + b"x" * 3_000_000 + end)))
    blocks = [*log.blocks()]
    log.close()
    assert blocks == [b"first\n", b"x" * 400, *([b"last\n"] if end else [])]
    assert [isinstance(block, TooLong) for block in blocks[:3]] == [False, True, False][
        : len(blocks)
    ]


@pytest.mark.parametrize("block", [7, 300, 999])
@pytest.mark.parametrize("form", ["json", "combined", "cloudwatch-export"])
def test_the_longest_line_is_the_same_everywhere(
    tmp_path: Path, found: Run, monkeypatch: pytest.MonkeyPatch, form: str, block: int
) -> None:
    """One byte more than the longest is bad, in every format and wherever blocks end."""
    monkeypatch.setattr(opening, "LONGEST", 1000)
    monkeypatch.setattr(opening, "_BLOCK", block)
    monkeypatch.setattr(opening, "_HEAD", 1)
    good = access(0) if form == "combined" else event(0)
    good = f"2026-11-25T00:00:00.000Z {good}" if form == "cloudwatch-export" else good
    # What follows the request, or the object, decides nothing.
    full, over = (good[:-1] + " " * (length - len(good) + 1) for length in (1000, 1001))
    log = written(tmp_path, "\n".join([good[:-1], over, full, over, full]))
    whole = found(log, "--format", form)
    assert (whole["lines"], [each["line"] for each in whole["bad"]]) == (3, [2, 4])
    assert whole["bad"][0]["text"] == over[:400]


def test_a_mebibyte_is_the_longest(tmp_path: Path, found: Run) -> None:
    """As long as an event of CloudWatch Logs may be, and no longer."""
    lengths = (1_048_576, 1_048_577)
    lines = [event(0)[:-1] + " " * (length - len(event(0)) + 1) for length in lengths]
    whole = found(written(tmp_path, "\n".join([*lines, ""])), "--format", "json")
    assert (whole["lines"], [each["line"] for each in whole["bad"]]) == (1, [2])


def test_the_mark_at_the_beginning_is_no_text(tmp_path: Path, found: Run) -> None:
    """Windows' editors write U+FEFF first; the first line is read all the same."""
    ours = written(tmp_path, "\ufeff" + event(0) + event(1), "a.log")
    theirs = written(tmp_path, "\ufeff" + access(0) * 11, "b.log")
    whole = found(ours, theirs)
    assert (whole["lines"], whole["bad_lines"]) == (13, 0)
    (detector,) = [each for each in whole["detectors"] if each["lines"]]
    assert detector["alarms"][0]["sources"] == [{"source": "192.0.2.7", "lines": 13}]


def test_a_closed_standard_input(tmp_path: Path) -> None:
    """`replay - <&-` is told why it cannot be, in one sentence."""
    command = ["-m", "flask", "errwatch", "replay", "-"]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" "$@" <&-', sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: FILE = '-': Standard input is closed.\n"


@pytest.mark.parametrize("pack", [gzip.compress, packed_with_zstd])
def test_cut_in_the_middle_of_a_member(tmp_path: Path, run: Run, pack: Pack) -> None:
    """What came before is judged, and one sentence says that it is cut."""
    data = b"".join(access(each, path=f"/{each * 7919 % 9973}").encode() for each in range(80_000))
    whole = pack(data)
    log = written(tmp_path, whole[: len(whole) * 3 // 4])
    result = run(log, "--json")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        f"{log}: it is cut in the middle of a packed part; what came before is judged.\n"
    )
    assert 10_000 < json.loads(result.stdout)["lines"] < 80_000


def test_a_damaged_member(tmp_path: Path, run: Run) -> None:
    """Wrong bytes inside are said too."""
    for pack in (gzip.compress, packed_with_zstd):
        packed = bytearray(pack(LINES))
        packed[len(packed) // 2 :] = b"damage" * (len(packed) // 12)
        result = run(written(tmp_path, bytes(packed)), "--json")
        assert result.exit_code == 0
        assert "it is damaged (" in result.stderr or "it is cut" in result.stderr


def test_what_cannot_be_read_at_all(tmp_path: Path, run: Run) -> None:
    """No such file, a directory, a binary file: a sentence each, and exit code 2."""
    good = written(tmp_path, LINES)
    binary = written(tmp_path, b"\x7fELF\0\0\0", "program")
    sentences = {
        tmp_path / "none.log": "There is no such file.",
        tmp_path: "It is a directory: name the files in it, as with a wildcard.",
        binary: "It is binary: give a text log, plain or packed with gzip or zstd.",
    }
    for path, sentence in sentences.items():
        result = run(good, path)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr == f"Error: FILE = {ascii(str(path))[:80]}: {sentence}\n" or (
            sentence in result.stderr and result.stderr.count("\n") == 1
        )


def test_a_binary_file_inside_a_packed_one(tmp_path: Path, run: Run) -> None:
    """It is binary all the same."""
    assert run(written(tmp_path, gzip.compress(b"a\0b" * 99))).exit_code == 2


def test_a_name_that_is_no_path(run: Run) -> None:
    """Not even that is a traceback."""
    result = run("a\0b")
    assert result.exit_code == 2
    assert "It cannot be opened" in result.stderr


def test_an_empty_log(tmp_path: Path, run: Run) -> None:
    """Nothing was judged, and that is no mistake."""
    result = run(written(tmp_path, b""), "--advise", "1")
    assert result.exit_code == 0
    assert "0 lines judged by the default detectors" in result.stdout


@pytest.mark.parametrize("pack", [bytes, gzip.compress, packed_with_zstd])
def test_standard_input(tmp_path: Path, pack: Pack) -> None:
    """`-` reads what is piped in, packed or not; where there is no app the defaults judge."""
    command = [sys.executable, "-m", "flask", "errwatch", "replay", "-", "--json"]
    lines = "".join(event(each) for each in range(20)).encode()
    done = subprocess.run(
        command, input=pack(lines), capture_output=True, check=True, cwd=tmp_path, timeout=60
    )
    found = json.loads(done.stdout)
    assert (found["lines"], found["logs"]) == (20, ["-"])
    assert found["judged_by"] == "the default detectors (there is no app)"
    assert done.stderr == b""


class Trickle(io.RawIOBase):
    """A pipe that gives at most so many bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def readable(self) -> bool:
        """It is read from."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        given = self._data.read(min(self._step, len(buffer)))
        buffer[: len(given)] = given
        return len(given)


@pytest.mark.parametrize(
    ("pack", "step"),
    [(bytes, 1), (bytes, 64), (bytes, 1 << 20), (gzip.compress, 64), (packed_with_zstd, 64)],
)
def test_a_pipe_that_gives_little_at_a_time(found: Run, pack: Pack, step: int) -> None:
    """The format is that of the first lines, not of what happens to come first."""
    lines = "\ufeff" + event(0) + access(1) * 30
    whole = found("-", input=io.BufferedReader(Trickle(pack(lines.encode()), step)))
    assert (whole["lines"], [each["line"] for each in whole["bad"]]) == (30, [1])


def test_zstd_without_its_package(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra."""
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run(written(tmp_path, packed_with_zstd_before(LINES)))
    assert result.exit_code == 2
    assert "install 'flask-errwatch[replay]'" in result.stderr


def packed_with_zstd_before(_: bytes) -> bytes:
    """Enough of a frame to be known by."""
    return b"\x28\xb5\x2f\xfd" + b"\1" * 20


def test_standard_input_is_read_once(run: Run) -> None:
    """NameCount twice it is refused, in one sentence."""
    result = run("-", "-", input=access(0))
    assert result.exit_code == 2
    assert result.stderr == "Error: FILE = '-': Standard input can be read only once.\n"


def test_damage_is_said_without_python(tmp_path: Path) -> None:
    """What follows a packed part and is not packed is damage; its bytes are not shown."""
    found = read(written(tmp_path, gzip.compress(LINES) + b"garbage"))
    assert found == (LINES, "it is damaged (Not a gzipped file); what came before is judged.")
