"""Opens pages in headless Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


def browsed(page: Path, *arguments: str) -> str:
    """Opens the page in Chromium, and returns its standard output."""
    assert CHROMIUM is not None
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars"
    quiet = "--disable-background-networking --disable-component-update --disable-sync"
    profile = page.parent / "profile"
    command = [CHROMIUM, *flags.split(), *quiet.split(), f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=10000", *arguments, page.as_uri()]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return done.stdout.decode()


def evaluated(page: Path, expression: str, *arguments: str, width: int = 1200) -> str:
    """What an expression about the page is, on a screen of that width.

    Args:
        page: The page. A file beside it shows it in a frame, because a window cannot be as narrow
            as a phone.
        expression: In JavaScript, with the page's document as `d`.
        arguments: Of Chromium.
        width: In pixels of CSS.
    """
    frame = page.parent / "frame.html"
    frame.write_text(
        f'<iframe id="f" src="{page.name}" width="{width}" height="700" style="border:0"></iframe>'
        f"<script>setTimeout(() => {{ const d = f.contentDocument;"
        f"document.title = {expression}; }}, 6000)</script>"
    )
    drawn = browsed(frame, "--dump-dom", "--allow-file-access-from-files", *arguments)
    title = re.search(r"<title>(.*?)</title>", drawn)
    assert title is not None, drawn[:500]
    return title[1]
