"""Conditions and values of detectors, and the default catalogue that has them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from flask import Flask

from flask_errwatch import (
    DEFAULT_DETECTORS,
    Alarm,
    Catalogue,
    ConfigurationError,
    Detector,
    ErrWatch,
    SourceAlarm,
    UnknownDetectorError,
)
from flask_errwatch.alarms import AnyAlarm
from flask_errwatch.config import load
from flask_errwatch.detectors.conditions import CHECKED
from flask_errwatch.patterns import parse, parse_json_condition
from tests.wsgi_driver import events_of

BY_NAME = {detector.name: detector for detector in DEFAULT_DETECTORS}
PROBE = Detector(name="probe", where='$.path_class = "probe"')


def configured(*detectors: Detector, **settings: object) -> dict[str, Detector]:
    """The detectors as an app with these settings has them, by name."""
    config = load(
        {f"ERRWATCH_{key}": value for key, value in settings.items()}, {}, app_name="shop"
    )
    return {
        detector.name: detector
        for detector in Catalogue(detectors or DEFAULT_DETECTORS).configured(config)
    }


def alarms(**settings: object) -> dict[str, AnyAlarm | None]:
    """The alarms of the default detectors."""
    return {name: detector.alarm for name, detector in configured(**settings).items()}


def test_a_pattern_has_event_and_condition_in_parentheses() -> None:
    """An `||` of the condition stays inside it. Without an event it is the whole pattern."""
    both = Detector(name="a", event="Login Failed", where="$.data.tries > 3 || $.data.bot IS TRUE")
    assert both.pattern == (
        '{ ($.event = "Login Failed") && ($.data.tries > 3 || $.data.bot IS TRUE) }'
    )
    matches = parse(both.pattern).matches
    assert matches('{"event": "Login Failed", "data": {"tries": 4}}')
    assert not matches('{"event": "Login Failed", "data": {"tries": 3}}')
    assert not matches('{"event": "Other", "data": {"bot": true}}')
    assert PROBE.pattern == '{ $.path_class = "probe" }'


@pytest.mark.parametrize("where", sorted(CHECKED))
def test_the_conditions_of_the_package_are_valid(where: str) -> None:
    """They are not parsed when the package is imported, so this parses them, also joined."""
    parse_json_condition(where)
    parse(Detector(name="a", event="x" * 100, where=where).pattern)


def test_only_those_are_left_unparsed() -> None:
    """Every condition of the default catalogue is among them, or the import would be dear."""
    assert {d.where for d in DEFAULT_DETECTORS if d.where} == CHECKED


def test_a_condition_of_the_app_is_parsed_when_it_is_declared() -> None:
    """The language of patterns is imported for it, and not by the package alone."""
    program = """
import sys
from flask_errwatch import Detector
assert "flask_errwatch.patterns" not in sys.modules
Detector(name="probe", where='$.path_class = "probe"', value="$.suspicion")
assert "flask_errwatch.patterns" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("where", "remedy"),
    [
        ("$.a == 1", "At character 6, '= 1': Write a single '=' for equality."),
        (
            "$.a = 1) || ($.b = 2",
            "At character 8, ') || ($.b = 2': Write '&&' or '||' and another condition here.",
        ),
        (
            "!($.a = 1)",
            (
                "At character 1, '!($.a = 1)': Write '!=' or NOT EXISTS instead: negation with "
                "'!' is not supported."
            ),
        ),
        ("", "At its end, character 1: Write a selector here, such as $.event."),
        (
            "{ $.a = 1 }",
            "At character 1, '{ $.a = 1 }': Write a selector here, such as $.event.",
        ),
        (
            "$.a = %a% || $.b = %b% || $.c = %c%",
            "At character 33, '%c%': Write at most 2 regular expressions per pattern.",
        ),
        (
            f'$.a = "{"x" * 1000}"',
            "The whole pattern is refused: Shorten the pattern to at most 1,024 characters.",
        ),
        (
            '$.a = "{{resolve:ssm:key}}"',
            "Leave out '{{resolve:': CloudFormation would resolve it.",
        ),
        (5, "Use a string, such as '$.suspicion > 0'."),
    ],
)
def test_a_condition_that_is_refused(where: Any, remedy: str) -> None:
    """The error says where in the condition it is wrong, and what to write. Quotas are checked."""
    with pytest.raises(ConfigurationError) as caught:
        Detector(name="a", event="Login Failed", where=where)
    (problem,) = caught.value.problems
    assert (problem.key, problem.value, problem.remedy) == ("where", where, remedy)


@pytest.mark.parametrize(
    "declare",
    [
        lambda value: Detector(name="a", event="A", value=value),
        lambda value: SourceAlarm(threshold=1, period=60, value=value),
    ],
)
def test_a_value_is_the_path_of_one_field(declare: Any) -> None:
    """A wildcard, an index or a name that queries would have to quote is refused."""
    for path in ("$.suspicion", "$.data.amount", "$.data.amount_2"):
        assert declare(path).value == path
    refused: tuple[object, ...] = (
        *("$", "$.", "suspicion", "$.a[0]", "$.a[*]", "$.*", "$.a-b", "$.a..b", " $.a", "", 1),
    )
    for value in (*refused, f"$.{'a' * 99}"):
        with pytest.raises(ConfigurationError, match=r"Use the path of a numeric field, such as"):
            declare(value)


