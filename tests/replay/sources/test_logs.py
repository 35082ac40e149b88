"""Opening logs: plain, compressed or piped. One sentence reports what cannot be read."""

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

from flask_errwatch.replay.sources import TooLong, compression, encoding, lines, open_logs
from tests.replay.replay_lines import Run, access, compressed_with_zstd, event, write_log

Pack = Callable[[bytes], bytes]

LINES = "".join(access(second) for second in range(2000)).encode()


def read(path: Path) -> tuple[bytes, str | None]:
    with open_logs([str(path)]) as logs:
        (log,) = logs
        return b"".join(log.blocks()), log.defect


@pytest.mark.parametrize("name", ["a.log", "a.log.gz", "a.log.zst", "named-wrongly.log"])
def test_plain_and_compressed(tmp_path: Path, name: str) -> None:
    """The first bytes of a file determine its format, not its name."""
    packs: dict[str, Pack] = {"a.log": bytes, "a.log.zst": compressed_with_zstd}
    pack = packs.get(name, gzip.compress)
    assert read(write_log(tmp_path, pack(LINES), name)) == (LINES, None)


def test_several_members_in_one_file(tmp_path: Path) -> None:
    """The output of `cat a.gz b.gz` is read as a whole."""
    data = gzip.compress(LINES) + gzip.compress(b"last\n")
    assert read(write_log(tmp_path, data)) == (LINES + b"last\n", None)


def test_a_last_line_without_a_break(tmp_path: Path) -> None:
    """The last line is read although it has no line break."""
    assert read(write_log(tmp_path, LINES + b"last")) == (LINES + b"last\n", None)


@pytest.mark.parametrize("end", [b"\nlast\n", b""])
def test_a_line_without_end_is_shortened(tmp_path: Path, end: bytes) -> None:
    """Only the beginning of a line beyond a MiB is kept. The lines around it are whole."""
    path = write_log(tmp_path, b"first\n" + b"x" * 3_000_000 + end)
    with open_logs([str(path)]) as logs:
        blocks = [block for log in logs for block in log.blocks()]
    assert blocks == [b"first\n", b"x" * 400, *([b"last\n"] if end else [])]
    assert [isinstance(block, TooLong) for block in blocks[:3]] == [False, True, False][
        : len(blocks)
    ]


@pytest.mark.parametrize("block", [7, 300, 999])
@pytest.mark.parametrize("form", ["json", "combined", "cloudwatch-export"])
def test_all_formats_have_the_same_longest_line(
    tmp_path: Path, replay_json: Run, monkeypatch: pytest.MonkeyPatch, form: str, block: int
) -> None:
    """A line one byte longer is bad, in every format and wherever a block ends."""
    monkeypatch.setattr(lines, "LONGEST", 1000)
    monkeypatch.setattr(compression, "PIECE", block)
    monkeypatch.setattr(encoding, "HEAD", 500)  # the first line, which decides the format
    good = access(0) if form == "combined" else event(0)
    good = f"2026-11-25T00:00:00.000Z {good}" if form == "cloudwatch-export" else good
    # Blanks after the request, or after the object, do not matter.
    full, over = (good[:-1] + " " * (length - len(good) + 1) for length in (1000, 1001))
    log = write_log(tmp_path, "\n".join([good[:-1], over, full, over, full]))
    output = replay_json(log, "--format", form)
    assert (output["lines"], [line["line"] for line in output["bad"]]) == (3, [2, 4])
    assert output["bad"][0]["text"] == over[:400]


def test_a_mebibyte_is_the_longest(tmp_path: Path, replay_json: Run) -> None:
    """A line may be as long as an event of CloudWatch Logs, and no longer."""
    lengths = (1_048_576, 1_048_577)
    lines = [event(0)[:-1] + " " * (length - len(event(0)) + 1) for length in lengths]
    output = replay_json(write_log(tmp_path, "\n".join([*lines, ""])), "--format", "json")
    assert (output["lines"], [line["line"] for line in output["bad"]]) == (1, [2])


