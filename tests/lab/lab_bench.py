"""What the lab's tests do by hand: plain boto3, a service that steps, and waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import boto3

from flask_errwatch._aws import Aws
from flask_errwatch.lab import Clock
from flask_errwatch.lab.service import Service
from flask_errwatch.simulation import Transition

GROUP = "shop"


class Cloud:
    """What a person does with boto3 and nothing else."""

    def __init__(self) -> None:
        self.logs = boto3.client("logs")
        self.cloudwatch = boto3.client("cloudwatch")
        self.sns = boto3.client("sns")
        self.start = int(time.time()) // 60 * 60

    def group(self, name: str = GROUP, stream: str = "one") -> None:
        """A log group with a stream."""
        self.logs.create_log_group(logGroupName=name)
        self.logs.create_log_stream(logGroupName=name, logStreamName=stream)

    def filter(self, name: str, pattern: str, *, group: str = GROUP, **more: Any) -> None:
        """A metric filter that counts, with a default of zero."""
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
        """An alarm on the metric of that name: more than 2 in a minute."""
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
        """Log events at so many seconds after the start."""
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
        found = self.cloudwatch.get_metric_statistics(
            Namespace="Application Logs",
            MetricName=metric,
            StartTime=self.start + 60 * minute,
            EndTime=self.start + 60 * minute + 60,
            Period=60,
            Statistics=[statistic],
        )
        return [each[statistic] for each in found["Datapoints"]]


class Bench:
    """A service that steps when a test says so, and what it said."""

    def __init__(self, aws: Aws, start: float) -> None:
        self.transitions: list[Transition] = []
        self.warnings: list[str] = []
        self.service = Service(
            aws,
            Clock(start=start, origin=start, speed=1),
            tell=self.transitions.append,
            warn=self.warnings.append,
        )

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Each transition without its reason and time."""
        return [(each.alarm, each.old, each.new) for each in self.transitions]


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Waits until something holds, or the time is over."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < limit:
        if holds():
            return True
        pause.wait(0.05)
    return holds()
