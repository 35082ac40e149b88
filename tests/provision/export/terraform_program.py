"""The formatter and the console of the real `terraform`, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROGRAM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(
    PROGRAM is None, reason="terraform is not installed: only our own checker is used"
)


def fmt_check(text: str, folder: Path) -> str:
    """The changes that `terraform fmt` would make. Empty for a formatted file."""
    file = folder / "exported.tf"
    file.write_text(text, encoding="utf-8")
    result = _run("fmt", "-check", "-diff", str(file), folder=folder)
    return result.stdout + result.stderr


def evaluated(expression: str, folder: Path) -> str:
    """The result of `terraform console` for an expression whose value is a string."""
    result = _run("console", folder=folder, stdin=f"base64encode({expression})\n")
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().strip('"')


def _run(*arguments: str, folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    assert PROGRAM is not None
    empty = folder / "empty.tfrc"
    empty.touch()
    # Disables the check for newer versions, and the user's settings.
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
