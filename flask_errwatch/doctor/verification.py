"""`flask errwatch verify`: proves that each line belongs to one detector, and which count it.

Every detector's pattern is tested with sample lines of each detector: by the local judge and, on
request, by AWS's own TestMetricFilter. Each sample contains the event names of all other detectors
in every field that a client can write. A pattern that names an event matches lines of its own
detector alone. Where a detector has a condition, there are lines on both sides of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.doctor.samples import SampleLine, samples_of
from flask_errwatch.errors import AwsCallError, ErrWatchError, Problem
from flask_errwatch.patterns import PatternSet, parse
from flask_errwatch.provision.alarm_factory import detector_filter
from flask_errwatch.provision.from_aws import metric_filter
from flask_errwatch.provision.service_groups import creation_remedy

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Messages of one call (AWS API Reference, TestMetricFilter, logEventMessages).
_MESSAGES = 50
_WITH_COLLAPSE = "With this ERRWATCH_COLLAPSE_SECONDS it is"


class VerificationError(ErrWatchError):
    """A line does not match a pattern that it must, or matches another. Every pair is listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The result of a verification without problems.

    Attributes:
        detectors: How many detectors were verified.
        conditions: How many of them have a condition.
        is_live: Whether AWS tested the patterns too.
    """

    detectors: int
    conditions: int
    is_live: bool

    def __str__(self) -> str:
        judges = "by the local judge and by AWS" if self.is_live else "by the local judge"
        proof = "each sample line belongs to one detector"
        if self.conditions:
            proof += ", and each condition matches exactly the lines that it means"
        proof += f", {judges}"
        stored = "; the patterns stored in AWS are the catalogue's" if self.is_live else ""
        return f"Verified {counted(self.detectors, 'detector')}: {proof}{stored}."


def verify(catalogue: Catalogue, config: Config, aws: Aws | None = None) -> Verification:
    """Verifies that each line belongs to one detector, and is counted by those that mean it.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        aws: The account whose TestMetricFilter and stored patterns are compared too. None uses
            the local judge alone.

    Raises:
        VerificationError: Naming each wrong pair of line and pattern, and each stored pattern
            that differs from the catalogue's.
        PatternSyntaxError: When a pattern is not valid.
        AwsCallError: When a call failed.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> print(verify(Catalogue(DEFAULT_DETECTORS), config.load({}, {}, app_name="shop")))
        Verified 9 detectors: each sample line belongs to one detector, and each condition matches \
exactly the lines that it means, by the local judge.
    """
    samples = [*samples_of(catalogue, config)]
    problems = [*_local_problems(catalogue, samples)]
    if aws is not None:
        problems += _aws_problems(aws, catalogue, samples)
        problems += _stored_problems(aws, catalogue, config)
    if problems:
        raise VerificationError(*problems)
    conditions = sum(detector.where is not None for detector in catalogue)
    return Verification(detectors=len(catalogue), conditions=conditions, is_live=aws is not None)


def _local_problems(catalogue: Catalogue, samples: Sequence[SampleLine]) -> Iterator[Problem]:
    patterns = PatternSet(parse(detector.pattern) for detector in catalogue)
    matches = {sample.line: patterns.matching(sample.line) for sample in samples}
    for index, detector in enumerate(catalogue):
        matched = {line for line, matching in matches.items() if matching[index]}
        yield from _match_problems("the local judge", detector, samples, matched)


def _aws_problems(
    aws: Aws, catalogue: Catalogue, samples: Sequence[SampleLine]
) -> Iterator[Problem]:
    lines = [sample.line for sample in samples]
    for detector in catalogue:
        matched: set[str] = set()
        for start in range(0, len(lines), _MESSAGES):
            response = aws.call(
                "logs",
                "test_metric_filter",
                filterPattern=detector.pattern,
                logEventMessages=lines[start : start + _MESSAGES],
            )
            # By message: whether `eventNumber` begins with 0 or 1 differs from the documentation.
            matched |= {match["eventMessage"] for match in response.get("matches", ())}
        yield from _match_problems("AWS", detector, samples, matched)


def _match_problems(
    judge: str, detector: Detector, samples: Sequence[SampleLine], matched: set[str]
) -> Iterator[Problem]:
    """Yields the lines that do not match and shall, and those that match and shall not.

    Of several lines of one detector, the first.
    """
    found: set[tuple[str, bool]] = set()
    key = f"pattern of {detector.name}"
    for sample in samples:
        is_matched = sample.line in matched
        mistake = (sample.detector.name, is_matched)
        if sample.is_counted_by(detector) is is_matched or mistake in found:
            continue
        found.add(mistake)
        is_own = sample.detector is detector
        lines = "the detector's own lines" if is_own else f"the lines of {sample.detector.name}"
        if sample.variant:
            lines = f"{lines} with {sample.variant}"
        remedy = (
            f"It must not match {lines}; by {judge} it does."
            if is_matched
            else f"It must match {lines}; by {judge} it does not."
        )
        yield Problem(key=key, value=detector.pattern, remedy=remedy)


def _stored_problems(aws: Aws, catalogue: Catalogue, config: Config) -> Iterator[Problem]:
    """Yields the differences between the log group's metric filters and the catalogue."""
    group = config.log_group
    entries = aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName=group)
    action = "run `flask errwatch apply`"
    try:
        stored = {entry.name: entry for entry in map(metric_filter, entries)}
    except AwsCallError as error:
        if not error.is_not_found:
            raise
        remedy = f"It does not exist in AWS. {creation_remedy(group)}"
        yield Problem(key="log group", value=group, remedy=remedy)
        return
    for detector in catalogue:
        declared = detector_filter(detector, config)
        name = declared.name
        if name not in stored:
            remedy = f"It does not exist in log group {group}: {action}."
            yield Problem(key="metric filter", value=name, remedy=remedy)
            continue
        pattern, value = stored[name].pattern, stored[name].value
        if pattern != declared.pattern:
            remedy = f"The catalogue has {declared.pattern}: {action}."
            yield Problem(key=f"pattern stored as {name}", value=pattern, remedy=remedy)
        if value != declared.value:
            source = "The catalogue has" if detector.value else _WITH_COLLAPSE
            remedy = f"{source} {declared.value}: {action}."
            yield Problem(key=f"value stored as {name}", value=value, remedy=remedy)
