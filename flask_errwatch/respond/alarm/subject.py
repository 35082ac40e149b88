"""`Subject`: what is asked about: an alarm or a detector, found in AWS by any of its names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from flask_errwatch.config import NAME_LENGTH, Config
from flask_errwatch.detectors import Catalogue, Detector
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.provision.alarm_factory import BUSY, detector_filter
from flask_errwatch.provision.discovery import find_alarms
from flask_errwatch.provision.resources import AwsAlarm, CompositeAlarm
from flask_errwatch.provision.source_alarms import declared_alarm_names, source_alarm_names
from flask_errwatch.respond.alarm.breach import fires_below
from flask_errwatch.respond.alarm.counted_lines import (
    Counting,
    CountingInAws,
    LineAlarm,
    of_filters,
    together,
)

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_ARN = re.compile(
    r"arn:[^:]+:cloudwatch:(?P<region>[^:]+):(?P<account>[^:]+):alarm:(?P<name>.+)", re.DOTALL
)
#: Composite alarms over composite alarms that are followed.
_DEEPEST = 5
_SHOWN = 3


class NoAnswerError(ErrWatchError):
    """A question about an alarm cannot be answered: the message names the reason and the remedy."""


class Part(NamedTuple):
    """The lines that one alarm counts.

    Attributes:
        alarm: An alarm on lines. None for a detector without one.
        counting: Which lines.
    """

    alarm: LineAlarm | None
    counting: Counting

    @property
    def awaits_lines(self) -> bool:
        """Whether it fires because lines are missing, as an alarm on silence does."""
        return self.alarm is not None and fires_below(self.alarm)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """An alarm or a detector, with the lines that it counts.

    Attributes:
        name: The alarm's name, or that of the detector's metric filter.
        alarm: The alarm in AWS, None for a detector without one.
        parts: Itself, or the alarms that a composite alarm names.
        is_declared_only: Whether AWS has neither an alarm nor a filter, so that the lines are those
            that the app declares.
    """

    name: str
    alarm: AwsAlarm | None
    parts: tuple[Part, ...]
    is_declared_only: bool = False

    @property
    def line_alarms(self) -> tuple[LineAlarm, ...]:
        """The alarms on lines that it is about."""
        return tuple(part.alarm for part in self.parts if part.alarm is not None)

    @property
    def counting(self) -> Counting:
        """Which lines count. Those of an alarm on silence count only where no others exist."""
        evidence = [part.counting for part in self.parts if not part.awaits_lines]
        return together(evidence or [part.counting for part in self.parts])

    @property
    def awaits_lines(self) -> bool:
        """Whether it fires because lines are missing."""
        return all(part.awaits_lines for part in self.parts)

    def about(self, names: Collection[str]) -> Subject:
        """The subject with only those of its alarms that have these names."""
        parts = [part for part in self.parts if part.alarm is None or part.alarm.name in names]
        return replace(self, parts=tuple(parts))


def find_subject(aws: Aws, name: str, catalogue: Catalogue, config: Config) -> Subject:
    """Finds what a name means: the name of an alarm, its ARN, or the name of a detector.

    Args:
        aws: The account and region.
        name: As a person wrote it.
        catalogue: The app's detectors.
        config: The app's configuration.

    Raises:
        NoAnswerError: When no alarm or detector has that name, or no line feeds its metric.
        AwsCallError: When AWS cannot be read.
    """
    wanted = _name_in(name, aws.region())
    followed = CountingInAws(aws, config)
    found = {alarm.name: alarm for alarm in find_alarms(aws, AlarmNames=[*_names(wanted, config)])}
    alarm = found.get(wanted) or _first(found.values())
    if alarm is not None:
        _check_account(name, alarm)
        return _of_alarm(aws, alarm, followed)
    stem = wanted.removeprefix(f"{config.app_name}-")
    for filter_name in dict.fromkeys((wanted, f"{config.app_name}-{stem}")):
        filters = followed.filters_named(filter_name)
        if filters:
            return _without_alarm(filter_name, of_filters(filters))
    detector = next((each for each in catalogue if each.name == stem), None)
    if detector is None:
        raise _no_such_alarm(aws, name, catalogue, config)
    return _declared(detector, config)


def _name_in(text: str, region: str) -> str:
    """The name in an ARN of this region, or the name itself."""
    if not text.startswith("arn:"):
        name = text
    elif (parts := _ARN.fullmatch(text)) is None:
        remedy = "An alarm's ARN is arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME."
        raise NoAnswerError(Problem(key="alarm", value=text, remedy=remedy))
    elif parts["region"] != region:
        remedy = f"It is in {parts['region']}, and this app in {region}: set ERRWATCH_REGION."
        raise NoAnswerError(Problem(key="alarm", value=text, remedy=remedy))
    else:
        name = parts["name"]
    if not 0 < len(name) <= NAME_LENGTH:
        remedy = f"Give the name of an alarm or a detector, of 1 to {NAME_LENGTH} characters."
        raise NoAnswerError(Problem(key="alarm", value=text, remedy=remedy))
    return name


def _check_account(text: str, alarm: AwsAlarm) -> None:
    """Refuses an ARN of another account, where an alarm may have the same name."""
    asked, found = _ARN.fullmatch(text), _ARN.fullmatch(alarm.arn or "")
    if asked and found and asked["account"] != found["account"]:
        remedy = (
            f"It is in the account {asked['account']}, and the credentials are of "
            f"{found['account']}: use those of its account."
        )
        raise NoAnswerError(Problem(key="alarm", value=text, remedy=remedy))


def _names(wanted: str, config: Config) -> Iterator[str]:
    """The names that the alarm may have: each kind of alarm of a detector has its own."""
    prefix = f"{config.app_name}-"
    bases = dict.fromkeys((wanted, prefix + wanted.removeprefix(prefix)))
    names = [
        name
        for base in bases
        for name in (
            *(base, *source_alarm_names(base), *declared_alarm_names(base)),
            f"{base}-{BUSY}",
        )
    ]
    yield from dict.fromkeys(name for name in names if len(name) <= NAME_LENGTH)


def _first(alarms: Iterable[AwsAlarm]) -> AwsAlarm | None:
    """The alarm that is meant of those of one detector: one in ALARM."""
    alarms = [*alarms]
    return next((alarm for alarm in alarms if _is_in_alarm(alarm)), alarms[0] if alarms else None)


def _is_in_alarm(alarm: AwsAlarm) -> bool:
    return alarm.state is not None and alarm.state.value == "ALARM"


def _of_alarm(aws: Aws, alarm: AwsAlarm, followed: CountingInAws) -> Subject:
    # Two composite alarms may name the same one.
    alarms = {each.name: each for each in _line_alarms(aws, alarm, _DEEPEST)}
    parts = [
        Part(each, counting)
        for each in alarms.values()
        if (counting := followed.of(each)) is not None
    ]
    if not parts:
        remedy = "No line feeds its metric: no metric filter, insight rule or query reads a log."
        raise NoAnswerError(Problem(key="alarm", value=alarm.name, remedy=remedy))
    subject = Subject(name=alarm.name, alarm=alarm, parts=tuple(parts))
    names = {each.name for each in subject.line_alarms if _is_in_alarm(each)}
    return subject.about(names) if names and _is_in_alarm(alarm) else subject


def _line_alarms(aws: Aws, alarm: AwsAlarm, depth: int) -> Iterator[LineAlarm]:
    if not isinstance(alarm, CompositeAlarm):
        yield alarm
    elif depth:
        names = sorted(name.rpartition(":alarm:")[2] for name in alarm.children)
        for child in [*find_alarms(aws, AlarmNames=names)] if names else ():
            yield from _line_alarms(aws, child, depth - 1)


def _without_alarm(name: str, counting: Counting, *, is_declared_only: bool = False) -> Subject:
    return Subject(
        name=name,
        alarm=None,
        parts=(Part(None, counting),),
        is_declared_only=is_declared_only,
    )


def _declared(detector: Detector, config: Config) -> Subject:
    """A detector of which AWS has nothing: its lines are there all the same."""
    declared = detector_filter(detector, config)
    counting = replace(of_filters([declared]), metrics=())
    return _without_alarm(declared.name, counting, is_declared_only=True)


def _no_such_alarm(aws: Aws, name: str, catalogue: Catalogue, config: Config) -> NoAnswerError:
    alarms = find_alarms(aws, AlarmNamePrefix=f"{config.app_name}-")
    known = [*(detector.name for detector in catalogue), *(alarm.name for alarm in alarms)]
    near = get_close_matches(name, known, n=_SHOWN, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}."
    remedy = f"There is no such alarm, and no such detector; {hint}"
    return NoAnswerError(Problem(key="alarm", value=name, remedy=remedy))
