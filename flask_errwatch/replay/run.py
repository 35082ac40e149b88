"""One replay from the names of the logs to the findings."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flask_errwatch.config import Config, load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.errors import ConfigurationError, ErrWatchError, Problem
from flask_errwatch.replay.findings import Findings
from flask_errwatch.replay.progress import follow
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.text import counted
from flask_errwatch.simulation import Replay, advise, judgeable, replay, shown_time

_KEY = re.compile(r"ERRWATCH_DETECTORS\['([^']*)'\](?:\['([^']*)'\])?")


class WrongSettingError(ErrWatchError):
    """A `--set` that cannot work."""


class MissingExtraError(ErrWatchError):
    """Something is asked for that an extra brings, which is not installed."""


@dataclass(frozen=True, slots=True)
class Judges:
    """The detectors that judge.

    Args:
        name: Whose they are, in words.
        catalogue: The detectors, configured.
        config: Where their defaults are from.
    """

    name: str
    catalogue: Catalogue
    config: Config

    @classmethod
    def default(cls, name: str) -> Judges:
        """The default detectors, with what the environment says of thresholds and periods.

        Raises:
            ConfigurationError: Of what the environment says.
        """
        config = load({}, os.environ, app_name="app")
        return cls(name, Catalogue(DEFAULT_DETECTORS).configured(config), config)

    def trying(self, settings: Iterable[str]) -> Judges:
        """The same with other values.

        Args:
            settings: As `not-found-error.threshold=50`.

        Raises:
            WrongSettingError: Listing each that cannot work.
        """
        overrides: dict[str, dict[str, object]] = {}
        for setting in settings:
            place, is_set, value = setting.partition("=")
            name, dot, field = place.partition(".")
            if not (is_set and dot and name and field):
                remedy = "Write DETECTOR.FIELD=VALUE, as not-found-error.threshold=50."
                raise WrongSettingError(Problem(key="--set", value=setting, remedy=remedy))
            overrides.setdefault(name, {})[field] = _value(value)
        try:
            tried = self.catalogue.configured(self.config._replace(detectors=overrides))
        except ConfigurationError as error:
            raise WrongSettingError(*map(_as_option, error.problems)) from error
        return replace(self, catalogue=tried)


def _value(text: str) -> object:
    """A number, true, false or null; anything else is a text."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | None) else text


def _as_option(problem: Problem) -> Problem:
    """The problem under the name by which it was given."""
    key = _KEY.sub(lambda found: "--set " + ".".join(filter(None, found.groups())), problem.key)
    return replace(problem, key=key)


def run(
    names: Sequence[str],
    judges: Judges,
    *,
    form: str,
    alarms_a_week: float | None,
    heartbeat: bool = True,
) -> Findings:
    """Reads the logs and judges them.

    Args:
        names: Paths, or `-` for standard input.
        judges: The detectors.
        form: A name of `formats.FORMATS`, or `auto`.
        alarms_a_week: What advice keeps to; None for no advice.
        heartbeat: Whether the heartbeat that the app is configured with makes zeros of quiet
            minutes; logs that hold Heartbeat lines say that themselves.

    Raises:
        UnreadableLogError: One of the logs does not exist, is a directory or is binary.
    """
    session = Session(names, judges.catalogue, form)
    follow(session.read())
    reading = session.reading
    config = judges.config
    is_filled = heartbeat and config.heartbeat_seconds > 0 and not reading.is_beating
    found = replay(reading.tally, judges.catalogue, period=config.alarm_period, heartbeat=is_filled)
    advice = (
        () if alarms_a_week is None else advise(reading.tally, found, alarms_a_week=alarms_a_week)
    )
    return Findings(
        logs=tuple(names),
        judged_by=judges.name,
        replay=found,
        advice=advice,
        alarms_a_week=alarms_a_week,
        bad_lines=reading.bad_lines,
        bad=tuple(reading.bad),
        notes=(*_notes(session), *_gap_notes(found), *_alarm_notes(judges.catalogue)),
    )


def _notes(session: Session) -> Iterator[str]:
    for log, defect in session.defects.items():
        yield f"{log}: {defect}"
    for jump in session.reading.jumps.values():
        times = counted(jump.times, "time")
        yield (
            f"{jump.log}: the clock jumps back {times}, first at line {jump.number:,} by "
            f"{counted(jump.seconds // 60, 'minute')}; each line is judged at its own time."
        )


def _gap_notes(found: Replay) -> Iterator[str]:
    if found.gaps:
        before, after = found.gaps[0]
        others = f", nor in {counted(len(found.gaps) - 1, 'other gap')}" * (len(found.gaps) > 1)
        yield (
            f"No line is from {shown_time(before)} to {shown_time(after)}{others}: that is not "
            "counted among the days. Is a clock wrong on one side of it?"
        )


def _alarm_notes(catalogue: Catalogue) -> Iterator[str]:
    for detector in catalogue:
        judged = judgeable(detector).alarm
        if judged is None and detector.alarm is not None:
            yield f"{detector.name}: what is usual only CloudWatch knows; its lines are counted."
        elif judged != detector.alarm:
            yield f"{detector.name}: its failures are judged as if there were always requests."


def page_writer() -> Callable[[Findings], str]:
    """The function that makes the page.

    Raises:
        MissingExtraError: The charting library is not installed.
    """
    try:
        from flask_errwatch.replay.page import page
    except ImportError as error:
        remedy = "Install the extra that draws charts: pip install 'flask-errwatch[replay]'."
        raise MissingExtraError(Problem(key="--html", value=error.name, remedy=remedy)) from error
    return page
