"""A terminal of a chosen width, in which commands run as a user sees them."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

ESCAPE = "\x1b"


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command, without what would decide about colour or width."""
    removed = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "COLORTERM", "FLASK_APP"}
    inherited = {name: value for name, value in os.environ.items() if name not in removed}
    return {**inherited, "TERM": "xterm-256color", **changes}


def flask(*arguments: str) -> list[str]:
    """The command line of `flask errwatch …`."""
    return [sys.executable, "-m", "flask", "errwatch", *arguments]


def on_a_terminal(
    command: Sequence[str], folder: Path, *, columns: int = 80, env: Mapping[str, str] | None = None
) -> str:
    """What the command writes, to stdout and stderr together, on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment() if env is None else env,
    )
    os.close(theirs)
    written = read_terminal(ours)
    assert process.wait(60) in {0, 1}, written
    return written.decode().replace("\r\n", "\n")


def read_terminal(ours: int) -> bytes:
    """Everything that was written to the terminal, until its other end is closed."""
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return written


def in_a_pipe(command: Sequence[str], folder: Path, *, env: Mapping[str, str] | None = None) -> str:
    """What the command writes to stdout when that is a pipe."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        cwd=folder,
        env=environment() if env is None else env,
        check=False,
        timeout=60,
    )
    return done.stdout.decode()
