"""JSON events: reading a line once, selecting values, judging conditions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NoReturn

import orjson

from flask_errwatch.patterns.matching import Test, bound_test, condition_test, text_test
from flask_errwatch.patterns.nodes import (
    Comparison,
    FieldTest,
    JsonCondition,
    Number,
    Operator,
    Selector,
    State,
    Step,
    Text,
    Value,
    Wildcard,
)
from flask_errwatch.patterns.numbers import Double, exact, integer, number, scalar_text
from flask_errwatch.patterns.regex import Regex

Event = dict[str, object]

_MISSING = object()
_BLANKS = " \t\r\n"


def read_event(message: str) -> Event | None:
    """The JSON object that a message is; None when it is anything else.

    A float of 2^63 or more may be an integer whose digits were lost; whoever needs the digits
    reads the message again with `read_exactly`.

    Example:
        >>> read_event('{"status": 404}'), read_event("[1]"), read_event("GET /")
        ({'status': 404}, None, None)
    """
    if message[:1] != "{" and not message.lstrip(_BLANKS).startswith("{"):
        return None  # a line of an access log costs no failed parse
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        # orjson refuses what CloudWatch reads: lone surrogates, and numbers beyond a double.
        return read_exactly(message)
    return event if type(event) is dict else None


def read_exactly(message: str) -> Event | None:
    """As `read_event`, slower, with every digit of every integer."""
    try:
        event: object = _EXACT.decode(message)
    except (ValueError, RecursionError):
        return None  # not JSON, or nested more deeply than anyone reads
    return event if isinstance(event, dict) else None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON


_EXACT = json.JSONDecoder(parse_float=Double, parse_int=integer, parse_constant=_refuse_constant)


def json_test(condition: JsonCondition) -> Test[Event]:
    """The function that says whether an event satisfies the condition."""
    return condition_test(condition, _field_test)


def selection(selector: Selector) -> Callable[[Event], object]:
    """The function that selects; without a wildcard. Nothing there is neither text nor number."""
    if len(selector.steps) == 1 and isinstance(selector.steps[0], str):
        name = selector.steps[0]
        return lambda event: event.get(name, _MISSING)
    return _follow(selector.steps)


def plain_equality(condition: JsonCondition) -> tuple[Selector, str] | None:
    """The selector and text, when the condition is one selector equal to one text."""
    if (
        isinstance(condition, FieldTest)
        and isinstance(condition.wanted, Comparison)
        and condition.wanted.operator is Operator.EQUAL
        and isinstance(condition.wanted.value, Text)
        and "*" not in condition.wanted.value.text
        and Wildcard.ANY not in condition.selector.steps
    ):
        return condition.selector, condition.wanted.value.text
    return None


def _field_test(leaf: FieldTest) -> Test[Event]:
    steps = leaf.selector.steps
    if Wildcard.ANY in steps:
        return _wildcard_test(steps, leaf.wanted)
    wanted = leaf.wanted
    test = _state_test(wanted) if isinstance(wanted, State) else _comparison_test(wanted)
    select = selection(leaf.selector)
    return lambda event: test(select(event))


def _wildcard_test(steps: tuple[Step, ...], wanted: Comparison | State) -> Test[Event]:
    """How a wildcard counts: any value that it selects will do.

    But NOT EXISTS wants none, and `!=` wants none that is equal, of something that is there.
    """
    cut = steps.index(Wildcard.ANY)
    before, after = _follow(steps[:cut]), _follow(steps[cut + 1 :])

    def values(event: Event) -> Iterator[object]:
        for element in _elements(before(event)):
            value = after(element)
            if value is not _MISSING:
                yield value

    if wanted is State.MISSING:
        return lambda event: next(values(event), _MISSING) is _MISSING
    if isinstance(wanted, State):
        constant = _CONSTANTS[wanted]
        return lambda event: any(value is constant for value in values(event))
    if wanted.operator is Operator.DIFFERENT:
        equal = _equality_test(wanted.value)
        return lambda event: before(event) is not _MISSING and not any(map(equal, values(event)))
    test = _comparison_test(wanted)
    return lambda event: any(map(test, values(event)))


_CONSTANTS = {State.NULL: None, State.TRUE: True, State.FALSE: False}


def _state_test(state: State) -> Test[object]:
    if state is State.MISSING:
        return lambda value: value is _MISSING
    if state is State.NULL:
        # Live, an array that holds a null is null too; the other states have no such rule.
        return lambda value: value is None or (type(value) is list and None in value)
    constant = _CONSTANTS[state]
    return lambda value: value is constant


def _comparison_test(leaf: Comparison) -> Test[object]:
    if leaf.operator.orders:
        within = bound_test(leaf.operator, leaf.value)
        return lambda value: within(number(value))
    equal = _equality_test(leaf.value)
    if leaf.operator is Operator.EQUAL:
        return equal
    if isinstance(leaf.value, Number):
        return lambda value: _comparable(value) and not equal(value)
    return lambda value: scalar_text(value) is not None and not equal(value)


def _equality_test(value: Value) -> Test[object]:
    if isinstance(value, Number):
        return _number_equality(value.spelling)
    test = value.search if isinstance(value, Regex) else text_test(value.text)

    def equal(found: object) -> bool:
        text = scalar_text(found)
        return text is not None and test(text)

    return equal


def _number_equality(spelling: str) -> Test[object]:
    """A string must be spelled as the literal is; a number must be the same number."""
    literal = exact(spelling)

    def equal(value: object) -> bool:
        if type(value) is str:
            return value == spelling
        found = number(value)
        return found is not None and found == literal

    return equal


def _comparable(value: object) -> bool:
    """Strings and finite numbers; an infinity fails every numeric comparison, live."""
    return type(value) is str or number(value) is not None


def _elements(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _follow(steps: tuple[Step, ...]) -> Callable[[object], object]:
    """The function that walks names and indexes, to `_MISSING` where one leads nowhere."""

    def follow(value: object) -> object:
        for step in steps:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step, _MISSING)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return _MISSING
        return value

    return follow
