"""The catalogue of detectors: the kinds of failure, the event names of their lines, their alarms.

Lines, metric filters, alarms and exports are all created from these declarations alone, so they
cannot drift apart.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from flask_errwatch import _parsers as parsers
from flask_errwatch._parsers import RefusedValueError
from flask_errwatch._text import consists_of, plain_text
from flask_errwatch.alarms import Alarm, AnyAlarm
from flask_errwatch.config import NAME_LENGTH, Config
from flask_errwatch.errors import ConfigurationError, Problem, UnknownDetectorError, raise_if

Level = Literal["critical", "error", "warning", "info"]
StatusClass = Literal["4xx", "5xx"]

#: Event names of operational lines, which are outside the catalogue.
HEARTBEAT = "Heartbeat"
LINES_DROPPED = "Lines Dropped"
PROCESS_DIED = "Process Died"
#: Their levels.
OPERATIONAL_EVENTS: Mapping[str, Level] = {
    HEARTBEAT: "info",
    LINES_DROPPED: "info",
    PROCESS_DIED: "error",
}

_IN_NAME = string.ascii_lowercase + string.digits
#: Printable ASCII that is literal inside a quoted string of a filter pattern, besides letters and
#: digits.
_EVENT_MARKS = " ._/:+-"
_IN_EVENT = string.ascii_letters + string.digits + _EVENT_MARKS
_EVENT_LENGTH = 100
_NAME_LENGTH = 100
#: Together with the alarm's own text they fit into 1024 characters (PutMetricAlarm).
_DESCRIPTION_LENGTH, _LINK_LENGTH = 500, 400

__all__ = [
    "CRITICAL_ERROR",
    "DEFAULT_DETECTORS",
    "HEARTBEAT",
    "LINES_DROPPED",
    "PROCESS_DIED",
    "Alarm",
    "Catalogue",
    "Detector",
    "Level",
    "StatusClass",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Detector:
    """One kind of failure: the statuses that it claims, the event name of its lines, its alarm.

    Args:
        name: In kebab-case. It is the suffix of the names of the metric filter, metric and alarm.
        event: The value of `event` in its lines: letters, digits, spaces and `. _ / : + -`,
            which are literal inside a filter pattern.
        statuses: HTTP statuses that it claims, from 400 to 599, and the classes `"4xx"` and
            `"5xx"`. A detector without statuses is for `ErrWatch.report`.
        level: The level of its lines. Critical lines are sent at once.
        alarm: An `Alarm` at a fixed threshold, an `AnomalyAlarm` above the usual value, a
            `BusyAlarm` that fires only while there are enough requests, or None.
        description: What the failure means, for the alarm's description.
        runbook_url: A link for the person on call, for the alarm's description.

    Raises:
        ConfigurationError: Names each invalid field.

    Example:
        >>> Detector(name="login-failed", event="Login Failed").pattern
        '{ $.event = "Login Failed" }'
    """

    name: str
    event: str
    statuses: tuple[int | StatusClass, ...] = ()
    level: Level = "warning"
    alarm: AnyAlarm | None = field(default_factory=Alarm)
    description: str = ""
    runbook_url: str | None = None

    def __post_init__(self) -> None:
        # People write lists. Only a tuple keeps the declaration frozen.
        statuses: object = self.statuses
        if isinstance(statuses, list | set | frozenset):
            object.__setattr__(self, "statuses", tuple(statuses))
        problems = _detector_problems(self)
        alarm: object = self.alarm
        if alarm is not None and not isinstance(alarm, AnyAlarm):
            remedy = "Use Alarm(…), AnomalyAlarm(…), BusyAlarm(…) or None."
            problems.append(Problem(key="alarm", value=alarm, remedy=remedy))
        raise_if(problems)

    @property
    def pattern(self) -> str:
        """The metric filter's pattern. It matches `event` alone, which no client can write."""
        return event_pattern(self.event)

    def resource_name(self, app_name: str) -> str:
        """The common name of the metric filter, metric and alarm."""
        return f"{app_name}-{self.name}"


def event_pattern(event: str) -> str:
    """The pattern of the filter that counts the lines with an event name."""
    # Every character that an event name may have is literal in a quoted string.
    return f'{{ $.event = "{event}" }}'


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
    event: object = detector.event
    if (
        not isinstance(event, str)
        or not _is_literal(event)
        or len(event) > _EVENT_LENGTH
        or event in OPERATIONAL_EVENTS
    ):
        remedy = (
            f"Use 1 to {_EVENT_LENGTH} letters, digits, spaces and . _ / : + -, such as "
            f"'Login Failed'. Reserved are {', '.join(map(repr, OPERATIONAL_EVENTS))}."
        )
        problems.append(Problem(key="event", value=event, remedy=remedy))
    problems += _claim_problems(detector.statuses)
    problems += parsers.problems_of("level", detector.level, parsers.one_of(get_args(Level)))
    return problems + _text_problems(detector)


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


