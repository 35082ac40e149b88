"""Whether the app's newest lines have the fields that the catalogue's filters read."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import AwsCallError
from flask_errwatch.patterns import parse, parse_json_condition
from flask_errwatch.patterns.nodes import Selector, UnaryOperator, leaves
from flask_errwatch.provision.log_lines import own_lines
from flask_errwatch.provision.plan import Plan

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_HOUR = 3600
#: Lines that are read of those that lack a field. One shows it.
_MOST = 50
#: Fields that every line of a request has since version 0.2. Whether it has another field of the
#: schema depends on the request, and not on the release of the app.
_OF_REQUESTS = frozenset({"agent", "referrer", "path_class", "suspicion"})


@dataclass(frozen=True, slots=True)
class _Need:
    """Fields that lines must have.

    Attributes:
        lines: The condition of those lines.
        fields: The paths of the fields, each with the names of the detectors that read it.
    """

    lines: str
    fields: dict[str, list[str]]

    @property
    def pattern(self) -> str:
        """The pattern of the lines that lack one of the fields."""
        lacking = " || ".join(f"{field} NOT EXISTS" for field in self.fields)
        return f"{{ {self.lines} && ({lacking}) }}"


def with_missing_fields(plan: Plan, aws: Aws, catalogue: Catalogue, config: Config) -> Plan:
    """Returns the plan with a warning for each field that lines of the last hour lack.

    An app whose release does not write a field yet makes filters miss its lines: a line without
    the field matches no comparison with it. Each search is one call, which reads one page.

    Args:
        plan: The plan.
        aws: The account and region.
        catalogue: The app's detectors.
        config: The app's configuration. Its log group exists.
    """
    lacking: dict[str, list[str]] = {}
    try:
        for need in _needs(catalogue):
            for field in _lacking(aws, config, need):
                lacking.setdefault(field, []).extend(need.fields[field])
    except AwsCallError as error:
        return replace(plan, notes=(*plan.notes, f"fields of the newest lines: {error}"))
    warnings = (
        f"lines of the last hour have no {field}, so {' and '.join(dict.fromkeys(names))} may not "
        "count them: deploy the app before you apply."
        for field, names in lacking.items()
    )
    return replace(plan, warnings=(*plan.warnings, *warnings))


def _needs(catalogue: Catalogue) -> Iterator[_Need]:
    """Yields what filters need of the lines of all requests, and what of a detector's own data."""
    of_requests = _Need("$.method = *", {})
    for detector in catalogue:
        own = _Need(f'$.event = "{detector.event}"', {})
        for field in _read_by(detector):
            if field.removeprefix("$.") in _OF_REQUESTS:
                of_requests.fields.setdefault(field, []).append(detector.name)
            elif detector.event is not None and field.startswith("$.data."):
                own.fields[field] = [detector.name]
        if own.fields:
            yield own
    if of_requests.fields:
        yield of_requests


def _read_by(detector: Detector) -> Iterable[str]:
    """The paths of the fields that a detector's filter reads, and that a line must have for it."""
    paths = dict.fromkeys(() if detector.value is None else (detector.value,))
    if detector.where is not None:
        for test in leaves(parse_json_condition(detector.where).condition):
            path = _path(test.selector)
            if path is not None and test.predicate is not UnaryOperator.NOT_EXISTS:
                paths[path] = None
    return paths


def _path(selector: Selector) -> str | None:
    """The path as a pattern has it. None for one with an index, a wildcard or a quoted name."""
    names = [step for step in selector.steps if isinstance(step, str)]
    is_plain = all(name.replace("_", "a").replace("-", "a").isalnum() for name in names)
    return f"$.{'.'.join(names)}" if is_plain and len(names) == len(selector.steps) else None


def _lacking(aws: Aws, config: Config, need: _Need) -> Iterator[str]:
    """Yields the fields that lines of the last hour lack."""
    response = aws.call(
        "logs",
        "filter_log_events",
        logGroupName=config.log_group,
        filterPattern=need.pattern,
        startTime=round((time.time() - _HOUR) * 1000),
        limit=_MOST,
    )
    lines = [line.text for line in own_lines(response.get("events", ()), config)]
    for field in need.fields:
        pattern = parse(f"{{ {need.lines} && {field} NOT EXISTS }}")
        if any(map(pattern.matches, lines)):
            yield field
