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
from tests.replay.test_files import Pack

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


def test_a_document_of_300_mib_is_refused(tmp_path: Path) -> None:
    """It counts as one bad line, and a note says what to do."""
    pack = gzip.compress
    log = write_log(tmp_path, pack(b'{"events": [\n') + pack(EVENTS) * 300 + pack(b"{}]}\n"))
    output = replayed(log)
    assert (output["lines"], output["bad_lines"], output["bad"][0]["line"]) == (0, 1, 1)
    (note,) = output["notes"]
    assert note == (
        f"{log.name}: it is a JSON document of more than 134,217,728 bytes, which is not read. "
        "Export fewer hours at a time, or to S3, which writes one event per line."
    )
