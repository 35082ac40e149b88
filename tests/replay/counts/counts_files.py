"""Makes counts of access logs with a parser of its own: by brackets, quotes and blanks."""

from __future__ import annotations

import csv
import gzip
import re
from calendar import timegm
from collections import Counter
from pathlib import Path
from typing import NamedTuple

_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_VARIABLE = re.compile(r"\d+|[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
COLUMNS = (
    *("minute", "lines", "status", "client", "method", "path"),
    *("referrer", "agent", "own", "host"),
)


class _Line(NamedTuple):
    minute: int
    status: int
    client: str
    method: str
    target: str
    referrer: str
    agent: str


def write_counts(log: Path, counts: Path) -> int:
    """Writes the counts of an access log in the combined format, and returns its lines.

    Failed requests have a row for each minute, client, request and headers. All others are counted
    by minute and status. No log of `../shared/data` names its own host.
    """
    with gzip.open(log, "rt", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        lines = [_line_of(line.rstrip("\n")) for line in file]
    answered = {_like(line.target) for line in lines if line.target and 200 <= line.status < 300}
    rows: Counter[tuple[object, ...]] = Counter()
    for line in lines:
        if line.status < 400:
            rows[line.minute, line.status, "", "", "", "", "", "", ""] += 1
        else:
            own = str(_like(line.target or "/") in answered).lower()
            request = (line.method, line.target, line.referrer, line.agent)
            rows[line.minute, line.status, line.client, *request, own, ""] += 1
    with counts.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((row[0], lines, *row[1:]) for row, lines in rows.items())
    return len(lines)


def _line_of(line: str) -> _Line:
    at = line.index("[")
    day, clock = line[at + 1 : at + 12], line[at + 13 : at + 18]
    date = int(day[7:]), _MONTHS.index(day[3:6]) // 3 + 1, int(day[:2])
    minute = timegm((*date, int(clock[:2]), int(clock[3:]), 0))
    assert line[at + 21 : at + 28] == " +0000]", line
    parts = re.split(r'(?<!\\)"', line[at:])  # a quote inside has a backslash before it
    words = parts[1].split(" ")
    is_request = len(words) == 3 and words[2].startswith("HTTP/")
    return _Line(
        minute,
        int(parts[2].split()[0]),
        line.split(" ", maxsplit=1)[0],
        words[0] if is_request else "",
        words[1] if is_request else "",
        parts[3],
        parts[5],
    )


def _like(target: str) -> str:
    """The path without what differs from one thing to the next."""
    segments = target.split("?", maxsplit=1)[0].split("/")
    return "/".join(
        "*" if number and _VARIABLE.fullmatch(segment) else segment
        for number, segment in enumerate(segments)
    )
