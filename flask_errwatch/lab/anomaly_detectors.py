"""Anomaly detectors, which moto lacks: stored, listed and deleted. Nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask_errwatch.lab.moto_store import given, stored

_STORED = "errwatch_anomaly_detectors"
#: What identifies the detector of one metric. Only these are emulated, not those of metric math.
_METRIC = ("Namespace", "MetricName", "Dimensions", "Stat")


def add_anomaly_detectors(responses: Any) -> None:
    """Adds the operations to moto's class, unless moto has them by now."""
    if hasattr(responses, "put_anomaly_detector"):
        return
    responses.put_anomaly_detector = _put
    responses.describe_anomaly_detectors = _describe
    responses.delete_anomaly_detector = _delete


def _put(response: Any) -> Any:
    from moto.core.responses import EmptyResult

    metric = _metric(response)
    configuration = given(response, "Configuration")
    _detectors(response)[_key(metric)] = {
        **metric,
        "SingleMetricAnomalyDetector": metric,
        **({} if configuration is None else {"Configuration": configuration}),
        "StateValue": "PENDING_TRAINING",
    }
    return EmptyResult()


def _describe(response: Any) -> Any:
    from moto.core.responses import ActionResult

    asked = {name: given(response, name) for name in ("Namespace", "MetricName")}
    found = [
        detector
        for detector in _detectors(response).values()
        if all(value in {None, detector[name]} for name, value in asked.items())
    ]
    return ActionResult({"AnomalyDetectors": found})


def _delete(response: Any) -> Any:
    from moto.cloudwatch.exceptions import ResourceNotFoundException
    from moto.core.responses import EmptyResult

    if _detectors(response).pop(_key(_metric(response)), None) is None:
        raise ResourceNotFoundException
    return EmptyResult()


def _metric(response: Any) -> dict[str, Any]:
    """The metric, which a request names in a member of its own or, as of old, directly."""
    from moto.cloudwatch.exceptions import InvalidParameterValue

    single = given(response, "SingleMetricAnomalyDetector") or {}
    metric = {name: single.get(name, given(response, name)) for name in _METRIC}
    if not metric["Namespace"]:
        raise InvalidParameterValue("The lab emulates anomaly detectors of one metric.")
    return {**metric, "Dimensions": metric["Dimensions"] or []}


def _key(metric: Mapping[str, Any]) -> str:
    return json.dumps(metric, sort_keys=True)


def _detectors(response: Any) -> dict[str, Any]:
    return stored(response.cloudwatch_backend, _STORED)
