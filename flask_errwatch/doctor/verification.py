"""`flask errwatch verify`: proves that each detector's lines match its own pattern alone.

Every detector's pattern is tested with a sample line of each detector: by the local judge and, on
request, by AWS's own TestMetricFilter. Each sample contains the event names of all other detectors
in every field that a client can write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_errwatch._text import counted
from flask_errwatch.capture import events
from flask_errwatch.capture.client_address import address_rule
from flask_errwatch.capture.exceptions import exception_fields
from flask_errwatch.capture.ids import IdClock
from flask_errwatch.capture.redaction import Redactor, RequestRedactor
from flask_errwatch.capture.rendering import RedactProcessor, render
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import AwsCallError, ErrWatchError, Problem
from flask_errwatch.patterns import PatternSet, parse
from flask_errwatch.provision.alarm_factory import counting_filter
from flask_errwatch.provision.from_aws import metric_filter
from flask_errwatch.provision.service_groups import creation_remedy

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Messages of one call (AWS API Reference, TestMetricFilter, logEventMessages).
_MESSAGES = 50


class VerificationError(ErrWatchError):
    """A line does not match its own pattern, or matches another's. Every pair is listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """The result of a verification without problems.

    Attributes:
        detectors: How many detectors were verified.
        is_live: Whether AWS tested the patterns too.
    """

    detectors: int
    is_live: bool

    def __str__(self) -> str:
        judges = "by the local judge and by AWS" if self.is_live else "by the local judge"
        proof = f"each detector's sample line matches its own pattern and no other, {judges}"
        stored = "; the patterns stored in AWS are the catalogue's" if self.is_live else ""
        return f"Verified {counted(self.detectors, 'detector')}: {proof}{stored}."


def verify(catalogue: Catalogue, config: Config, aws: Aws | None = None) -> Verification:
    """Verifies that each detector's sample line matches its own pattern and no other.

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
        Verified 7 detectors: each detector's sample line matches its own pattern and no other, by \
the local judge.
    """
    samples = {sample_line(detector, catalogue, config): detector for detector in catalogue}
    problems = [*_local_problems(samples)]
    if aws is not None:
        problems += [*_aws_problems(aws, samples), *_stored_problems(aws, catalogue, config)]
    if problems:
        raise VerificationError(*problems)
    return Verification(detectors=len(catalogue), is_live=aws is not None)


def sample_line(detector: Detector, catalogue: Catalogue, config: Config) -> str:
    """Renders a line of the detector for a request that tries to match all other patterns."""
    others = [other.event for other in catalogue if other is not detector]
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


#: The detectors by their sample lines.
_Samples = Mapping[str, Detector]


def _local_problems(samples: _Samples) -> Iterator[Problem]:
    patterns = PatternSet(parse(detector.pattern) for detector in samples.values())
    matches = {line: patterns.matching(line) for line in samples}
    for index, detector in enumerate(samples.values()):
        matched = {line for line, matching in matches.items() if matching[index]}
        yield from _match_problems("the local judge", detector, samples, matched)


def _aws_problems(aws: Aws, samples: _Samples) -> Iterator[Problem]:
    lines = [*samples]
    for detector in samples.values():
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
    judge: str, detector: Detector, samples: _Samples, matched: set[str]
) -> Iterator[Problem]:
    """Yields the detector's own lines that do not match, and those of others that do."""
    key = f"pattern of {detector.name}"
    for line, other in samples.items():
        if other is detector and line not in matched:
            remedy = f"It must match the detector's own lines; by {judge} it does not."
            yield Problem(key=key, value=detector.pattern, remedy=remedy)
        if other is not detector and line in matched:
            remedy = f"It must not match the lines of {other.name}; by {judge} it does."
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
        name = detector.resource_name(config.app_name)
        declared = counting_filter(name, detector.pattern, config)
        if name not in stored:
            remedy = f"It does not exist in log group {group}: {action}."
            yield Problem(key="metric filter", value=name, remedy=remedy)
            continue
        pattern, value = stored[name].pattern, stored[name].value
        if pattern != declared.pattern:
            remedy = f"The catalogue has {declared.pattern}: {action}."
            yield Problem(key=f"pattern stored as {name}", value=pattern, remedy=remedy)
        if value != declared.value:
            remedy = f"With this ERRWATCH_COLLAPSE_SECONDS it is {declared.value}: {action}."
            yield Problem(key=f"value stored as {name}", value=value, remedy=remedy)
