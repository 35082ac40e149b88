"""The real `terraform`, where this machine has one: its formatter and its console."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(
    PROGRAM is None, reason="no terraform on this machine: only our own checker judges"
)


def fmt_check(text: str, folder: Path) -> str:
    """What `terraform fmt` would change; nothing in a file that is formatted."""
    file = folder / "exported.tf"
    file.write_text(text, encoding="utf-8")
    done = _run("fmt", "-check", "-diff", str(file), folder=folder)
    return done.stdout + done.stderr


def evaluated(expression: str, folder: Path) -> str:
    """What `terraform console` says of an expression that gives a string."""
    done = _run("console", folder=folder, stdin=f"base64encode({expression})\n")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().strip('"')


def _run(*arguments: str, folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    assert PROGRAM is not None
    empty = folder / "empty.tfrc"
    empty.touch()
    # Without these it would look for newer versions of itself, and read the user's settings.
    settings = {"CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": str(empty)}
    return subprocess.run(
        [PROGRAM, *arguments],
        input=stdin,
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
