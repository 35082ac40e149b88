"""The catalogue: each event belongs to one detector, and each line matches one pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from flask import Flask

from flask_errwatch import (
    DEFAULT_DETECTORS,
    SECURITY_DETECTORS,
    Alarm,
    Catalogue,
    ConfigurationError,
    Detector,
    ErrWatch,
)
from flask_errwatch.alarms import AnomalyAlarm, BusyAlarm, DetectorAlarm, SourceAlarm
from flask_errwatch.config import load
from flask_errwatch.detectors import event_pattern
from flask_errwatch.detectors.defaults import FLOOD
from flask_errwatch.patterns import parse
from tests.wsgi_driver import events_of, lines_of, serve

CUSTOM = (
    *DEFAULT_DETECTORS,
    *SECURITY_DETECTORS,
    Detector(name="teapot", event="Critical Error: teapot", statuses=[418]),  # type: ignore[arg-type]  # as people write it
    Detector(name="e", event="Error"),
    Detector(name="gateway", event="Gateway.Error_1/2+3-4", statuses=(502,), level="critical"),
)

#: Those that have lines. The others count lines of these, see `test_conditions.py`.
WITH_LINES = [detector for detector in CUSTOM if detector.event is not None]

SCAN = SourceAlarm(threshold=16, period=600, site_threshold=20, site_period=300)

Matcher = Callable[[str], bool]


def matchers() -> dict[str, Matcher]:
    """For each detector with lines, whether a line has its event."""

    def matcher(pattern: str) -> Matcher:
        parsed = parse(pattern)
        return lambda line: bool(parsed.matches(line))

    return {detector.name: matcher(event_pattern(detector.event or "")) for detector in WITH_LINES}


def answering() -> tuple[Flask, ErrWatch]:
    app = Flask(__name__)
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=CUSTOM)

    @app.route("/<path:path>", methods=["GET", "POST"])
    def answer(path: str) -> tuple[str, int]:
        return path, int(path.split("/", maxsplit=1)[0])

    return app, errwatch


def matched(app: Flask) -> list[list[str]]:
    """For each line of the app, the detectors whose event it has."""
    by_detector = matchers()
    return [
        [name for name, matches in by_detector.items() if matches(line.decode())]
        for line in lines_of(app)
    ]


@pytest.mark.parametrize("detector", WITH_LINES, ids=lambda detector: detector.name)
def test_a_line_matches_its_own_pattern_and_no_other(detector: Detector) -> None:
    """A reported line matches its detector's pattern and no sibling's."""
    app, errwatch = answering()
    errwatch.report(detector.name, note="reported")
    assert matched(app) == [[detector.name]]
    assert events_of(app)[0]["event"] == detector.event
    assert events_of(app)[0]["detector"] == detector.name
    assert events_of(app)[0]["level"] == detector.level


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "bad-request-error"),
        (401, "authentication-error"),
        (403, "authentication-error"),
        (402, "client-error"),
        (404, "not-found-error"),
        (405, "method-not-allowed-error"),
        (410, "not-found-error"),
        (418, "teapot"),
        (422, "bad-request-error"),
        (429, "rate-limit-error"),
        (499, "client-error"),
        (500, "critical-error"),
        (502, "gateway"),
        (599, "critical-error"),
    ],
)
def test_a_status_belongs_to_one_detector(status: int, name: str) -> None:
    """An exact status beats a class, and the line matches only that detector's pattern."""
    app, _ = answering()
    serve(app, f"/{status}")
    assert matched(app) == [[name]]


