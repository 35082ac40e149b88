"""What users add to an event: `enrich` and `before_emit`, and what they may not change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from flask_errwatch._guard import Guard
from flask_errwatch._text import name_of
from flask_errwatch.capture.events import in_order, short

Event = dict[str, Any]
Enricher = Callable[[Event], Mapping[str, Any] | None]
LastLook = Callable[[Event], Mapping[str, Any] | None]

#: What a last look leaves of an event that it drops.
_DROPPED: Event = {}

#: Keys of the schema that only the application can know, so a hook may give them.
_GIVEN = frozenset({"user", "request_id", "trace_id"})


class Hooks:
    """The registered functions, in the order in which they run.

    Attributes:
        enrichers: Each may return fields to add.
        last_looks: Each may return another event, or None to drop it.
    """

    def __init__(
        self, enrichers: Iterable[Enricher] = (), last_looks: Iterable[LastLook] = ()
    ) -> None:
        self.enrichers = [*enrichers]
        self.last_looks = [*last_looks]

    def apply(self, core: Event, guard: Guard) -> Event:
        """The event after all hooks; an empty one when one dropped it.

        A hook that raises is counted, told of and passed over. Afterwards the keys of the
        schema have the values that we gave them; anything else stands under `data`.
        """
        if not (self.enrichers or self.last_looks) or getattr(_here, "in_a_hook", False):
            # A hook that reports is not asked about its own report: that would never end.
            return core
        _here.in_a_hook = True
        try:
            return self._applied(core, guard)
        finally:
            _here.in_a_hook = False

    def _applied(self, core: Event, guard: Guard) -> Event:
        event = core
        for enricher in self.enrichers:
            event = guard.run(_name("enrich", enricher), _enriched, enricher, event) or event
        for last_look in self.last_looks:
            seen = guard.run(_name("before_emit", last_look), _looked_at, last_look, event)
            if seen is _DROPPED:
                return _DROPPED
            event = seen or event
        restored = guard.run("what the hooks returned", _restored, core, event)
        return core if restored is None else restored


#: Whether a hook is running here; of a thread or greenlet, not of a context.
_here = threading.local()


def _enriched(enricher: Enricher, event: Event) -> Event:
    """The event with what the hook returned, or added to the copy that it was shown."""
    shown = _copied(event)
    added = enricher(shown)
    returned = {} if added is None else _checked(added)
    data = {
        **_mapping(event.get("data")),
        **_mapping(shown.get("data")),
        **_mapping(returned.get("data")),
    }
    enriched = {**event, **shown, **returned}
    return {**enriched, "data": data} if data else enriched


def _looked_at(last_look: LastLook, event: Event) -> Event:
    seen = last_look(_copied(event))
    return _DROPPED if seen is None else dict(_checked(seen))


def _checked(returned: object) -> Mapping[Any, Any]:
    if not isinstance(returned, Mapping):
        raise TypeError(f"it returned {name_of(returned)} instead of a mapping or None")
    return returned


def _copied(event: Event) -> Event:
    """A copy that a hook may change; values under `data` belong to the app and stay as they are."""
    copied = dict(event)
    if "exception" in event:
        copied["exception"] = deepcopy(event["exception"])
    if isinstance(event.get("data"), Mapping):
        copied["data"] = dict(event["data"])
    return copied


def _restored(core: Event, event: Mapping[Any, Any]) -> Event:
    """The event with the core as it was, and under `data` whatever else there is."""
    restored = {key: value for key, value in core.items() if key != "data"}
    data = {**_mapping(event.get("data"))}
    for key, value in event.items():
        if key in core or key == "data":
            continue
        if key in _GIVEN and isinstance(value, str | int):
            restored[key] = short(str(value))
        else:
            data[str(key)] = value
    if data:
        restored["data"] = data
    return in_order(restored)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {} if value is None else {"data": value}


def _name(kind: str, hook: object) -> str:
    return f"the {kind} hook {getattr(hook, '__qualname__', name_of(hook))!r}"
