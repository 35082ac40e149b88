"""The lines with which `verify` tests patterns, and which detectors shall count each of them.

There is a line of each detector, and variants of it: for each condition, lines with values on both
sides of what it compares with, and without the field. What a condition means is decided here by
plain comparisons, apart from the matcher of patterns that is verified.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice, product

from flask_errwatch.capture import events
from flask_errwatch.capture.client_address import address_rule
from flask_errwatch.capture.exceptions import exception_fields
from flask_errwatch.capture.ids import IdClock
from flask_errwatch.capture.redaction import Redactor, RequestRedactor
from flask_errwatch.capture.rendering import RedactProcessor, render
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.patterns import JsonPattern, parse_json_condition
from flask_errwatch.patterns.nodes import (
    AllOf,
    AnyOf,
    Comparison,
    FieldTest,
    JsonCondition,
    Number,
    Operator,
    Selector,
    Text,
    UnaryOperator,
    leaves,
)

#: Variants of a line for one condition. They are more only with four fields or more.
_VARIANTS = 64

_MISSING = object()
_OPERATORS: Mapping[Operator, Callable[[float, float], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.DIFFERENT: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}
_CONSTANTS: Mapping[UnaryOperator, object] = {
    UnaryOperator.NOT_EXISTS: _MISSING,
    UnaryOperator.IS_NULL: None,
    UnaryOperator.IS_TRUE: True,
    UnaryOperator.IS_FALSE: False,
}
#: The path of a field, name by name.
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A line of a detector.

    Attributes:
        detector: The detector whose event it has.
        line: The line.
        variant: The values of fields that were changed, in words. Empty for none.
    """

    detector: Detector
    line: str
    variant: str = ""

    def is_counted_by(self, detector: Detector) -> bool:
        """Whether the detector shall count it."""
        if detector.event is not None and detector is not self.detector:
            return False
        if detector.where is None:
            return True
        condition = parse_json_condition(detector.where).condition
        return _holds(condition, json.loads(self.line), self.line)


def samples_of(catalogue: Catalogue, config: Config) -> Iterator[SampleLine]:
    """Yields the lines of each detector that has lines."""
    for detector in catalogue:
        if detector.event is None:
            continue
        line = sample_line(detector, catalogue, config)
        yield SampleLine(detector, line)
        counting = (other for other in catalogue if other.event in {None, detector.event})
        variants = {
            variant: changed
            for other in counting
            if other.where is not None
            for variant, changed in _variants(line, parse_json_condition(other.where).condition)
        }
        for variant, changed in variants.items():
            yield SampleLine(detector, changed, variant)


def sample_line(detector: Detector, catalogue: Catalogue, config: Config) -> str:
    """Renders a line of the detector for a request that tries to match all other patterns."""
    others = [other.event for other in catalogue if other is not detector and other.event]
    hostile = ", ".join(f'"event": "{event}"' for event in others)
    event = IdClock().stamp(events.head(detector))
    statuses = [status for status in range(400, 600) if catalogue.for_status(status) is detector]
    if statuses:
        event["status"] = statuses[0]
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/{hostile}",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_USER_AGENT": hostile,
    }
    rule = address_rule(config.trusted_proxies, config.client_header)
    redactor = Redactor(config.redact_keys, email=config.redact_email)
    events.add_request(event, environ, rule, None, RequestRedactor(redactor))
    event["exception"] = exception_fields(RuntimeError(hostile), root="/", handled=True)
    event["data"] = {"event": hostile}
    if config.collapse_seconds:
        event["count"] = 1
    event["app"] = config.app_name
    redacted = RedactProcessor(redactor)(None, "", event)
    line = render(None, "", events.in_order(redacted))
    return str(line, "utf-8")


def _variants(line: str, condition: JsonCondition) -> Iterator[tuple[str, str]]:
    """Yields lines with other values in the fields of a condition, each after its description."""
    values: dict[Path, list[object]] = {}
    for test in leaves(condition):
        path = _path(test.selector)
        if path is not None and path[0] != "event":
            values.setdefault(path, [_MISSING]).extend(_values_around(test))
    for chosen in islice(product(*values.values()), _VARIANTS if values else 0):
        event = deepcopy(json.loads(line))
        fields = dict(zip(values, chosen, strict=True))
        for path, value in fields.items():
            _set(event, path, value)
        yield ", ".join(map(_shown, fields, fields.values())), json.dumps(event)


def _values_around(test: FieldTest) -> Iterator[object]:
    """Yields values on both sides of the test, and one of another kind."""
    match test.predicate:
        case Comparison(_, Number(spelling)):
            number = float(spelling)
            yield from (
                int(value) if value.is_integer() else value
                for value in (number - 1, number, number + 1)
            )
        case Comparison(_, Text(text)):
            yield from (text.replace("*", ""), f"{text}-not")
        case UnaryOperator() as unary:
            yield from (_CONSTANTS[unary], "present")


def _holds(condition: JsonCondition, event: Mapping[str, object], line: str) -> bool:
    match condition:
        case AllOf(items):
            return all(_holds(item, event, line) for item in items)
        case AnyOf(items):
            return any(_holds(item, event, line) for item in items)
        case FieldTest(selector, predicate):
            path = _path(selector)
            if path is not None:
                value = _get(event, path)
                if isinstance(predicate, UnaryOperator) and not isinstance(value, list):
                    return value is _CONSTANTS[predicate]
                if isinstance(predicate, Comparison) and _is_plain(predicate):
                    return _compares(predicate, value)
    # A wildcard, a list, text with `*` or a regular expression: the matcher decides.
    return JsonPattern.of(condition).matches(line)


def _is_plain(comparison: Comparison) -> bool:
    value = comparison.value
    return isinstance(value, Number) or (isinstance(value, Text) and "*" not in value.text)


def _compares(comparison: Comparison, value: object) -> bool:
    """Compares numbers with numbers, and text with text. Other types compare with nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    compare, expected = comparison.operator, comparison.value
    if isinstance(expected, Number) and not isinstance(value, str):
        return _OPERATORS[compare](value, float(expected.spelling))
    if compare.orders:
        return False
    text = expected.spelling if isinstance(expected, Number) else getattr(expected, "text", "")
    return (str(value) == text) is (compare is Operator.EQUAL)


def _path(selector: Selector) -> Path | None:
    """The names of the path. None if it has an index or a wildcard."""
    names = tuple(step for step in selector.steps if isinstance(step, str))
    return names if len(names) == len(selector.steps) else None


def _get(event: Mapping[str, object], path: Path) -> object:
    value: object = event
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _set(event: dict[str, object], path: Path, value: object) -> None:
    *parents, name = path
    for parent in parents:
        inner = event.get(parent)
        event[parent] = event = inner if isinstance(inner, dict) else {}
    if value is _MISSING:
        event.pop(name, None)
    else:
        event[name] = value


def _shown(path: Path, value: object) -> str:
    field = f"$.{'.'.join(path)}"
    return f"no {field}" if value is _MISSING else f"{field} = {json.dumps(value)}"
