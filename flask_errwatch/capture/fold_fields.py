"""The fields that metric filters read: events that differ in them must not share a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from flask_errwatch.alarms import SourceAlarm
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.patterns import parse_json_condition
from flask_errwatch.patterns.nodes import Selector, leaves

#: Fields in which a folded line has the sum over its events: they may differ.
_SUMMED = ("$.suspicion", "$.count")
#: Fields that the events of a fold share anyhow, and those of `_SUMMED`.
_SHARED = frozenset({"event", "detector", "data", "suspicion", "count"})


class FoldFields(NamedTuple):
    """What keeps the events of one detector from sharing a line.

    Attributes:
        compared: Fields in which they may not differ: a condition may count one and not another.
        summed: Paths of fields that no event of a fold may have: a filter sums them, and the line
            of a fold would add the value of one event for all of them.
    """

    compared: tuple[str, ...] = ()
    summed: tuple[tuple[str, ...], ...] = ()


#: Nothing keeps events from sharing a line.
NO_FIELDS = FoldFields()


def fold_fields(catalogue: Catalogue) -> Mapping[str, FoldFields]:
    """The fields for the events of each detector, by its name.

    Example:
        >>> slow = Detector(name="slow", where="$.route = *", value="$.duration_ms")
        >>> fold_fields(Catalogue([Detector(name="gone", event="Gone"), slow]))["gone"]
        FoldFields(compared=('route',), summed=(('duration_ms',),))
    """
    return {
        detector.name: _of_counting(
            counting for counting in catalogue if counting.event in {None, detector.event}
        )
        for detector in (catalogue.critical, *catalogue)  # its lines are written in any case
        if detector.event is not None
    }


def _of_counting(counting: Iterable[Detector]) -> FoldFields:
    """The fields that these detectors read."""
    compared: dict[str, None] = {}
    summed: dict[tuple[str, ...], None] = {}
    for detector in counting:
        for name in _compared_by(detector):
            compared[name] = None
        for value in _summed_by(detector):
            summed[tuple(value.removeprefix("$.").split("."))] = None
    return FoldFields(tuple(sorted(compared.keys() - _SHARED)), tuple(summed))


def _compared_by(detector: Detector) -> Iterator[str]:
    """The first names of the paths in a detector's condition."""
    if detector.where is not None:
        for test in leaves(parse_json_condition(detector.where).condition):
            yield _first_name(test.selector)


def _first_name(selector: Selector) -> str:
    name = selector.steps[0]
    # A wildcard reads every field, and no two events have the same id.
    return name if isinstance(name, str) else "id"


def _summed_by(detector: Detector) -> Iterator[str]:
    own = detector.alarm.value if isinstance(detector.alarm, SourceAlarm) else None
    for value in (detector.value, own):
        if value is not None and value not in _SUMMED:
            yield value
