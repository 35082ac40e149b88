"""Test support: captures an app's events and evaluates its alarms, without AWS or threads.

pytest finds the fixtures `errwatch_events` and `errwatch_judge`. Other frameworks use
`capture_events` and `TrafficJudge`, which do the same. While one of them is active, no line of any
app in the process reaches its sinks.
"""

from __future__ import annotations

from flask_errwatch.testing.events import capture_events
from flask_errwatch.testing.sources import Firing, Offender
from flask_errwatch.testing.traffic_judge import START, TrafficJudge

__all__ = ["START", "Firing", "Offender", "TrafficJudge", "capture_events"]
