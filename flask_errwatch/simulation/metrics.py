"""From lines to samples, and from samples to the value of a period."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.errors import JudgeError, PatternSyntaxError, Problem
from flask_errwatch.patterns import DelimitedPattern, JsonPattern, Pattern, parse
from flask_errwatch.simulation.stored import Reader

#: Seconds that CloudWatch Logs gathers into one sample set (User Guide, "Creating metrics from
#: log events using filters").
MINUTE = 60

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
#: Longest value of a metric transformation (CloudWatch Logs API, MetricTransformation).
_LONGEST_VALUE = 100
# Different values of a minute that are kept as they are.
_EXACT = 1_000
_PERCENTILE = re.compile(r"p(100(?:\.0+)?|\d{1,2}(?:\.\d+)?)", re.ASCII)


class Metric(NamedTuple):
    """What names a metric; alarms watch one with exactly these dimensions.

    Attributes:
        namespace: The namespace, such as `Application Logs`.
        name: The metric name.
        dimensions: Name and value of each dimension, sorted by name.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        shown = "".join(f", {name}={value}" for name, value in self.dimensions)
        return f"{self.namespace}/{self.name}{shown}"


class Sample(NamedTuple):
    """One value that a line gives to a metric.

    Attributes:
        metric: The metric it belongs to.
        value: The value, finite.
        matched: Whether the line matched; otherwise the value is the default.
    """

    metric: Metric
    value: float
    matched: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRule:
    """A metric filter as values: which lines count, and what each gives to which metric.

    A matching line gives one sample. A line that does not match gives one of `default_value`,
    also in a minute in which others match; no line, no sample. With dimensions there is no
    default (recorded from the live service, and User Guide, "Filter and pattern syntax").

    Args:
        name: The filter's name.
        pattern: Which lines match.
        namespace: The metric's namespace.
        metric_name: The metric's name.
        metric_value: A number as text, or the field it is read from, as `$.ms` or `$bytes`;
            a matching line without a number there gives no sample.
        default_value: What a line that does not match gives; None means nothing.
        dimensions: Name of each dimension and the field its value is read from; a matching
            line without one of the fields gives no sample.
        unit: The metric's unit.

    Raises:
        JudgeError: When CloudWatch Logs would refuse the value, or default and dimensions
            together.

    Example:
        >>> rule = MetricRule(name="shop-error", pattern=parse("Error"), namespace="Shop",
        ...     metric_name="errors", default_value=0)
        >>> rule.sample("Error: no stock").value, rule.sample("all is well").value
        (1.0, 0.0)
    """

    name: str
    pattern: Pattern
    namespace: str
    metric_name: str
    metric_value: str = "1"
    default_value: float | None = None
    dimensions: tuple[tuple[str, str], ...] = ()
    unit: str = "None"
    _number: float | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        problems = list(_rule_problems(self))
        if problems:
            raise JudgeError(*problems)
        is_number = _NUMBER.fullmatch(self.metric_value)
        object.__setattr__(self, "_number", float(self.metric_value) if is_number else None)
        object.__setattr__(self, "dimensions", tuple(sorted(self.dimensions)))

    @classmethod
    def from_cloudwatch(cls, mapping: Mapping[str, object]) -> MetricRule:
        """The rule that is stored in AWS.

        Args:
            mapping: An entry of `metricFilters`, as DescribeMetricFilters returns it.

        Raises:
            JudgeError: Naming what is missing, wrong, or beyond what the judge evaluates.
        """
        read = Reader(mapping, f"metric filter {mapping.get('filterName')!r}")
        for key in ("applyOnTransformedLogs", "fieldSelectionCriteria"):
            read.refuse(key, "The judge sees lines only as they were sent; leave it out.")
        read.refuse("emitSystemFieldDimensions", "The judge knows no system fields; leave it out.")
        pattern = None
        try:
            pattern = parse(read.text("filterPattern", ""))
        except PatternSyntaxError as error:
            read.wrong("filterPattern", error.remedy)
        inner = read.only("metricTransformations")
        default = inner.number("defaultValue") if inner.has("defaultValue") else None
        texts = {
            "namespace": inner.text("metricNamespace"),
            "metric_name": inner.text("metricName"),
            "metric_value": inner.text("metricValue"),
            "unit": inner.text("unit", "None"),
        }
        dimensions = inner.texts("dimensions")
        name = read.text("filterName")
        read.done()
        assert pattern is not None  # noqa: S101 - a pattern that is none was a problem
        return cls(
            name=name, pattern=pattern, default_value=default, dimensions=dimensions, **texts
        )

    @property
    def is_constant(self) -> bool:
        """Whether every matching line gives the same sample."""
        return self._number is not None and not self.dimensions

    def feeds(self, metric: Metric, unit: str | None) -> bool:
        """Whether its samples can belong to the metric, in that unit (None: any)."""
        names = [name for name, _ in self.dimensions]
        return (
            (self.namespace, self.metric_name) == (metric.namespace, metric.name)
            and names == [name for name, _ in metric.dimensions]
            and unit in {None, self.unit}
        )

    def sample(self, message: str) -> Sample | None:
        """What one line gives: a value, the default, or nothing."""
        return self.matching(message) if self.pattern.matches(message) else self.default()

    def matching(self, message: str) -> Sample | None:
        """What a line gives that is known to match."""
        value = self._number
        if value is None:
            value = self.pattern.value(message, self.metric_value)
        dimensions = [(name, _text(self.pattern, message, at)) for name, at in self.dimensions]
        known = tuple((name, text) for name, text in dimensions if text)
        if value is None or not math.isfinite(value) or len(known) < len(dimensions):
            return None
        return Sample(Metric(self.namespace, self.metric_name, known), value, matched=True)

    def default(self) -> Sample | None:
        """What a line gives that does not match."""
        if self.default_value is None:
            return None
        metric = Metric(self.namespace, self.metric_name)
        return Sample(metric, float(self.default_value), matched=False)


