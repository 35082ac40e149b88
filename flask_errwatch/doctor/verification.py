"""Proof, before anything depends on it, that every line is counted by its own filter alone.

A sample line of each detector is judged by every detector's pattern: by the local judge and, on
request, by AWS's own TestMetricFilter. Each sample carries the phrases of all other detectors
wherever an outsider could have written them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_errwatch.capture import events
from flask_errwatch.capture.exceptions import exception_fields
from flask_errwatch.capture.ids import Stamps
from flask_errwatch.capture.redaction import Redactor
from flask_errwatch.capture.rendering import Redact, render
from flask_errwatch.config import Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import AwsCallError, ErrWatchError, Problem
from flask_errwatch.patterns import PatternSet, parse
from flask_errwatch.provision.from_aws import metric_filter

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Messages of one call (AWS API Reference, TestMetricFilter, logEventMessages).
_MESSAGES = 50


class VerificationError(ErrWatchError):
    """Lines and patterns do not belong together as the catalogue says; every pair is listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What was found to be right.

    Attributes:
        detectors: How many detectors were verified.
        is_live: Whether AWS was asked too.
    """

    detectors: int
    is_live: bool

    def __str__(self) -> str:
        judges = "by the local judge and by AWS" if self.is_live else "by the local judge"
        proof = f"each one's sample line matches its own pattern and no other's, {judges}"
        stored = "; the patterns stored in AWS are the catalogue's" if self.is_live else ""
        counted = "1 detector" if self.detectors == 1 else f"{self.detectors} detectors"
        return f"Verified {counted}: {proof}{stored}."


def verify(catalogue: Catalogue, config: Config, aws: Aws | None = None) -> Verification:
    """Verifies that each detector's sample line matches its own pattern and no other's.

    Args:
        catalogue: The app's detectors.
        config: The app's configuration.
        aws: Where to ask TestMetricFilter and to compare the stored patterns; None asks the
            local judge alone.

    Raises:
        VerificationError: Naming each line and pattern that offend, and each stored pattern
            that is not the catalogue's.
        PatternSyntaxError: When a pattern is none.
        AwsCallError: When AWS cannot be asked.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import DEFAULT_DETECTORS
        >>> print(verify(Catalogue(DEFAULT_DETECTORS), config.load({}, {}, app_name="shop")))
        Verified 7 detectors: each one's sample line matches its own pattern and no other's, by \
the local judge.
    """
    samples = {sample(each, catalogue, config): each for each in catalogue}
    problems = [*_judged_here(samples)]
    if aws is not None:
        problems += [*_judged_by_aws(aws, samples), *_stored(aws, catalogue, config)]
    if problems:
        raise VerificationError(*problems)
    return Verification(detectors=len(catalogue), is_live=aws is not None)


def sample(detector: Detector, catalogue: Catalogue, config: Config) -> str:
    """A line of the detector, of a request that tries to be counted by all the others."""
    hostile = ", ".join(f'"event": "{each.event}"' for each in catalogue if each is not detector)
    event = Stamps().stamped(events.head(detector))
    claimed = [status for status in range(400, 600) if catalogue.for_status(status) is detector]
    if claimed:
        event["status"] = claimed[0]
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/{hostile}",
        "REMOTE_ADDR": "192.0.2.1",
        "HTTP_USER_AGENT": hostile,
    }
    events.add_request(event, environ, config.trusted_proxies, None)
    event["exception"] = exception_fields(RuntimeError(hostile), root="/", handled=True)
    event["data"] = {"event": hostile}
    event["app"] = config.app_name
    shown = Redact(Redactor(config.redact_keys))(None, "", event)
    text = render(None, "", events.in_order(shown))
    return str(text, "utf-8")


#: The detectors by their sample lines.
_Samples = Mapping[str, Detector]


def _judged_here(samples: _Samples) -> Iterator[Problem]:
    patterns = PatternSet(parse(each.pattern) for each in samples.values())
    answers = {line: patterns.matching(line) for line in samples}
    for place, detector in enumerate(samples.values()):
        matched = {line for line, answer in answers.items() if answer[place]}
        yield from _offences("the local judge", detector, samples, matched)


def _judged_by_aws(aws: Aws, samples: _Samples) -> Iterator[Problem]:
    lines = [*samples]
    for detector in samples.values():
        matched: set[str] = set()
        for start in range(0, len(lines), _MESSAGES):
            answer = aws.call(
                "logs",
                "test_metric_filter",
                filterPattern=detector.pattern,
                logEventMessages=lines[start : start + _MESSAGES],
            )
            # By their text: what `eventNumber` begins with is documented one way and is another.
            matched |= {each["eventMessage"] for each in answer.get("matches", ())}
        yield from _offences("AWS", detector, samples, matched)


def _offences(
    judge: str, detector: Detector, samples: _Samples, matched: set[str]
) -> Iterator[Problem]:
    """What is wrong with the lines that a detector's pattern matches."""
    key = f"pattern of {detector.name}"
    for line, other in samples.items():
        if other is detector and line not in matched:
            remedy = f"It must match the detector's own lines; by {judge} it does not."
            yield Problem(key=key, value=detector.pattern, remedy=remedy)
        if other is not detector and line in matched:
            remedy = f"It must not match the lines of {other.name}; by {judge} it does."
            yield Problem(key=key, value=detector.pattern, remedy=remedy)


def _stored(aws: Aws, catalogue: Catalogue, config: Config) -> Iterator[Problem]:
    """What differs between the filters of the app's log group and the catalogue."""
    group = config.log_group
    entries = aws.pages("logs", "describe_metric_filters", "metricFilters", logGroupName=group)
    again = "run `flask errwatch bootstrap`"
    try:
        stored = {each.name: each.pattern for each in map(metric_filter, entries)}
    except AwsCallError as error:
        if error.code != "ResourceNotFoundException":
            raise
        yield Problem(key="log group", value=group, remedy=f"It does not stand in AWS: {again}.")
        return
    for detector in catalogue:
        name = detector.resource_name(config.app_name)
        if name not in stored:
            remedy = f"It does not stand in log group {group}: {again}."
            yield Problem(key="metric filter", value=name, remedy=remedy)
        elif stored[name] != detector.pattern:
            remedy = f"The catalogue has {detector.pattern}: {again}."
            yield Problem(key=f"pattern stored as {name}", value=stored[name], remedy=remedy)
