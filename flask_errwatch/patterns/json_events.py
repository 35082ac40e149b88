"""JSON events: decodes a line once, selects values and tests conditions."""

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
    Step,
    Text,
    UnaryOperator,
    Value,
    Wildcard,
)
from flask_errwatch.patterns.numbers import Double, exact, integer, number, scalar_text
from flask_errwatch.patterns.regex import Regex

#: A log event whose message is a JSON object.
JsonEvent = dict[str, object]

_MISSING = object()
_BLANKS = " \t\r\n"


def read_event(message: str) -> JsonEvent | None:
    """The JSON object of a message. None when it is not one.

    A float of 2^63 or more may be an integer that lost digits. A caller that needs the digits
    decodes the message again with `read_exactly`.

    Example:
        >>> read_event('{"status": 404}'), read_event("[1]"), read_event("GET /")
        ({'status': 404}, None, None)
    """
    if message[:1] != "{" and not message.lstrip(_BLANKS).startswith("{"):
        return None  # saves a failed parse for each line of an access log
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        # orjson rejects what CloudWatch reads: lone surrogates, and numbers beyond a double.
        return read_exactly(message)
    return event if type(event) is dict else None


def read_exactly(message: str) -> JsonEvent | None:
    """Like `read_event`, but slower, and with every digit of every integer."""
    try:
        event: object = _EXACT.decode(message)
    except (ValueError, RecursionError):
        return None  # not JSON, or nested too deeply to decode
    return event if isinstance(event, dict) else None


def _reject_constant(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are not JSON


_EXACT = json.JSONDecoder(parse_float=Double, parse_int=integer, parse_constant=_reject_constant)


def json_test(condition: JsonCondition) -> Test[JsonEvent]:
    """The function that tests whether an event satisfies the condition."""
    return condition_test(condition, _field_test)


def selector_getter(selector: Selector) -> Callable[[JsonEvent], object]:
    """The function that returns the value at a selector without a wildcard.

    For a value that does not exist it returns an object that is neither a string nor a number.
    """
    if len(selector.steps) == 1 and isinstance(selector.steps[0], str):
        name = selector.steps[0]
        return lambda event: event.get(name, _MISSING)
    return _getter(selector.steps)


def plain_equality(condition: JsonCondition) -> tuple[Selector, str] | None:
    """The selector and the text of a condition such as `$.a = "b"`. None for other conditions."""
    if not isinstance(condition, FieldTest) or Wildcard.ANY in condition.selector.steps:
        return None
    match condition.predicate:
        case Comparison(Operator.EQUAL, Text(text)) if "*" not in text:
            return condition.selector, text
    return None


def _field_test(leaf: FieldTest) -> Test[JsonEvent]:
    steps, predicate = leaf.selector.steps, leaf.predicate
    if Wildcard.ANY in steps:
        return _wildcard_test(steps, predicate)
    get = selector_getter(leaf.selector)
    if isinstance(predicate, UnaryOperator):
        test = _unary_test(predicate)
    else:
        test = _comparison_test(predicate)
    return lambda event: test(get(event))


def _wildcard_test(
    steps: tuple[Step, ...], predicate: Comparison | UnaryOperator
) -> Test[JsonEvent]:
    """The test of a selector with a wildcard: true when any selected value passes.

    NOT EXISTS is true when nothing is selected. `!=` is true when what precedes the wildcard exists
    and no selected value is equal.
    """
    wildcard = steps.index(Wildcard.ANY)
    before, after = _getter(steps[:wildcard]), _getter(steps[wildcard + 1 :])

    def values(event: JsonEvent) -> Iterator[object]:
        for element in _elements(before(event)):
            value = after(element)
            if value is not _MISSING:
                yield value

    if predicate is UnaryOperator.NOT_EXISTS:
        return lambda event: next(values(event), _MISSING) is _MISSING
    if isinstance(predicate, UnaryOperator):
        constant = _CONSTANTS[predicate]
        return lambda event: any(value is constant for value in values(event))
    if predicate.operator is Operator.DIFFERENT:
        equal = _equality_test(predicate.value)
        return lambda event: before(event) is not _MISSING and not any(map(equal, values(event)))
    test = _comparison_test(predicate)
    return lambda event: any(map(test, values(event)))


_CONSTANTS = {
    UnaryOperator.IS_NULL: None,
    UnaryOperator.IS_TRUE: True,
    UnaryOperator.IS_FALSE: False,
}


def _unary_test(operator: UnaryOperator) -> Test[object]:
    if operator is UnaryOperator.NOT_EXISTS:
        return lambda value: value is _MISSING
    if operator is UnaryOperator.IS_NULL:
        # Live, an array that contains a null is null too. IS TRUE and IS FALSE have no such rule.
        return lambda value: value is None or (type(value) is list and None in value)
    constant = _CONSTANTS[operator]
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

    def equal(candidate: object) -> bool:
        text = scalar_text(candidate)
        return text is not None and test(text)

    return equal


def _number_equality(spelling: str) -> Test[object]:
    """A string must be spelled as the literal is. A number must be the same number."""
    literal = exact(spelling)

    def equal(value: object) -> bool:
        if type(value) is str:
            return value == spelling
        actual = number(value)
        return actual is not None and actual == literal

    return equal


def _comparable(value: object) -> bool:
    """Whether it is a string or a finite number: live, an infinity fails every comparison."""
    return type(value) is str or number(value) is not None


def _elements(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _getter(steps: tuple[Step, ...]) -> Callable[[object], object]:
    """The function that follows names and indexes, to `_MISSING` where one does not exist."""

    def get(value: object) -> object:
        for step in steps:
            if isinstance(value, dict) and isinstance(step, str):
                value = value.get(step, _MISSING)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return _MISSING
        return value

    return get
