"""Opening logs: plain, packed or piped; what cannot be read is said in one sentence."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_errwatch.replay.opening import Log, TooLong, UnreadableLogError
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
    text = b"".join(block for block in log.blocks() if isinstance(block, bytes))
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


@pytest.mark.parametrize("before", [0, 1, 5_000, 250_000, 300_000, 2_000_000])
@pytest.mark.parametrize("beyond", [0, 1])
def test_a_line_beyond_a_mib_is_bad_wherever_it_stands(
    tmp_path: Path, run: Run, before: int, beyond: int
) -> None:
    """Its length alone decides, in every format; the lines around it are whole."""
    short = event(0)
    line = event(0, pad="")
    line = line.replace('"pad": ""', '"pad": "' + "x" * (2**20 + beyond - len(line) + 1) + '"')
    assert len(line) == 2**20 + beyond + 1  # with its line break
    many = before // len(short)
    ours = written(tmp_path, short * many + line + short, "ours.log")
    stamp = "2026-11-25T00:00:00.000Z "
    line = line.replace('"pad": "' + "x" * len(stamp), '"pad": "')
    exported = stamp + short
    export = written(tmp_path, exported * many + stamp + line + exported, "export.log")
    for log in (ours, export):
        found = json.loads(run(log, "--json").stdout)
        assert (found["lines"], found["bad_lines"]) == (many + 2 - beyond, beyond)
        assert [each["line"] for each in found["bad"]] == [many + 1] * beyond


def test_a_line_without_end_keeps_its_beginning(tmp_path: Path) -> None:
    """Of a line beyond a MiB no more than what is shown of it is kept."""
    log = Log(str(written(tmp_path, b"first\n" + b"x" * 3_000_000)))
    assert [*log.blocks()] == [b"first\n", TooLong(b"x" * 400)]
    log.close()


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, run: Run) -> None:
    """Some editors on Windows write one."""
    log = written(tmp_path, b"\xef\xbb\xbf" + event(0).encode())
    assert json.loads(run(log, "--json").stdout)["lines"] == 1


def test_standard_input_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `<&-` in a shell: a sentence, and exit code 2."""
    monkeypatch.setattr("flask_errwatch.replay.opening.sys.stdin", None)
    with pytest.raises(UnreadableLogError, match="Standard input is closed"):
        Log("-")


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
    """Named twice it is refused, in one sentence."""
    result = run("-", "-", input=access(0))
    assert result.exit_code == 2
    assert result.stderr == "Error: FILE = '-': Standard input can be read only once.\n"


def test_damage_is_said_without_python(tmp_path: Path) -> None:
    """What follows a packed part and is not packed is damage; its bytes are not shown."""
    found = read(written(tmp_path, gzip.compress(LINES) + b"garbage"))
    assert found == (LINES, "it is damaged (Not a gzipped file); what came before is judged.")
