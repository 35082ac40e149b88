"""Makes Flask applications their own intrusion and failure detectors on AWS."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from flask_errwatch.alarms import Alarm, AnomalyAlarm, BusyAlarm, RequestMetric, SourceAlarm
from flask_errwatch.capture.events import event_recorded
from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import DEFAULT_DETECTORS, SECURITY_DETECTORS, Catalogue, Detector
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
    "SECURITY_DETECTORS",
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
    "SourceAlarm",
    "Stats",
    "UnknownDetectorError",
    "event_recorded",
]

if not TYPE_CHECKING:  # a type checker would accept any name of the package

    def __getattr__(name: str) -> object:
        """Imports `Plan` on first use: few web processes need `flask_errwatch.provision`."""
        if name == "Plan":
            return import_module("flask_errwatch.provision").Plan
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        """All public names, also those that are not imported yet."""
        return sorted({*globals(), *__all__})
