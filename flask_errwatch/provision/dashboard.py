"""The dashboard: pure, from the resource model to the body that CloudWatch draws.

One row per detector, with its count, its threshold and the state of its alarms; below it who,
where, the newest criticals, and whether the delivery is well. The structure is that of AWS's
*Dashboard Body Structure and Syntax*: a grid of 24 columns, at most 500 widgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from flask_errwatch.provision import queries
from flask_errwatch.provision.queries import SavedQuery
from flask_errwatch.provision.resources import MetricAlarm, MetricFilter, MetricQuery
from flask_errwatch.provision.scope import AwsScope

#: Columns of the grid.
COLUMNS = 24

#: Alarms of one alarm status widget.
_ALARMS = 100
_ROW = 5
_TABLE = 8
_STATE = 6
#: Seconds of a point where no alarm says otherwise; a metric filter counts per minute.
_MINUTE = 60

Widget = dict[str, object]


class Named(Protocol):
    """Anything with an alarm's name: a metric alarm or a composite."""

    @property
    def name(self) -> str:
        """Its name, unique within account and region."""
        ...


def dashboard_body(
    *,
    log_group: str,
    filters: Sequence[MetricFilter],
    alarms: Sequence[MetricAlarm],
    scope: AwsScope,
    others: Sequence[Named] = (),
    note: str = "",
) -> dict[str, object]:
    """The body of the app's dashboard; `json.dumps` of it is what PutDashboard takes.

    Args:
        log_group: Where the lines are.
        filters: One per detector, in the order of the rows.
        alarms: On a detector's own row when they watch its metric or bear its name and a suffix.
        scope: Partition, region and account, for the ARNs of the alarms.
        others: Further alarms; those that belong to no row have one together.
        note: A line of text at the bottom, such as the marker that tells whose it is.

    Example:
        >>> scope = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
        >>> body = dashboard_body(log_group="shop", filters=(), alarms=(), scope=scope)
        >>> [widget["properties"]["title"] for widget in body["widgets"]][:2]
        ['Who causes the most failures', 'Which paths fail most']
    """
    grid = _Grid()
    left = [*alarms, *others]
    for counted in filters:
        shown = [each for each in left if _belongs(each, counted, filters)]
        left = [each for each in left if each not in shown]
        grid.row(*_detector(counted, shown, scope))
    for start in range(0, len(left), _ALARMS):
        some = left[start : start + _ALARMS]
        grid.row(_states("Other alarms", some, scope, width=COLUMNS, height=3))
    for pair in (
        (queries.TOP_SOURCES, queries.TOP_PATHS),
        (queries.NEWEST_CRITICALS,),
        (queries.DELIVERY_HEALTH,),
        (queries.SEQUENCE_GAPS, queries.LOST_LINES),
    ):
        width = COLUMNS // len(pair)
        grid.row(*(_log(each, log_group, scope, width=width) for each in pair))
    if note:
        text: dict[str, object] = {"markdown": note, "background": "transparent"}
        grid.row((COLUMNS, 1, {"type": "text", "properties": text}))
    return {"start": "-PT3H", "periodOverride": "inherit", "widgets": grid.widgets}


class _Grid:
    """Places widgets row by row, from left to right, so that none can lie on another."""

    def __init__(self) -> None:
        self.widgets: list[Widget] = []
        self._y = 0

    def row(self, *sized: tuple[int, int, Widget]) -> None:
        """Adds a row of widgets, each with its width and height."""
        x = 0
        for width, height, widget in sized:
            at: Widget = {"x": x, "y": self._y, "width": width, "height": height}
            self.widgets.append({"type": widget["type"], **at, "properties": widget["properties"]})
            x += width
        self._y += max(height for _, height, _ in sized)


def _belongs(alarm: Named, counted: MetricFilter, filters: Sequence[MetricFilter]) -> bool:
    """Whether the alarm is of this filter's detector: by its metric, else by the longest name."""
    if isinstance(alarm, MetricAlarm):
        metric = (alarm.namespace, alarm.metric_name)
        if any(metric == (each.namespace, each.metric_name) for each in filters):
            return metric == (counted.namespace, counted.metric_name)
    fitting = [each.name for each in filters if f"{alarm.name}-".startswith(f"{each.name}-")]
    return counted.name == max(fitting, key=len, default=None)


def _detector(
    counted: MetricFilter, alarms: Sequence[Named], scope: AwsScope
) -> list[tuple[int, int, Widget]]:
    """A detector's row: its count, and the state of its alarms where it has some."""
    if not alarms:
        return [(COLUMNS, _ROW, _count(counted, [], scope))]
    count = _count(counted, [each for each in alarms if isinstance(each, MetricAlarm)], scope)
    return [(COLUMNS - _STATE, _ROW, count), _states("State", alarms, scope)]


def _count(counted: MetricFilter, alarms: Sequence[MetricAlarm], scope: AwsScope) -> Widget:
    """The metric in the alarm's own period and statistic, with its threshold or its band."""
    own = next((each for each in alarms if each.metric_name == counted.metric_name), None)
    band = next((each for each in alarms if each.threshold_metric_id is not None), None)
    properties: dict[str, object] = {
        "title": counted.name,
        "view": "timeSeries",
        "region": scope.region,
        "metrics": [_metric(counted)] if band is None else [*map(_term, band.metrics)],
        "stat": (own.statistic if own else None) or "Sum",
        "period": (own.period if own else None) or _MINUTE,
        "yAxis": {"left": {"min": 0}},
    }
    if own is not None and own.threshold is not None:
        line = {"label": threshold_label(own), "value": own.threshold}
        properties["annotations"] = {"horizontal": [line]}
    return {"type": "metric", "properties": properties}


def _metric(counted: MetricFilter) -> list[object]:
    dimensions = [word for pair in counted.dimensions for word in pair]
    return [counted.namespace, counted.metric_name, *dimensions]


def _term(query: MetricQuery) -> list[object]:
    """A term of an alarm on an expression, as a graph draws it."""
    if query.expression is not None:
        label = query.label or query.id
        return [{"expression": query.expression, "label": label, "id": query.id}]
    dimensions = [word for pair in query.dimensions for word in pair]
    how = {"id": query.id, "stat": query.statistic, "period": query.period}
    return [query.namespace, query.metric_name, *dimensions, how]


def threshold_label(alarm: Named) -> str:
    """What stands at the line of an alarm's threshold."""
    return f"{alarm.name} threshold"


def _states(
    title: str, alarms: Sequence[Named], scope: AwsScope, *, width: int = _STATE, height: int = _ROW
) -> tuple[int, int, Widget]:
    arns = [scope.alarm_arn(each.name) for each in alarms]
    properties: dict[str, object] = {"title": title, "alarms": arns}
    return width, height, {"type": "alarm", "properties": properties}


def _log(query: SavedQuery, group: str, scope: AwsScope, *, width: int) -> tuple[int, int, Widget]:
    properties: dict[str, object] = {
        "title": query.title,
        "view": "table",
        "region": scope.region,
        "query": query.on(group),
    }
    return width, _TABLE, {"type": "log", "properties": properties}
