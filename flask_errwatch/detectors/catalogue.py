"""`Catalogue`: the detectors of one app, each line of which belongs to exactly one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace

from flask_errwatch._text import did_you_mean
from flask_errwatch.alarms import Alarm, AnyAlarm, SourceAlarm
from flask_errwatch.config import NAME_LENGTH, Config
from flask_errwatch.detectors.defaults import (
    CRITICAL_ERROR,
    LOGGED_ERROR,
    as_in_0_1,
    notifying,
)
from flask_errwatch.detectors.detector import Detector
from flask_errwatch.errors import ConfigurationError, Problem, UnknownDetectorError, raise_if


class Catalogue:
    """The detectors of one app: every line belongs to exactly one of those that have an event name.

    The others count lines of these, each line as many of them as it matches.

    Args:
        detectors: In the order in which they are listed everywhere.

    Raises:
        ConfigurationError: When two detectors share a name, an event name, a status or an
            exception.

    Example:
        >>> from flask_errwatch import DEFAULT_DETECTORS
        >>> Catalogue(DEFAULT_DETECTORS).for_status(418).name
        'client-error'
    """

    __slots__ = (
        *("_answered_exceptions", "_claims", "_class_names", "_detectors", "_exceptions"),
        "_names",
    )

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._detectors = tuple(detectors)
        raise_if(_catalogue_problems(self._detectors))
        self._claims: dict[int | str, Detector] = {
            claim: detector for detector in self._detectors for claim in detector.statuses
        }
        self._exceptions = {
            name: detector for detector in self._detectors for name in detector.exceptions
        }
        self._answered_exceptions = {
            name: detector for detector in self._detectors for name in detector.answered_exceptions
        }
        # Most exceptions have another name. It is compared before the dotted one is built.
        self._class_names = frozenset(
            name.rpartition(".")[2] for name in (*self._exceptions, *self._answered_exceptions)
        )
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
        """The detector that claims the status, or None. An exact status beats a class.

        It has an event name: a detector that counts lines of others claims no status.
        """
        return self._claims.get(status) or self._claims.get(f"{status // 100}xx")

    @property
    def claims_exceptions(self) -> bool:
        """Whether a detector claims any exception."""
        return bool(self._class_names)

    def for_exception(self, error: BaseException, status: int) -> Detector | None:
        """The detector that claims the nearest class of the exception, or None.

        Classes are recognised by their names, so that none is imported.

        Args:
            error: The exception.
            status: The status with which it was answered, or 0. Some are claimed only with 4xx.
        """
        is_refusal = 400 <= status < 500
        for kind in type(error).__mro__:
            if kind.__name__ not in self._class_names:
                continue
            name = f"{kind.__module__}.{kind.__qualname__}"
            detector = self._exceptions.get(name)
            if detector is None and is_refusal:
                detector = self._answered_exceptions.get(name)
            if detector is not None:
                return detector
        return None

    @property
    def critical(self) -> Detector:
        """The detector of exceptions that no error handler handled, even if it is not declared."""
        return self._names.get(CRITICAL_ERROR.name, CRITICAL_ERROR)

    def named(self, name: str) -> Detector:
        """The detector with this name.

        Raises:
            UnknownDetectorError: Lists the names of the catalogue, and suggests the nearest.
        """
        try:
            return self._names[name]
        except (KeyError, TypeError):
            known = ", ".join(self._names) or "none"
            hint = did_you_mean(str(name), self._names)
            remedy = f"{hint} Declare it in ErrWatch(detectors=…); this app has: {known}.".lstrip()
            raise UnknownDetectorError(Problem(key="detector", value=name, remedy=remedy)) from None

    def like(self, shipped: Detector) -> Detector | None:
        """The app's detector with the meaning of a shipped one, or None.

        It has the same name and event, and claims nothing else: one that claims statuses or
        exceptions of its own means these.
        """
        own = self._names.get(shipped.name)
        is_like = (
            own is not None and own.event == shipped.event and _claims(own) <= _claims(shipped)
        )
        return own if is_like else None

    def to_report(self, name: str) -> Detector:
        """The detector with this name, which has lines of its own.

        Raises:
            UnknownDetectorError: Lists the names of those that have.
        """
        detector = self.named(name)
        if detector.event is not None:
            return detector
        others = ", ".join(other.name for other in self if other.event is not None) or "none"
        remedy = f"It only counts the lines of others: report one of {others}."
        raise UnknownDetectorError(Problem(key="detector", value=name, remedy=remedy))

    def configured(self, config: Config) -> Catalogue:
        """Returns the catalogue with the overrides, thresholds and periods of the configuration.

        Raises:
            ConfigurationError: Names each invalid override and each name that is too long.
        """
        chosen = Catalogue(_chosen(self._detectors, config))
        names = ", ".join(chosen._names)
        problems: list[Problem] = []
        for key in ("detectors", "per_source_alarms"):
            for name in getattr(config, key):
                if name not in chosen._names:
                    hint = did_you_mean(name, chosen._names)
                    remedy = f"There is no such detector: this app has {names}. {hint}".rstrip()
                    config_key = f"ERRWATCH_{key.upper()}[{name!r}]"
                    problems.append(Problem(key=config_key, value=name, remedy=remedy))
        detectors: list[Detector] = []
        for detector in chosen:
            try:
                detectors.append(_configured(detector, config))
            except ConfigurationError as error:
                problems.extend(error.problems)
            problems.extend(_name_problems(detector, config.app_name))
        raise_if(problems)
        return Catalogue(tuple(detectors))


def _claims(detector: Detector) -> set[int | str]:
    return {*detector.statuses, *detector.exceptions, *detector.answered_exceptions}


def _chosen(detectors: Iterable[Detector], config: Config) -> list[Detector]:
    """Returns the detectors that the configuration's version of the catalogue has."""
    if config.defaults == "0.1":
        detectors = as_in_0_1(detectors)
    elif config.source_alarms == "off" or not _have_source_alarm(detectors, config):
        # Nothing else would notify of a scan.
        detectors = notifying(detectors)
    chosen = [*detectors]
    if config.logged_errors and all(detector.name != LOGGED_ERROR.name for detector in chosen):
        chosen.append(LOGGED_ERROR)
    return chosen


