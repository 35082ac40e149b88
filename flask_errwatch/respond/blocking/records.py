"""`Blocked` and `Unblocked`: what a line of a block has, written and read back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch._time import rfc3339, second_of
from flask_errwatch.detectors import SOURCE_BLOCKED, SOURCE_UNBLOCKED
from flask_errwatch.respond.ranking.summary import Event

_TEXT: Final = 1024
_MOST_STRIKES: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocked:
    """A line of a block.

    Attributes:
        network: What is blocked.
        set: ARN of the IP set.
        until: When it ends, in seconds since the epoch.
        strike: 1 for a first block, more for later ones.
        reason: Why, as a person or the verdict wrote it.
        actor: ARN of the identity that blocked.
        alarm: The alarm that it is for, or None.
        transition: When that alarm fired, as a text that is the same for each delivery, or None.
        evidence: What is known of the source.
        overrides: Brakes that were overridden.
        is_already_present: Whether an entry that the app did not add was in the set before.
    """

    network: Network
    set: str
    until: float
    strike: int
    reason: str
    actor: str
    alarm: str | None = None
    transition: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    is_already_present: bool = False

    @property
    def event(self) -> str:
        """The event name of its line."""
        return SOURCE_BLOCKED

    def data(self) -> dict[str, object]:
        """What its line has under `data`."""
        fields: dict[str, object] = {
            "address": str(self.network),
            "set": self.set,
            "until": _text_of(self.until),
            "strike": self.strike,
            "reason": self.reason,
            "actor": self.actor,
        }
        optional = {
            "alarm": self.alarm,
            "transition": self.transition,
            "evidence": dict(self.evidence),
            "overrides": [*self.overrides],
        }
        fields |= {name: value for name, value in optional.items() if value}
        return fields | ({"already_present": True} if self.is_already_present else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Unblocked:
    """A line of a block's end.

    Attributes:
        network: What is no longer blocked.
        set: ARN of the IP set.
        reason: Why it ended.
        actor: ARN of the identity that removed it.
        ends: The time of the newest line of the block that was known, in seconds since the epoch. A
            newer line renewed the block meanwhile, which goes on. None ends it in any case.
        withdrawn: Ids of lines of blocks that did not reach the set. They count as never written,
            and nothing else ends.
    """

    network: Network
    set: str
    reason: str
    actor: str
    ends: float | None = None
    withdrawn: tuple[str, ...] = ()

    @property
    def event(self) -> str:
        """The event name of its line."""
        return SOURCE_UNBLOCKED

    def data(self) -> dict[str, object]:
        """What its line has under `data`."""
        fields: dict[str, object] = {
            "address": str(self.network),
            "set": self.set,
            "reason": self.reason,
            "actor": self.actor,
        }
        if self.ends is not None:
            fields["ends"] = _text_of(self.ends)
        return {**fields, "withdrawn": [*self.withdrawn]} if self.withdrawn else fields


Record = Blocked | Unblocked


def read_record(event: Event) -> Record | None:
    """Reads the record of a line. Its fields may be of any type: None for a line that is invalid.

    Args:
        event: A parsed line.
    """
    data = event.get("data")
    if event.get("event") not in {SOURCE_BLOCKED, SOURCE_UNBLOCKED} or not isinstance(data, dict):
        return None
    network, arn = _network(data.get("address")), _text(data.get("set"))
    if network is None or arn is None:
        return None
    reason, actor = _text(data.get("reason")) or "", _text(data.get("actor")) or ""
    if event["event"] == SOURCE_UNBLOCKED:
        return Unblocked(
            network=network,
            set=arn,
            reason=reason,
            actor=actor,
            ends=second_of(data.get("ends")),
            withdrawn=_texts(data.get("withdrawn")),
        )
    until, strike = second_of(data.get("until")), data.get("strike")
    if until is None:
        return None
    evidence = data.get("evidence")
    return Blocked(
        network=network,
        set=arn,
        until=until,
        strike=strike if type(strike) is int and 0 < strike < _MOST_STRIKES else 1,
        reason=reason,
        actor=actor,
        alarm=_text(data.get("alarm")),
        transition=_text(data.get("transition")),
        evidence=evidence if isinstance(evidence, dict) else {},
        overrides=_texts(data.get("overrides")),
        is_already_present=data.get("already_present") is True,
    )


def _text_of(second: float) -> str:
    return rfc3339(round(second * 1000))


def _text(value: object) -> str | None:
    return value[:_TEXT] if isinstance(value, str) and value else None


def _texts(values: object) -> tuple[str, ...]:
    return tuple(one for one in (values if isinstance(values, list) else ()) if _text(one))


def _network(value: object) -> Network | None:
    try:
        return ip_network(value) if isinstance(value, str) else None
    except ValueError:
        return None
