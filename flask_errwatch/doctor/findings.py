"""The doctor's findings as values, each with a message and a remedy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from flask_errwatch._text import counted, one_line
from flask_errwatch.errors import AwsCallError

Severity = Literal["ok", "warning", "problem"]

#: How many items the text of a finding lists.
_LISTED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: What was checked, in a word or two.
        level: `ok`, `warning` (it may be intended, or could not be determined) or `problem`.
        message: The result, in a sentence. It may quote text from outside as evidence.
        remedy: What to do, in a sentence. Empty when nothing has to be done.
        method: How it was checked, where there are several ways.
        items: What the message is about, one by one. The text lists the first ones.

    Example:
        >>> print(Finding(subject="topic", level="problem", message="The topic does not exist.",
        ...     remedy="Run `flask errwatch apply`."))
        problem  topic: The topic does not exist.
                 → Run `flask errwatch apply`.
    """

    subject: str
    level: Severity
    message: str
    remedy: str = ""
    method: str = ""
    items: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The finding as JSON values."""
        return {
            "subject": self.subject,
            "level": self.level,
            # Programs read this key, so it stays, although the attribute is `message`.
            "found": self.message,
            "remedy": self.remedy,
            "method": self.method,
            "items": list(self.items),
        }

    @property
    def text(self) -> str:
        """Subject, message, the first items and the method, on one line."""
        more = len(self.items) - _LISTED
        listed = [*self.items[:_LISTED], *([f"and {more} more"] if more > 0 else [])]
        items = f" {one_line(', '.join(listed))}" if listed else ""
        method = f" [{self.method}]" if self.method else ""
        return f"{self.subject}: {one_line(self.message)}{items}{method}"

    def __str__(self) -> str:
        text = f"{self.level:<7}  {self.text}"
        return f"{text}\n{'':<7}  → {one_line(self.remedy)}" if self.remedy else text


def ok(subject: str, message: str, *, method: str = "") -> Finding:
    """A finding that needs no action."""
    return Finding(subject=subject, level="ok", message=message, method=method)


def warning(
    subject: str, message: str, remedy: str, *, method: str = "", items: Iterable[str] = ()
) -> Finding:
    """A finding that may be intended, or that could not be determined."""
    return Finding(
        subject=subject,
        level="warning",
        message=message,
        remedy=remedy,
        method=method,
        items=tuple(items),
    )


def problem(
    subject: str, message: str, remedy: str, *, method: str = "", items: Iterable[str] = ()
) -> Finding:
    """A finding that loses lines, alarms or notifications, or blames the wrong client."""
    return Finding(
        subject=subject,
        level="problem",
        message=message,
        remedy=remedy,
        method=method,
        items=tuple(items),
    )


def not_checked(subject: str, error: AwsCallError) -> Finding:
    """A check whose call failed: a warning if the read is denied, otherwise a problem."""
    message = f"Not checked: {error.what}."
    level: Severity = "warning" if error.kind == "permission" else "problem"
    return Finding(subject=subject, level=level, message=message, remedy=error.remedy)


@dataclass(frozen=True, slots=True)
class CheckResults:
    """All findings of a run.

    Attributes:
        findings: In the order of the checks.
    """

    findings: tuple[Finding, ...]

    def count(self, level: Severity) -> int:
        """How many findings have that level."""
        return sum(finding.level == level for finding in self.findings)

    @property
    def is_sound(self) -> bool:
        """False when a finding is a problem. Warnings do not count."""
        return self.count("problem") == 0

    @property
    def summary(self) -> str:
        """The last line of the output: the number of findings per level.

        Example:
            >>> CheckResults((ok("topic", "arn"), warning("key", "Unknown.", "Check it."))).summary
            '1 ok, 1 warning, 0 problems.'
        """
        return (
            f"{self.count('ok')} ok, {counted(self.count('warning'), 'warning')}, "
            f"{counted(self.count('problem'), 'problem')}."
        )

    def to_dict(self) -> dict[str, object]:
        """The findings as JSON values: `flask errwatch doctor --json`."""
        findings = [finding.to_dict() for finding in self.findings]
        return {"sound": self.is_sound, "findings": findings}
