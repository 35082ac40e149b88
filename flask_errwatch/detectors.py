"""The catalogue: which failures exist, how their lines read, and when they alarm.

Lines, metric filters, alarms and exports are all made from these declarations and from
nothing else, which is why they cannot drift apart.
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
from flask_errwatch.config import NAME, Config
from flask_errwatch.errors import ConfigurationError, Problem, UnknownDetectorError, raise_if

Level = Literal["critical", "error", "warning", "info"]
StatusClass = Literal["4xx", "5xx"]

#: Event names of operational lines, which are outside the catalogue.
HEARTBEAT = "Heartbeat"
LINES_DROPPED = "Lines Dropped"
OPERATIONAL_EVENTS = frozenset({HEARTBEAT, LINES_DROPPED})

_IN_NAME = string.ascii_lowercase + string.digits
#: Printable ASCII that, beside letters and digits, means itself inside a quoted string of a
#: filter pattern.
_PHRASE_MARKS = " ._/:+-"
_IN_PHRASE = string.ascii_letters + string.digits + _PHRASE_MARKS
_PHRASE_LENGTH = 100
_NAME_LENGTH = 100
#: Together with what the alarm says itself they fit into 1024 characters (PutMetricAlarm).
_DESCRIPTION_LENGTH, _LINK_LENGTH = 500, 400
__all__ = [
    "CRITICAL_ERROR",
    "DEFAULT_DETECTORS",
    "HEARTBEAT",
    "LINES_DROPPED",
    "Alarm",
    "Catalogue",
    "Detector",
    "Level",
    "StatusClass",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Detector:
    """One kind of failure: what it claims, the phrase its lines carry, its alarm.

    Args:
        name: Kebab-case; ends the names of its metric filter, metric and alarm.
        event: The phrase that its lines carry in `event`; letters, digits, spaces and
            `. _ / : + -`, so that it means itself inside a filter pattern.
        statuses: HTTP statuses that it claims, from 400 to 599, and the classes `"4xx"` and
            `"5xx"`. A detector without any is reached by `ErrWatch.report`.
        level: The level of its lines; a critical line is sent at once.
        alarm: When it alarms: an `Alarm` at a fixed threshold, an `AnomalyAlarm` above what is
            usual, a `BusyAlarm` only while enough requests come in; None means never.
        description: What it means, in the alarm's description.
        runbook_url: Where the person called reads on, in the alarm's description.

    Raises:
        ConfigurationError: Naming each field that is wrong.

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
        # A list is what people write; only a tuple keeps the declaration frozen.
        statuses: object = self.statuses
        if isinstance(statuses, list | set | frozenset):
            object.__setattr__(self, "statuses", tuple(statuses))
        problems = _detector_problems(self)
        alarm: object = self.alarm
        if alarm is not None and not isinstance(alarm, AnyAlarm):
            remedy = "Use Alarm(…), AnomalyAlarm(…), BusyAlarm(…), or None for no alarm."
            problems.append(Problem(key="alarm", value=alarm, remedy=remedy))
        raise_if(problems)

    @property
    def pattern(self) -> str:
        """The metric filter's pattern: the exact phrase in `event`, nothing an outsider writes."""
        # Every character that an event name may have stands for itself in a quoted string.
        return f'{{ $.event = "{self.event}" }}'

    def resource_name(self, app_name: str) -> str:
        """The one name of its metric filter, metric and alarm."""
        return f"{app_name}-{self.name}"


def _detector_problems(detector: Detector) -> list[Problem]:
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
        or phrase in OPERATIONAL_EVENTS
    ):
        remedy = (
            f"Use 1 to {_PHRASE_LENGTH} letters, digits, spaces and . _ / : + -, such as "
            f"'Login Failed'; {HEARTBEAT!r} and {LINES_DROPPED!r} are taken."
        )
        problems.append(Problem(key="event", value=phrase, remedy=remedy))
    problems += _claim_problems(detector.statuses)
    problems += parsers.problems_of("level", detector.level, parsers.one_of(get_args(Level)))
    return problems + _text_problems(detector)


def _is_kebab_case(name: str) -> bool:
    return all(consists_of(part, _IN_NAME) for part in plain_text(name).split("-"))


def _means_itself(phrase: str) -> bool:
    """Whether a filter pattern takes it as it stands, and it begins and ends with no mark."""
    text = plain_text(phrase)
    return consists_of(text, _IN_PHRASE) and text.strip(_PHRASE_MARKS) == text


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
    description="The app crashed, or answered that it could not do its work.",
)

