"""Hooks of users, `enrich` and `before_emit`, and the fields that they cannot change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from math import isfinite
from typing import Any

from flask_errwatch._guard import Guard
from flask_errwatch._text import name_of
from flask_errwatch.capture.events import Event, in_order, short

EnrichHook = Callable[[Event], Mapping[str, Any] | None]
EmitHook = Callable[[Event], Mapping[str, Any] | None]

#: The event after a `before_emit` hook dropped it.
_DROPPED: Event = {}

#: Keys of the schema that a hook may set, because only the application knows their values. It may
#: also replace and remove the user, who is a person.
_SETTABLE = frozenset({"user", "request_id", "trace_id"})

#: The highest suspicion of a line.
_MOST_SUSPICIOUS = 2


class Hooks:
    """The registered functions, in the order in which they run.

    Attributes:
        enrich: Functions that return fields to add, or None.
        before_emit: Functions that return the event to emit, or None to drop it.
    """

    def __init__(
        self, enrich: Iterable[EnrichHook] = (), before_emit: Iterable[EmitHook] = ()
    ) -> None:
        self.enrich = [*enrich]
        self.before_emit = [*before_emit]

    def apply(self, core: Event, guard: Guard) -> Event:
        """Runs all hooks and returns the resulting event, empty when a hook dropped it.

        A hook that raises is counted, logged and skipped. Afterwards the keys of the schema have
        their original values again, and all other fields are under `data`.
        """
        if not (self.enrich or self.before_emit) or getattr(_thread, "is_in_hook", False):
            # Without hooks, or for a report by a hook, which would otherwise recurse endlessly.
            return core
        _thread.is_in_hook = True
        try:
            return self._apply(core, guard)
        finally:
            _thread.is_in_hook = False

    def _apply(self, core: Event, guard: Guard) -> Event:
        event = core
        for enrich in self.enrich:
            event = guard.run(_step("enrich", enrich), _enriched, enrich, event) or event
        for before_emit in self.before_emit:
            step = _step("before_emit", before_emit)
            returned = guard.run(step, _before_emit, before_emit, event)
            if returned is _DROPPED:
                return _DROPPED
            event = returned or event
        restored = guard.run("what the hooks returned", _restored, core, event)
        return core if restored is None else restored


#: Whether a hook is running, by thread or greenlet rather than by context.
_thread = threading.local()


def _enriched(enrich: EnrichHook, event: Event) -> Event:
    """The event with the fields that the hook returned, or added to its copy of the event."""
    copy = _copied(event)
    added = enrich(copy)
    returned = {} if added is None else _checked(added)
    data = {
        **_mapping(event.get("data")),
        **_mapping(copy.get("data")),
        **_mapping(returned.get("data")),
    }
    enriched = {**event, **copy, **returned}
    return {**enriched, "data": data} if data else enriched


def _before_emit(hook: EmitHook, event: Event) -> Event:
    returned = hook(_copied(event))
    return _DROPPED if returned is None else dict(_checked(returned))


def _checked(returned: object) -> Mapping[Any, Any]:
    if not isinstance(returned, Mapping):
        raise TypeError(f"it returned {name_of(returned)} instead of a mapping or None")
    return returned


def _copied(event: Event) -> Event:
    """A copy that a hook may change. Values under `data` belong to the app and are not copied."""
    copied = dict(event)
    if "exception" in event:
        copied["exception"] = deepcopy(event["exception"])
    if isinstance(event.get("data"), Mapping):
        copied["data"] = dict(event["data"])
    return copied


def _restored(core: Event, event: Mapping[Any, Any]) -> Event:
    """The event with the original values of the core, and all other fields under `data`."""
    restored = {key: value for key, value in core.items() if key != "data"}
    if event.get("user") is not core.get("user"):
        restored.pop("user", None)
    data = {**_mapping(event.get("data"))}
    for key, value in event.items():
        if key == "suspicion" and key in core:
            restored[key] = _suspicion(value, core[key])
        if key in restored or key == "data" or (key == "user" and value is None):
            continue
        if key in _SETTABLE and isinstance(value, str | int):
            restored[key] = short(str(value))
        else:
            data[str(key)] = value
    if data:
        restored["data"] = data
    return in_order(restored)


def _suspicion(value: object, core: object) -> object:
    """What a hook made of the suspicion: a number from 0 to 2, which filters sum."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return core
    bounded = min(max(value, 0), _MOST_SUSPICIOUS)
    return int(bounded) if bounded == int(bounded) else float(bounded)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {} if value is None else {"data": value}


def _step(kind: str, hook: object) -> str:
    return f"the {kind} hook {getattr(hook, '__qualname__', name_of(hook))!r}"
