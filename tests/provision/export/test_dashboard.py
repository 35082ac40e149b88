"""The dashboard's body: the documented structure, the grid, and what it shows.

No emulator draws a dashboard. These tests have a validator of the body that follows AWS's page
*Dashboard Body Structure and Syntax*.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Catalogue, Detector
from flask_errwatch.provision.dashboard import dashboard_body
from flask_errwatch.provision.desired import desired_resources
from flask_errwatch.provision.export import dashboard_text
from flask_errwatch.provision.resources import MetricAlarm, MetricFilter
from flask_errwatch.provision.scope import AwsScope
from tests.provision.export.shops import EVERY_KIND, EVERYTHING, shop

SCOPE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
HUNDRED = tuple(
    Detector(name=f"detector-{number}", event=f"Detector {number}", alarm=Alarm(threshold=number))
    for number in range(1, 101)
)
APPS: dict[str, tuple[Catalogue, Config]] = {
    "default": shop(),
    "everything": shop(EVERY_KIND, **EVERYTHING),
    "hundred": shop(HUNDRED),
    "no detector": shop(()),
    "odd name": shop(name='1 "%{x}" e', LOG_GROUP="/a.b/#c"),
}

_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}", re.DOTALL)
#: The allowed and the required properties of each type of widget.
_PROPERTIES = {
    "metric": (
        {"title", "view", "region", "metrics", "stat", "period", "yAxis", "annotations"},
        {"region", "metrics"},
    ),
    "alarm": ({"title", "alarms", "sortBy", "states"}, {"alarms"}),
    "log": ({"title", "view", "region", "query"}, {"region", "query"}),
    "text": ({"markdown", "background"}, {"markdown"}),
}


def faults(body: Any) -> list[str]:
    """What CloudWatch would reject or draw wrongly."""
    messages = [*_frame(body)]
    widgets = body.get("widgets", [])
    for number, widget in enumerate(widgets):
        messages += [f"widget {number}: {fault}" for fault in _widget(widget)]
    cells: dict[tuple[int, int], int] = {}
    for number, widget in enumerate(widgets):
        for x in range(widget["x"], widget["x"] + widget["width"]):
            for y in range(widget["y"], widget["y"] + widget["height"]):
                if cells.setdefault((x, y), number) != number:
                    messages.append(f"widget {number} overlaps widget {cells[x, y]}")
    return messages


def _frame(body: Any) -> Iterator[str]:
    if set(body) - {"widgets", "start", "end", "periodOverride"}:
        yield "an unknown key"
    if not isinstance(body.get("widgets"), list) or len(body["widgets"]) > 500:
        yield "widgets is not a list of at most 500"
    if not re.fullmatch(r"-P(\d+[WD])?(T\d+[HM])?", body.get("start", "-PT1H")):
        yield "start is not a negative duration"
    if body.get("periodOverride", "auto") not in {"auto", "inherit"}:
        yield "periodOverride is neither auto nor inherit"
    metrics = [metric for w in body["widgets"] for metric in w["properties"].get("metrics", [])]
    if len(metrics) > 2500:
        yield "more than 2,500 metrics"


def _widget(widget: Any) -> Iterator[str]:
    if set(widget) != {"type", "x", "y", "width", "height", "properties"}:
        yield "the keys are not those of a widget"
    if not 0 <= widget["x"] <= 23 or widget["y"] < 0:
        yield "x is not 0 to 23, or y is negative"
    if not 1 <= widget["width"] <= 24 or widget["x"] + widget["width"] > 24:
        yield "wider than the grid"
    if not 1 <= widget["height"] <= 1000:
        yield "height is not 1 to 1000"
    allowed, required = _PROPERTIES[widget["type"]]
    properties = widget["properties"]
    if set(properties) - allowed or required - set(properties):
        yield f"the properties are not those of a {widget['type']} widget"
    yield from {"metric": _metric, "alarm": _alarm, "log": _log, "text": _text}[widget["type"]](
        properties
    )


def _metric(properties: Any) -> Iterator[str]:
    if not properties["metrics"] or len(properties["metrics"]) > 500:
        yield "not 1 to 500 metrics"
    for metric in properties["metrics"]:
        *words, last = metric
        options = last if isinstance(last, dict) else {}
        names = words if isinstance(last, dict) else metric
        is_expression = "expression" in options and not names
        # Namespace and name, then pairs.
        if not is_expression and (len(names) < 2 or len(names) % 2):
            yield "a metric is not namespace, name and pairs"
        if not all(isinstance(name, str) for name in names):
            yield "a name of a metric is not a string"
        if set(options) - {"expression", "label", "id", "stat", "period"}:
            yield "an unknown option of a metric"
    view = properties.get("view")
    if properties.get("period", 60) % 60 or view not in {"timeSeries", "singleValue"}:
        yield "period is not a multiple of 60, or view is unknown"
    for line in properties.get("annotations", {}).get("horizontal", []):
        if set(line) != {"label", "value"} or not isinstance(line["value"], int | float):
            yield "a line does not have a label and a number"


def _alarm(properties: Any) -> Iterator[str]:
    if not 1 <= len(properties["alarms"]) <= 100:
        yield "not 1 to 100 alarms"
    if not all(_ARN.fullmatch(arn) for arn in properties["alarms"]):
        yield "an alarm is not an ARN"


def _log(properties: Any) -> Iterator[str]:
    if not re.match(r"SOURCE '[A-Za-z0-9_\-/.#]{1,512}' \| ", properties["query"]):
        yield "a query does not begin with its log group"
    if properties.get("view", "table") not in {"table", "timeSeries", "bar", "pie"}:
        yield "view is unknown"


def _text(properties: Any) -> Iterator[str]:
    if properties.get("background", "solid") not in {"solid", "transparent"}:
        yield "background is neither solid nor transparent"


def body_of(catalogue: Catalogue, config: Config) -> Any:
    """The app's dashboard, as it is exported."""
    return json.loads(dashboard_text(catalogue, config, SCOPE))


