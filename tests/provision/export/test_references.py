"""No text of ours is a dynamic reference of CloudFormation, or ends a name in an expression."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cfnlint.api import lint

from flask_errwatch import BusyAlarm, RequestMetric
from flask_errwatch import config as configuration
from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Detector
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.provision import desired_resources
from flask_errwatch.provision.export import to_cloudformation
from tests.provision.export.shops import shop

REFERENCE = "{{resolve:ssm-secure:password}}"


def busy(**fields: object) -> BusyAlarm:
    """An alarm on a metric of the user's."""
    values: dict[str, object] = {"namespace": "N", "name": "Requests", **fields}
    return BusyAlarm(requests=RequestMetric(**values), minimum_requests=1)  # type: ignore[arg-type]  # what the test is about


@pytest.mark.parametrize(
    "key",
    [
        *("APP_NAME", "NAMESPACE", "LOG_GROUP", "SNS_TOPIC", "DETECTORS", "ENDPOINT_URL"),
        "PER_SOURCE_ALARMS",
    ],
)
def test_no_key_of_the_configuration_takes_one(key: str) -> None:
    """Names have no `:`, and texts are checked where they are read."""
    value: object = REFERENCE
    if key == "DETECTORS":
        value = {"not-found-error": {"description": REFERENCE}}
    with pytest.raises(ConfigurationError):
        to_cloudformation(*shop(**{key: value}))  # type: ignore[arg-type]  # any value


@pytest.mark.parametrize(
    "url",
    [
        f"mailto:{REFERENCE}@example.com",
        f"https://example.com/{REFERENCE}",
        f"arn:aws:lambda:eu-central-1:123456789012:{REFERENCE}",
    ],
)
def test_no_subscription_has_one(url: str) -> None:
    """The error names the key, and says why."""
    keys = {"ERRWATCH_SNS_TOPIC": "ops", "ERRWATCH_SUBSCRIPTIONS": [url]}
    with pytest.raises(ConfigurationError, match="CloudFormation would resolve it"):
        configuration.load(keys, {}, app_name="shop")


@pytest.mark.parametrize(
    "fields",
    [
        {"description": f"Look: {REFERENCE}"},
        {"runbook_url": f"https://example.com/{REFERENCE}"},
    ],
)
def test_no_text_of_a_detector_has_one(fields: dict[str, str]) -> None:
    """Both are in the alarm's description."""
    with pytest.raises(ConfigurationError, match=r"\{\{resolve:"):
        replace(DEFAULT_DETECTORS[0], **fields)  # type: ignore[arg-type]  # fields of strings


@pytest.mark.parametrize(
    "fields",
    [
        {"dimensions": (("LoadBalancer", REFERENCE),)},
        {"dimensions": ((REFERENCE, "app/shop"),)},
        {"name": REFERENCE},
        {"namespace": REFERENCE},
    ],
)
def test_no_metric_of_the_user_has_one(fields: dict[str, object]) -> None:
    """A namespace and a name have no `:` at all."""
    with pytest.raises(ConfigurationError):
        busy(**fields)


def test_any_other_text_is_refused_by_the_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever field of whatever resource it is in, should a declaration let it pass one day."""
    pattern = property(lambda self: f'{{ $.event = "{self.event}{REFERENCE}" }}')
    monkeypatch.setattr(Detector, "pattern", pattern)
    with pytest.raises(ConfigurationError, match="CloudFormation would resolve it at deployment"):
        to_cloudformation(*shop())


def test_braces_that_are_no_reference_are_kept() -> None:
    """Only the beginning of a reference is refused."""
    detector = replace(DEFAULT_DETECTORS[0], description="A {{template}} with ${braces}: resolve:")
    assert "{{template}}" in to_cloudformation(*shop((detector,)))


@pytest.mark.parametrize("mark", ['"', "\\"])
@pytest.mark.parametrize(
    ("detector", "settings"),
    [
        (DEFAULT_DETECTORS[0], {"PER_SOURCE_ALARMS": DEFAULT_DETECTORS[0].name}),
        (DEFAULT_DETECTORS[0], {"NOTIFY": "app"}),
        (Detector(name="paid", event="Paid", alarm=busy()), {}),
    ],
)
def test_a_name_that_would_leave_its_quotation_is_refused(
    mark: str, detector: Detector, settings: dict[str, str]
) -> None:
    """In metric math and in the rule of a composite alarm. AWS documents no escape there."""
    catalogue, config = shop((detector,), name=f"a{mark}b", LOG_GROUP="shop", **settings)
    with pytest.raises(ConfigurationError, match="ERRWATCH_APP_NAME"):
        desired_resources(catalogue, config)


@pytest.mark.parametrize("name", ['the "shop"', "a\\b", "{{resolve", "a{b}"])
def test_elsewhere_a_name_may_have_any_mark(name: str) -> None:
    """A dashboard, a filter and an alarm take it as JSON, not inside an expression."""
    app = shop(name=name, LOG_GROUP="shop", DASHBOARD=True, SAVED_QUERIES=True)
    template = to_cloudformation(*app)
    assert lint(template) == []
    resources = json.loads(template)["Resources"].values()
    filters = [
        resource["Properties"]["FilterName"]
        for resource in resources
        if resource["Type"] == "AWS::Logs::MetricFilter"
    ]
    assert f"{name}-critical-error" in filters


def test_the_alarm_of_a_detector_is_still_exported() -> None:
    """The check walks over the whole template and changes nothing."""
    detector = Detector(name="paid", event="Paid", alarm=Alarm(threshold=1))
    assert '"shop-paid"' in to_cloudformation(*shop((detector,)))