def _have_source_alarm(detectors: Iterable[Detector], config: Config) -> bool:
    """Whether an alarm on sources stays, unless an override removes it."""
    return any(
        isinstance(detector.alarm, SourceAlarm)
        and config.detectors.get(detector.name, {}).get("alarm") is not False
        for detector in detectors
    )


def _configured(detector: Detector, config: Config) -> Detector:
    override = config.detectors.get(detector.name, {})
    try:
        alarm, others = _overridden(detector, override)
        if alarm is not None:
            threshold, period = config.alarm_threshold, config.alarm_period
            alarm = alarm.with_defaults(threshold=threshold, period=period)
        return replace(detector, alarm=alarm, **others)  # type: ignore[arg-type]  # checked there
    except ConfigurationError as error:
        prefix = f"ERRWATCH_DETECTORS[{detector.name!r}]"
        raise ConfigurationError(
            *(replace(problem, key=f"{prefix}[{problem.key!r}]") for problem in error.problems)
        ) from error


#: Every field of an alarm that can be overridden. `band` is a field of `AnomalyAlarm`. The `value`
#: of a `SourceAlarm` is that of its detector, unless the app declares another.
_ALARM_FIELDS = {
    *(
        alarm_field.name
        for alarm_type in (Alarm, SourceAlarm)
        for alarm_field in fields(alarm_type)
    ),
    "band",
} - {"value"}
_OWN_FIELDS = {"level", "description", "runbook_url", "where", "value"}
_OVERRIDES = {*_ALARM_FIELDS, *_OWN_FIELDS, "alarm"}


def _overridden(
    detector: Detector, override: Mapping[str, object]
) -> tuple[AnyAlarm | None, dict[str, object]]:
    """Returns the overridden alarm, and the other fields. `"alarm": False` means no alarm."""
    for key in override:
        if key not in _OVERRIDES:
            known = ", ".join(sorted(_OVERRIDES))
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
    return alarm, {key: override[key] for key in override if key in _OWN_FIELDS}


#: The package itself writes lines of these.
_HAVE_LINES = (CRITICAL_ERROR.name, LOGGED_ERROR.name)


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
        if detector.event is None and detector.name in _HAVE_LINES:
            remedy = f"Detector {detector.name!r} has lines of its own: give it an event name."
            yield Problem(key="event", value=None, remedy=remedy)
        unique: list[tuple[str, object]] = [("name", detector.name)]
        if detector.event is not None:
            unique.append(("event", detector.event))
        unique += [("statuses", claim) for claim in dict.fromkeys(detector.statuses)]
        classes = dict.fromkeys((*detector.exceptions, *detector.answered_exceptions))
        unique += [("exceptions", name) for name in classes]
        for key, value in unique:
            owner = owners.get((key, value))
            if owner is not None:
                both = f"{owner.name!r} and {detector.name!r}"
                remedy = f"Detectors {both} both have it: remove it from one of them."
                if key == "event":
                    remedy += " One without an event name counts lines of others, with `where`."
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
