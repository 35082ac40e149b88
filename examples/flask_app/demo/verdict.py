"""Compares the requests that were sent with the lines, metrics and alarms in the lab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from examples.flask_app.demo.evidence import Evidence
from examples.flask_app.demo.subscriber import Message
from examples.flask_app.demo.traffic import SCANNER, Answer

EXPECTED = {"shop-authentication-error", "shop-scan"}


#: Client, status and path, which identify the line of a request.
_Request = tuple[object, ...]


class Check(NamedTuple):
    """One comparison.

    Attributes:
        is_met: Whether the result is the expected one.
        text: The result, in words.
    """

    is_met: bool
    text: str


def checks(
    answers: Sequence[Answer], evidence: Evidence, messages: Sequence[Message]
) -> list[Check]:
    """Compares what was sent with what was found.

    Args:
        answers: The answer to each request of the hour.
        evidence: The contents of the lab.
        messages: The notifications of the subscriber.
    """
    failed: Counter[_Request] = Counter(
        (answer.visit.client, answer.status, answer.visit.path)
        for answer in answers
        if answer.status >= 400
    )
    lines: Counter[_Request] = Counter(
        (line.get("client_ip"), line.get("status"), line.get("path")) for line in evidence.failures
    )
    # A filter of a detector without lines of its own counts those of others once more.
    names = {f"{evidence.group}-{name}" for name in evidence.by_detector}
    counted = sum(sum(watch.sums) for watch in evidence.watches if watch.name in names)
    unanswered = sum(answer.status == 0 for answer in answers)
    fired = {message.alarm for message in messages if message.state == "ALARM"}
    named = {message.contributor for message in messages if message.contributor is not None}
    return [
        Check(unanswered == 0, f"{len(answers)} requests sent, {unanswered} without an answer"),
        Check(
            failed == lines,
            f"{failed.total()} of them failed, {lines.total()} lines found"
            f"{_difference(failed - lines, 'missing')}{_difference(lines - failed, 'too many')}",
        ),
        Check(counted == lines.total(), f"{counted:g} counted by the metrics"),
        Check(fired == EXPECTED, _alarms(fired)),
        Check(named == {SCANNER}, f"named by a message: {', '.join(sorted(named)) or 'no one'}"),
    ]


def _difference(lines: Counter[_Request], word: str) -> str:
    return f"; {word}: {lines.total()}, as {next(iter(lines))}" if lines else ""


def _alarms(fired: set[str]) -> str:
    if fired == EXPECTED:
        return "the two expected alarms notified, and no other"
    return (
        f"notified: {', '.join(sorted(fired)) or 'none'}; expected: {', '.join(sorted(EXPECTED))}"
    )