#: CloudFormation would resolve a reference that starts so anywhere, and could insert a secret.
_DYNAMIC = "{{resolve:"


def _text_problems(detector: Detector) -> list[Problem]:
    problems = []
    text: object = detector.description
    link = detector.runbook_url
    if not isinstance(text, str) or len(text) > _DESCRIPTION_LENGTH or _DYNAMIC in text:
        remedy = f"Use a string of at most {_DESCRIPTION_LENGTH} characters, without {_DYNAMIC!r}."
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


CRITICAL_ERROR = Detector(
    name="critical-error",
    event="Critical Error",
    statuses=("5xx",),
    level="critical",
    description="The app crashed, or responded that it failed.",
)
#: In the catalogue while `ERRWATCH_LOGGED_ERRORS` is on, unless the app has its own of this name.
LOGGED_ERROR = Detector(
    name="logged-error", event="Logged Error", level="error", description="The app logged an error."
)

DEFAULT_DETECTORS: tuple[Detector, ...] = (
    CRITICAL_ERROR,
    Detector(
        name="authentication-error",
        event="Authentication Error",
        statuses=(401, 403),
        level="error",
        description="A client is guessing passwords, or requests pages without permission.",
    ),
    Detector(
        name="bad-request-error",
        event="Bad Request Error",
        statuses=(400, 422),
        description="Malformed requests: a client is broken, or probing inputs.",
    ),
    Detector(
        name="not-found-error",
        event="Not Found Error",
        statuses=(404, 410),
        description="Paths that do not exist: a client is scanning, or a link is broken.",
    ),
    Detector(
        name="method-not-allowed-error",
        event="Method Not Allowed Error",
        statuses=(405,),
        description="Methods that a path does not allow: a client is probing the API.",
    ),
    Detector(
        name="rate-limit-error",
        event="Rate Limit Error",
        statuses=(429,),
        description="A client sends requests faster than the app allows.",
    ),
    Detector(
        name="client-error",
        event="Client Error",
        statuses=("4xx",),
        alarm=None,
        description="Every other refused request.",
    ),
)


class Catalogue:
    """The detectors of one app: every event belongs to exactly one of them.

    Args:
        detectors: In the order in which they are listed everywhere.

    Raises:
        ConfigurationError: When two detectors share a name, an event name or a status.

    Example:
        >>> Catalogue(DEFAULT_DETECTORS).for_status(418).name
        'client-error'
    """

    __slots__ = ("_claims", "_detectors", "_names")

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._detectors = tuple(detectors)
        raise_if(_catalogue_problems(self._detectors))
        self._claims: dict[int | str, Detector] = {
            claim: detector for detector in self._detectors for claim in detector.statuses
        }
        self._names = {detector.name: detector for detector in self._detectors}

    def __repr__(self) -> str:
        return f"Catalogue({self._detectors!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and self._detectors == other._detectors

    def __hash__(self) -> int:
        return hash(self._detectors)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """The detectors in their order."""
        return self._detectors

    def __iter__(self) -> Iterator[Detector]:
        return iter(self._detectors)

    def __len__(self) -> int:
        return len(self._detectors)

    def for_status(self, status: int) -> Detector | None:
        """The detector that claims the status, or None. An exact status beats a class."""
        return self._claims.get(status) or self._claims.get(f"{status // 100}xx")

    @property
    def critical(self) -> Detector:
        """The detector of exceptions that no error handler handled, even if it is not declared."""
        return self._names.get(CRITICAL_ERROR.name, CRITICAL_ERROR)

    def named(self, name: str) -> Detector:
        """The detector with this name.

        Raises:
            UnknownDetectorError: Lists the names of the catalogue.
        """
        try:
            return self._names[name]
        except (KeyError, TypeError):
            known = ", ".join(self._names) or "none"
            remedy = f"Declare it in ErrWatch(detectors=…); this app has: {known}."
            raise UnknownDetectorError(Problem(key="detector", value=name, remedy=remedy)) from None

    def configured(self, config: Config) -> Catalogue:
        """Returns the catalogue with the overrides, thresholds and periods of the configuration.

        Raises:
            ConfigurationError: Names each invalid override and each name that is too long.
        """
        if config.logged_errors and LOGGED_ERROR.name not in self._names:
            return Catalogue((*self._detectors, LOGGED_ERROR)).configured(config)
        problems: list[Problem] = []
        for key in ("detectors", "per_source_alarms"):
            for name in getattr(config, key):
                if name not in self._names:
                    remedy = f"There is no such detector: this app has {', '.join(self._names)}."
                    config_key = f"ERRWATCH_{key.upper()}[{name!r}]"
                    problems.append(Problem(key=config_key, value=name, remedy=remedy))
        detectors: list[Detector] = []
        for detector in self._detectors:
            try:
                detectors.append(_configured(detector, config))
            except ConfigurationError as error:
                problems.extend(error.problems)
            problems.extend(_name_problems(detector, config.app_name))
        raise_if(problems)
        return Catalogue(tuple(detectors))