def _text(pattern: Pattern, message: str, token: str) -> str | None:
    """The text of a field in a line that matches: `$.a.b` of a JSON line, or `$name`."""
    if not isinstance(pattern, JsonPattern):
        return (pattern.extract(message) or {}).get(token)
    value = pattern.selected(message, token)
    is_text = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_text else None


def _rule_problems(rule: MetricRule) -> Iterator[Problem]:
    yield from _value_problems(rule)
    yield from _dimension_problems(rule)
    if rule.default_value is not None and not math.isfinite(rule.default_value):
        remedy = "Use a finite number, or None."
        yield Problem(key="default_value", value=rule.default_value, remedy=remedy)
    if rule.default_value is not None and rule.dimensions:
        remedy = "A metric filter with dimensions cannot have one: leave one of them out."
        yield Problem(key="default_value", value=rule.default_value, remedy=remedy)


def _value_problems(rule: MetricRule) -> Iterator[Problem]:
    if len(rule.metric_value) > _LONGEST_VALUE:
        remedy = f"Use at most {_LONGEST_VALUE} characters."
        yield Problem(key="metric_value", value=rule.metric_value, remedy=remedy)
    elif not _NUMBER.fullmatch(rule.metric_value) and not rule.metric_value.startswith("$"):
        remedy = "Use a number, or a field of the pattern such as '$.duration_ms'."
        yield Problem(key="metric_value", value=rule.metric_value, remedy=remedy)
    elif not _NUMBER.fullmatch(rule.metric_value):
        try:
            rule.pattern.value("", rule.metric_value)  # refuses a selector that it cannot follow
        except PatternSyntaxError as error:
            yield Problem(key="metric_value", value=rule.metric_value, remedy=error.remedy)
    elif not math.isfinite(float(rule.metric_value)):
        remedy = "Use a finite number."
        yield Problem(key="metric_value", value=rule.metric_value, remedy=remedy)


def _dimension_problems(rule: MetricRule) -> Iterator[Problem]:
    if len(rule.dimensions) > 3:
        remedy = "A metric filter takes at most three."
        yield Problem(key="dimensions", value=rule.dimensions, remedy=remedy)
    if rule.dimensions and not isinstance(rule.pattern, JsonPattern | DelimitedPattern):
        remedy = "Only JSON and space-delimited patterns have fields for dimensions."
        yield Problem(key="dimensions", value=rule.dimensions, remedy=remedy)
    for name, selector in rule.dimensions:
        wrong = _unreadable(rule.pattern, selector)
        if wrong is not None:
            yield Problem(key=f"dimension {name!r}", value=selector, remedy=wrong)


def _unreadable(pattern: Pattern, selector: str) -> str | None:
    """What to write instead of a selector that cannot be followed in a JSON line."""
    try:
        if isinstance(pattern, JsonPattern):
            pattern.selected("", selector)
    except PatternSyntaxError as error:
        return error.remedy
    return None


@dataclass(slots=True)
class _Minute:
    """What is kept of the samples of one minute."""

    count: int = 0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    values: dict[float, int] = field(default_factory=dict)
    is_rounding: bool = False

    def add(self, value: float, times: int) -> None:
        self.count += times
        self.total += value * times
        self.low = min(self.low, value)
        self.high = max(self.high, value)
        if self.is_rounding:
            value = _rounded(value)
        self.values[value] = self.values.get(value, 0) + times
        if len(self.values) > _EXACT and not self.is_rounding:
            self.is_rounding = True
            exact, self.values = self.values, {}
            for each, count in exact.items():
                kept = _rounded(each)
                self.values[kept] = self.values.get(kept, 0) + count


