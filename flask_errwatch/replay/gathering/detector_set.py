"""The detectors that judge a log: an app's or the default ones, with `--set` applied."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from flask_errwatch._parsers import parse_json
from flask_errwatch.config import Config, load
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.errors import ConfigurationError, ErrWatchError, Problem
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.provision.resources import MetricFilter

if TYPE_CHECKING:
    from flask_errwatch.capture.request_classifier import RequestClassifier

_KEY = re.compile(r"ERRWATCH_DETECTORS\['([^']*)'\](?:\['([^']*)'\])?")


class WrongSettingError(ErrWatchError):
    """A `--set` that cannot work."""


@dataclass(frozen=True, slots=True)
class DetectorSet:
    """The detectors that judge a log, and the resources that `apply` would create for them.

    Args:
        name: What a report calls them, as `the detectors of shop`.
        catalogue: The detectors, configured.
        config: The configuration that their defaults come from.
        classifier: Classifies requests by the URL map of the app. None without an app.

    Attributes:
        desired: Their resources.

    Raises:
        ConfigurationError: When their resources cannot be created.
    """

    name: str
    catalogue: Catalogue
    config: Config
    classifier: RequestClassifier | None = None
    desired: Desired = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        desired = desired_resources(self.catalogue, self.config)
        object.__setattr__(self, "desired", desired)

    @property
    def quiet_alarms(self) -> frozenset[str]:
        """The alarms that notify no one, by their names without the app's.

        They are declared so, or a composite alarm notifies for them.
        """
        desired = self.desired
        composites = (*desired.composites, *desired.app_alarms)
        parts = {name for composite in composites for name in composite.children}
        prefix = f"{desired.app_name}-"
        return frozenset(name.removeprefix(prefix) for name in desired.silent | parts)

    @classmethod
    def default(cls, name: str) -> DetectorSet:
        """The default detectors, with thresholds and periods from the environment.

        Raises:
            ConfigurationError: When an environment variable is not valid.
        """
        config = load({}, os.environ, app_name="app")
        return cls(name, Catalogue(DEFAULT_DETECTORS).configured(config), config)

    def with_filters(self, filters: tuple[MetricFilter, ...]) -> DetectorSet:
        """The same detectors, whose metric filters count other lines."""
        other = replace(self)
        object.__setattr__(other, "desired", replace(self.desired, filters=filters))
        return other

    def with_settings(self, settings: Sequence[str]) -> DetectorSet:
        """The same detectors with other values.

        Args:
            settings: As `not-found-error.threshold=50`.

        Raises:
            WrongSettingError: Listing each setting that cannot work.
        """
        if not settings:
            return self
        overrides: dict[str, dict[str, object]] = {}
        for setting in settings:
            target, is_set, value = setting.partition("=")
            name, dot, key = target.partition(".")
            if not (is_set and dot and name and key):
                remedy = "Write DETECTOR.FIELD=VALUE, as not-found-error.threshold=50."
                raise WrongSettingError(Problem(key="--set", value=setting, remedy=remedy))
            overrides.setdefault(name, {})[key] = _value(value)
        try:
            tried = self.catalogue.configured(self.config._replace(detectors=overrides))
        except ConfigurationError as error:
            raise WrongSettingError(*map(_as_option, error.problems)) from error
        known = self.config.detectors
        merged = {
            **known,
            **{name: {**known.get(name, {}), **overrides[name]} for name in overrides},
        }
        return replace(self, catalogue=tried, config=self.config._replace(detectors=merged))


def _value(text: str) -> object:
    """A number, true, false or null. Anything else is a string."""
    try:
        value = parse_json(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | None) else text


def _as_option(problem: Problem) -> Problem:
    """The problem under the name of its option."""
    key = _KEY.sub(lambda match: "--set " + ".".join(filter(None, match.groups())), problem.key)
    return replace(problem, key=key)
