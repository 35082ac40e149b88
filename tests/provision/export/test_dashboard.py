"""The dashboard's body: the documented structure, the grid, and what it shows.

There is no emulator that draws a dashboard: a validator of these tests judges the body, written
from AWS's page *Dashboard Body Structure and Syntax*.
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

PLACE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
HUNDRED = tuple(
    Detector(name=f"detector-{number}", event=f"Detector {number}", alarm=Alarm(threshold=number))
    for number in range(1, 101)
)
APPS: dict[str, tuple[Catalogue, Config]] = {
    "default": shop(),
    "everything": shop(EVERY_KIND, **EVERYTHING),
    "hundred": shop(HUNDRED),
    "no detector": shop(()),
    "odd name": shop(name='1 "%{x}" é', LOG_GROUP="/a.b/#c"),
}

_ARN = re.compile(r"arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}", re.DOTALL)
#: What each type of widget may say, and what it has to.
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
    """What CloudWatch would refuse, or draw wrongly."""
    found = [*_frame(body)]
    widgets = body.get("widgets", [])
    for number, widget in enumerate(widgets):
        found += [f"widget {number}: {what}" for what in _widget(widget)]
    cells: dict[tuple[int, int], int] = {}
    for number, each in enumerate(widgets):
        for x in range(each["x"], each["x"] + each["width"]):
            for y in range(each["y"], each["y"] + each["height"]):
                if cells.setdefault((x, y), number) != number:
                    found.append(f"widget {number} lies on widget {cells[x, y]}")
    return found


def _frame(body: Any) -> Iterator[str]:
    if set(body) - {"widgets", "start", "end", "periodOverride"}:
        yield "an unknown key"
    if not isinstance(body.get("widgets"), list) or len(body["widgets"]) > 500:
        yield "widgets is a list of at most 500"
    if not re.fullmatch(r"-P(\d+[WD])?(T\d+[HM])?", body.get("start", "-PT1H")):
        yield "start is a negative duration"
    if body.get("periodOverride", "auto") not in {"auto", "inherit"}:
        yield "periodOverride is auto or inherit"
    drawn = [line for each in body["widgets"] for line in each["properties"].get("metrics", [])]
    if len(drawn) > 2500:
        yield "more than 2,500 metrics"


def _widget(widget: Any) -> Iterator[str]:
    if set(widget) != {"type", "x", "y", "width", "height", "properties"}:
        yield "other keys than those of a widget"
    if not 0 <= widget["x"] <= 23 or widget["y"] < 0:
        yield "x is 0 to 23, y not negative"
    if not 1 <= widget["width"] <= 24 or widget["x"] + widget["width"] > 24:
        yield "wider than the grid"
    if not 1 <= widget["height"] <= 1000:
        yield "height is 1 to 1000"
    may, must = _PROPERTIES[widget["type"]]
    properties = widget["properties"]
    if set(properties) - may or must - set(properties):
        yield f"other properties than those of a {widget['type']} widget"
    yield from {"metric": _metric, "alarm": _alarm, "log": _log, "text": _text}[widget["type"]](
        properties
    )


def _metric(said: Any) -> Iterator[str]:
    if not said["metrics"] or len(said["metrics"]) > 500:
        yield "1 to 500 metrics"
    for line in said["metrics"]:
        *words, last = line
        how = last if isinstance(last, dict) else {}
        names = words if isinstance(last, dict) else line
        is_expression = "expression" in how and not names
        # Namespace and name, then pairs.
        if not is_expression and (len(names) < 2 or len(names) % 2):
            yield "a metric is namespace, name and pairs"
        if not all(isinstance(each, str) for each in names):
            yield "a metric's words are texts"
        if set(how) - {"expression", "label", "id", "stat", "period"}:
            yield "an unknown setting of a metric"
    if said.get("period", 60) % 60 or said.get("view") not in {"timeSeries", "singleValue"}:
        yield "period is a multiple of 60, view a known one"
    for line in said.get("annotations", {}).get("horizontal", []):
        if set(line) != {"label", "value"} or not isinstance(line["value"], int | float):
            yield "a line has a label and a number"


def _alarm(said: Any) -> Iterator[str]:
    if not 1 <= len(said["alarms"]) <= 100:
        yield "1 to 100 alarms"
    if not all(_ARN.fullmatch(each) for each in said["alarms"]):
        yield "an alarm is named by its ARN"


def _log(said: Any) -> Iterator[str]:
    if not re.match(r"SOURCE '[A-Za-z0-9_\-/.#]{1,512}' \| ", said["query"]):
        yield "a query begins with its log group"
    if said.get("view", "table") not in {"table", "timeSeries", "bar", "pie"}:
        yield "view is a known one"


def _text(said: Any) -> Iterator[str]:
    if said.get("background", "solid") not in {"solid", "transparent"}:
        yield "background is solid or transparent"


def body_of(catalogue: Catalogue, config: Config) -> Any:
    """The app's dashboard, as it is exported."""
    return json.loads(dashboard_text(catalogue, config, PLACE))


