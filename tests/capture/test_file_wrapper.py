"""Large files under real servers: they are sent as without the extension, in flat memory."""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.stress.harness import Child

_APP = "tests.capture.file_app:app"
SERVERS = {
    "uwsgi": (
        *(str(Path(sys.executable).with_name("uwsgi")), "--http-socket", "127.0.0.1:0"),
        *("--master", "--need-app", "--die-on-term", "--module", _APP),
        *("--virtualenv", sys.prefix),
    ),
    "gunicorn": (
        sys.executable,
        "-m",
        "gunicorn",
        "--no-control-socket",
        "-b",
        "127.0.0.1:0",
        _APP,
    ),
}
SIZE = 60_000_000


def got(child: Child, path: str) -> int:
    """The bytes of a response, or the number that is in it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{child.port()}{path}", timeout=60) as response:
        if path == "/peak":
            return int(response.read())
        return sum(len(part) for part in iter(lambda: response.read(1 << 20), b""))


@pytest.mark.parametrize("server", SERVERS)
def test_a_large_file_takes_no_memory(server: str, tmp_path: Path) -> None:
    """A file without a line break, 60 MB, raises the peak of the process by less than a sixth."""
    sent = tmp_path / "large"
    with sent.open("wb") as file:
        file.truncate(SIZE)
    env = {
        "PATH": os.environ["PATH"],
        "ERRWATCH_SINKS": "memory",
        "PYTHONUNBUFFERED": "1",
        "SENT_FILE": str(sent),
    }
    child = Child(SERVERS[server], env, tmp_path / "output")
    try:
        before = got(child, "/peak")
        assert got(child, "/file") == SIZE
        assert got(child, "/peak") - before < SIZE // 1024 // 6
    finally:
        child.kill()
