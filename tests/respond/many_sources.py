"""Sums up very many sources in a process of its own, and prints how much memory that took.

The sources with most lines come last. Arguments: the number of lines, of sources, and of sources
that get a row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
from flask_errwatch.respond.ranking.window import Window

WINDOW = Window(start=3600, end=7200)
LOUD = 10


def resident(field: str) -> int:
    """A field of this process's memory, in KiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))


def lines(count: int, sources: int) -> Iterator[TimedEvent]:
    """The lines of all sources in turn, then those of the loud ones: 100, 101, … each."""
    quiet = count - sum(100 + number for number in range(LOUD))
    for number in range(quiet):
        source = number % sources
        yield (
            3600 + number % 3000,
            {
                "client_ip": f"10.{source >> 16}.{source >> 8 & 255}.{source & 255}",
                "client_ip_trust": "verified",
                "status": 404,
                "method": "GET",
                "path": f"/page-{number}",
                "user_agent": f"Mozilla/5.0 ({number % 7919})",
                "release": "1",
            },
        )
    for number in range(LOUD):
        for nth in range(100 + number):
            yield (
                7000,
                {
                    "client_ip": f"2001:db8:0:{number:x}::{nth:x}",
                    "status": 404,
                    "method": "GET",
                    "path": f"/{nth}.php",
                    "path_class": "probe",
                    "suspicion": 2,
                },
            )


def main(count: int, sources: int, rows: int) -> None:
    """Prints what was found, and by how many KiB the process grew."""
    for at, event in lines(2_000, 1):  # what is imported and cached at first use
        del at, event
    summarize(lambda: lines(2_000, 10), lambda _: True, window=WINDOW)
    before = resident("VmRSS")
    summary = summarize(lambda: lines(count, sources), lambda _: True, window=WINDOW, sources=rows)
    print(  # noqa: T201 - a script
        json.dumps(
            {
                "grown": resident("VmHWM") - before,
                "lines": summary.lines,
                "sources": summary.source_count,
                "top": [[row.source, row.lines, row.paths] for row in summary.sources[:LOUD]],
                "verdict": verdict(summary).sentence,
            }
        )
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
