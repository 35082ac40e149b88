"""Composite alarms: an expression over the states of other alarms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.provision.resources import CompositeAlarm
from flask_errwatch.simulation.conditions import StateValue

_LENGTH = 10_240
_ELEMENTS = 500
_CHILDREN = 100
_STATES: dict[str, StateValue] = {
    "ALARM": "ALARM",
    "OK": "OK",
    "INSUFFICIENT_DATA": "INSUFFICIENT_DATA",
}
_ARN = re.compile(r"arn:[a-z-]+:cloudwatch:[a-z0-9-]*:\d*:alarm:(.+)", re.DOTALL)
_MISSING = 'a condition is missing here, such as ALARM("name")'
_UNKNOWN = (
    'write ALARM("name"), OK("name"), INSUFFICIENT_DATA("name"), TRUE, FALSE, AND, OR, NOT or a '
    "parenthesis here"
)
# An alarm's function is one token with its name, since an unquoted name may hold anything
# but a parenthesis, keywords and blanks included.
_TOKEN = re.compile(
    r"""
        (?P<blank>\s+)
      | (?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*
            (?:"(?P<quoted>[^"]*)"|(?P<bare>[^()"\s](?:[^()"]*[^()"\s])?))\s*\)
      | (?P<word>(?:AND|OR|NOT|TRUE|FALSE)\b|[()])
    """,
    re.VERBOSE,
)


class _Is(NamedTuple):
    """A condition: the alarm is in the state."""

    alarm: str
    state: StateValue


# The expression in postfix order, so that no depth of parentheses needs the call stack:
# conditions, constants, and the operators that combine those before them.
_Postfix = tuple[_Is | bool | str, ...]
_BINDING = {"NOT": 3, "AND": 2, "OR": 1, "(": 0}


class _Token(NamedTuple):
    position: int
    word: str
    condition: _Is | bool | None


@dataclass(frozen=True, slots=True)
class CompositeCondition:
    """When a composite alarm goes to ALARM.

    NOT binds closest, then AND, then OR. Operators and functions are written in capitals.

    Args:
        name: The alarm's name.
        rule: The expression: `ALARM("x")`, `OK(x)`, `INSUFFICIENT_DATA(x)`, `TRUE`, `FALSE`,
            `AND`, `OR`, `NOT` and parentheses, where x is an alarm's name or ARN.

    Raises:
        JudgeError: When the expression cannot be read, or is larger than PutCompositeAlarm
            takes: 10,240 characters, 500 elements, 100 alarms (AWS API Reference).

    Example:
        >>> condition = CompositeCondition("both", 'ALARM("a") AND NOT OK(b)')
        >>> condition.state({"a": "ALARM", "b": "INSUFFICIENT_DATA"})
        'ALARM'
        >>> CompositeCondition("both", 'ALARM("a") ALARM("b")')
        Traceback (most recent call last):
            ...
        flask_errwatch.errors.JudgeError: rule of alarm 'both' = 'ALARM("a") ALARM("b")': \
