"""The catalogue: each event belongs to one detector, and each line matches one pattern."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from flask import Flask

from flask_errwatch import (
    DEFAULT_DETECTORS,
    Alarm,
    Catalogue,
    ConfigurationError,
    Detector,
    ErrWatch,
)
from flask_errwatch.alarms import AnomalyAlarm, BusyAlarm, DetectorAlarm
from flask_errwatch.config import load
from flask_errwatch.patterns import parse
from tests.wsgi_driver import events_of, lines_of, serve

CUSTOM = (
    *DEFAULT_DETECTORS,
    Detector(name="login-failed", event="Login Failed", alarm=Alarm(threshold=5)),
    Detector(name="teapot", event="Critical Error: teapot", statuses=[418]),  # type: ignore[arg-type]  # as people write it
    Detector(name="e", event="Error"),
    Detector(name="gateway", event="Gateway.Error_1/2+3-4", statuses=(502,), level="critical"),
)

Matcher = Callable[[str], bool]


def matchers() -> dict[str, Matcher]:
    """For each detector, whether its own pattern matches a line."""

    def matcher(pattern: str) -> Matcher:
        parsed = parse(pattern)
        return lambda line: bool(parsed.matches(line))

    return {detector.name: matcher(detector.pattern) for detector in CUSTOM}


def answering() -> tuple[Flask, ErrWatch]:
    app = Flask(__name__)
    app.config["ERRWATCH_SINKS"] = "memory"
    errwatch = ErrWatch(app, detectors=CUSTOM)

    @app.route("/<path:rest>", methods=["GET", "POST"])
    def answer(rest: str) -> tuple[str, int]:
        return rest, int(rest.split("/", maxsplit=1)[0])

    return app, errwatch


def matched(app: Flask) -> list[list[str]]:
    """For each line of the app, the detectors whose patterns match it."""
    found = matchers()
    return [
        [name for name, matches in found.items() if matches(line.decode())]
        for line in lines_of(app)
    ]


@pytest.mark.parametrize("detector", CUSTOM, ids=lambda detector: detector.name)
def test_a_line_matches_its_own_pattern_and_no_other(detector: Detector) -> None:
    """Reported, the line of a detector matches its pattern and no sibling's."""
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
    """An exact status beats a class; the line of the answer matches that detector only."""
    app, _ = answering()
    serve(app, f"/{status}")
    assert matched(app) == [[name]]


@pytest.mark.parametrize("detector", CUSTOM, ids=lambda detector: detector.name)
def test_a_phrase_from_outside_matches_nothing(detector: Detector) -> None:
    """Whoever writes a phrase, or a whole forged line, where he can, is counted as what he is."""
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
    """Filters with the phrase as plain text keep counting the genuine lines."""
    app, _ = answering()
    serve(app, "/500")
    assert parse("Critical Error").matches(lines_of(app)[0].decode())
    assert parse('"Critical Error"').matches(lines_of(app)[0].decode())


def test_the_default_catalogue() -> None:
    """Names, phrases, claims, levels and alarms are those of the contract."""
    assert [
        (each.name, each.event, each.statuses, each.level, each.alarm is not None)
        for each in DEFAULT_DETECTORS
    ] == [
        ("critical-error", "Critical Error", ("5xx",), "critical", True),
        ("authentication-error", "Authentication Error", (401, 403), "error", True),
        ("bad-request-error", "Bad Request Error", (400, 422), "warning", True),
        ("not-found-error", "Not Found Error", (404, 410), "warning", True),
        ("method-not-allowed-error", "Method Not Allowed Error", (405,), "warning", True),
        ("rate-limit-error", "Rate Limit Error", (429,), "warning", True),
        ("client-error", "Client Error", ("4xx",), "warning", False),
    ]
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
    )


def configured(overrides: dict[str, object], **settings: object) -> dict[str, Detector]:
    given = {f"ERRWATCH_{key}": value for key, value in settings.items()}
    config = load({"ERRWATCH_DETECTORS": overrides, **given}, {}, app_name="shop")
    return {each.name: each for each in Catalogue(DEFAULT_DETECTORS).configured(config)}


