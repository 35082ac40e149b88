"""What is wrong in a single detector or alarm: values in, problems out."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from types import UnionType
from typing import TYPE_CHECKING

from flask_errwatch import _values as values
from flask_errwatch._guard import plain_text
from flask_errwatch._values import RefusedValueError
from flask_errwatch.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from flask_errwatch.alarms import Alarm
    from flask_errwatch.detectors import Detector
    from flask_errwatch.special_alarms import AnomalyAlarm, BusyAlarm

HEARTBEAT = "Heartbeat"
LINES_DROPPED = "Lines Dropped"

_IN_NAME = string.ascii_lowercase + string.digits
#: Printable ASCII that, beside letters and digits, means itself inside a quoted string of a
#: filter pattern.
_PHRASE_MARKS = " ._/:+-"
_IN_PHRASE = string.ascii_letters + string.digits + _PHRASE_MARKS
_PHRASE_LENGTH = 100
_NAME_LENGTH = 100
#: Together with what the alarm says itself they fit into 1024 characters (PutMetricAlarm).
_DESCRIPTION_LENGTH, _LINK_LENGTH = 500, 400
_DAY = 86_400
_CHOICES: dict[str, tuple[str, ...]] = {
    "statistic": ("Sum", "Average", "Minimum", "Maximum", "SampleCount"),
    "comparison_operator": (
        "GreaterThanThreshold",
        "GreaterThanOrEqualToThreshold",
        "LessThanThreshold",
        "LessThanOrEqualToThreshold",
    ),
    "treat_missing_data": ("breaching", "notBreaching", "ignore", "missing"),
    "level": ("critical", "error", "warning", "info"),
}


def raise_if(problems: Iterable[Problem]) -> None:
    """Raises one error that lists the problems, if there are any."""
    found = tuple(problems)
    if found:
        raise ConfigurationError(*found)


def _choice_problem(key: str, value: object) -> list[Problem]:
    allowed = _CHOICES[key]
    if isinstance(value, str) and value in allowed:
        return []
    return [Problem(key=key, value=value, remedy=f"Use one of: {', '.join(allowed)}.")]


def alarm_problems(alarm: Alarm) -> list[Problem]:
    """What CloudWatch would refuse in the alarm."""
    return [
        *_choice_problem("statistic", alarm.statistic),
        *_choice_problem("comparison_operator", alarm.comparison_operator),
        *_choice_problem("treat_missing_data", alarm.treat_missing_data),
        *_number_problem("threshold", alarm.threshold, minimum=0),
        *_window_problems(alarm),
    ]


def anomaly_problems(alarm: AnomalyAlarm) -> list[Problem]:
    """What CloudWatch would refuse in an alarm on an anomaly band."""
    problems = _number_problem("band", alarm.band, minimum=0)
    if not problems and not alarm.band:
        remedy = "Use a number of standard deviations above 0, such as 2."
        problems = [Problem(key="band", value=alarm.band, remedy=remedy)]
    return [
        *problems,
        *_choice_problem("statistic", alarm.statistic),
        *_choice_problem("treat_missing_data", alarm.treat_missing_data),
        *_window_problems(alarm),
    ]


def busy_problems(alarm: BusyAlarm) -> list[Problem]:
    """What CloudWatch would refuse in an alarm that wants a minimum of requests."""
    problems = _number_problem("minimum_requests", alarm.minimum_requests, minimum=1)
    requests = alarm.requests
    named: tuple[tuple[str, object], ...] = (
        ("namespace", requests.namespace),
        ("name", requests.name),
    )
    for key, name in named:
        if not isinstance(name, str) or not values.is_metric_name(name) or len(name) > 255:
            remedy = "Use 1 to 255 characters, none of them ':', '*' or '$'."
            problems.append(Problem(key=f"requests.{key}", value=name, remedy=remedy))
    return [*problems, *_choice_problem("statistic", requests.statistic)]


def _number_problem(key: str, value: object, *, minimum: float) -> list[Problem]:
    return _parse_problem(key, value, int | float, values.number(minimum=minimum))


def _parse_problem(
    key: str, value: object, exact: type | UnionType, parse: Callable[[object], object]
) -> list[Problem]:
    """A text or a float that would do in the environment is a slip in a declaration."""
    try:
        if value is not None:
            parse(value if isinstance(value, exact) else "")
    except RefusedValueError as refused:
        return [Problem(key=key, value=value, remedy=str(refused))]
    return []


def _window_problems(alarm: Alarm | AnomalyAlarm) -> list[Problem]:
    """What is wrong with its period and with how many periods are looked at."""
    problems = _parse_problem("period", alarm.period, int, values.period)
    number, needed = alarm.evaluation_periods, alarm.datapoints_to_alarm
    if not _is_count(number):
        remedy = "Use a whole number of at least 1."
        problems.append(Problem(key="evaluation_periods", value=number, remedy=remedy))
    elif needed is not None and not (_is_count(needed) and needed <= number):
        remedy = f"Use a whole number from 1 to evaluation_periods ({number}), or leave it out."
        problems.append(Problem(key="datapoints_to_alarm", value=needed, remedy=remedy))
    if not problems and alarm.period is not None:
        longest = _DAY if alarm.period < 3600 else 7 * _DAY
        if alarm.period * number > longest:
            remedy = f"period x evaluation_periods may span at most {longest} seconds."
            problems.append(Problem(key="evaluation_periods", value=number, remedy=remedy))
    return problems


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def detector_problems(detector: Detector) -> list[Problem]:
    """What is wrong in the detector itself, its alarm aside."""
    problems = []
    name: object = detector.name
    if not isinstance(name, str) or not _is_kebab_case(name) or len(name) > _NAME_LENGTH:
        remedy = (
            f"Use kebab-case of at most {_NAME_LENGTH} characters: small letters, digits and "
            "single '-', such as 'login-failed'."
        )
        problems.append(Problem(key="name", value=name, remedy=remedy))
    phrase: object = detector.event
    if (
        not isinstance(phrase, str)
        or not _means_itself(phrase)
        or len(phrase) > _PHRASE_LENGTH
        or phrase in {HEARTBEAT, LINES_DROPPED}
    ):
        remedy = (
            f"Use 1 to {_PHRASE_LENGTH} letters, digits, spaces and . _ / : + -, such as "
            f"'Login Failed'; {HEARTBEAT!r} and {LINES_DROPPED!r} are taken."
        )
        problems.append(Problem(key="event", value=phrase, remedy=remedy))
    problems += _claim_problems(detector.statuses)
    problems += _choice_problem("level", detector.level)
    return problems + _text_problems(detector)


def _is_kebab_case(name: str) -> bool:
    return all(values.consists_of(part, _IN_NAME) for part in plain_text(name).split("-"))


def _means_itself(phrase: str) -> bool:
    """Whether a filter pattern takes it as it stands, and it begins and ends with no mark."""
    text = plain_text(phrase)
    return values.consists_of(text, _IN_PHRASE) and text.strip(_PHRASE_MARKS) == text


def _claim_problems(statuses: object) -> list[Problem]:
    if not isinstance(statuses, tuple):
        remedy = "Use a list of statuses, such as [404, '5xx']."
        return [Problem(key="statuses", value=statuses, remedy=remedy)]
    return [
        Problem(key="statuses", value=claim, remedy="Claim 400 to 599, '4xx' or '5xx'.")
        for claim in statuses
        if not _is_claim(claim)
    ]


#: CloudFormation would put a secret in the place of what begins so, wherever it stands.
_DYNAMIC = "{{resolve:"


def _text_problems(detector: Detector) -> list[Problem]:
    problems = []
    text: object = detector.description
    link = detector.runbook_url
    if not isinstance(text, str) or len(text) > _DESCRIPTION_LENGTH or _DYNAMIC in text:
        remedy = f"Use a text of at most {_DESCRIPTION_LENGTH} characters, without {_DYNAMIC!r}."
        problems.append(Problem(key="description", value=text, remedy=remedy))
    try:
        if link is not None and len(values.url(link)) > _LINK_LENGTH:
            remedy = f"Use a URL of at most {_LINK_LENGTH} characters."
            problems.append(Problem(key="runbook_url", value=link, remedy=remedy))
    except RefusedValueError as refused:
        problems.append(Problem(key="runbook_url", value=link, remedy=str(refused)))
    return problems


def _is_claim(claim: object) -> bool:
    if isinstance(claim, bool) or not isinstance(claim, int):
        return claim in {"4xx", "5xx"} if isinstance(claim, str) else False
    return 400 <= claim <= 599
