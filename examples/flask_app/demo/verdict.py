"""Compares the requests that were sent with the lines, metrics and alarms in the lab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from examples.flask_app.demo.blocks import BY_HAND, Blocks
from examples.flask_app.demo.evidence import Evidence
from examples.flask_app.demo.subscriber import Message
from examples.flask_app.demo.traffic import GUESSER, SCANNER, Answer
from examples.flask_app.demo.whys import Why

#: What `why` is to name, for each alarm that is to fire.
CAUSES = {
    "shop-scan": ("path scan", SCANNER),
    "shop-authentication-error": ("password guessing", GUESSER),
}
EXPECTED = set(CAUSES)


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
    answers: Sequence[Answer],
    evidence: Evidence,
    messages: Sequence[Message],
    whys: Sequence[Why],
) -> list[Check]:
    """Compares what was sent with what was found.

    Args:
        answers: The answer to each request of the hour.
        evidence: The contents of the lab.
        messages: The notifications of the subscriber.
        whys: What `flask errwatch why` answered.
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
        *_causes(whys),
    ]


def block_checks(blocks: Blocks) -> list[Check]:
    """Compares the emulator's IP set and `blocked` with what was to be blocked, and to stay."""
    ours = f"{SCANNER}/32"
    # On a slow machine the block is over when it is shown.
    known = blocks.states.get(ours) in {"blocked", "overdue"}
    foreign = blocks.states.get(BY_HAND) == "foreign"
    return [
        Check(
            set(blocks.blocked) == {ours, BY_HAND}, f"block: {_listed(blocks.blocked)} in the set"
        ),
        Check(known and foreign, f"blocked: {_states(blocks.states)}"),
        Check(
            blocks.unblocked == (BY_HAND,), f"unblock --expired: {_listed(blocks.unblocked)} stays"
        ),
    ]


def _listed(entries: Sequence[str]) -> str:
    return " and ".join(entries) or "nothing"


def _states(states: Mapping[str, str]) -> str:
    return ", ".join(f"{address} is {state}" for address, state in states.items()) or "no entry"


def _causes(whys: Sequence[Why]) -> Iterator[Check]:
    found = {why.alarm: (why.kind, why.source) for why in whys}
    for alarm, expected in CAUSES.items():
        kind, source = found.get(alarm, ("not asked", None))
        yield Check((kind, source) == expected, f"why {alarm}: {kind}, by {source or 'no one'}")


def _difference(lines: Counter[_Request], word: str) -> str:
    return f"; {word}: {lines.total()}, as {next(iter(lines))}" if lines else ""


def _alarms(fired: set[str]) -> str:
    if fired == EXPECTED:
        return "the two expected alarms notified, and no other"
    return (
        f"notified: {', '.join(sorted(fired)) or 'none'}; expected: {', '.join(sorted(EXPECTED))}"
    )