@pytest.mark.parametrize("detector", WITH_LINES, ids=lambda detector: detector.name)
def test_an_event_name_in_a_request_matches_nothing(detector: Detector) -> None:
    """A client that writes event names, or a whole forged line, is counted as what it is."""
    app, errwatch = answering()
    forged = f'{detector.event}", "event": "{detector.event}", "x": "'
    headers: dict[str, Any] = {
        "PATH_INFO": f"/404/{forged}",
        "HTTP_USER_AGENT": forged,
        "HTTP_X_FORWARDED_FOR": forged,
        "HTTP_X_REQUEST_ID": forged,
        "HTTP_REFERER": forged,
        "REMOTE_USER": forged,
    }
    serve(app, **headers)
    serve(app, **{**headers, "REQUEST_METHOD": forged, "PATH_INFO": "/nowhere"})
    forged_names: dict[str, Any] = {"$.event": detector.event, forged: forged}
    errwatch.report(
        "login-failed",
        event=detector.event,
        detector=detector.name,
        forged={"event": detector.event, "$": {"event": detector.event}},
        **forged_names,
    )
    assert matched(app) == [["not-found-error"], ["method-not-allowed-error"], ["login-failed"]]


def test_the_plain_text_pattern_of_old_still_matches() -> None:
    """Filters with the event name as a plain term still match the genuine lines."""
    app, _ = answering()
    serve(app, "/500")
    assert parse("Critical Error").matches(lines_of(app)[0].decode())
    assert parse('"Critical Error"').matches(lines_of(app)[0].decode())


def test_the_default_catalogue() -> None:
    """Names, event names, statuses, levels and alarms are those of the contract."""
    assert [
        (detector.name, detector.event, detector.statuses, detector.level, detector.alarm)
        for detector in DEFAULT_DETECTORS
    ] == [
        ("critical-error", "Critical Error", ("5xx",), "critical", Alarm()),
        ("authentication-error", "Authentication Error", (401, 403), "error", Alarm()),
        ("bad-request-error", "Bad Request Error", (400, 422), "warning", Alarm(notify=False)),
        ("not-found-error", "Not Found Error", (404, 410), "warning", Alarm(notify=False)),
        (
            *("method-not-allowed-error", "Method Not Allowed Error", (405,), "warning"),
            Alarm(notify=False),
        ),
        ("rate-limit-error", "Rate Limit Error", (429,), "warning", Alarm()),
        ("client-error", "Client Error", ("4xx",), "warning", None),
        ("scan", None, (), "warning", SCAN),
        ("failure-flood", None, (), "warning", Alarm(threshold=FLOOD, period=300)),
    ]
    assert {d.name: (d.where, d.value) for d in DEFAULT_DETECTORS if d.where} == {
        "authentication-error": (
            '$.referrer != "same" || ($.method != "GET" && $.method != "HEAD")',
            None,
        ),
        "scan": ("$.suspicion > 0", "$.suspicion"),
        "failure-flood": ("$.status >= 400 && $.status < 500", None),
    }
    assert DEFAULT_DETECTORS[0].pattern == '{ $.event = "Critical Error" }'
    assert DEFAULT_DETECTORS[0].resource_name("shop") == "shop-critical-error"
    assert Alarm() == Alarm(
        threshold=None,
        period=None,
        evaluation_periods=1,
        datapoints_to_alarm=None,
        statistic="Sum",
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        notify=True,
    )


def configured(overrides: dict[str, object], **settings: object) -> dict[str, Detector]:
    own_settings = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = load({"ERRWATCH_DETECTORS": overrides, **own_settings}, {}, app_name="shop")
    return {detector.name: detector for detector in Catalogue(DEFAULT_DETECTORS).configured(config)}


def test_thresholds_and_periods_are_filled_in() -> None:
    """An alarm without threshold and period gets the app's, by default 10 and 300 s."""
    alarm = configured({})["critical-error"].alarm
    assert isinstance(alarm, Alarm)
    assert (alarm.threshold, alarm.period) == (10, 300)
    alarm = configured({}, ALARM_THRESHOLD=3, ALARM_PERIOD=60)["critical-error"].alarm
    assert isinstance(alarm, Alarm)
    assert (alarm.threshold, alarm.period) == (3, 60)


