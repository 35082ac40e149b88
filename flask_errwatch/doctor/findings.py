"""What the doctor finds, as values: each says what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from flask_errwatch._text import one_line
from flask_errwatch.errors import AwsCallError

Level = Literal["ok", "warning", "problem"]

#: Items that a text shows of a finding.
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What was looked at, in a word or two.
        level: `ok`, `warning` (it may be meant, or could not be told) or `problem`.
        found: What was found, in a sentence; texts of outsiders in it are evidence.
        remedy: What to do, in a sentence; empty when nothing is to be done.
        method: How it was found out, where there are several ways.
        items: What it is about, one by one; a text shows the first ones.

    Example:
        >>> print(Finding(subject="topic", level="problem", found="There is no such topic.",
        ...     remedy="Run `flask errwatch apply`."))
        problem  topic: There is no such topic.
                 → Run `flask errwatch apply`.
    """

    subject: str
    level: Level
    found: str
    remedy: str = ""
    method: str = ""
    items: tuple[str, ...] = ()

    def __str__(self) -> str:
        by = f" [{self.method}]" if self.method else ""
        more = len(self.items) - _SHOWN
        listed = [*self.items[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        about = f" {one_line(', '.join(listed))}" if listed else ""
        told = f"{self.level:<7}  {self.subject}: {one_line(self.found)}{about}{by}"
        return f"{told}\n{'':<7}  → {one_line(self.remedy)}" if self.remedy else told


def ok(subject: str, found: str, *, method: str = "") -> Finding:
    """A finding that asks for nothing."""
    return Finding(subject=subject, level="ok", found=found, method=method)


def warning(
    subject: str, found: str, remedy: str, *, method: str = "", items: Iterable[str] = ()
) -> Finding:
    """A finding that may be meant, or that could not be told."""
    return Finding(
        subject=subject,
        level="warning",
        found=found,
        remedy=remedy,
        method=method,
        items=tuple(items),
    )


def problem(
    subject: str, found: str, remedy: str, *, method: str = "", items: Iterable[str] = ()
) -> Finding:
    """A finding with which lines, alarms or messages get lost, or blame the wrong one."""
    return Finding(
        subject=subject,
        level="problem",
        found=found,
        remedy=remedy,
        method=method,
        items=tuple(items),
    )


def unseen(subject: str, error: AwsCallError) -> Finding:
    """What could not be looked at; a denied read may be meant, any other failure is a problem."""
    found = f"Not looked at: {error.action} failed with {error.code} ({error.message})."
    level: Level = "warning" if error.kind == "permission" else "problem"
    return Finding(subject=subject, level=level, found=found, remedy=error.remedy)


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings.

    Attributes:
        findings: In the order in which they were made.
    """

    findings: tuple[Finding, ...]

    def count(self, level: Level) -> int:
        """How many findings have that level."""
        return sum(each.level == level for each in self.findings)

    @property
    def is_sound(self) -> bool:
        """Whether there is no problem; warnings are none."""
        return self.count("problem") == 0

    @property
    def summary(self) -> str:
        """The last line: how many of each."""
        return (
            f"{self.count('ok')} ok, {self.count('warning')} warnings, "
            f"{self.count('problem')} problems."
        )

    def to_dict(self) -> dict[str, object]:
        """The findings as JSON values: `flask errwatch doctor --json`."""
        return {"sound": self.is_sound, "findings": [asdict(each) for each in self.findings]}
