"""Whether a log group has room for the filters of a plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_errwatch.errors import PatternSyntaxError, Problem
from flask_errwatch.patterns import parse
from flask_errwatch.patterns.quotas import REGEX_FILTERS_PER_GROUP
from flask_errwatch.provision.actual import Actual
from flask_errwatch.provision.change import Change
from flask_errwatch.provision.desired import Desired
from flask_errwatch.provision.resources import FILTERS_PER_GROUP, MetricFilter


def quota_problems(
    desired: Desired, actual: Actual, deletions: Iterable[Change]
) -> Iterator[Problem]:
    """Counts the log group's filters, unmanaged ones included, after the deletions."""
    deleted = {
        change.resource.name for change in deletions if isinstance(change.resource, MetricFilter)
    }
    kept = {metric_filter.name for metric_filter in actual.of_type(MetricFilter)} - deleted
    new = {metric_filter.name for metric_filter in desired.filters} - kept
    total = len(kept) + len(new)
    if new and total > FILTERS_PER_GROUP:
        remedy = (
            f"It would have {total} metric filters of at most {FILTERS_PER_GROUP}: delete "
            "filters that are not used, or give the app its own log group."
        )
        yield Problem(key="log group", value=desired.log_group.name, remedy=remedy)
    patterns = {
        metric_filter.name: metric_filter.pattern
        for metric_filter in (*actual.of_type(MetricFilter), *desired.filters)
        if metric_filter.name not in deleted
    }
    with_regex = [name for name, pattern in patterns.items() if _has_regex(pattern)]
    if len(with_regex) > REGEX_FILTERS_PER_GROUP:
        names = ", ".join(with_regex)
        remedy = (
            f"It would have {len(with_regex)} filters with a regular expression of at most "
            f"{REGEX_FILTERS_PER_GROUP}: {names}. Write conditions without one."
        )
        yield Problem(key="log group", value=desired.log_group.name, remedy=remedy)


def _has_regex(pattern: str) -> bool:
    """Whether a pattern has a regular expression, as far as it can be read."""
    try:
        return "%" in pattern and parse(pattern).has_regex
    except PatternSyntaxError:
        return False