class MetricSeries:
    """The samples of one metric, gathered per minute: memory follows minutes, not samples.

    Sum, Average, Minimum, Maximum and SampleCount are exact. A percentile is exact as long as a
    minute has at most 1,000 different values; with more its values are rounded to three digits,
    which bounds what a minute can hold.

    Example:
        >>> series = MetricSeries()
        >>> series.add(0, 1.0)
        >>> series.add(61, 5.0, times=2)
        >>> series.statistic("Sum", 0, 120), series.statistic("p50", 0, 120)
        (11.0, 5.0)
        >>> series.statistic("Sum", 120, 180) is None
        True
    """

    def __init__(self) -> None:
        self._minutes: dict[int, _Minute] = {}
        self._quiet: _Minute | None = None
        self._quiet_since = 0

    def __iter__(self) -> Iterator[int]:
        """The minutes that have samples, by their first second, in no order."""
        return iter(self._minutes)

    def __len__(self) -> int:
        return len(self._minutes)

    def add(self, at: int, value: float, times: int = 1) -> None:
        """Adds equal samples.

        Args:
            at: Seconds since the epoch; it counts in the minute that holds it.
            value: The samples' value, finite.
            times: How many samples have it.
        """
        start = at - at % MINUTE
        minute = self._minutes.get(start)
        if minute is None:
            minute = self._minutes[start] = _Minute()
        minute.add(value, times)

    def fill(self, since: int, values: Sequence[float]) -> None:
        """Gives every minute without a sample these, from that second on; none by default.

        It costs no memory, however long the quiet lasts.
        """
        self._quiet, self._quiet_since = None, since
        for value in values:
            self._quiet = self._quiet or _Minute()
            self._quiet.add(value, 1)

    def statistic(self, name: str, start: int, end: int) -> float | None:
        """The value of one period, or None when it holds no sample.

        Args:
            name: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile such as
                `p99.9`: the smallest value that at least that share of the samples does not
                exceed (nearest rank; CloudWatch does not say how it interpolates).
            start: First second, a whole minute.
            end: The second after the last, a whole minute.
        """
        every, quiet, since = self._minutes.get, self._quiet, self._quiet_since
        ats = range(start, end, MINUTE)
        if quiet is None:
            minutes = [minute for at in ats if (minute := every(at)) is not None]
        elif start >= since:
            minutes = [every(at, quiet) for at in ats]
        else:
            known = [every(at, quiet) if at >= since else every(at) for at in ats]
            minutes = [minute for minute in known if minute is not None]
        if not minutes:
            return None
        simple = _STATISTICS.get(name)
        return simple(minutes) if simple else _percentile(minutes, percentile_of(name) or 0.0)

    def prune(self, before: int) -> None:
        """Forgets every minute that ended at or before that second."""
        for start in [start for start in self._minutes if start + MINUTE <= before]:
            del self._minutes[start]


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _count(minutes: Sequence[_Minute]) -> float:
    return float(sum(minute.count for minute in minutes))


def _sum(minutes: Sequence[_Minute]) -> float:
    return sum([minute.total for minute in minutes])  # a list: half the time of a generator


_STATISTICS: dict[str, Callable[[Sequence[_Minute]], float]] = {
    "Sum": _sum,
    "Average": lambda minutes: _sum(minutes) / _count(minutes),
    "Minimum": lambda minutes: min(minute.low for minute in minutes),
    "Maximum": lambda minutes: max(minute.high for minute in minutes),
    "SampleCount": _count,
}


def percentile_of(statistic: str) -> float | None:
    """The percentage that the statistic names, or None when it is no percentile.

    Example:
        >>> percentile_of("p99.9"), percentile_of("Sum")
        (99.9, None)
    """
    found = _PERCENTILE.fullmatch(statistic)
    return float(found[1]) if found else None


def is_statistic(name: str) -> bool:
    """Whether the judge knows it."""
    return name in _STATISTICS or percentile_of(name) is not None


def _percentile(minutes: Sequence[_Minute], percentage: float) -> float:
    values: dict[float, int] = {}
    for minute in minutes:
        for value, times in minute.values.items():
            values[value] = values.get(value, 0) + times
    rank = max(1, math.ceil(percentage / 100 * sum(values.values())))
    reached = 0
    for value in sorted(values):
        reached += values[value]
        if reached >= rank:
            break
    # Rounding must not carry a value beyond those that were there.
    low, high = min(minute.low for minute in minutes), max(minute.high for minute in minutes)
    return min(max(value, low), high)
