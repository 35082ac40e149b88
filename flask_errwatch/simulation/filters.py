"""Metric filters: which lines match, and which sample each line gives to which metric."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.errors import JudgeError, PatternSyntaxError, Problem
from flask_errwatch.patterns import DelimitedPattern, JsonPattern, Pattern, parse
from flask_errwatch.patterns.nodes import leaves
from flask_errwatch.patterns.parse_json import parse_selector
from flask_errwatch.provision.resources import MetricFilter
from flask_errwatch.simulation.metrics import Metric

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
#: Longest value of a metric transformation (CloudWatch Logs API, MetricTransformation).
_LONGEST_VALUE = 100


class Sample(NamedTuple):
    """One value that a line gives to a metric.

    Attributes:
        metric: The metric it belongs to.
        value: The value, finite.
        matched: Whether the line matched. Otherwise the value is the filter's default.
    """

    metric: Metric
    value: float
    matched: bool


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A metric filter, ready to be applied to lines.

    A matching line gives one sample. A line that does not match gives one of the default value,
    also in a minute in which others match. A minute without a line has no sample. With dimensions
    a filter has no default (recorded from the live service, and User Guide, "Filter and pattern
    syntax"). A matching line without a number in the field that `value` names, or without one of
    the fields of the dimensions, gives no sample.

    Args:
        resource: The metric filter.

    Raises:
        JudgeError: When CloudWatch Logs would refuse the filter.

    Example:
        >>> errors = LineFilter(MetricFilter(log_group="shop", name="shop-error", pattern="Error",
        ...     namespace="Shop", metric_name="errors", default=0.0))
        >>> errors.sample("Error: no stock").value, errors.sample("all is well").value
        (1.0, 0.0)
    """

    resource: MetricFilter
    pattern: Pattern = field(init=False, repr=False, compare=False)
    _number: float | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        value = self.resource.value
        object.__setattr__(self, "pattern", _parsed(self.resource))
        object.__setattr__(self, "_number", float(value) if _NUMBER.fullmatch(value) else None)
        problems = list(_problems(self.resource, self.pattern))
        if problems:
            raise JudgeError(*problems)

    @property
    def name(self) -> str:
        """The filter's name."""
        return self.resource.name

    @property
    def is_constant(self) -> bool:
        """Whether every matching line gives the same sample."""
        return self._number is not None and not self.resource.dimensions

    @property
    def reads(self) -> frozenset[str]:
        """The top-level fields of a JSON line that decide what it gives."""
        pattern, own = self.pattern, self.resource
        if not isinstance(pattern, JsonPattern):
            return frozenset()
        selectors = [own.value, *(selector for _, selector in own.dimensions)]
        values = (parse_selector(text) for text in selectors if text.startswith("$"))
        tested = (test.selector for test in leaves(pattern.condition))
        return frozenset(str(selector.steps[0]) for selector in (*tested, *values))

    def feeds(self, metric: Metric, unit: str | None) -> bool:
        """Whether its samples can belong to the metric, in that unit (None: any)."""
        own = self.resource
        names = sorted(name for name, _ in own.dimensions)
        return (
            (own.namespace, own.metric_name) == (metric.namespace, metric.name)
            and names == [name for name, _ in metric.dimensions]
            and unit in {None, own.unit}
        )

    def sample(self, message: str) -> Sample | None:
        """The sample that a line gives: a value, the default, or none."""
        return self.matching(message) if self.pattern.matches(message) else self.default()

    def matching(self, message: str) -> Sample | None:
        """The sample of a line that is known to match."""
        own, value = self.resource, self._number
        if value is None:
            value = self.pattern.value(message, own.value)
        dimensions = [
            (name, _text(self.pattern, message, selector))
            for name, selector in sorted(own.dimensions)
        ]
        known = tuple((name, text) for name, text in dimensions if text)
        if value is None or not math.isfinite(value) or len(known) < len(dimensions):
            return None
        return Sample(Metric(own.namespace, own.metric_name, known), value, matched=True)

    def default(self) -> Sample | None:
        """The sample of a line that does not match."""
        own = self.resource
        if own.default is None:
            return None
        return Sample(Metric(own.namespace, own.metric_name), float(own.default), matched=False)


def _parsed(resource: MetricFilter) -> Pattern:
    try:
        return parse(resource.pattern)
    except PatternSyntaxError as error:
        raise JudgeError(_problem(resource, "pattern", resource.pattern, error.remedy)) from error


def _problem(resource: MetricFilter, key: str, value: object, remedy: str) -> Problem:
    return Problem(key=f"{key} of metric filter {resource.name!r}", value=value, remedy=remedy)


def _text(pattern: Pattern, message: str, token: str) -> str | None:
    """The string in a field of a matching line: `$.a.b` of a JSON line, or `$name`."""
    if not isinstance(pattern, JsonPattern):
        return (pattern.extract(message) or {}).get(token)
    value = pattern.selected(message, token)
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_text else None


def _problems(resource: MetricFilter, pattern: Pattern) -> Iterator[Problem]:
    remedy = _value_remedy(resource.value, pattern)
    if remedy is not None:
        yield _problem(resource, "value", resource.value, remedy)
    yield from _dimension_problems(resource, pattern)
    if resource.default is not None and not math.isfinite(resource.default):
        yield _problem(resource, "default", resource.default, "Use a finite number, or None.")
    if resource.default is not None and resource.dimensions:
        remedy = "A metric filter with dimensions cannot have one: leave one of them out."
        yield _problem(resource, "default", resource.default, remedy)


def _value_remedy(value: str, pattern: Pattern) -> str | None:
    if len(value) > _LONGEST_VALUE:
        return f"Use at most {_LONGEST_VALUE} characters."
    if _NUMBER.fullmatch(value):
        return None if math.isfinite(float(value)) else "Use a finite number."
    if not value.startswith("$"):
        return "Use a number, or a field of the pattern such as '$.duration_ms'."
    try:
        pattern.value("", value)  # refuses a selector that it cannot follow
    except PatternSyntaxError as error:
        return error.remedy
    return None


def _dimension_problems(resource: MetricFilter, pattern: Pattern) -> Iterator[Problem]:
    if len(resource.dimensions) > 3:
        remedy = "A metric filter takes at most three."
        yield _problem(resource, "dimensions", resource.dimensions, remedy)
    if resource.dimensions and not isinstance(pattern, JsonPattern | DelimitedPattern):
        remedy = "Only JSON and space-delimited patterns have fields for dimensions."
        yield _problem(resource, "dimensions", resource.dimensions, remedy)
    for name, selector in resource.dimensions:
        try:
            if isinstance(pattern, JsonPattern):
                pattern.selected("", selector)
        except PatternSyntaxError as error:
            yield _problem(resource, f"dimension {name!r}", selector, error.remedy)
