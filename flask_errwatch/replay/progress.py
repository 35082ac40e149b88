"""How far the reading is: a bar with rate and time left, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from flask_errwatch.replay.session import Progress


def follow(steps: Iterable[Progress]) -> None:
    """Runs through the steps, and draws the bar on stderr where that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        for _ in steps:
            pass
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("reading"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    begun = time.monotonic()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        for step in steps:
            passed = max(time.monotonic() - begun, 1e-6)
            rate = f"{step.lines / passed:,.0f} lines/s"
            bar.update(task, total=step.size, completed=step.read, rate=rate)