@pytest.mark.parametrize("name", APPS)
def test_the_body_has_the_documented_structure(name: str) -> None:
    """Widgets within 24 columns, none on another, each with what its type takes."""
    assert faults(body_of(*APPS[name])) == []


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("x", {"x": 20}, "wider than the grid"),
    ("y", {"y": 4}, "lies on widget"),
    ("type", {"type": "text"}, "other properties"),
    ("height", {"height": 0}, "height is 1 to 1000"),
]


@pytest.mark.parametrize(("name", "change", "found"), BROKEN, ids=[each[0] for each in BROKEN])
def test_the_validator_finds_faults(name: str, change: dict[str, Any], found: str) -> None:
    """It is no rubber stamp: a widget that is moved or is another is told."""
    body = body_of(*APPS["default"])
    body["widgets"][2 if name == "y" else 0].update(change)
    try:
        told = faults(body)
    except KeyError:  # another type's properties
        told = [found] if name == "type" else []
    assert any(found in each for each in told)


def test_each_detector_has_a_row() -> None:
    """Its count with the threshold as a line on the left, the state of its alarm on the right."""
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
    titles = [each["properties"]["title"] for each in widgets if each["type"] == "metric"]
    assert titles == [f"shop-{each.name}" for each in DEFAULT_DETECTORS]
    # The one without an alarm has the whole width.
    assert [each["width"] for each in widgets if each["type"] == "metric"] == [18] * 6 + [24]


def test_below_the_rows_it_answers_the_first_questions() -> None:
    """Who, where, the newest criticals, and whether the delivery is well."""
    widgets = body_of(*APPS["default"])["widgets"]
    said = [
        (each["properties"]["title"], each["x"], each["width"])
        for each in widgets
        if each["type"] == "log"
    ]
    assert said == [
        ("Who causes the most failures", 0, 12),
        ("Which paths fail most", 12, 12),
        ("The newest critical lines", 0, 24),
        ("What each process last reported about its delivery", 0, 24),
        ("Lines that never arrived, by process", 0, 12),
        ("Lines that were lost, and why", 12, 12),
    ]


def test_every_alarm_is_on_it_once() -> None:
    """Also those on an anomaly band, on one source, on silence, and the composite."""
    catalogue, config = APPS["everything"]
    shown = [
        arn.rsplit(":", 1)[1]
        for each in body_of(catalogue, config)["widgets"]
        for arn in each["properties"].get("alarms", ())
    ]
    made = desired_resources(catalogue, config, scope=PLACE)
    assert sorted(shown) == sorted(each.name for each in (*made.alarms, *made.composites))


def test_an_anomaly_band_is_drawn() -> None:
    """Where no threshold is, the graph has the terms of the alarm: the metric and its band."""
    widgets = body_of(*APPS["everything"])["widgets"]
    said = next(
        each["properties"]
        for each in widgets
        if each["properties"].get("title") == "shop-login-failed"
    )
    assert said["metrics"] == [
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
    assert "annotations" not in said


def test_an_alarm_belongs_to_the_longest_name() -> None:
    """`shop-login-failed-one-source` is of `login-failed`, not of `login`."""
    catalogue, config = shop(
        (
            Detector(name="login", event="Login"),
            Detector(name="login-failed", event="Login Failed"),
        ),
        PER_SOURCE_ALARMS={"login-failed": 3},
    )
    states = [
        [arn.rsplit(":", 1)[1] for arn in each["properties"]["alarms"]]
        for each in body_of(catalogue, config)["widgets"]
        if each["type"] == "alarm"
    ]
    assert states == [
        ["shop-login"],
        ["shop-login-failed", "shop-login-failed-one-source"],
    ]


def test_alarms_of_no_row_share_rows_of_their_own() -> None:
    """One hundred a widget, which is what a widget takes; dimensions are drawn as pairs."""
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
    counted = MetricFilter(
        log_group="shop",
        name="counted",
        pattern="",
        namespace="N",
        metric_name="m",
        default=None,
        dimensions=(("route", "$.route"),),
    )
    body: Any = dashboard_body(
        log_group="shop", filters=[counted], alarms=others, scope=PLACE, note="whose"
    )
    assert faults(body) == []
    sizes = [
        len(each["properties"]["alarms"]) for each in body["widgets"] if each["type"] == "alarm"
    ]
    assert sizes == [100, 20]
    assert body["widgets"][0]["properties"]["metrics"] == [["N", "m", "route", "$.route"]]
    assert body["widgets"][-1]["properties"]["markdown"] == "whose"