def _configured(detector: Detector, config: Config) -> Detector:
    override = config.detectors.get(detector.name, {})
    try:
        alarm, texts = _overridden(detector, override)
        if alarm is not None:
            threshold, period = config.alarm_threshold, config.alarm_period
            alarm = alarm.with_defaults(threshold=threshold, period=period)
        return replace(detector, alarm=alarm, **texts)  # type: ignore[arg-type]  # checked there
    except ConfigurationError as error:
        prefix = f"ERRWATCH_DETECTORS[{detector.name!r}]"
        raise ConfigurationError(
            *(replace(problem, key=f"{prefix}[{problem.key!r}]") for problem in error.problems)
        ) from error


#: Every field of an alarm that can be overridden. `band` is a field of `AnomalyAlarm`.
_ALARM_FIELDS = {*(alarm_field.name for alarm_field in fields(Alarm)), "band"}
_TEXT_FIELDS = {"level", "description", "runbook_url"}


def _overridden(
    detector: Detector, override: Mapping[str, object]
) -> tuple[AnyAlarm | None, dict[str, object]]:
    """Returns the overridden alarm, and the overridden texts. `"alarm": False` means no alarm."""
    for key in override:
        if key not in _ALARM_FIELDS | _TEXT_FIELDS | {"alarm"}:
            known = ", ".join(sorted(_ALARM_FIELDS | _TEXT_FIELDS | {"alarm"}))
            raise_if([Problem(key=key, value=override[key], remedy=f"Use one of: {known}.")])
    if not isinstance(override.get("alarm"), bool | None):
        remedy = "Use false to remove the alarm, and threshold, period, … to change it."
        raise_if([Problem(key="alarm", value=override["alarm"], remedy=remedy)])
    settings = {key: override[key] for key in override if key in _ALARM_FIELDS}
    alarm = detector.alarm
    if settings or override.get("alarm") is True:
        alarm = (alarm or Alarm()).with_overrides(settings)
    if not override.get("alarm", True):
        alarm = None
    texts = {key: override[key] for key in override if key in _TEXT_FIELDS}
    return alarm, texts


def _catalogue_problems(detectors: tuple[object, ...]) -> Iterator[Problem]:
    owners: dict[tuple[str, object], Detector] = {}
    names = [getattr(detector, "name", None) for detector in detectors]
    if CRITICAL_ERROR.name not in names:
        # Its lines are written also when it is not declared, see `Catalogue.critical`.
        owners["event", CRITICAL_ERROR.event] = CRITICAL_ERROR
    for detector in detectors:
        if not isinstance(detector, Detector):
            remedy = "Use Detector(name=…, event=…)."
            yield Problem(key="detectors", value=detector, remedy=remedy)
            continue
        unique: list[tuple[str, object]] = [("name", detector.name), ("event", detector.event)]
        unique += [("statuses", claim) for claim in dict.fromkeys(detector.statuses)]
        for key, value in unique:
            owner = owners.get((key, value))
            if owner is not None:
                both = f"{owner.name!r} and {detector.name!r}"
                remedy = f"Detectors {both} both have it: remove it from one of them."
                yield Problem(key=key, value=value, remedy=remedy)
            owners[key, value] = detector


def _name_problems(detector: Detector, app_name: str) -> list[Problem]:
    name = detector.resource_name(app_name)
    if len(name) <= NAME_LENGTH:
        return []
    remedy = (
        f"The AWS name {name[:20]!r}… of detector {detector.name!r} has {len(name)} characters "
        f"of at most {NAME_LENGTH}: shorten the app name to {NAME_LENGTH - len(detector.name) - 1}."
    )
    return [Problem(key="ERRWATCH_APP_NAME", value=app_name, remedy=remedy)]