def test_a_detector_without_an_event_has_no_lines() -> None:
    """It claims no status, `report` refuses it with a sentence, and it needs a condition."""
    app = Flask("shop")
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=[*DEFAULT_DETECTORS, PROBE])
    with pytest.raises(UnknownDetectorError) as caught:
        errwatch.report("probe")
    assert str(caught.value) == (
        "detector = 'probe': It only counts the lines of others: report one of "
        "critical-error, authentication-error, bad-request-error, not-found-error, "
        "method-not-allowed-error, rate-limit-error, client-error."
    )
    app.test_client().get("/nowhere")
    assert [event["detector"] for event in events_of(app)] == ["not-found-error"]
    wrong: list[dict[str, Any]] = [
        {},
        {"value": "$.a"},
        {"where": "$.a = 1", "statuses": (418,)},
    ]
    for arguments in wrong:
        with pytest.raises(ConfigurationError, match="Give it an event name, or only `where`"):
            Detector(name="a", **arguments)


def test_several_detectors_without_an_event() -> None:
    """They may count the same lines. Event names stay unique, and the remedy says what to do."""
    Catalogue([*DEFAULT_DETECTORS, PROBE, Detector(name="again", where=PROBE.where)])
    with pytest.raises(ConfigurationError) as caught:
        Catalogue(
            [
                Detector(name="one", event="Login Failed"),
                Detector(name="two", event="Login Failed", where="$.data.tries > 3"),
            ]
        )
    assert str(caught.value) == (
        "event = 'Login Failed': Detectors 'one' and 'two' both have it: remove it from one of "
        "them. One without an event name counts lines of others, with `where`."
    )


@pytest.mark.parametrize("name", ["critical-error", "logged-error"])
def test_detectors_that_the_package_writes_lines_of_need_an_event(name: str) -> None:
    """An unhandled exception could not be recorded without one."""
    with pytest.raises(ConfigurationError, match=f"Detector '{name}' has lines of its own"):
        Catalogue([Detector(name=name, where="$.status = 500")])


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"event": "Not Found Error", "status": 404, "suspicion": 0}, ["not-found-error"]),
        ({"event": "Not Found Error", "status": 404, "suspicion": 2}, ["not-found-error", "scan"]),
        ({"event": "Critical Error", "status": 500, "suspicion": 1}, ["critical-error", "scan"]),
        # Before the app is deployed, its lines lack the field.
        ({"event": "Not Found Error", "status": 404}, ["not-found-error"]),
        # What a person does who is not signed in, and what guessing looks like.
        ({"event": "Authentication Error", "referrer": "same", "method": "GET"}, []),
        ({"event": "Authentication Error", "referrer": "same", "method": "HEAD"}, []),
        (
            {"event": "Authentication Error", "referrer": "same", "method": "POST"},
            ["authentication-error"],
        ),
        (
            {"event": "Authentication Error", "referrer": "none", "method": "GET"},
            ["authentication-error"],
        ),
        (
            {"event": "Authentication Error", "referrer": "other", "method": "HEAD"},
            ["authentication-error"],
        ),
    ],
)
def test_what_the_default_detectors_count(fields: dict[str, object], names: list[str]) -> None:
    """Several may count one line. Those of a 4xx also count as part of a flood."""
    status = fields.get("status")
    expected = [*names, "failure-flood"] if status == 404 else names
    assert [
        detector.name
        for detector in DEFAULT_DETECTORS
        if parse(detector.pattern).matches(json.dumps(fields))
    ] == expected


def test_overrides_of_conditions_values_and_source_alarms() -> None:
    """A condition can be removed or changed, and so can each field of a `SourceAlarm`."""
    by_name = configured(
        DETECTORS={
            "authentication-error": {"where": None, "notify": False},
            "not-found-error": {"notify": True},
            "scan": {"where": "$.suspicion > 1", "threshold": 30, "site_threshold": 50},
            "failure-flood": {"value": "$.data.weight"},
        }
    )
    assert by_name["authentication-error"].pattern == '{ $.event = "Authentication Error" }'
    assert by_name["authentication-error"].alarm == Alarm(threshold=10, period=300, notify=False)
    assert by_name["not-found-error"].alarm == Alarm(threshold=10, period=300)
    assert by_name["scan"].pattern == "{ $.suspicion > 1 }"
    assert by_name["scan"].alarm == SourceAlarm(
        threshold=30, period=600, site_threshold=50, site_period=300
    )
    assert by_name["failure-flood"].value == "$.data.weight"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"where": "$.a == 1"}, "['where'] = '$.a == 1': At character 6"),
        ({"value": "$.*"}, "['value'] = '$.*': Use the path of a numeric field"),
        ({"where": None}, "['event'] = None: Give it an event name, or only `where`"),
        ({"notify": False}, "['notify'] = False: This detector has a SourceAlarm, which takes"),
    ],
)
def test_overrides_are_checked(override: dict[str, object], message: str) -> None:
    """As declarations are, each under its key."""
    with pytest.raises(ConfigurationError) as caught:
        configured(DETECTORS={"scan": override})
    assert str(caught.value).startswith(f"ERRWATCH_DETECTORS['scan']{message}")