@pytest.mark.parametrize("name", APPS)
def test_the_body_has_the_documented_structure(name: str) -> None:
    """Widgets fit into 24 columns, do not overlap, and have the properties of their type."""
    assert faults(body_of(*APPS[name])) == []


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("x", {"x": 20}, "wider than the grid"),
    ("y", {"y": 4}, "overlaps widget"),
    ("type", {"type": "text"}, "the properties are not"),
    ("height", {"height": 0}, "height is not 1 to 1000"),
]


@pytest.mark.parametrize(("name", "change", "expected"), BROKEN, ids=[case[0] for case in BROKEN])
def test_the_validator_finds_faults(name: str, change: dict[str, Any], expected: str) -> None:
    """The validator works: it finds a widget that was moved or has another type."""
    body = body_of(*APPS["default"])
    body["widgets"][2 if name == "y" else 0].update(change)
    try:
        messages = faults(body)
    except KeyError:  # another type's properties
        messages = [expected] if name == "type" else []
    assert any(expected in message for message in messages)


def test_each_detector_has_a_row() -> None:
    """Its count is on the left, with a line at the threshold. Its alarm's state is on the right."""
    widgets = body_of(*APPS["default"])["widgets"]
    row = {
        "type": "metric",
        "x": 0,
        "y": 0,
        "width": 18,
        "height": 5,
        "properties": {
            "title": "shop-critical-error",
            "view": "timeSeries",
            "region": "eu-central-1",
            "metrics": [["Application Logs", "shop-critical-error"]],
            "stat": "Sum",
            "period": 300,
            "yAxis": {"left": {"min": 0}},
            "annotations": {
                "horizontal": [{"label": "shop-critical-error threshold", "value": 10.0}]
            },
        },
    }
    state = {
        "type": "alarm",
        "x": 18,
        "y": 0,
        "width": 6,
        "height": 5,
        "properties": {
            "title": "State",
            "alarms": ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-critical-error"],
        },
    }
    assert widgets[:2] == [row, state]
    graphs = [widget for widget in widgets if widget["type"] == "metric"]
    titles = [graph["properties"]["title"] for graph in graphs]
    assert titles == [f"shop-{detector.name}" for detector in DEFAULT_DETECTORS]
    # Without an alarm, a detector's graph has the whole width: of these, that of client-error.
    assert [graph["width"] for graph in graphs] == [18] * 6 + [24, 18, 18]


