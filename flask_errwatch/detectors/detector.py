"""`Detector`: a kind of failure, the event name of its lines, its alarm."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import Literal, get_args

from flask_errwatch import _parsers as parsers
from flask_errwatch._parsers import DYNAMIC, RefusedValueError
from flask_errwatch._text import consists_of, plain_text
from flask_errwatch.alarms import Alarm, AnyAlarm
from flask_errwatch.detectors.conditions import condition_problems, pattern_of
from flask_errwatch.detectors.operational import OPERATIONAL_EVENTS, Level
from flask_errwatch.errors import Problem, raise_if

StatusClass = Literal["4xx", "5xx"]

_IN_NAME = string.ascii_lowercase + string.digits
#: Printable ASCII that is literal inside a quoted string of a filter pattern, besides letters and
#: digits.
_EVENT_MARKS = " ._/:+-"
_IN_EVENT = string.ascii_letters + string.digits + _EVENT_MARKS
_EVENT_LENGTH = 100
_NAME_LENGTH = 100
#: Together with the alarm's own text they fit into 1024 characters (PutMetricAlarm).
_DESCRIPTION_LENGTH, _LINK_LENGTH = 500, 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Detector:
    """One kind of failure: the statuses that it claims, the event name of its lines, its alarm.

    Args:
        name: In kebab-case. It is the suffix of the names of the metric filter, metric and alarm.
        event: The value of `event` in its lines: letters, digits, spaces and `. _ / : + -`,
            which are literal inside a filter pattern. A detector without it has no lines of its
            own, and counts those of others that `where` matches.
        statuses: HTTP statuses that it claims, from 400 to 599, and the classes `"4xx"` and
            `"5xx"`. A detector without statuses and exceptions is for `ErrWatch.report`.
        exceptions: Exceptions that it claims, whatever the app answers, by the names of their
            classes with the module that defines them, such as `"flask_wtf.csrf.CSRFError"`. A
            subclass belongs to the nearest class that is claimed. Nothing is imported. A claim of
            an exception comes before one of a status.
        answered_exceptions: The same for exceptions that it claims only where the app answers them
            with 4xx. Elsewhere they are failures of the app.
        level: The level of its lines. Critical lines are sent at once.
        alarm: An `Alarm` at a fixed threshold, an `AnomalyAlarm` above the usual value, a
            `BusyAlarm` that fires only while there are enough requests, or None.
        description: What the failure means, for the alarm's description.
        runbook_url: A link for the person on call, for the alarm's description.
        where: A condition on the fields of a line, in the language of JSON filter patterns without
            the braces, such as `$.referrer != "same"`. A line must match it too, to be counted. A
            line that lacks the field never matches `!=`.
        value: The numeric field whose values are summed, such as `$.suspicion`. None counts lines.

    Raises:
        ConfigurationError: Names each invalid field.

    Example:
        >>> Detector(name="login-failed", event="Login Failed").pattern
        '{ $.event = "Login Failed" }'
    """

    name: str
    event: str | None = None
    statuses: tuple[int | StatusClass, ...] = ()
    exceptions: tuple[str, ...] = ()
    answered_exceptions: tuple[str, ...] = ()
    level: Level = "warning"
    alarm: AnyAlarm | None = field(default_factory=Alarm)
    description: str = ""
    runbook_url: str | None = None
    where: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        # People write lists. Only a tuple keeps the declaration frozen.
        for name in ("statuses", "exceptions", "answered_exceptions"):
            claims: object = getattr(self, name)
            if isinstance(claims, list | set | frozenset):
                object.__setattr__(self, name, tuple(claims))
        problems = _detector_problems(self)
        alarm: object = self.alarm
        if alarm is not None and not isinstance(alarm, AnyAlarm):
            remedy = "Use Alarm(…), AnomalyAlarm(…), BusyAlarm(…), SourceAlarm(…) or None."
            problems.append(Problem(key="alarm", value=alarm, remedy=remedy))
        raise_if(problems)

    @property
    def pattern(self) -> str:
        """The metric filter's pattern. It matches `event`, which no client can write, and `where`.

        Example:
            >>> Detector(name="probe", where='$.path_class = "probe"').pattern
            '{ $.path_class = "probe" }'
        """
        return pattern_of(self.event, self.where)

    def resource_name(self, app_name: str) -> str:
        """The common name of the metric filter, metric and alarm."""
        return f"{app_name}-{self.name}"


def _detector_problems(detector: Detector) -> list[Problem]:
    """The problems of all fields but `alarm`."""
    problems = []
    name: object = detector.name
    if not isinstance(name, str) or not _is_kebab_case(name) or len(name) > _NAME_LENGTH:
        remedy = (
            f"Use kebab-case of at most {_NAME_LENGTH} characters: lowercase letters, digits and "
            "single '-', such as 'login-failed'."
        )
        problems.append(Problem(key="name", value=name, remedy=remedy))
    problems += _event_problems(detector)
    problems += condition_problems(detector.where, detector.event)
    problems += parsers.problems_of("value", detector.value, parsers.typed(str, parsers.field_path))
    problems += _claim_problems(detector.statuses)
    for key, names in (
        ("exceptions", detector.exceptions),
        ("answered_exceptions", detector.answered_exceptions),
    ):
        problems += _exception_problems(key, names)
    problems += parsers.problems_of("level", detector.level, parsers.one_of(get_args(Level)))
    return problems + _text_problems(detector)


def _event_problems(detector: Detector) -> list[Problem]:
    event: object = detector.event
    if event is None:
        has_claims = detector.statuses or detector.exceptions or detector.answered_exceptions
        if detector.where is not None and not has_claims:
            return []
        remedy = "Give it an event name, or only `where`, to count the lines of others."
        return [Problem(key="event", value=event, remedy=remedy)]
    if (
        isinstance(event, str)
        and _is_literal(event)
        and len(event) <= _EVENT_LENGTH
        and event not in OPERATIONAL_EVENTS
    ):
        return []
    remedy = (
        f"Use 1 to {_EVENT_LENGTH} letters, digits, spaces and . _ / : + -, such as "
        f"'Login Failed'. Reserved are {', '.join(map(repr, OPERATIONAL_EVENTS))}."
    )
    return [Problem(key="event", value=event, remedy=remedy)]


def _is_kebab_case(name: str) -> bool:
    return all(consists_of(part, _IN_NAME) for part in plain_text(name).split("-"))


def _is_literal(event: str) -> bool:
    """Whether it is literal in a filter pattern and neither starts nor ends with a mark."""
    text = plain_text(event)
    return consists_of(text, _IN_EVENT) and text.strip(_EVENT_MARKS) == text


def _claim_problems(statuses: object) -> list[Problem]:
    if not isinstance(statuses, tuple):
        remedy = "Use a list of statuses, such as [404, '5xx']."
        return [Problem(key="statuses", value=statuses, remedy=remedy)]
    return [
        Problem(key="statuses", value=claim, remedy="Claim 400 to 599, '4xx' or '5xx'.")
        for claim in statuses
        if not _is_claim(claim)
    ]


def _exception_problems(key: str, names: object) -> list[Problem]:
    example = '"flask_wtf.csrf.CSRFError"'
    if not isinstance(names, tuple):
        remedy = f"Use a list of names of classes, such as [{example}]."
        return [Problem(key=key, value=names, remedy=remedy)]
    remedy = f"Use the name of a class with the module that defines it, such as {example}."
    return [
        Problem(key=key, value=name, remedy=remedy) for name in names if not _is_class_name(name)
    ]


def _is_class_name(name: object) -> bool:
    """Whether it may be the name of a class in a module."""
    parts = name.split(".") if isinstance(name, str) else ()
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


def _text_problems(detector: Detector) -> list[Problem]:
    problems = []
    text: object = detector.description
    link = detector.runbook_url
    if not isinstance(text, str) or len(text) > _DESCRIPTION_LENGTH or DYNAMIC in text:
        remedy = f"Use a string of at most {_DESCRIPTION_LENGTH} characters, without {DYNAMIC!r}."
        problems.append(Problem(key="description", value=text, remedy=remedy))
    try:
        if link is not None and len(parsers.url(link)) > _LINK_LENGTH:
            remedy = f"Use a URL of at most {_LINK_LENGTH} characters."
            problems.append(Problem(key="runbook_url", value=link, remedy=remedy))
    except RefusedValueError as refused:
        problems.append(Problem(key="runbook_url", value=link, remedy=str(refused)))
    return problems


def _is_claim(claim: object) -> bool:
    if isinstance(claim, bool) or not isinstance(claim, int):
        return claim in {"4xx", "5xx"} if isinstance(claim, str) else False
    return 400 <= claim <= 599