DEFAULT_DETECTORS: tuple[Detector, ...] = (
    CRITICAL_ERROR,
    Detector(
        name="authentication-error",
        event="Authentication Error",
        statuses=(401, 403),
        level="error",
        description="Somebody is guessing passwords, or reaching for what is not theirs.",
    ),
    Detector(
        name="bad-request-error",
        event="Bad Request Error",
        statuses=(400, 422),
        description="Requests that make no sense: a broken client, or somebody probing inputs.",
    ),
    Detector(
        name="not-found-error",
        event="Not Found Error",
        statuses=(404, 410),
        description="Paths that do not exist: somebody is scanning, or a link is broken.",
    ),
    Detector(
        name="method-not-allowed-error",
        event="Method Not Allowed Error",
        statuses=(405,),
        description="Methods that a path does not take: somebody is probing the API.",
    ),
    Detector(
        name="rate-limit-error",
        event="Rate Limit Error",
        statuses=(429,),
        description="Somebody calls faster than the app allows.",
    ),
    Detector(
        name="client-error",
        event="Client Error",
        statuses=("4xx",),
        alarm=None,
        description="Every other request that was refused.",
    ),
)


class Catalogue:
    """The detectors of one app: every event belongs to exactly one of them.

    Args:
        detectors: In the order in which they are listed everywhere.

    Raises:
        ConfigurationError: When two detectors share a name, a phrase or an equal claim.

    Example:
        >>> Catalogue(DEFAULT_DETECTORS).for_status(418).name
        'client-error'
    """

    __slots__ = ("_claims", "_detectors", "_names")

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._detectors = tuple(detectors)
        raise_if(_catalogue_problems(self._detectors))
        self._claims: dict[int | str, Detector] = {
            claim: each for each in self._detectors for claim in each.statuses
        }
        self._names = {each.name: each for each in self._detectors}

    def __repr__(self) -> str:
        return f"Catalogue({self._detectors!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and self._detectors == other._detectors

    def __hash__(self) -> int:
        return hash(self._detectors)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        """In their order."""
        return self._detectors

    def __iter__(self) -> Iterator[Detector]:
        return iter(self._detectors)

    def __len__(self) -> int:
        return len(self._detectors)

    def for_status(self, status: int) -> Detector | None:
        """The detector that claims the status: an exact claim beats a class."""
        return self._claims.get(status) or self._claims.get(f"{status // 100}xx")

    @property
    def critical(self) -> Detector:
        """What takes an exception that nobody answered, also where none was declared."""
        return self._names.get(CRITICAL_ERROR.name, CRITICAL_ERROR)

    def named(self, name: str) -> Detector:
        """The detector of that name.

        Raises:
            UnknownDetectorError: Listing the names there are.
        """
        try:
            return self._names[name]
        except (KeyError, TypeError):
            known = ", ".join(self._names) or "none"
            remedy = f"Declare it in ErrWatch(detectors=…); this app has: {known}."
            raise UnknownDetectorError(Problem(key="detector", value=name, remedy=remedy)) from None

    def configured(self, config: Config) -> Catalogue:
        """The catalogue with the app's overrides, thresholds and periods filled in.

        Raises:
            ConfigurationError: Naming each override that is wrong and each name too long.
        """
        problems: list[Problem] = []
        for key in ("detectors", "per_source_alarms"):
            for name in (each for each in getattr(config, key) if each not in self._names):
                remedy = f"There is no such detector; this app has: {', '.join(self._names)}."
                place = f"ERRWATCH_{key.upper()}[{name!r}]"
                problems.append(Problem(key=place, value=name, remedy=remedy))
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
            *(
                Problem(key=f"{prefix}[{each.key!r}]", value=each.value, remedy=each.remedy)
                for each in error.problems
            )
        ) from error


#: Every field of an alarm that can be overridden; the band is that of an `AnomalyAlarm`.
_ALARM_FIELDS = {*(each.name for each in fields(Alarm)), "band"}
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
        remedy = "Use false to have no alarm, and threshold, period, … to change it."
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
    taken: dict[tuple[str, object], Detector] = {}
    if not any(getattr(each, "name", None) == CRITICAL_ERROR.name for each in detectors):
        # Its lines are written also where it was not declared, see `Catalogue.critical`.
        taken["event", CRITICAL_ERROR.event] = CRITICAL_ERROR
    for detector in detectors:
        if not isinstance(detector, Detector):
            remedy = "Use Detector(name=…, event=…)."
            yield Problem(key="detectors", value=detector, remedy=remedy)
            continue
        said: list[tuple[str, object]] = [("name", detector.name), ("event", detector.event)]
        said += [("statuses", claim) for claim in dict.fromkeys(detector.statuses)]
        for key, value in said:
            other = taken.get((key, value))
            if other is not None:
                both = f"{other.name!r} and {detector.name!r}"
                remedy = f"Detectors {both} both have it: let only one of them."
                yield Problem(key=key, value=value, remedy=remedy)
            taken[key, value] = detector


def _name_problems(detector: Detector, app_name: str) -> list[Problem]:
    name = detector.resource_name(app_name)
    if len(name) <= NAME:
        return []
    remedy = (
        f"The AWS name {name[:20]!r}… of detector {detector.name!r} has {len(name)} characters "
        f"of at most {NAME}: shorten the app name to {NAME - len(detector.name) - 1}."
    )
    return [Problem(key="ERRWATCH_APP_NAME", value=app_name, remedy=remedy)]
