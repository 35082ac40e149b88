"""What was read of an app's resources beside the plan: failures, contributors and delivery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_errwatch.provision.resources import Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedNotification:
    """An alarm's action that failed: no one was notified.

    Attributes:
        alarm: The alarm's name.
        at: When it failed.
        reason: The entry in the alarm's history.
    """

    alarm: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFailure:
    """A critical failure that the app had not shown for a week, as its line says.

    Attributes:
        at: The time of the line.
        type: The type of the exception.
        where: The innermost frame of the app's code. Empty without one.
        fingerprint: What all lines of this failure have in common.
    """

    at: datetime
    type: str
    where: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Contributor:
    """A contributor of a log alarm that is in ALARM.

    Attributes:
        attributes: Names and values that identify it, such as `client_ip` and an address.
        reason: CloudWatch's reason.
        since: When it went to ALARM. None when CloudWatch does not return it.
    """

    attributes: Pairs
    reason: str
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFigures:
    """The figures of the newest heartbeat of each process, added up.

    Attributes:
        processes: Processes with a heartbeat in the last 15 minutes.
        newest: The time of the newest heartbeat.
        emitted: Lines handed over to delivery.
        delivered: Lines that CloudWatch accepted.
        pending: Lines that wait.
        dropped: Events that a hook dropped, and lines that were lost.
    """

    processes: int
    newest: datetime
    emitted: int = 0
    delivered: int = 0
    pending: int = 0
    dropped: int = 0