@pytest.mark.parametrize("notify", [None, "no", 1])
def test_notify_is_true_or_false(notify: Any) -> None:
    """None would silently mean one of them."""
    with pytest.raises(ConfigurationError, match=r"notify = .*: Use True or False\."):
        Alarm(notify=notify)


def test_the_alarms_of_version_0_2() -> None:
    """Those that a busy site raises every day do not notify. A scan and a flood do."""
    silent, loud = Alarm(threshold=10, period=300, notify=False), Alarm(threshold=10, period=300)
    assert alarms() == {
        "critical-error": loud,
        "authentication-error": loud,
        "bad-request-error": silent,
        "not-found-error": silent,
        "method-not-allowed-error": silent,
        "rate-limit-error": loud,
        "client-error": None,
        "scan": SourceAlarm(threshold=16, period=600, site_threshold=20, site_period=300),
        "failure-flood": BY_NAME["failure-flood"].alarm,
    }


def test_the_catalogue_of_version_0_1() -> None:
    """`ERRWATCH_DEFAULTS="0.1"` keeps seven detectors that count all their lines and notify."""
    by_name = configured(DEFAULTS="0.1")
    assert not any(one.exceptions or one.answered_exceptions for one in by_name.values())
    loud = Alarm(threshold=10, period=300)
    assert {name: (detector.pattern, detector.alarm) for name, detector in by_name.items()} == {
        "critical-error": ('{ $.event = "Critical Error" }', loud),
        "authentication-error": ('{ $.event = "Authentication Error" }', loud),
        "bad-request-error": ('{ $.event = "Bad Request Error" }', loud),
        "not-found-error": ('{ $.event = "Not Found Error" }', loud),
        "method-not-allowed-error": ('{ $.event = "Method Not Allowed Error" }', loud),
        "rate-limit-error": ('{ $.event = "Rate Limit Error" }', loud),
        "client-error": ('{ $.event = "Client Error" }', None),
    }
    with pytest.raises(ConfigurationError, match="There is no such detector"):
        configured(DEFAULTS="0.1", DETECTORS={"scan": {"threshold": 3}})


def test_version_0_1_leaves_what_an_app_declares() -> None:
    """Its own detectors stay, also one that replaces a default one, beside the old defaults."""
    own = Detector(name="login-failed", event="Login Failed", alarm=Alarm(notify=False))
    quiet = Detector(name="gone", event="Gone", statuses=(410,), where="$.status = 410")
    kept = [detector for detector in DEFAULT_DETECTORS if detector.name != "not-found-error"]
    by_name = configured(*kept, own, quiet, PROBE, DEFAULTS="0.1")
    assert [*by_name] == [
        *("critical-error", "authentication-error", "bad-request-error"),
        *("method-not-allowed-error", "rate-limit-error", "client-error"),
        *("login-failed", "gone", "probe"),
    ]
    assert by_name["login-failed"].alarm == Alarm(threshold=10, period=300, notify=False)
    assert by_name["gone"].where == "$.status = 410"


def test_without_source_alarms_the_others_notify() -> None:
    """Nobody is left without a sign of a scan. An override still decides."""
    off = alarms(SOURCE_ALARMS="off", DETECTORS={"bad-request-error": {"notify": False}})
    notifies = {name for name, alarm in off.items() if alarm is not None and alarm.notifies}
    assert notifies == {
        *("critical-error", "authentication-error", "not-found-error"),
        *("method-not-allowed-error", "rate-limit-error", "scan", "failure-flood"),
    }
    own = Detector(name="a", event="A", alarm=Alarm(notify=False))
    alarm = configured(own, SOURCE_ALARMS="off")["a"].alarm
    assert alarm is not None
    assert not alarm.notifies


@pytest.mark.parametrize(
    ("kept", "settings"),
    [
        ({*BY_NAME} - {"scan"}, {}),
        ({*BY_NAME}, {"DETECTORS": {"scan": {"alarm": False}}}),
    ],
)
def test_an_app_without_the_alarm_on_sources_hears_of_scans(
    kept: set[str], settings: dict[str, Any]
) -> None:
    """Where it is not declared, or is removed, the alarms on statuses notify."""
    declared = [detector for detector in DEFAULT_DETECTORS if detector.name in kept]
    by_name = configured(*declared, **settings)
    for name in ("not-found-error", "method-not-allowed-error", "bad-request-error"):
        assert by_name[name].alarm == Alarm(threshold=10, period=300)


def test_to_configure_a_catalogue_twice_changes_nothing() -> None:
    """`replay --set` configures the catalogue of an app a second time."""
    config = load({"ERRWATCH_DEFAULTS": "0.1"}, {}, app_name="shop")
    once = Catalogue(DEFAULT_DETECTORS).configured(config)
    assert once.configured(config) == once
