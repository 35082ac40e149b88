"""A small compressed file cannot fill the memory: lines and documents are bounded."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.replay.replay_lines import compressed_with_zstd, event, write_log
from tests.replay.sources.test_logs import Pack

MIB = 1 << 20
#: The address space of the command. It has some 200 MiB before it reads anything.
LIMIT = 512 * MIB
COMMAND = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({LIMIT}, {LIMIT}))
from flask.cli import main
main()
"""
#: Events as `aws logs filter-log-events` prints them: memory must not follow their number either.
EVENTS = b'{"timestamp": 1700000000000, "message": "a"},\n' * (MIB // 46)


def replayed(log: Path) -> Any:
    """The output of `flask errwatch replay --json` in a process with so much address space."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "errwatch", "replay", "--json", str(log)],
        cwd=log.parent,
        capture_output=True,
        check=False,
        timeout=120,
    )
    output = json.loads(done.stdout or "{}")
    assert done.returncode == (0 if output.get("lines") else 1), done.stderr.decode()[-2000:]
    return output


@pytest.mark.parametrize("pack", [gzip.compress, compressed_with_zstd])
def test_a_line_of_300_mib_is_one_bad_line(tmp_path: Path, pack: Pack) -> None:
    """The lines around it count, and of itself only the beginning is kept."""
    odd = pack(b'{"event": "') + pack(b"x" * MIB) * 300 + pack(b'"}\n')
    log = write_log(tmp_path, pack(event(0).encode()) + odd + pack(event(1).encode()))
    assert log.stat().st_size < MIB
    output = replayed(log)
    assert (output["lines"], output["bad_lines"]) == (2, 1)
    assert output["bad"][0]["text"] == '{"event": "' + "x" * 389


def test_a_document_with_a_message_of_300_mib_is_refused_from_there(tmp_path: Path) -> None:
    """It counts as one bad line, and a note says why. The events before it are judged."""
    pack = gzip.compress
    first = json.dumps({"timestamp": 1795564800000, "message": event(0)}).encode()
    begin = b'{"events": [\n' + first + b',\n{"timestamp": 1795564800000, "message": "'
    log = write_log(tmp_path, pack(begin) + pack(b"x" * MIB) * 300 + pack(b'"}]}\n'))
    output = replayed(log)
    assert (output["lines"], output["bad_lines"], output["bad"][0]["line"]) == (1, 1, 2)
    assert any(
        "it has a line or a JSON value of more than 33,554,432 characters" in note
        for note in output["notes"]
    )


@pytest.mark.stress
def test_a_document_of_60_mib_is_read_as_it_comes(tmp_path: Path) -> None:
    """Its events are counted, and the memory does not follow their number."""
    pack = gzip.compress
    log = write_log(tmp_path, pack(b'{"events": [\n') + pack(EVENTS) * 60 + pack(b"{}]}\n"))
    output = replayed(log)
    assert (output["lines"], output["bad_lines"]) == (0, 60 * (MIB // 46) + 1)


#: Lines of nearly a MiB that are read.
LONG = 120
#: Lines of nearly a MiB, each another one: what is before the long text, and what is behind it.
LONG_LINES = {
    "path": ('192.0.2.7 - - [25/Nov/2026:00:00:00 +0000] "GET /{}', ' HTTP/1.1" 404 9 "-" "curl"'),
    "answered": ('192.0.2.7 - - [25/Nov/2026:00:00:00 +0000] "GET /{}', ' HTTP/1.1" 200 9 "-" "a"'),
    "agent": ('192.0.2.7 - - [25/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 404 9 "-" "{}', '"'),
    "referrer": (
        '192.0.2.7 - - [25/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 9 "http://{}',
        '/" "curl"',
    ),
    "own": (event(0)[:-2] + ', "x": "{}', '"}'),
}


@pytest.mark.stress
@pytest.mark.parametrize("kind", LONG_LINES)
def test_long_lines_are_not_kept(tmp_path: Path, kind: str) -> None:
    """They count, and the memory does not follow them: each took 5 MiB when it was remembered."""
    before, behind = (text.encode() for text in LONG_LINES[kind])
    long, end = gzip.compress(b"x" * (MIB - 500)), gzip.compress(behind + b"\n")
    lines = (
        gzip.compress(before.replace(b"{}", b"%d" % number)) + long + end for number in range(LONG)
    )
    output = replayed(write_log(tmp_path, b"".join(lines)))
    assert (output["lines"], output["bad_lines"]) == (LONG, 0)
