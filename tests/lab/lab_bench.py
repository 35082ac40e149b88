"""Helpers of the lab's tests: plain boto3 calls, an emulator that steps on demand, waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import boto3

from flask_errwatch._aws import Aws
from flask_errwatch.lab import Clock
from flask_errwatch.lab.emulator import CloudWatchEmulator
from flask_errwatch.simulation import Transition

GROUP = "shop"


class Cloud:
    """Shortcuts for calls of plain boto3."""

    def __init__(self) -> None:
        self.logs = boto3.client("logs")
        self.cloudwatch = boto3.client("cloudwatch")
        self.sns = boto3.client("sns")
        self.start = int(time.time()) // 60 * 60

    def group(self, name: str = GROUP, stream: str = "one") -> None:
        """Creates a log group with a stream."""
        self.logs.create_log_group(logGroupName=name)
        self.logs.create_log_stream(logGroupName=name, logStreamName=stream)

    def filter(self, name: str, pattern: str, *, group: str = GROUP, **more: Any) -> None:
        """Creates a metric filter that counts, with a default of zero."""
        target = {
            "metricName": name,
            "metricNamespace": "Application Logs",
            "metricValue": "1",
            "defaultValue": 0.0,
            "unit": "Count",
            **more,
        }
        self.logs.put_metric_filter(
            logGroupName=group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[target],
        )

    def alarm(self, name: str, **more: Any) -> None:
        """Creates an alarm on the metric of that name: more than 2 in a minute."""
        self.cloudwatch.put_metric_alarm(
            **{
                "AlarmName": name,
                "Namespace": "Application Logs",
                "MetricName": name,
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 2.0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
                **more,
            }
        )

    def log(self, *lines: tuple[float, str], group: str = GROUP, stream: str = "one") -> None:
        """Puts log events, each at so many seconds after the start."""
        self.logs.put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[
                {"timestamp": round((self.start + seconds) * 1000), "message": text}
                for seconds, text in lines
            ],
        )

    def state(self, name: str) -> tuple[str, str]:
        """State and reason of an alarm."""
        (alarm,) = self.cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"], alarm["StateReason"]

    def sum(self, metric: str, minute: int, statistic: str = "Sum") -> list[float]:
        """The metric's statistic in one minute after the start, if it has one there."""
        statistics = self.cloudwatch.get_metric_statistics(
            Namespace="Application Logs",
            MetricName=metric,
            StartTime=self.start + 60 * minute,
            EndTime=self.start + 60 * minute + 60,
            Period=60,
            Statistics=[statistic],
        )
        return [datapoint[statistic] for datapoint in statistics["Datapoints"]]


class Bench:
    """An emulator that steps when a test calls it, with its transitions and warnings."""

    def __init__(self, aws: Aws, start: float) -> None:
        self.transitions: list[Transition] = []
        self.warnings: list[str] = []
        self.emulator = CloudWatchEmulator(
            aws,
            Clock(start=start, origin=start, speed=1),
            on_transition=self.transitions.append,
            on_warning=self.warnings.append,
        )

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Each transition as alarm, old state and new state."""
        return [(change.alarm, change.old, change.new) for change in self.transitions]


def eventually(is_true: Callable[[], bool], seconds: float = 60) -> bool:
    """Waits until the condition is true, or the time is over."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < limit:
        if is_true():
            return True
        pause.wait(0.05)
    return is_true()