def test_below_the_rows_it_answers_the_first_questions() -> None:
    """The busiest sources and paths, new failures and critical lines, and the delivery."""
    widgets = body_of(*APPS["default"])["widgets"]
    tables = [
        (widget["properties"]["title"], widget["x"], widget["width"])
        for widget in widgets
        if widget["type"] == "log"
    ]
    assert tables == [
        ("Who causes the most failures", 0, 12),
        ("Which paths fail most", 12, 12),
        ("Failures that the app had not shown for a week", 0, 24),
        ("The newest critical lines", 0, 24),
        ("What each process last reported about its delivery", 0, 24),
        ("Lines that never arrived, by process", 0, 12),
        ("Lines that were lost, and why", 12, 12),
    ]


def test_every_alarm_is_on_it_once() -> None:
    """So are those on an anomaly band, on one source, on silence, and the composite alarm."""
    catalogue, config = APPS["everything"]
    shown = [
        arn.rsplit(":", 1)[1]
        for widget in body_of(catalogue, config)["widgets"]
        for arn in widget["properties"].get("alarms", ())
    ]
    desired = desired_resources(catalogue, config, scope=SCOPE)
    assert sorted(shown) == sorted(alarm.name for alarm in desired.every_alarm)


def test_an_anomaly_band_is_drawn() -> None:
    """Without a threshold, the graph has the metric queries of the alarm: metric and band."""
    widgets = body_of(*APPS["everything"])["widgets"]
    properties = next(
        widget["properties"]
        for widget in widgets
        if widget["properties"].get("title") == "shop-login-failed"
    )
    assert properties["metrics"] == [
        [
            "Application Logs",
            "shop-login-failed",
            {"id": "count", "stat": "Sum", "period": 300},
        ],
        [
            {
                "expression": "ANOMALY_DETECTION_BAND(count, 2)",
                "label": "shop-login-failed (usual)",
                "id": "band",
            }
        ],
    ]
    assert "annotations" not in properties


def test_an_alarm_belongs_to_the_longest_name() -> None:
    """`shop-login-failed-one-source` belongs to `login-failed`, not to `login`."""
    catalogue, config = shop(
        (
            Detector(name="login", event="Login"),
            Detector(name="login-failed", event="Login Failed"),
        ),
        PER_SOURCE_ALARMS={"login-failed": 3},
    )
    states = [
        [arn.rsplit(":", 1)[1] for arn in widget["properties"]["alarms"]]
        for widget in body_of(catalogue, config)["widgets"]
        if widget["type"] == "alarm"
    ]
    assert states == [
        ["shop-login"],
        ["shop-login-failed", "shop-login-failed-one-source"],
    ]


def test_alarms_that_belong_to_no_detector_share_widgets() -> None:
    """A widget has at most one hundred alarms. Dimensions are listed as pairs."""
    others = [
        MetricAlarm(
            name=f"other-{number}",
            description="",
            evaluation_periods=1,
            comparison_operator=None,
            treat_missing_data="missing",
        )
        for number in range(120)
    ]
    metric_filter = MetricFilter(
        log_group="shop",
        name="counted",
        pattern="",
        namespace="N",
        metric_name="m",
        default=None,
        dimensions=(("route", "$.route"),),
    )
    body: Any = dashboard_body(
        log_group="shop", filters=[metric_filter], alarms=others, scope=SCOPE, note="owner"
    )
    assert faults(body) == []
    states = [widget for widget in body["widgets"] if widget["type"] == "alarm"]
    sizes = [len(widget["properties"]["alarms"]) for widget in states]
    assert sizes == [100, 20]
    assert body["widgets"][0]["properties"]["metrics"] == [["N", "m", "route", "$.route"]]
    assert body["widgets"][-1]["properties"]["markdown"] == "owner"
