"""Results of `TrafficJudge` that carry explanations, which pytest shows when a test fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple, cast

from flask_errwatch._text import did_you_mean
from flask_errwatch.errors import Problem, UnknownDetectorError
from flask_errwatch.simulation import StateValue

NO_LINES = "No app wrote a line: nothing failed, or ErrWatch(app) was not called."


class Explanation(NamedTuple):
    """Why a detector's alarm fired or did not.

    Attributes:
        detector: The detector's name.
        sentence: How many lines matched, the worst period, the alarm.
        has_fired: Whether the alarm fired.
        is_quiet: Whether it was judged and had no line.
    """

    detector: str
    sentence: str
    has_fired: bool
    is_quiet: bool


class ExplainedAlarms(frozenset[str]):
    """The names of the detectors whose alarm fired: a set with explanations.

    `in` and `!=` refuse a name that no detector has. All else is as with any set.

    Attributes:
        explanations: One for each detector of each app.
        others: Detectors that are known too: those of apps that were not asked for.
    """

    explanations: tuple[Explanation, ...] = ()
    others: frozenset[str] = frozenset()

    @classmethod
    def of(cls, names: Iterable[str], explanations: Iterable[Explanation]) -> ExplainedAlarms:
        """Creates the set of these names."""
        alarms = cls(names)
        alarms.explanations = tuple(explanations)
        return alarms

    def __contains__(self, name: object) -> bool:
        self._refuse_unknown({name})
        return super().__contains__(name)

    def __ne__(self, other: object) -> bool:
        if isinstance(other, set | frozenset):
            self._refuse_unknown(other)
        return super().__ne__(other)

    __hash__ = frozenset.__hash__

    def _refuse_unknown(self, names: AbstractSet[object]) -> None:
        """A name that no detector has is never there: its absence would prove nothing."""
        known = self.others.union(one.detector for one in self.explanations)
        unknown = sorted(name for name in names if isinstance(name, str) and name not in known)
        if self.explanations and unknown:
            hint = did_you_mean(unknown[0], sorted(known))
            remedy = f"There is no such detector. {hint}".rstrip()
            raise UnknownDetectorError(Problem(key="detector", value=unknown[0], remedy=remedy))

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


class ExplainedStates(dict[str, StateValue]):
    """The states of alarms by name: a dict that suggests a name for one that does not exist.

    Attributes:
        explanations: One for each detector of the app.
    """

    explanations: tuple[Explanation, ...]

    @classmethod
    def of(
        cls, states: Mapping[str, StateValue], explanations: tuple[Explanation, ...]
    ) -> ExplainedStates:
        """Creates the dict of these states."""
        explained = cls()
        for name, state in states.items():
            # It equals the plain string, and can explain itself.
            explained[name] = cast("StateValue", ExplainedState.of(state, name, explanations))
        explained.explanations = explanations
        return explained

    def __missing__(self, name: str) -> StateValue:
        if any(one.detector == name for one in self.explanations):
            raise KeyError(f"{name} has no alarm that is judged.")
        raise KeyError(unknown_name(name, self.explanations))


def unknown_name(name: str, explanations: Iterable[Explanation]) -> str:
    """That no detector and no alarm has this name, with the nearest one that there is."""
    hint = did_you_mean(name, sorted({one.detector for one in explanations}))
    return f"{name}: there is no such detector. {hint}".rstrip()


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
    """One line per detector with lines, what fired first, for failures without a comparison."""
    if not isinstance(alarms, ExplainedAlarms):
        return ""
    return "\n".join(_listed(alarms.explanations, first=alarms))


def _listed(explanations: tuple[Explanation, ...], *, first: AbstractSet[str]) -> list[str]:
    """The sentences of the names that come first, then of what fired, and of what had lines.

    Several others without lines are counted in one, because pytest truncates after eight lines.
    """
    if not explanations:
        return [NO_LINES]
    known = {explanation.detector for explanation in explanations}
    ordered = sorted(
        explanations,
        key=lambda one: (one.detector not in first, not one.has_fired, one.is_quiet),
    )
    others = [
        one for one in ordered if one.is_quiet and not (one.has_fired or one.detector in first)
    ]
    folded = others if len(others) > 1 else []
    return [
        *(unknown_name(name, explanations) for name in sorted(first - known)),
        *(one.sentence for one in ordered if one not in folded),
        *([f"{len(folded)} others had no line."] if folded else []),
    ]


def _explanations(result: object) -> tuple[Explanation, ...] | None:
    """The explanations of alarms, of a state or of all states. None for other values."""
    if isinstance(result, ExplainedAlarms | ExplainedState | ExplainedStates):
        return result.explanations
    return None


def _names(expected: object) -> set[str]:
    values = expected if isinstance(expected, set | frozenset | list | tuple) else (expected,)
    return {value for value in values if isinstance(value, str)}


def _differing(result: object, other: object) -> set[str]:
    """The detectors for which two mappings have different values."""
    if not isinstance(result, Mapping) or not isinstance(other, Mapping):
        return set()
    names = {name for name in (*result, *other) if isinstance(name, str)}
    return {name for name in names if result.get(name) != other.get(name)}