def test_overrides_per_detector() -> None:
    """The configuration can set alarm fields, level and texts of a detector."""
    by_name = configured(
        {
            "not-found-error": {"threshold": 50, "runbook_url": "https://example.com/404"},
            "client-error": {"alarm": True},
            "rate-limit-error": {"alarm": False, "level": "info"},
            "bad-request-error": {"alarm": None},
        }
    )
    alarm = by_name["not-found-error"].alarm
    assert isinstance(alarm, Alarm)
    assert (alarm.threshold, alarm.period, alarm.notify) == (50, 300, False)
    assert by_name["not-found-error"].runbook_url == "https://example.com/404"
    assert by_name["client-error"].alarm == Alarm(threshold=10, period=300)
    assert by_name["rate-limit-error"].alarm is None
    assert by_name["rate-limit-error"].level == "info"
    assert by_name["bad-request-error"].alarm is None
    assert by_name["critical-error"].alarm == Alarm(threshold=10, period=300)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ({"name": "x"}, "['name']"),
        ({"alarm": {"threshold": 5}}, "['alarm']"),
        ({"alarm": 1}, "['alarm']"),
        ({"period": 7}, "['period']"),
        ({"level": "loud"}, "['level']"),
    ],
)
def test_an_invalid_override(override: dict[str, object], key: str) -> None:
    """An invalid override is reported with detector and field."""
    with pytest.raises(ConfigurationError) as caught:
        configured({"client-error": override})
    (problem,) = caught.value.problems
    assert problem.key == f"ERRWATCH_DETECTORS['client-error']{key}"


@pytest.mark.parametrize("name", ["a", "login-failed", "a1-b2-3", "x" * 100])
def test_valid_names(name: str) -> None:
    """Kebab-case: lowercase letters and digits, with single hyphens between them."""
    assert Detector(name=name, event="Phrase").name == name


@pytest.mark.parametrize(
    "name", ["", "-", "-a", "a-", "a--b", "A", "a_b", "a b", "a\n", "é", "x" * 101, 7]
)
def test_names_that_are_refused(name: Any) -> None:
    """Other names would be hard to read or invalid in AWS."""
    with pytest.raises(ConfigurationError, match="Use kebab-case"):
        Detector(name=name, event="Phrase")


@pytest.mark.parametrize("phrase", ["A", "7", "a. _/:+-z", "Login Failed", "x" * 100])
def test_valid_event_names(phrase: str) -> None:
    """Letters, digits and marks that are literal inside a pattern, but no marks at the ends."""
    assert Detector(name="a", event=phrase).pattern == f'{{ $.event = "{phrase}" }}'


@pytest.mark.parametrize(
    "phrase",
    [
        *("", " ", "-", " A", "A ", "A.", "/A", 'A"B', "A*B", "A\\B", "A\nB", "A\n", "Zeit für"),
        *("x" * 101, "Heartbeat", "Lines Dropped", 7),
    ],
)
def test_event_names_that_are_refused(phrase: Any) -> None:
    """Other characters might have a meaning in a pattern, or the name is reserved."""
    with pytest.raises(ConfigurationError, match="letters, digits, spaces and"):
        Detector(name="a", event=phrase)


class Lying(str):
    """A string whose methods return valid values."""

    __slots__ = ()

    def strip(self, _characters: str | None = None, /) -> str:
        """Always empty."""
        return ""

    def split(self, *_: object) -> list[str]:
        """A valid name."""
        return ["good"]


def test_the_characters_of_a_name_count() -> None:
    """An invalid event name could end the pattern's quotation."""
    for name, event in ((Lying("B"), "A"), ("a", Lying('A" || "'))):
        with pytest.raises(ConfigurationError):
            Detector(name=name, event=event)
    assert Detector(name=Lying("a-b"), event=Lying("A B")).name == "a-b"


def test_type_hints_can_be_resolved() -> None:
    """Libraries that create declarations from files need them."""
    hints = get_type_hints(Detector)
    assert hints["name"] is str
    assert hints["alarm"] == Alarm | AnomalyAlarm | BusyAlarm | SourceAlarm | None