def test_thresholds_and_periods_are_filled_in() -> None:
    """An alarm without its own threshold and period has the app's, by default 10 in 300 s."""
    alarm = configured({})["critical-error"].alarm
    assert isinstance(alarm, Alarm)
    assert (alarm.threshold, alarm.period) == (10, 300)
    alarm = configured({}, ALARM_THRESHOLD=3, ALARM_PERIOD=60)["critical-error"].alarm
    assert isinstance(alarm, Alarm)
    assert (alarm.threshold, alarm.period) == (3, 60)


def test_overrides_per_detector() -> None:
    """Alarm fields, level and texts of a detector can be set in the configuration."""
    found = configured(
        {
            "not-found-error": {"threshold": 50, "runbook_url": "https://example.com/404"},
            "client-error": {"alarm": True},
            "rate-limit-error": {"alarm": False, "level": "info"},
            "bad-request-error": {"alarm": None},
        }
    )
    alarm = found["not-found-error"].alarm
    assert isinstance(alarm, Alarm)
    assert (alarm.threshold, alarm.period) == (50, 300)
    assert found["not-found-error"].runbook_url == "https://example.com/404"
    assert found["client-error"].alarm == Alarm(threshold=10, period=300)
    assert found["rate-limit-error"].alarm is None
    assert found["rate-limit-error"].level == "info"
    assert found["bad-request-error"].alarm is None
    assert found["critical-error"].alarm == Alarm(threshold=10, period=300)


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
def test_an_override_that_cannot_be(override: dict[str, object], key: str) -> None:
    """A wrong override is named with detector and field."""
    with pytest.raises(ConfigurationError) as caught:
        configured({"client-error": override})
    (problem,) = caught.value.problems
    assert problem.key == f"ERRWATCH_DETECTORS['client-error']{key}"


@pytest.mark.parametrize("name", ["a", "login-failed", "a1-b2-3", "x" * 100])
def test_names_that_are_taken(name: str) -> None:
    """Kebab-case: small letters and digits, with single hyphens between them."""
    assert Detector(name=name, event="Phrase").name == name


@pytest.mark.parametrize(
    "name", ["", "-", "-a", "a-", "a--b", "A", "a_b", "a b", "a\n", "é", "x" * 101, 7]
)
def test_names_that_are_refused(name: Any) -> None:
    """Everything else would make AWS names that read badly, or none."""
    with pytest.raises(ConfigurationError, match="Use kebab-case"):
        Detector(name=name, event="Phrase")


@pytest.mark.parametrize("phrase", ["A", "7", "a. _/:+-z", "Login Failed", "x" * 100])
def test_phrases_that_are_taken(phrase: str) -> None:
    """Letters, digits and marks that mean themselves inside a pattern, a mark at no end."""
    assert Detector(name="a", event=phrase).pattern == f'{{ $.event = "{phrase}" }}'


@pytest.mark.parametrize(
    "phrase",
    [
        *("", " ", "-", " A", "A ", "A.", "/A", 'A"B', "A*B", "A\\B", "A\nB", "A\n", "Zeit für"),
        *("x" * 101, "Heartbeat", "Lines Dropped", 7),
    ],
)
def test_phrases_that_are_refused(phrase: Any) -> None:
    """Everything else might mean something else in a pattern, or is taken."""
    with pytest.raises(ConfigurationError, match="letters, digits, spaces and"):
        Detector(name="a", event=phrase)


class Lying(str):
    """A text whose methods say that it is a good one."""

    __slots__ = ()

    def strip(self, _characters: str | None = None, /) -> str:
        """Nothing is left, whatever is there."""
        return ""

    def split(self, *_: object) -> list[str]:
        """A good name."""
        return ["good"]


def test_what_a_text_is_counts_and_not_what_it_says() -> None:
    """A phrase that is no plain one would end the pattern's quotation."""
    for name, event in ((Lying("B"), "A"), ("a", Lying('A" || "'))):
        with pytest.raises(ConfigurationError):
            Detector(name=name, event=event)
    assert Detector(name=Lying("a-b"), event=Lying("A B")).name == "a-b"


def test_the_types_of_the_fields_can_be_asked_for() -> None:
    """As libraries do that make declarations from files."""
    hints = get_type_hints(Detector)
    assert hints["name"] is str
    assert hints["alarm"] == Alarm | AnomalyAlarm | BusyAlarm | None


