"""Counts the lines that still arrive from blocked networks: whether the block has an effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flask_errwatch.config import Config
from flask_errwatch.respond.blocking.client_lines import reading_of
from flask_errwatch.respond.blocking.durations import DAY
from flask_errwatch.respond.blocking.entry_states import EntryState, State
from flask_errwatch.respond.blocking.networks import Networks
from flask_errwatch.respond.ranking.lines import weight_of
from flask_errwatch.respond.ranking.window import Window

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds within which a change reaches all of AWS WAF: "seconds to minutes". Requests of that time
#: prove nothing.
PROPAGATION: Final = 120


def with_arrivals(
    found: Sequence[EntryState], aws: Aws, config: Config, now: float
) -> tuple[EntryState, ...]:
    """Adds the lines that still arrive from what is blocked.

    Args:
        found: What is blocked.
        aws: The account and region.
        config: The app's configuration.
        now: The present, in seconds since the epoch.

    Raises:
        AwsCallError: When the log group cannot be read.
    """
    begins = {
        one.network: max(one.block.since + PROPAGATION, now - DAY)
        for one in found
        if one.block is not None and one.state in {State.BLOCKED, State.OVERDUE}
    }
    begins = {network: begin for network, begin in begins.items() if begin < now}
    if not begins:
        return tuple(found)
    lines, last = dict.fromkeys(begins, 0), dict.fromkeys(begins, 0.0)
    wanted = Networks(begins)
    window = Window(start=min(begins.values()), end=now + PROPAGATION)
    for at, event in reading_of(aws, config, begins, window)():
        for network in wanted.of(event.get("client_ip")):
            if at >= begins[network]:
                lines[network] += weight_of(event)
                last[network] = max(last[network], at)
    return tuple(
        replace(one, lines=lines[one.network], last_line=last[one.network] or None)
        if one.network in begins
        else one
        for one in found
    )