@pytest.mark.parametrize("alarm", [DetectorAlarm(), "never", 5, Alarm])
def test_an_alarm_of_another_type_is_refused(alarm: Any) -> None:
    """The error names the types of alarm."""
    with pytest.raises(
        ConfigurationError,
        match=r"Use Alarm\(…\), AnomalyAlarm\(…\), BusyAlarm\(…\), SourceAlarm\(…\) or None\.",
    ):
        Detector(name="a", event="A", alarm=alarm)


def problems_of(*detectors: Any) -> list[tuple[str, object]]:
    with pytest.raises(ConfigurationError) as caught:
        ErrWatch(detectors=detectors)
    return [(problem.key, problem.value) for problem in caught.value.problems]


def test_two_claims_of_equal_rank() -> None:
    """Two detectors with the same status are refused at construction, and both are named."""
    first = Detector(name="first", event="First", statuses=(404, "4xx"))
    second = Detector(name="second", event="Second", statuses=("4xx", 404))
    with pytest.raises(ConfigurationError, match="'first' and 'second' both have it"):
        ErrWatch(detectors=[first, second])
    assert problems_of(first, second) == [("statuses", "4xx"), ("statuses", 404)]


def test_two_claims_of_an_exception() -> None:
    """No two detectors claim one class, with whatever answer. Both are named."""
    first = Detector(name="first", event="First", exceptions=("a.B", "a.C"))
    second = Detector(name="second", event="Second", answered_exceptions=("a.C",))
    with pytest.raises(ConfigurationError) as caught:
        Catalogue((first, second))
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == ("exceptions", "a.C")
    assert "'first' and 'second'" in problem.remedy
    twice = Detector(name="a", event="A", exceptions=("a.B", "a.B"), answered_exceptions=("a.B",))
    assert Catalogue((twice,)).for_exception(ValueError(), 500) is None


@pytest.mark.parametrize(
    "name", ["", "ValueError", "a.", ".a", "a..B", "a.b-c", "a.B()", "a.<locals>.B", 7, None]
)
@pytest.mark.parametrize("key", ["exceptions", "answered_exceptions"])
def test_names_of_exceptions_that_are_refused(key: str, name: Any) -> None:
    """A class is named with its module."""
    fields: dict[str, Any] = {key: [name]}
    with pytest.raises(ConfigurationError) as caught:
        Detector(name="a", event="A", **fields)
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == (key, name)
    assert problem.remedy == (
        "Use the name of a class with the module that defines it, such as "
        '"flask_wtf.csrf.CSRFError".'
    )


def test_exceptions_are_a_list() -> None:
    """A single name would be a list of characters. A detector that only counts claims none."""
    one: Any = "flask_wtf.csrf.CSRFError"
    with pytest.raises(ConfigurationError, match="Use a list of names of classes"):
        Detector(name="a", event="A", exceptions=one)
    with pytest.raises(ConfigurationError, match="Give it an event name"):
        Detector(name="a", where="$.status = 1", exceptions=("a.B",))


class PaidError(Exception):
    """An exception of a service that the app uses."""


class CardError(PaidError):
    """A more special one."""


def test_the_nearest_class_counts() -> None:
    """A subclass belongs to the nearest class that is claimed, by name."""
    card = Detector(name="card", event="Card", answered_exceptions=(f"{__name__}.CardError",))
    paid = Detector(name="paid", event="Paid", exceptions=(f"{__name__}.PaidError",))
    key = Detector(name="key", event="Key", exceptions=("builtins.LookupError",))
    catalogue = Catalogue((card, paid, key))
    claimed = {
        (type(error).__name__, status): catalogue.for_exception(error, status)
        for error in (CardError(), PaidError(), KeyError(), ValueError())
        for status in (0, 200, 400, 499, 500)
    }
    assert {case: found.name for case, found in claimed.items() if found is not None} == {
        **{("CardError", status): "paid" for status in (0, 200, 500)},
        **{("CardError", status): "card" for status in (400, 499)},
        **{("PaidError", status): "paid" for status in (0, 200, 400, 499, 500)},
        **{("KeyError", status): "key" for status in (0, 200, 400, 499, 500)},
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(None, "paid"), (200, "paid"), (302, "paid"), (404, "card"), (500, "paid")],
)
def test_an_exception_beats_the_status(answer: int | None, expected: str) -> None:
    """Whatever the app answers, also if nothing answers."""
    app = Flask("shop")
    app.config["ERRWATCH_SINKS"] = "memory"
    card = Detector(name="card", event="Card", answered_exceptions=(f"{__name__}.CardError",))
    paid = Detector(name="paid", event="Paid", exceptions=(f"{__name__}.PaidError",))
    ErrWatch(app, detectors=[*DEFAULT_DETECTORS, card, paid])

    @app.get("/")
    def pay() -> str:
        raise CardError("declined")

    if answer is not None:
        app.register_error_handler(PaidError, lambda _error: ("declined", answer))
    serve(app)
    (event,) = events_of(app)
    assert (event["detector"], event["status"]) == (expected, answer or 500)
    assert event["exception"]["type"] == f"{__name__}.CardError"
    assert "data" not in event


