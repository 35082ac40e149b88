"""Reads the contents of the lab with plain boto3, without knowing what was sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3

PERIOD = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """One metric filter with its metric, and the alarm on that metric if there is one.

    Attributes:
        name: The filter's name.
        pattern: Its pattern.
        threshold: The alarm's threshold, None without an alarm.
        seconds: The alarm's period, None without an alarm.
        state: The alarm's state at the end, None without an alarm.
        notifies: Whether someone is notified of it.
        sums: The metric's sum in each period of the hour, oldest first.
    """

    name: str
    pattern: str
    threshold: float | None
    seconds: int | None
    state: str | None
    notifies: bool
    sums: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything that the report shows.

    Attributes:
        group: The log group.
        retention_days: Its retention.
        subscribers: Topic and endpoint of each subscription.
        lines: Every line of the log group, ordered by id, which begins with the time.
        watches: One per metric filter, in the order in which AWS lists them.
        log_alarms: Name and state of each log alarm.
        begin: The first moment of the hour, in the lab's time.
    """

    group: str
    retention_days: int
    subscribers: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]
    watches: tuple[Watch, ...]
    log_alarms: tuple[tuple[str, str], ...] = ()
    begin: datetime

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The lines of failed requests: those of a detector, without heartbeats."""
        return [line for line in self.lines if "detector" in line]

    @property
    def by_detector(self) -> Counter[str]:
        """Lines per detector."""
        return Counter(line["detector"] for line in self.failures)

    def of_source(self, client: str) -> list[dict[str, Any]]:
        """The lines of one client address."""
        return [line for line in self.failures if line.get("client_ip") == client]


def read(*, begin: datetime, periods: int) -> Evidence:
    """Reads everything from the endpoint that is set in the environment.

    Args:
        begin: The first moment of the hour, in the lab's time.
        periods: How many periods the hour has.
    """
    logs, sns = boto3.client("logs"), boto3.client("sns")
    group = logs.describe_log_groups()["logGroups"][0]
    name = group["logGroupName"]
    return Evidence(
        group=name,
        retention_days=group["retentionInDays"],
        subscribers=tuple(
            f"{subscription['TopicArn'].rpartition(':')[2]} → {subscription['Endpoint']}"
            for subscription in sns.list_subscriptions()["Subscriptions"]
        ),
        lines=tuple(sorted(_lines(logs, name), key=lambda line: str(line["id"]))),
        watches=_watches(logs.describe_metric_filters()["metricFilters"], begin, periods),
        log_alarms=tuple(
            (alarm["AlarmName"], alarm["StateValue"])
            for alarm in boto3.client("cloudwatch").describe_alarms(AlarmTypes=["LogAlarm"])[
                "LogAlarms"
            ]
        ),
        begin=begin,
    )


def _lines(logs: Any, group: str) -> Iterator[dict[str, Any]]:
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        for event in page["events"]:
            yield json.loads(event["message"])


def _watches(filters: Sequence[dict[str, Any]], begin: datetime, periods: int) -> tuple[Watch, ...]:
    cloudwatch = boto3.client("cloudwatch")
    alarms = {
        (alarm["Namespace"], alarm["MetricName"]): alarm
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
    }
    watches = []
    for metric_filter in filters:
        (target,) = metric_filter["metricTransformations"]
        namespace, metric = target["metricNamespace"], target["metricName"]
        statistics = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            StartTime=begin,
            EndTime=begin + periods * PERIOD,
            Period=int(PERIOD.total_seconds()),
            Statistics=["Sum"],
        )
        sums = {
            (datapoint["Timestamp"] - begin) // PERIOD: datapoint["Sum"]
            for datapoint in statistics["Datapoints"]
        }
        alarm = alarms.get((namespace, metric), {})
        watches.append(
            Watch(
                name=metric_filter["filterName"],
                pattern=metric_filter["filterPattern"],
                threshold=alarm.get("Threshold"),
                seconds=alarm.get("Period"),
                state=alarm.get("StateValue"),
                notifies=bool(alarm.get("AlarmActions")),
                sums=tuple(sums.get(period, 0.0) for period in range(periods)),
            )
        )
    return tuple(watches)
