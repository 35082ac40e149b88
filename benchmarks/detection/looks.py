"""What the lines of labelled logs look like: the verdicts on scans, and on benign clients."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from benchmarks.detection.rules import detectors
from benchmarks.detection.truth import Row, Truth
from benchmarks.report import Table
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.respond.ranking.window import BASELINE, Window

_BIN = 300
#: Missing paths of a bin above which it is looked at.
_MISSING = 10
_ACCUSING = frozenset({Kind.PATH_SCAN, Kind.GUESSING, Kind.SPREAD})
#: What an alarm counts, by the name that the table gives it.
COUNTED: Mapping[str, Callable[[Event], bool]] = {
    "all failures": lambda event: _status(event) >= 400,
    "404": lambda event: _status(event) == 404,
    "4xx": lambda event: 400 <= _status(event) < 500,
    "5xx": lambda event: _status(event) >= 500,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Five minutes whose busiest source is scanning.

    Attributes:
        start: Its first second, since the epoch.
        source: The busiest source of 404s.
        paths: How many different paths that source asked for.
        verdict: What the 404s look like.
    """

    start: int
    source: str
    paths: int
    verdict: Verdict

    @property
    def is_right(self) -> bool:
        """Whether it is called a path scan of that source."""
        return self.verdict.kind is Kind.PATH_SCAN and self.source in self.verdict.sources


class LookedAtLog:
    """The lines of one log, by their times.

    Args:
        path: The access log. Its scans are known where `bins.csv` and `episodes.csv` are beside it.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        with open_logs([str(path)]) as logs:
            session = Session(logs, detectors())
            for _ in session.read():
                pass
            lines = [(at, line.event) for at, line in session.lines(lambda _: True)]
        self.lines: list[TimedEvent] = sorted(lines, key=lambda line: line[0])
        self._times = [at for at, _ in self.lines]

    def verdict(
        self,
        window: Window,
        is_counted: Callable[[Event], bool],
        as_line: Callable[[Event], Event] = lambda event: event,
    ) -> Verdict:
        """What the lines of a window look like.

        Args:
            window: The window.
            is_counted: Whether the alarm counts a line.
            as_line: What the app would have written for it.
        """
        lines = [(at, as_line(event)) for at, event in self._between(window)]
        return verdict(summarize(lambda: lines, is_counted, window=window))

    def scans(self) -> Iterator[Bin]:
        """The bins with more than ten 404s whose busiest source is one of `episodes.csv`."""
        if not (self._folder / "bins.csv").is_file():
            return
        episodes = [
            (row["client"], second(row["start_utc"]), int(row["duration_s"]))
            for row in _rows(self._folder / "episodes.csv")
        ]
        for row in _rows(self._folder / "bins.csv"):
            if int(row["s404"]) <= _MISSING:
                continue
            start = second(row["bin_start_utc"])
            window = Window(start=start, end=start + _BIN)
            missing = [
                event
                for at, event in self._between(window)
                if at in window and COUNTED["404"](event)
            ]
            clients = Counter(str(event["client_ip"]) for event in missing)
            busiest = clients.most_common(1)[0][0]
            if any(
                client == busiest and begun < window.end and start <= begun + seconds
                for client, begun, seconds in episodes
            ):
                paths = {event["path"] for event in missing if event["client_ip"] == busiest}
                found = self.verdict(window, COUNTED["404"])
                yield Bin(start=start, source=busiest, paths=len(paths), verdict=found)

    def accused(self, truth: Truth, counted: str) -> Iterator[Row]:
        """The benign episodes whose client is called a scanner, or somebody who guesses."""
        for row in benign(truth):
            window = Window(start=row.start, end=row.end + 1)
            found = self.verdict(window, COUNTED[counted])
            if found.kind in _ACCUSING and not row.clients.isdisjoint(found.sources):
                yield row

    def _between(self, window: Window) -> list[TimedEvent]:
        """The lines of the window, and of the hour before."""
        first = bisect_left(self._times, window.start - BASELINE)
        return self.lines[first : bisect_left(self._times, window.end)]


@cache
def looked_at(path: Path) -> LookedAtLog:
    """The lines of a log, read once."""
    return LookedAtLog(path)


def benign(truth: Truth) -> list[Row]:
    """The benign episodes of a log."""
    return [row for row in truth.rows if not row.is_attack]


def looks_table(logs: Mapping[Path, Truth]) -> Table:
    """How often the verdicts are right.

    Args:
        logs: The labels of each log.
    """
    bins = [found for path in logs for found in looked_at(path).scans()]
    rows = [
        ("bins of a scan that are called its path scan", _of(bins, lambda one: one.is_right)),
        ("those with at least ten paths of it", _of(bins, lambda one: one.paths >= 10)),
    ]
    total = sum(len(benign(truth)) for truth in logs.values())
    for counted in COUNTED:
        accused = sum(
            len([*looked_at(path).accused(truth, counted)]) for path, truth in logs.items()
        )
        rows.append((f"benign episodes that are accused, {counted}", f"{accused} of {total}"))
    return Table(title="Verdicts", head=("verdicts", "how often"), rows=tuple(rows))


def second(text: str) -> int:
    """The seconds since the epoch of a time in RFC 3339."""
    return int(datetime.fromisoformat(text).timestamp())


def _of(bins: list[Bin], is_one: Callable[[Bin], bool]) -> str:
    return f"{sum(map(is_one, bins))} of {len(bins)}"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def _status(event: Event) -> int:
    status = event.get("status")
    return status if isinstance(status, int) else 0
