"""Flask applications as their own intrusion and failure detectors on AWS."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from flask_errwatch.alarms import Alarm, AnomalyAlarm, BusyAlarm, RequestMetric
from flask_errwatch.capture.events import event_recorded
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.errors import (
    AlreadyInitialisedError,
    AwsCallError,
    ConfigurationError,
    ErrWatchError,
    NoAppError,
    PatternSyntaxError,
    Problem,
    UnknownDetectorError,
)
from flask_errwatch.extension import ErrWatch

if TYPE_CHECKING:
    from flask_errwatch.provision import Plan

__version__ = "0.1.0"

__all__ = [
    "DEFAULT_DETECTORS",
    "Alarm",
    "AlreadyInitialisedError",
    "AnomalyAlarm",
    "AwsCallError",
    "BusyAlarm",
    "Catalogue",
    "ConfigurationError",
    "Detector",
    "ErrWatch",
    "ErrWatchError",
    "NoAppError",
    "PatternSyntaxError",
    "Plan",
    "Problem",
    "RequestMetric",
    "Stats",
    "UnknownDetectorError",
    "event_recorded",
]

if not TYPE_CHECKING:  # to a type checker it would make every name of the package exist
    _LATER = {
        "Plan": "provision",
    }

    def __getattr__(name: str) -> object:
        """What most web processes do without is loaded at its first use."""
        if name in _LATER:
            return getattr(import_module(f"flask_errwatch.{_LATER[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """With what is not loaded yet."""
        return sorted({*globals(), *__all__})