@pytest.mark.parametrize("alarm", [DetectorAlarm(), "never", 5, Alarm])
def test_what_is_no_alarm_is_refused(alarm: Any) -> None:
    """Nobody could say when it alarms."""
    with pytest.raises(ConfigurationError, match="or None for no alarm"):
        Detector(name="a", event="A", alarm=alarm)


def problems_of(*detectors: Any) -> list[tuple[str, object]]:
    with pytest.raises(ConfigurationError) as caught:
        ErrWatch(detectors=detectors)
    return [(problem.key, problem.value) for problem in caught.value.problems]


def test_two_claims_of_equal_rank() -> None:
    """Two detectors that claim the same are refused at construction, both named."""
    first = Detector(name="first", event="First", statuses=(404, "4xx"))
    second = Detector(name="second", event="Second", statuses=("4xx", 404))
    with pytest.raises(ConfigurationError, match="'first' and 'second' both have it"):
        ErrWatch(detectors=[first, second])
    assert problems_of(first, second) == [("statuses", "4xx"), ("statuses", 404)]


def test_names_and_phrases_are_unique() -> None:
    """One name, one phrase, one detector."""
    assert problems_of(
        Detector(name="one", event="Phrase"),
        Detector(name="one", event="Other"),
        Detector(name="two", event="Phrase"),
    ) == [("name", "one"), ("event", "Phrase")]
    twice = Detector(name="one", event="One", statuses=(404, 404))
    assert problems_of(twice, twice) == [("name", "one"), ("event", "One"), ("statuses", 404)]
    assert Catalogue((twice,)).for_status(404) is twice


def test_the_phrase_of_an_exception_is_taken() -> None:
    """Exceptions nobody answered are critical errors everywhere: no other has the phrase."""
    assert problems_of(Detector(name="mine", event="Critical Error")) == [
        ("event", "Critical Error")
    ]


def test_a_detector_that_is_none() -> None:
    """What is no detector is named."""
    assert problems_of("not-found-error", {"name": "x"}) == [
        ("detectors", "not-found-error"),
        ("detectors", {"name": "x"}),
    ]


def test_a_catalogue_without_critical_errors() -> None:
    """An exception that nobody answered has its line also where no detector claims it."""
    app = Flask(__name__)
    app.config["ERRWATCH_SINKS"] = "memory"
    ErrWatch(app, detectors=[Detector(name="login-failed", event="Login Failed")])
    app.get("/")(lambda: str(1 // 0))
    serve(app)
    serve(app, "/nowhere")
    assert [event["detector"] for event in events_of(app)] == ["critical-error"]


def test_a_catalogue_is_a_collection() -> None:
    """It has a length, and its detectors come in their order."""
    catalogue = Catalogue(DEFAULT_DETECTORS)
    assert len(catalogue) == 7
    assert next(iter(catalogue)).name == "critical-error"
    assert catalogue.for_status(302) is None
    assert catalogue.named("client-error").event == "Client Error"
    assert catalogue.detectors == DEFAULT_DETECTORS


def test_catalogues_of_equal_detectors_are_equal() -> None:
    """A catalogue is a value, shows itself as one, and cannot get other detectors."""
    one, other = Detector(name="one", event="One"), Detector(name="other", event="Other")
    assert Catalogue([one]) == Catalogue((Detector(name="one", event="One"),))
    assert Catalogue((one, other)) != Catalogue((other, one))
    assert Catalogue((one,)) != (one,)
    assert len({Catalogue((one,)), Catalogue([one]), Catalogue(())}) == 2
    assert repr(Catalogue((one,))) == f"Catalogue(({one!r},))"
    with pytest.raises(AttributeError):
        Catalogue((one,)).detectors = (other,)  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError):
        Catalogue((one,)).others = (other,)  # type: ignore[attr-defined]  # that is the point


def test_a_description_never_asks_cloudformation_for_a_secret() -> None:
    """What CloudFormation would resolve is refused, wherever the description is exported to."""
    with pytest.raises(ConfigurationError, match="description"):
        Detector(name="a", event="A", description="{{resolve:secretsmanager:prod}}")
