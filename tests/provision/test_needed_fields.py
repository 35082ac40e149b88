"""A plan warns while the lines of the last hour lack fields that its filters read."""

from __future__ import annotations

import json

from botocore.stub import ANY

from flask_errwatch import config as configuration
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.provision import Plan
from flask_errwatch.provision.needed_fields import with_missing_fields
from tests.provision.stubbed_aws import StubbedAws

OF_REQUESTS = "{ $.method = * && ($.referrer NOT EXISTS || $.suspicion NOT EXISTS) }"
OLD: dict[str, object] = {"event": "Not Found Error", "method": "GET", "app": "shop"}
NEW: dict[str, object] = {**OLD, "referrer": "none", "suspicion": 0}


def expect(aws: StubbedAws, pattern: str, *lines: dict[str, object]) -> None:
    """Expects one search, of one page of the last hour."""
    events = [{"timestamp": 1, "message": json.dumps(line)} for line in lines]
    aws.expect(
        "filter_log_events",
        {"events": events, "nextToken": "more"},
        logGroupName="shop",
        filterPattern=pattern,
        startTime=ANY,
        limit=50,
    )


def checked(aws: StubbedAws, *detectors: Detector) -> Plan:
    """An empty plan of an app with these detectors, with what the search found."""
    config = configuration.load({}, {}, app_name="shop")
    catalogue = Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    return with_missing_fields(Plan(entries=()), aws, catalogue, config)


def test_lines_of_an_old_release(stubbed: StubbedAws) -> None:
    """One search for all fields. Each that is missing is named, with the detectors that read it."""
    expect(stubbed, OF_REQUESTS, NEW, OLD, {**NEW, "suspicion": None}, OLD)
    assert checked(stubbed).warnings == (
        (
            "lines of the last hour have no $.referrer, so authentication-error may not count "
            "them: deploy the app before you apply."
        ),
        (
            "lines of the last hour have no $.suspicion, so scan may not count them: deploy the "
            "app before you apply."
        ),
    )


def test_lines_with_the_fields_and_lines_of_others(stubbed: StubbedAws) -> None:
    """There is no warning: an emulator returns every line, and the group may be shared."""
    expect(
        stubbed, OF_REQUESTS, NEW, {**OLD, "app": "other"}, {"event": "Heartbeat", "app": "shop"}
    )
    assert checked(stubbed) == Plan(entries=())


def test_the_data_of_a_detectors_own_lines(stubbed: StubbedAws) -> None:
    """A field of its own lines is searched there, unless the condition is that it is missing."""
    paid = Detector(
        name="paid",
        event="Payment Failed",
        value="$.data.amount",
        where='$.data.test NOT EXISTS && $.route != "/x"',
    )
    expect(
        stubbed,
        '{ $.event = "Payment Failed" && ($.data.amount NOT EXISTS) }',
        {"event": "Payment Failed", "app": "shop", "data": {}},
    )
    (warning,) = checked(stubbed, paid).warnings
    assert warning.startswith("lines of the last hour have no $.data.amount, so paid may not")


def test_without_permission(stubbed: StubbedAws) -> None:
    """The plan is made, and says what was not checked and which action is missing."""
    stubbed.stubs["logs"].add_client_error("filter_log_events", "AccessDeniedException", "no")
    plan = checked(stubbed)
    assert plan.warnings == ()
    assert (
        str(plan)
        .splitlines()[0]
        .startswith(
            "Not checked: fields of the newest lines: logs:FilterLogEvents failed with "
            "AccessDeniedException (no): Allow logs:FilterLogEvents"
        )
    )


def test_detectors_that_need_no_field_search_nothing(stubbed: StubbedAws) -> None:
    """Nor do those whose fields depend on the request: its status, route or user."""
    assert checked(
        stubbed,
        Detector(name="a", event="A"),
        Detector(name="b", where="$.status >= 400 && $.route = *", value="$.duration_ms"),
    ) == Plan(entries=())
