"""Blocks the sources of an alarm without a person: once for each transition, under all brakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from flask_errwatch._parsers import Network, RefusedValueError
from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.aws_lambda.invocation import Transition
from flask_errwatch.respond.blocking.blocker import Blocker, CallerFacts
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.from_alarm import accused
from flask_errwatch.respond.blocking.ip_sets import IpSets
from flask_errwatch.respond.blocking.networks import read_network
from flask_errwatch.respond.blocking.plans import Reading, Request
from flask_errwatch.respond.blocking.text import note_lines, plan_lines
from flask_errwatch.respond.blocking.web_acls import rule_notes
from flask_errwatch.respond.views.columns import wrapped

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

Proposals = Mapping[Network, Mapping[str, object]]


def block_accused(aws: Aws, config: Config, story: Story, transition: Transition) -> list[str]:
    """Blocks what the verdict accuses, of a contributor only its own address.

    Args:
        aws: The account, and the region of the alarm.
        config: The app's configuration, in that region.
        story: The answer to the alarm.
        transition: The transition of the alarm.

    Returns:
        What was done and what was stopped, as lines for a person.

    Raises:
        AwsCallError: When a call failed.
    """
    try:
        proposals = accused(story)
        if transition.contributor is not None:
            proposals = _only(transition.source, proposals)
        request = Request(
            networks=proposals,
            reason=str(story.verdict.kind),
            alarm=transition.alarm,
            transition=transition.time,
        )
        return _block(aws, config, request)
    except BlockingError as error:
        return wrapped(str(error))


def _block(aws: Aws, config: Config, request: Request) -> list[str]:
    blocker = Blocker(aws, IpSets.of(aws, config), config)
    done = frozenset(_done(request, blocker.read()))
    lines = wrapped(f"{', '.join(map(str, done))}: blocked by an earlier delivery.") if done else []
    left = {network: given for network, given in request.networks.items() if network not in done}
    if not left:
        return lines or ["Nothing is blocked: the verdict does not accuse that contributor."]
    plan, reading = blocker.plan_block(replace(request, networks=left), CallerFacts())
    lines += plan_lines(plan)
    if not plan.blocks:
        return [*lines, "Nothing is blocked."]
    blocker.block(plan, reading)
    notes = rule_notes(aws, config, reading.sets_of(plan.networks))
    return [*lines, f"Done: {counted(len(plan.blocks), 'block')}.", *note_lines(notes)]


def _only(source: str | None, proposals: Proposals) -> Proposals:
    """The proposal for the address in the message, which is only compared, and never blocked."""
    try:
        network = None if source is None else read_network(source)
    except RefusedValueError:
        network = None
    return {one: given for one, given in proposals.items() if one == network}


def _done(request: Request, known: Reading) -> Iterator[Network]:
    """What an earlier delivery blocked, unless it was interrupted before the set was written."""
    alarm, transition = request.alarm or "", request.transition or ""
    for network in request.networks:
        if known.history.has_answered(alarm, transition, network):
            one = known.set_of(network.version)
            block = known.history.blocks(one.arn).get(network)
            if block is None or block.is_over(known.now) or network in one.networks:
                yield network
