"""The catalogue of detectors: the kinds of failure, the event names of their lines, their alarms.

Lines, metric filters, alarms and exports are all created from these declarations alone, so they
cannot drift apart.
"""

from flask_errwatch.alarms import Alarm
from flask_errwatch.detectors.catalogue import Catalogue
from flask_errwatch.detectors.conditions import event_pattern
from flask_errwatch.detectors.defaults import CRITICAL_ERROR, DEFAULT_DETECTORS, LOGGED_ERROR
from flask_errwatch.detectors.detector import Detector, StatusClass
from flask_errwatch.detectors.operational import (
    HEARTBEAT,
    LINES_DROPPED,
    OPERATIONAL_EVENTS,
    PROCESS_DIED,
    SOURCE_BLOCKED,
    SOURCE_UNBLOCKED,
    Level,
)
from flask_errwatch.detectors.security import (
    ACCESS_DENIED,
    LOGIN_FAILED,
    LOGIN_SUCCEEDED,
    OWASP,
    SECURITY_DETECTORS,
)

__all__ = [
    "ACCESS_DENIED",
    "CRITICAL_ERROR",
    "DEFAULT_DETECTORS",
    "HEARTBEAT",
    "LINES_DROPPED",
    "LOGGED_ERROR",
    "LOGIN_FAILED",
    "LOGIN_SUCCEEDED",
    "OPERATIONAL_EVENTS",
    "OWASP",
    "PROCESS_DIED",
    "SECURITY_DETECTORS",
    "SOURCE_BLOCKED",
    "SOURCE_UNBLOCKED",
    "Alarm",
    "Catalogue",
    "Detector",
    "Level",
    "StatusClass",
    "event_pattern",
]
