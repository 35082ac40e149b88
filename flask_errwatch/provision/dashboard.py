"""Builds the dashboard's body from the resource model. Pure.

One row per detector shows its count, its threshold and the state of its alarms. Below them are
tables of the busiest sources and paths, the new failures, the newest critical lines, and the
delivery. The structure is that of AWS's *Dashboard Body Structure and Syntax*: a grid of 24
columns, at most 500 widgets.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_errwatch.provision import queries
from flask_errwatch.provision.alarm_factory import COUNT_FIELD
from flask_errwatch.provision.queries import SavedQuery
from flask_errwatch.provision.resources import (
    AwsAlarm,
    CompositeAlarm,
    LogAlarm,
    MetricAlarm,
    MetricFilter,
    MetricQuery,
)
from flask_errwatch.provision.scope import AwsScope

#: Columns of the grid.
COLUMNS = 24

#: The limit of alarms in one alarm status widget.
_ALARMS = 100
#: Heights of a detector's row and of a table, and the width of an alarm status widget.
_ROW = 5
_TABLE = 8
_STATE = 6
#: The period of a graph without an alarm, in seconds: a metric filter counts per minute.
_PERIOD = 60

Widget = dict[str, object]


def dashboard_body(
    *,
    log_group: str,
    filters: Sequence[MetricFilter],
    alarms: Sequence[MetricAlarm],
    scope: AwsScope,
    others: Sequence[LogAlarm | CompositeAlarm] = (),
    note: str = "",
) -> dict[str, object]:
    """The body of the app's dashboard, which PutDashboard takes as JSON.

    Args:
        log_group: The log group of the lines.
        filters: One per detector, in the order of the rows.
        alarms: The metric alarms. An alarm is shown in a detector's row when it watches that
            detector's metric, or when its name is the detector's name and a suffix.
        scope: Partition, region and account, for the ARNs of the alarms.
        others: The log alarms and composite alarms. Alarms that belong to no detector share a row.
        note: A line of text at the bottom, such as the marker that names the owner.

    Example:
        >>> scope = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
        >>> body = dashboard_body(log_group="shop", filters=(), alarms=(), scope=scope)
        >>> [widget["properties"]["title"] for widget in body["widgets"]][:2]
        ['Who causes the most failures', 'Which paths fail most']
    """
    grid = _Grid()
    remaining: list[AwsAlarm] = [*alarms, *others]
    for metric_filter in filters:
        shown = [alarm for alarm in remaining if _belongs(alarm, metric_filter, filters)]
        remaining = [alarm for alarm in remaining if alarm not in shown]
        grid.row(*_detector_row(metric_filter, shown, scope))
    for start in range(0, len(remaining), _ALARMS):
        batch = remaining[start : start + _ALARMS]
        grid.row(_states("Other alarms", batch, scope, width=COLUMNS, height=3))
    sums_counts = any(metric_filter.value == COUNT_FIELD for metric_filter in filters)
    for tables in (
        (queries.TOP_SOURCES, queries.TOP_PATHS),
        (queries.NEW_FAILURES,),
        (queries.NEWEST_CRITICALS,),
        (queries.DELIVERY_HEALTH,),
        (queries.SEQUENCE_GAPS, queries.LOST_LINES),
    ):
        width = COLUMNS // len(tables)
        texts = [query.summing() if sums_counts else query for query in tables]
        grid.row(*(_table(query, log_group, scope, width=width) for query in texts))
    if note:
        text: dict[str, object] = {"markdown": note, "background": "transparent"}
        grid.row((COLUMNS, 1, {"type": "text", "properties": text}))
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": grid.widgets}


class _Grid:
    """Places widgets row by row, from left to right, so that they cannot overlap."""

    def __init__(self) -> None:
        self.widgets: list[Widget] = []
        self._y = 0

    def row(self, *sized: tuple[int, int, Widget]) -> None:
        """Adds a row of widgets, each with its width and height."""
        x = 0
        for width, height, widget in sized:
            cell: Widget = {"x": x, "y": self._y, "width": width, "height": height}
            kind, properties = widget["type"], widget["properties"]
            self.widgets.append({"type": kind, **cell, "properties": properties})
            x += width
        self._y += max(height for _, height, _ in sized)


def _belongs(alarm: AwsAlarm, metric_filter: MetricFilter, filters: Sequence[MetricFilter]) -> bool:
    """Whether the alarm is shown in this filter's row: by its metric, else by the longest name."""
    if isinstance(alarm, MetricAlarm):
        metric = (alarm.namespace, alarm.metric_name)
        if any(metric == (other.namespace, other.metric_name) for other in filters):
            return metric == (metric_filter.namespace, metric_filter.metric_name)
    names = [other.name for other in filters if f"{alarm.name}-".startswith(f"{other.name}-")]
    return metric_filter.name == max(names, key=len, default=None)


