"""Results of `TrafficJudge` that carry explanations, which pytest shows when a test fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from flask_errwatch.simulation import StateValue

NO_LINES = "No app wrote a line: nothing failed, or ErrWatch(app) was not called."


class Explanation(NamedTuple):
    """Why a detector's alarm fired or did not.

    Attributes:
        detector: The detector's name.
        sentence: How many lines matched, the worst period, the alarm.
    """

    detector: str
    sentence: str


class ExplainedAlarms(frozenset[str]):
    """The names of the detectors whose alarm fired: a set with explanations.

    Attributes:
        explanations: One for each detector of each app.
    """

    explanations: tuple[Explanation, ...]

    @classmethod
    def of(cls, names: Iterable[str], explanations: Iterable[Explanation]) -> ExplainedAlarms:
        """Creates the set of these names."""
        alarms = cls(names)
        alarms.explanations = tuple(explanations)
        return alarms

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, sorted(self)))}}}" if self else "set()"


class ExplainedState(str):
    """The state of a detector's alarm: a string with explanations.

    Attributes:
        detector: The detector's name.
        explanations: One for each detector of the app.
    """

    __slots__ = ("detector", "explanations")

    detector: str
    explanations: tuple[Explanation, ...]

    @classmethod
    def of(
        cls, state: StateValue, detector: str, explanations: tuple[Explanation, ...]
    ) -> ExplainedState:
        """Creates the state of this detector's alarm."""
        explained = cls(state)
        explained.detector, explained.explanations = detector, explanations
        return explained


def explain_comparison(op: str, left: object, right: object) -> list[str] | None:
    """The text that pytest shows for a failed comparison with alarms or states; else None.

    Detectors on which the two sides differ come first, because pytest truncates explanations.
    """
    for result, other in ((left, right), (right, left)):
        explanations = _explanations(result)
        if explanations is None:
            continue
        if isinstance(result, ExplainedState):
            differing = {result.detector}
        elif isinstance(result, ExplainedAlarms):
            expected = _names(other)
            differing = expected if op in {"in", "not in"} else expected ^ result
        else:
            differing = _differing(result, other)
        return [f"{left!r} {op} {right!r}", *_listed(explanations, first=differing)]
    return None


def explain_alarms(alarms: AbstractSet[str]) -> str:
    """One line per detector, those whose alarm fired first, for failures without a comparison."""
    if not isinstance(alarms, ExplainedAlarms):
        return ""
    return "\n".join(_listed(alarms.explanations, first=alarms))


def _listed(explanations: tuple[Explanation, ...], *, first: AbstractSet[str]) -> list[str]:
    if not explanations:
        return [NO_LINES]
    unknown = sorted(first - {explanation.detector for explanation in explanations})
    ordered = sorted(explanations, key=lambda explanation: explanation.detector not in first)
    return [
        *(f"{name}: there is no such detector" for name in unknown),
        *(explanation.sentence for explanation in ordered),
    ]


def _explanations(result: object) -> tuple[Explanation, ...] | None:
    """The explanations of alarms, of a state or of all states. None for other values."""
    if isinstance(result, ExplainedAlarms | ExplainedState):
        return result.explanations
    state = next(iter(result.values()), None) if isinstance(result, dict) else None
    return state.explanations if isinstance(state, ExplainedState) else None


def _names(expected: object) -> set[str]:
    values = expected if isinstance(expected, set | frozenset | list | tuple) else (expected,)
    return {value for value in values if isinstance(value, str)}


def _differing(result: object, other: object) -> set[str]:
    """The detectors for which two mappings have different values."""
    if not isinstance(result, Mapping) or not isinstance(other, Mapping):
        return set()
    names = {name for name in (*result, *other) if isinstance(name, str)}
    return {name for name in names if result.get(name) != other.get(name)}
