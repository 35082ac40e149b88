"""The judge counts what collapsed lines stand for, as CloudWatch does."""

from __future__ import annotations

import json

from flask_errwatch import config
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.provision import desired_resources
from flask_errwatch.simulation.filters import LineFilter
from flask_errwatch.simulation.insight_rules import ContributorRule


def test_filters_and_rules_sum_the_counts() -> None:
    """Each filter's value is the field, unless the detector has its own. So it is of a rule."""
    settings = {"ERRWATCH_COLLAPSE_SECONDS": 1, "ERRWATCH_PER_SOURCE_ALARMS": "not-found-error"}
    shop = config.load(settings, {}, app_name="shop")
    desired = desired_resources(Catalogue(DEFAULT_DETECTORS), shop)
    values = {metric_filter.name: metric_filter.value for metric_filter in desired.filters}
    assert values.pop("shop-scan") == "$.suspicion"
    assert set(values.values()) == {"$.count"}
    event = {"event": "Not Found Error", "client_ip": "192.0.2.1", "count": 99}
    (not_found,) = (one for one in desired.filters if one.name == "shop-not-found-error")
    sample = LineFilter(not_found).sample(json.dumps(event))
    assert sample is not None
    assert sample.value == 99
    rule, scan = desired.insight_rules
    assert (rule.name, scan.name) == ("shop-not-found-error-one-source", "shop-scan-one-source")
    assert json.loads(scan.definition)["Contribution"]["ValueOf"] == "$.suspicion"
    definition = json.loads(rule.definition)
    assert definition["AggregateOn"] == "Sum"
    assert definition["Contribution"]["ValueOf"] == "$.count"
    judged = ContributorRule.of(rule)
    assert judged.contribution(event) == 99
    assert judged.contribution({"event": "Not Found Error"}) == 0
