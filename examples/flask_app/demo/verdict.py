"""Whether what stands in the lab is what was done to the shop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from examples.flask_app.demo.evidence import Evidence
from examples.flask_app.demo.subscriber import Message
from examples.flask_app.demo.traffic import Answer

EXPECTED = {"shop-authentication-error", "shop-not-found-error"}


#: Client, status and path: enough to tell whether a line belongs to a request.
_Request = tuple[object, ...]


class Check(NamedTuple):
    """One comparison.

    Attributes:
        holds: Whether it came out as it should.
        says: What was found.
    """

    holds: bool
    says: str


def checks(
    answers: Sequence[Answer], evidence: Evidence, messages: Sequence[Message]
) -> list[Check]:
    """Compares what was sent with what was found.

    Args:
        answers: What every request of the hour was answered.
        evidence: What stands in the lab.
        messages: What the subscriber was told.
    """
    failed: Counter[_Request] = Counter(
        (each.visit.client, each.status, each.visit.path) for each in answers if each.status >= 400
    )
    found: Counter[_Request] = Counter(
        (line.get("client_ip"), line.get("status"), line.get("path")) for line in evidence.failures
    )
    counted = sum(sum(watch.sums) for watch in evidence.watches)
    unanswered = sum(each.status == 0 for each in answers)
    rang = {each.alarm for each in messages if each.state == "ALARM"}
    return [
        Check(unanswered == 0, f"{len(answers)} requests sent, {unanswered} without an answer"),
        Check(
            failed == found,
            f"{failed.total()} of them failed, {found.total()} lines found"
            f"{_difference(failed - found, 'missing')}{_difference(found - failed, 'too many')}",
        ),
        Check(counted == found.total(), f"{counted:g} counted by the metrics"),
        Check(rang == EXPECTED, _rang(rang)),
    ]


def _difference(lines: Counter[_Request], word: str) -> str:
    return f"; {word}: {lines.total()}, as {next(iter(lines))}" if lines else ""


def _rang(rang: set[str]) -> str:
    if rang == EXPECTED:
        return "the two alarms that should ring rang, and no other"
    return f"rang: {', '.join(sorted(rang)) or 'none'}; should: {', '.join(sorted(EXPECTED))}"
