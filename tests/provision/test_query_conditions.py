"""Conditions of detectors in the language of Logs Insights, for the links of alarms."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from flask_errwatch import DEFAULT_DETECTORS, Detector
from flask_errwatch import config as configuration
from flask_errwatch.provision.descriptions import lines_condition, of_detector
from flask_errwatch.provision.scope import AwsScope

SCOPE = AwsScope(partition="aws", region="eu-central-1", account="123456789012")


def test_the_condition_is_that_of_the_pattern() -> None:
    """With the event and `where`. What has no equal is left out, if lines of the event remain."""
    where = '$.route = * && $.path = "/wp-*"'
    condition = r"ispresent(route) and path like /^\/wp-/"
    assert lines_condition(Detector(name="a", where=where)) == condition
    own = 'event = "Login Failed"'
    login = Detector(name="a", event="Login Failed")
    assert lines_condition(replace(login, where=where)) == f"{own} and {condition}"
    assert lines_condition(replace(login, where="$.data.ok IS TRUE")) == own
    assert lines_condition(Detector(name="a", where="$.data.ok IS TRUE")) is None


def described(detector: Detector, scope: AwsScope | None = None) -> list[str]:
    """The lines of the description of a detector's alarm."""
    config = configuration.load({}, {}, app_name="shop")
    return of_detector(detector, config, scope).splitlines()


def test_a_description_says_which_lines_are_counted() -> None:
    """Those of an event, of a condition, or of both, and what is summed of them."""
    where = "$.suspicion > 0"
    assert [
        described(detector)[0]
        for detector in (
            Detector(name="a", event="A", where=where),
            Detector(name="a", event="A", value="$.data.amount"),
            Detector(name="a", event="A", where=where, value="$.suspicion"),
            Detector(name="a", where=where),
            Detector(name="a", where=where, value="$.suspicion"),
        )
    ] == [
        'Its lines say "A" in log group shop. It counts those that match $.suspicion > 0.',
        'Its lines say "A" in log group shop. It sums $.data.amount of those.',
        (
            'Its lines say "A" in log group shop. It sums $.suspicion of those that match '
            "$.suspicion > 0."
        ),
        "It counts the lines of log group shop that match $.suspicion > 0.",
        "It sums $.suspicion of the lines of log group shop that match $.suspicion > 0.",
    ]


def test_the_link_shows_the_lines_of_the_condition() -> None:
    """There is none for a condition that cannot be written, since it would show other lines."""
    (scan,) = (detector for detector in DEFAULT_DETECTORS if detector.name == "scan")
    (link,) = (line for line in described(scan, SCOPE) if line.startswith("Lines: "))
    query = unquote(unquote(link.replace("$", "%")).replace("*", "%"))
    assert "editorString~'filter suspicion > 0\n| sort @timestamp desc" in query
    for where in ("$.data.ok IS TRUE", '$.data.name = "Zoë"'):
        probe = Detector(name="probe", where=where)
        assert not any(line.startswith("Lines: ") for line in described(probe, SCOPE))