def test_names_and_event_names_are_unique() -> None:
    """One name, one event name, one detector."""
    assert problems_of(
        Detector(name="one", event="Phrase"),
        Detector(name="one", event="Other"),
        Detector(name="two", event="Phrase"),
    ) == [("name", "one"), ("event", "Phrase")]
    twice = Detector(name="one", event="One", statuses=(404, 404))
    assert problems_of(twice, twice) == [("name", "one"), ("event", "One"), ("statuses", 404)]
    assert Catalogue((twice,)).for_status(404) is twice


def test_the_event_name_of_exceptions_is_reserved() -> None:
    """Unhandled exceptions are critical errors in every app: no other detector has the name."""
    assert problems_of(Detector(name="mine", event="Critical Error")) == [
        ("event", "Critical Error")
    ]


def test_a_detector_of_another_type() -> None:
    """The error shows the value."""
    assert problems_of("not-found-error", {"name": "x"}) == [
        ("detectors", "not-found-error"),
        ("detectors", {"name": "x"}),
    ]


def test_a_catalogue_without_critical_errors() -> None:
    """An unhandled exception has its line also when no detector claims it."""
    app = Flask(__name__)
    app.config["ERRWATCH_SINKS"] = "memory"
    ErrWatch(app, detectors=[Detector(name="login-failed", event="Login Failed")])
    app.get("/")(lambda: str(1 // 0))
    serve(app)
    serve(app, "/nowhere")
    assert [event["detector"] for event in events_of(app)] == ["critical-error"]


def test_a_catalogue_is_a_collection() -> None:
    """It has a length, and its detectors are in their order."""
    catalogue = Catalogue(DEFAULT_DETECTORS)
    assert len(catalogue) == 9
    assert next(iter(catalogue)).name == "critical-error"
    assert catalogue.for_status(302) is None
    assert catalogue.named("client-error").event == "Client Error"
    assert catalogue.detectors == DEFAULT_DETECTORS


def test_catalogues_of_equal_detectors_are_equal() -> None:
    """A catalogue is an immutable value with a repr."""
    first, second = Detector(name="one", event="One"), Detector(name="other", event="Other")
    assert Catalogue([first]) == Catalogue((Detector(name="one", event="One"),))
    assert Catalogue((first, second)) != Catalogue((second, first))
    assert Catalogue((first,)) != (first,)
    assert len({Catalogue((first,)), Catalogue([first]), Catalogue(())}) == 2
    assert repr(Catalogue((first,))) == f"Catalogue(({first!r},))"
    with pytest.raises(AttributeError):
        Catalogue((first,)).detectors = (second,)  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError):
        Catalogue((first,)).others = (second,)  # type: ignore[attr-defined]  # that is the point


def test_a_description_never_asks_cloudformation_for_a_secret() -> None:
    """A reference that CloudFormation would resolve is refused, whatever the export."""
    with pytest.raises(ConfigurationError, match="description"):
        Detector(name="a", event="A", description="{{resolve:secretsmanager:prod}}")