def _detector_row(
    metric_filter: MetricFilter, alarms: Sequence[AwsAlarm], scope: AwsScope
) -> list[tuple[int, int, Widget]]:
    """A detector's row: its count, and the state of its alarms if it has any."""
    if not alarms:
        return [(COLUMNS, _ROW, _graph(metric_filter, [], scope))]
    metric_alarms = [alarm for alarm in alarms if isinstance(alarm, MetricAlarm)]
    graph = _graph(metric_filter, metric_alarms, scope)
    return [(COLUMNS - _STATE, _ROW, graph), _states("State", alarms, scope)]


def _graph(metric_filter: MetricFilter, alarms: Sequence[MetricAlarm], scope: AwsScope) -> Widget:
    """The metric with the alarm's period and statistic, and its threshold or anomaly band."""
    name = metric_filter.metric_name
    own = next((alarm for alarm in alarms if alarm.metric_name == name), None)
    band = next((alarm for alarm in alarms if alarm.threshold_metric_id is not None), None)
    properties: dict[str, object] = {
        "title": metric_filter.name,
        "view": "timeSeries",
        "region": scope.region,
        "metrics": [_metric(metric_filter)] if band is None else [*map(_term, band.metrics)],
        "stat": (own.statistic if own else None) or "Sum",
        "period": (own.period if own else None) or _PERIOD,
        "yAxis": {"left": {"min": 0}},
    }
    if own is not None and own.threshold is not None:
        line = {"label": threshold_label(own), "value": own.threshold}
        properties["annotations"] = {"horizontal": [line]}
    return {"type": "metric", "properties": properties}


def _metric(metric_filter: MetricFilter) -> list[object]:
    dimensions = [word for pair in metric_filter.dimensions for word in pair]
    return [metric_filter.namespace, metric_filter.metric_name, *dimensions]


def _term(query: MetricQuery) -> list[object]:
    """A metric query of an alarm, as a graph has it."""
    if query.expression is not None:
        label = query.label or query.id
        return [{"expression": query.expression, "label": label, "id": query.id}]
    dimensions = [word for pair in query.dimensions for word in pair]
    options = {"id": query.id, "stat": query.statistic, "period": query.period}
    return [query.namespace, query.metric_name, *dimensions, options]


def threshold_label(alarm: MetricAlarm) -> str:
    """The label of the horizontal line at an alarm's threshold."""
    return f"{alarm.name} threshold"


def _states(
    title: str,
    alarms: Sequence[AwsAlarm],
    scope: AwsScope,
    *,
    width: int = _STATE,
    height: int = _ROW,
) -> tuple[int, int, Widget]:
    arns = [scope.alarm_arn(alarm.name) for alarm in alarms]
    properties: dict[str, object] = {"title": title, "alarms": arns}
    return width, height, {"type": "alarm", "properties": properties}


def _table(
    query: SavedQuery, log_group: str, scope: AwsScope, *, width: int
) -> tuple[int, int, Widget]:
    properties: dict[str, object] = {
        "title": query.title,
        "view": "table",
        "region": scope.region,
        "query": query.on(log_group),
    }
    return width, _TABLE, {"type": "log", "properties": properties}
