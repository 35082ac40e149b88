"""What users add to an event: `enrich` and `before_emit`, and what they may not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from flask_errwatch._guard import Guard

Event = dict[str, Any]
Enricher = Callable[[Event], Mapping[str, Any] | None]
LastLook = Callable[[Event], Event | None]

#: Keys of the schema that only the application can know, so a hook may give them.
_GIVEN = frozenset({"user", "request_id", "trace_id"})


@dataclass(slots=True)
class Hooks:
    """The registered functions, in the order in which they run.

    Attributes:
        enrichers: Each may return fields to add.
        last_looks: Each may return another event, or None to drop it.
    """

    enrichers: list[Enricher] = field(default_factory=list)
    last_looks: list[LastLook] = field(default_factory=list)

    def apply(self, core: Event, guard: Guard) -> Event | None:
        """The event after all hooks, or None when one dropped it.

        A hook that raises is counted, told of and passed over. Afterwards the keys of the
        schema have the values that we gave them; anything else stands under `data`.
        """
        if not self.enrichers and not self.last_looks:
            return core
        event = _copied(core)
        for enricher in self.enrichers:
            added = guard.run(_name("enrich", enricher), enricher, event)
            if isinstance(added, Mapping):
                event.update(added)
        for last_look in self.last_looks:
            # In a tuple, so that a hook that raised is told from one that returned None.
            seen = guard.run(_name("before_emit", last_look), _look, last_look, _copied(event))
            if seen is None:
                continue
            if seen[0] is None:
                return None
            event = dict(seen[0])
        return _restored(core, event)


def _look(last_look: LastLook, event: Event) -> tuple[Event | None]:
    return (last_look(event),)


def _copied(event: Event) -> Event:
    """A copy that a hook may change; values under `data` belong to the app and stay as they are."""
    copied = dict(event)
    if "exception" in event:
        copied["exception"] = deepcopy(event["exception"])
    if isinstance(event.get("data"), Mapping):
        copied["data"] = dict(event["data"])
    return copied


def _restored(core: Event, event: Mapping[str, Any]) -> Event:
    """The event with the core as it was, and under `data` whatever else there is."""
    data = {**_mapping(event.get("data"))}
    for key, value in event.items():
        if key in core or key == "data":
            continue
        if key in _GIVEN and isinstance(value, str):
            core = {**core, key: value}
        else:
            data[str(key)] = value
    return {**core, "data": data} if data else core


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {} if value is None else {"data": value}


def _name(kind: str, hook: object) -> str:
    return f"the {kind} hook {getattr(hook, '__qualname__', type(hook).__name__)!r}"