At character 11: put AND or OR between two conditions.
    """

    name: str
    rule: str
    children: frozenset[str] = field(init=False, repr=False, compare=False)
    _postfix: _Postfix = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        postfix = _Parser(self.name, self.rule).postfix()
        children = frozenset(part.alarm for part in postfix if isinstance(part, _Is))
        object.__setattr__(self, "_postfix", postfix)
        object.__setattr__(self, "children", children)

    @classmethod
    def of(cls, alarm: CompositeAlarm) -> CompositeCondition:
        """The condition of a composite alarm.

        Raises:
            JudgeError: When its rule cannot be read.
        """
        return cls(alarm.name, alarm.rule)

    def state(self, states: Mapping[str, StateValue]) -> StateValue:
        """ALARM when the expression is true, otherwise OK.

        Args:
            states: State of each alarm by its name. An unknown alarm has no state.
        """
        return "ALARM" if self._holds(states) else "OK"

    def reason(self, states: Mapping[str, StateValue]) -> str:
        """Why it has its state, as a sentence."""
        children = ", ".join(f"{name} is {states.get(name)}" for name in sorted(self.children))
        holds = "true" if self._holds(states) else "false"
        return f"{self.rule} is {holds}{f': {children}' if children else ''}."

    def _holds(self, states: Mapping[str, StateValue]) -> bool:
        stack: list[bool] = []
        for part in self._postfix:
            if isinstance(part, bool):
                stack.append(part)
            elif isinstance(part, _Is):
                stack.append(states.get(part.alarm) == part.state)
            elif part == "NOT":
                stack.append(not stack.pop())
            else:
                right, left = stack.pop(), stack.pop()
                stack.append((left and right) if part == "AND" else (left or right))
        return stack.pop()

    def __str__(self) -> str:
        return self.rule


class _Parser:
    """Reads an expression into postfix order (the shunting-yard algorithm)."""

    def __init__(self, name: str, rule: str) -> None:
        self._name, self._rule = name, rule
        self._end = len(rule.rstrip())
        self._output: list[_Is | bool | str] = []
        self._open: list[_Token] = []

    def postfix(self) -> _Postfix:
        if len(self._rule) > _LENGTH:
            raise self._error(_LENGTH, f"use at most {_LENGTH} characters")
        tokens = list(self._tokens())
        if sum(token.word not in {"AND", "OR", "NOT"} for token in tokens) > _ELEMENTS:
            raise self._error(0, f"use at most {_ELEMENTS} alarms, constants and parentheses")
        alarms = {token.condition.alarm for token in tokens if isinstance(token.condition, _Is)}
        if len(alarms) > _CHILDREN:
            raise self._error(0, f"name at most {_CHILDREN} different alarms")
        is_complete = False
        for token in tokens:
            is_complete = self._after(token) if is_complete else self._before(token)
        if not is_complete:
            raise self._error(self._end, _MISSING)
        self._pop(0)
        if self._open:
            raise self._error(self._open[-1].position, "this '(' is never closed: add ')'")
        return tuple(self._output)

    def _before(self, token: _Token) -> bool:
        """Takes a token where a condition may begin; returns whether it is complete."""
        if token.word in {"NOT", "("}:
            self._open.append(token)
            return False
        if token.condition is None:
            raise self._error(token.position, _MISSING)
        self._output.append(token.condition)
        return True

    def _after(self, token: _Token) -> bool:
        """Takes a token after a complete condition; returns whether it is still complete."""
        if token.word in {"AND", "OR"}:
            self._pop(_BINDING[token.word])
            self._open.append(token)
            return False
        if token.word != ")":
            raise self._error(token.position, "put AND or OR between two conditions")
        self._pop(0)
        if not self._open:
            raise self._error(token.position, "this ')' closes nothing: remove it")
        self._open.pop()
        return True

    def _pop(self, binding: int) -> None:
        """Moves out the operators that bind at least so closely, up to an open parenthesis."""
        while self._open and self._open[-1].word != "(":
            if _BINDING[self._open[-1].word] < binding:
                break
            self._output.append(self._open.pop().word)

    def _tokens(self) -> Iterator[_Token]:
        at = 0
        while at < self._end:
            match = _TOKEN.match(self._rule, at)
            if match is None:
                raise self._error(at, _UNKNOWN)
            at = match.end()
            position, word = match.start(), match["word"] or ""
            condition: _Is | bool | None = None
            if match["state"]:
                name = match["quoted"] if match["bare"] is None else match["bare"]
                condition = self._is(position, match["state"], name)
            elif word in {"TRUE", "FALSE"}:
                condition = word == "TRUE"
            if not match["blank"]:
                yield _Token(position, word, condition)

    def _is(self, position: int, state: str, name: str) -> _Is:
        arn = _ARN.fullmatch(name)
        alarm = arn[1] if arn else name
        if not alarm.strip():
            raise self._error(position, f'name an alarm, as in {state}("name")')
        return _Is(alarm, _STATES[state])

    def _error(self, position: int, remedy: str) -> JudgeError:
        key = f"rule of alarm {self._name!r}"
        text = f"At character {position}: {remedy}."
        return JudgeError(Problem(key=key, value=self._rule, remedy=text))


def in_dependency_order(
    composites: Iterable[CompositeCondition], alarms: Iterable[str]
) -> tuple[CompositeCondition, ...]:
    """The composite alarms, each after those that it depends on.

    Args:
        composites: The composite alarms.
        alarms: Names of the metric alarms.

    Raises:
        JudgeError: When a rule names an alarm that does not exist, or depends on itself.
    """
    waiting = {composite.name: composite for composite in composites}
    known = set(alarms)
    for composite in waiting.values():
        for child in sorted(composite.children - known - set(waiting)):
            remedy = f"There is no such alarm; alarm {composite.name!r} needs one that exists."
            key = f"rule of alarm {composite.name!r}"
            raise JudgeError(Problem(key=key, value=child, remedy=remedy))
    ordered: list[CompositeCondition] = []
    while waiting:
        ready = [composite for composite in waiting.values() if composite.children <= known]
        if not ready:
            remedy = "These depend on one another in a circle: let one of them name others."
            names = ", ".join(waiting)
            raise JudgeError(Problem(key="composite alarms", value=names, remedy=remedy))
        ordered += ready
        known.update(composite.name for composite in ready)
        waiting = {name: rule for name, rule in waiting.items() if name not in known}
    return tuple(ordered)