def test_a_byte_order_mark_is_skipped(tmp_path: Path, replay_json: Run) -> None:
    """The first line is read although editors on Windows write U+FEFF before it."""
    ours = write_log(tmp_path, "\ufeff" + event(0) + event(1), "a.log")
    theirs = write_log(tmp_path, "\ufeff" + access(0) * 11, "b.log")
    output = replay_json(ours, theirs)
    assert (output["lines"], output["bad_lines"]) == (13, 0)
    (detector,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    assert detector["alarms"][0]["sources"] == [{"source": "192.0.2.7", "lines": 13}]


def test_a_closed_standard_input(tmp_path: Path) -> None:
    """`replay - <&-` reports it in one sentence."""
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


@pytest.mark.stress
@pytest.mark.parametrize("pack", [gzip.compress, compressed_with_zstd])
def test_cut_in_the_middle_of_a_member(tmp_path: Path, run: Run, pack: Pack) -> None:
    """The lines before the cut are judged, and one sentence reports it."""
    data = b"".join(
        access(second, path=f"/{second * 7919 % 9973}").encode() for second in range(80_000)
    )
    compressed = pack(data)
    log = write_log(tmp_path, compressed[: len(compressed) * 3 // 4])
    result = run(log, "--json")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        f"{log.name}: it is truncated. What comes before that is judged.\n"
    )
    assert 10_000 < json.loads(result.stdout)["lines"] < 80_000


def test_nothing_comes_before_a_cut_at_the_start(tmp_path: Path, run: Run) -> None:
    """A log of which no line was read is not said to be judged, and has one remedy."""
    result = run(write_log(tmp_path, gzip.compress(access(0).encode())[:20]))
    assert result.exit_code == 1
    output = " ".join(result.stderr.split())
    assert "comes before" not in output
    assert output.endswith(
        "Nothing could be read of access.log (it is truncated). Give another file."
    )


def test_a_log_of_one_long_line_is_named_as_that(tmp_path: Path, run: Run) -> None:
    """That it is too long is why it cannot be read."""
    result = run(write_log(tmp_path, access(0)[:-1] * 20_000 + "\n"))
    assert result.exit_code == 1
    assert "Its lines are longer than 1 MiB: put each record on one of its own." in " ".join(
        result.stderr.split()
    )


def test_a_damaged_member(tmp_path: Path, run: Run) -> None:
    """Wrong bytes inside a compressed part are reported too."""
    for pack in (gzip.compress, compressed_with_zstd):
        compressed = bytearray(pack(LINES))
        compressed[len(compressed) // 2 :] = b"damage" * (len(compressed) // 12)
        result = run(write_log(tmp_path, bytes(compressed)), "--json")
        assert result.exit_code == (0 if json.loads(result.stdout)["lines"] else 1)
        assert "it is damaged (" in result.stderr or "it is truncated" in result.stderr


def test_unreadable_files_are_refused(tmp_path: Path, run: Run) -> None:
    """A missing file and a binary file have a sentence each and exit code 2."""
    good = write_log(tmp_path, LINES)
    binary = write_log(tmp_path, b"\x7fELF\0\0\0", "program")
    sentences = {
        tmp_path / "none.log": "There is no such file.",
        binary: "It is binary: give a text log, plain or compressed with gzip or zstd.",
    }
    for path, sentence in sentences.items():
        result = run(good, path)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr == f"Error: FILE = {ascii(str(path))[:80]}: {sentence}\n" or (
            sentence in result.stderr and result.stderr.count("\n") == 1
        )


def test_a_binary_file_inside_a_compressed_one(tmp_path: Path, run: Run) -> None:
    """The decompressed data is checked, not only the file."""
    assert run(write_log(tmp_path, gzip.compress(b"a\0b" * 99))).exit_code == 2


def test_an_invalid_path_is_refused(run: Run) -> None:
    """A path with a null byte is reported without a traceback."""
    result = run("a\0b")
    assert result.exit_code == 2
    assert "It cannot be opened" in result.stderr


def test_an_empty_log(tmp_path: Path, run: Run) -> None:
    """Nothing could be read, which a check must not take for a quiet log."""
    result = run(write_log(tmp_path, b""), "--advise", "1", "--fail-over", "0")
    assert result.exit_code == 1
    assert "0 lines judged by the default detectors" in result.stdout
    assert "Error: Nothing could be read of access.log (it has no lines). " in result.stderr


@pytest.mark.parametrize("pack", [bytes, gzip.compress, compressed_with_zstd])
def test_standard_input(tmp_path: Path, pack: Pack) -> None:
    """`-` reads standard input, compressed or not. Without an app the default detectors judge."""
    command = [sys.executable, "-m", "flask", "errwatch", "replay", "-", "--json"]
    lines = "".join(event(second) for second in range(20)).encode()
    done = subprocess.run(
        command, input=pack(lines), capture_output=True, check=True, cwd=tmp_path, timeout=60
    )
    output = json.loads(done.stdout)
    assert (output["lines"], output["logs"]) == (20, ["-"])
    assert output["judged_by"] == "the default detectors (there is no app)"
    assert done.stderr == b""


class Trickle(io.RawIOBase):
    """A pipe that returns at most `step` bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = io.BytesIO(data)
        self._step = step

    def readable(self) -> bool:
        """`io.BufferedReader` requires it."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads the next bytes."""
        data = self._data.read(min(self._step, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize(
    ("pack", "step"),
    [(bytes, 1), (bytes, 64), (bytes, 1 << 20), (gzip.compress, 64), (compressed_with_zstd, 64)],
)
def test_a_pipe_that_returns_few_bytes_at_a_time(replay_json: Run, pack: Pack, step: int) -> None:
    """The format is detected from the first lines, not from the first bytes that arrive."""
    lines = "\ufeff" + "the server starts\n" + access(1) * 30
    output = replay_json("-", input=io.BufferedReader(Trickle(pack(lines.encode()), step)))
    assert output["lines"] == 30
    assert [(line["line"], line["text"]) for line in output["bad"]] == [(1, "the server starts")]
    assert output["site"] is not None  # it was known that these lines are requests


def test_zstd_without_its_package(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra."""
    for name in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    result = run(write_log(tmp_path, compressed_with_zstd_before(LINES)))
    assert result.exit_code == 2
    assert "install 'flask-errwatch[replay]'" in result.stderr


def compressed_with_zstd_before(_: bytes) -> bytes:
    """The beginning of a frame, enough to detect the format."""
    return b"\x28\xb5\x2f\xfd" + b"\1" * 20


def test_standard_input_is_read_once(run: Run) -> None:
    """A second `-` is refused in one sentence."""
    result = run("-", "-", input=access(0))
    assert result.exit_code == 2
    assert result.stderr == "Error: FILE = '-': Standard input can be read only once.\n"


def test_damage_is_reported_without_the_bytes(tmp_path: Path) -> None:
    """Plain data after a compressed part is damage, and the message does not show its bytes."""
    log = write_log(tmp_path, gzip.compress(LINES) + b"garbage")
    assert read(log) == (
        LINES,
        "it is damaged (Not a gzipped file).",
    )
