"""Flask applications as their own intrusion and failure detectors on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_errwatch.delivery import Stats
from flask_errwatch.detectors import (
    DEFAULT_DETECTORS,
    Alarm,
    AnomalyAlarm,
    BusyAlarm,
    Catalogue,
    Detector,
    RequestMetric,
)
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
from flask_errwatch.events import event_recorded
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

    def __getattr__(name: str) -> object:
        """`Plan` is loaded at its first use: a web process needs nothing of provisioning."""
        if name == "Plan":
            from flask_errwatch.provision import Plan

            return Plan
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
