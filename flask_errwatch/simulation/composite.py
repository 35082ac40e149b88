"""Composite alarms: an expression over the states of other alarms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.errors import JudgeError, Problem
from flask_errwatch.simulation.alarms import State
from flask_errwatch.simulation.stored import Reader

_LENGTH = 10_240
_ELEMENTS = 500
_CHILDREN = 100
_STATES: dict[str, State] = {
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
    state: State


# The expression in postfix order, so that no depth of parentheses needs the call stack:
# conditions, constants, and the operators that take what stands before them.
_Postfix = tuple[_Is | bool | str, ...]
_BINDING = {"NOT": 3, "AND": 2, "OR": 1, "(": 0}


class _Token(NamedTuple):
    position: int
    word: str
    condition: _Is | bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompositeRule:
    """A composite alarm as values.

    NOT binds closest, then AND, then OR; operators and functions are written in capitals.

    Args:
        name: The alarm's name.
        rule: The expression: `ALARM("x")`, `OK(x)`, `INSUFFICIENT_DATA(x)`, `TRUE`, `FALSE`,
            `AND`, `OR`, `NOT` and parentheses, where x is an alarm's name or ARN.

    Raises:
        JudgeError: When the expression cannot be read, or is larger than PutCompositeAlarm
            takes: 10,240 characters, 500 elements, 100 alarms (AWS API Reference).

    Example:
        >>> rule = CompositeRule(name="both", rule='ALARM("a") AND NOT OK(b)')
        >>> rule.state({"a": "ALARM", "b": "INSUFFICIENT_DATA"})
        'ALARM'
        >>> CompositeRule(name="both", rule='ALARM("a") ALARM("b")')
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
    def from_cloudwatch(cls, mapping: Mapping[str, object]) -> CompositeRule:
        """The rule that is stored in AWS.

        Args:
            mapping: An entry of `CompositeAlarms`, as DescribeAlarms returns it.

        Raises:
            JudgeError: When name or rule is missing, or the rule cannot be read.
        """
        read = Reader(mapping, f"alarm {mapping.get('AlarmName')!r}")
        name, rule = read.text("AlarmName"), read.text("AlarmRule")
        read.done()
        return cls(name=name, rule=rule)

    def state(self, states: Mapping[str, State]) -> State:
        """ALARM when the expression is true, otherwise OK.

        Args:
            states: State of each alarm by its name; an unknown alarm has none.
        """
        return "ALARM" if self._holds(states) else "OK"

    def reason(self, states: Mapping[str, State]) -> str:
        """The sentence that says why it has its state."""
        found = ", ".join(f"{name} is {states.get(name)}" for name in sorted(self.children))
        holds = "true" if self._holds(states) else "false"
        return f"{self.rule} is {holds}{f': {found}' if found else ''}."

    def _holds(self, states: Mapping[str, State]) -> bool:
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
        if len({each.condition.alarm for each in tokens if isinstance(each.condition, _Is)}) > (
            _CHILDREN
        ):
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
        """Takes a token where a condition may begin; whether one is complete now."""
        if token.word in {"NOT", "("}:
            self._open.append(token)
            return False
        if token.condition is None:
            raise self._error(token.position, _MISSING)
        self._output.append(token.condition)
        return True

    def _after(self, token: _Token) -> bool:
        """Takes a token where a condition is complete; whether one still is."""
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
            found = _TOKEN.match(self._rule, at)
            if found is None:
                raise self._error(at, _UNKNOWN)
            at = found.end()
            position, word = found.start(), found["word"] or ""
            condition: _Is | bool | None = None
            if found["state"]:
                name = found["quoted"] if found["bare"] is None else found["bare"]
                condition = self._is(position, found["state"], name)
            elif word in {"TRUE", "FALSE"}:
                condition = word == "TRUE"
            if not found["blank"]:
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


def in_order(rules: Iterable[CompositeRule], alarms: Iterable[str]) -> tuple[CompositeRule, ...]:
    """The composite rules, each after those that it depends on.

    Args:
        rules: The composite rules.
        alarms: Names of the metric alarms that there are.

    Raises:
        JudgeError: When a rule names an alarm that does not exist, or depends on itself.
    """
    waiting = {rule.name: rule for rule in rules}
    known = set(alarms)
    for rule in waiting.values():
        for child in sorted(rule.children - known - set(waiting)):
            remedy = f"There is no such alarm; alarm {rule.name!r} needs one that exists."
            raise JudgeError(
                Problem(key=f"rule of alarm {rule.name!r}", value=child, remedy=remedy)
            )
    ordered: list[CompositeRule] = []
    while waiting:
        ready = [rule for rule in waiting.values() if rule.children <= known]
        if not ready:
            remedy = "These depend on one another in a circle: let one of them name others."
            names = ", ".join(waiting)
            raise JudgeError(Problem(key="composite alarms", value=names, remedy=remedy))
        ordered += ready
        known.update(rule.name for rule in ready)
        waiting = {name: rule for name, rule in waiting.items() if name not in known}
    return tuple(ordered)
