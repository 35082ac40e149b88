"""The labels of a log: which requests were an attack's."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

#: What lines are: of an attack, of someone benign, or of no labelled episode.
Label = Literal["attack", "benign", "none"]
#: Failures from which a scan is one that an alarm should see.
ERRORS = 20
# How far the times of a row may lie beside those of its lines, whose minute alone is known.
_SLACK = 60
_ADDRESS = re.compile(r"[0-9a-fA-F.:]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One labelled episode.

    Attributes:
        start: Its first second, since the epoch.
        end: Its last.
        clients: Its addresses. Those of a coordinated attack are in rows of their own.
        is_complete: Whether these are all of its addresses.
        kind: What it is, such as `scan`.
        is_attack: Whether it is labelled so.
        is_wanted: Whether an alarm should see it.
    """

    start: int
    end: int
    clients: frozenset[str]
    is_complete: bool
    kind: str
    is_attack: bool
    is_wanted: bool

    def spans(self, minute: int) -> bool:
        """Whether lines of a minute may belong to it."""
        return self.start - _SLACK <= minute + 59 and minute <= self.end + _SLACK


@dataclass(frozen=True, slots=True)
class Truth:
    """The labels of one log.

    Args:
        rows: Its rows.
    """

    rows: tuple[Row, ...]

    @property
    def wanted(self) -> tuple[Row, ...]:
        """The attacks that an alarm should see."""
        return tuple(row for row in self.rows if row.is_wanted)

    def label(self, source: str, minute: int) -> Label:
        """What the failures of a source in a minute are."""
        near = [row for row in self.rows if row.spans(minute)]
        own = [row for row in near if source in row.clients]
        if own:
            return "attack" if any(row.is_attack for row in own) else "benign"
        # The addresses of some coordinated attacks are not listed.
        is_hidden = any(row.is_attack and not row.is_complete for row in near)
        return "attack" if is_hidden else "none"


def read_truth(path: Path) -> dict[str, Truth]:
    """The labels by the name of the log.

    Args:
        path: A file with the columns log, start, end, client, kind, label, tier, errors.
    """
    by_log: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_log[row["log"]].append(row)
    return {
        log: Truth(tuple(_row(row, rows) for row in rows)) for log, rows in sorted(by_log.items())
    }


def _row(row: dict[str, str], others: list[dict[str, str]]) -> Row:
    start, end = _second(row["start"]), _second(row["end"])
    is_attack = row["label"] == "attack"
    clients, is_complete = frozenset({row["client"]}), True
    if not _ADDRESS.fullmatch(row["client"]):
        clients = frozenset(
            other["client"]
            for other in others
            if other["kind"].startswith("part of")
            and _second(other["start"]) <= end
            and start <= _second(other["end"])
        )
        is_complete = len(clients) >= int(row["client"].split()[0])
    return Row(
        start=start,
        end=end,
        clients=clients,
        is_complete=is_complete,
        kind=row["kind"],
        is_attack=is_attack,
        is_wanted=is_attack and row["tier"] == "1" and int(row["errors"]) >= ERRORS,
    )


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
