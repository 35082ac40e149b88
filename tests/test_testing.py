"""The fixtures and context managers with which users test their apps."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask

from flask_errwatch import Alarm, AnomalyAlarm, BusyAlarm, Detector, ErrWatch, RequestMetric
from flask_errwatch.errors import JudgeError, NoAppError
from flask_errwatch.testing import TrafficJudge, capture_events
from flask_errwatch.testing.explanations import (
    ExplainedAlarms,
    explain_alarms,
    explain_comparison,
)
from tests.wsgi_driver import events_of

pytest_plugins = ["pytester"]

DOCUMENTED = Path(__file__).parents[1] / "docs" / "testing.md"


def watched(name: str = "shop", *, detectors: tuple[Detector, ...] = (), **config: object) -> Flask:
    """A watched app without routes, with a detector of 404 that alarms above two."""
    app = Flask(name)
    app.config.from_mapping(config)
    missing = Detector(name="missing", event="Missing", statuses=(404,), alarm=Alarm(threshold=2))
    ErrWatch(app, detectors=[missing, *detectors])
    return app


def miss(app: Flask, times: int = 1) -> None:
    """Requests a path that does not exist."""
    for _ in range(times):
        assert app.test_client().get("/wp-login.php").status_code == 404


@pytest.fixture
def example(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the files of `docs/testing.md`."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)
    assert [name for name, _ in blocks] == [
        "conftest.py",
        "test_alarms.py",
        "test_events.py",
        "test_with_unittest.py",
    ]
    for name, text in blocks:
        (pytester.path / name).write_text(text)
    return pytester


def test_the_documented_tests_pass(example: pytest.Pytester) -> None:
    """Every test in the documentation runs unchanged."""
    example.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=6)


def test_a_failure_explains_the_alarms(
    example: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One guess too few: lines, period and threshold are shown, also when pytest truncates."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    text = (example.path / "test_alarms.py").read_text()
    (example.path / "test_alarms.py").write_text(text.replace("range(11)", "range(10)", 1))
    result = example.runpytest_inprocess("-p", "no:cacheprovider", "test_alarms.py")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * assert set() == {'login-failed'}",
            "E * login-failed: not fired: 10 lines matched, worst * 11:56 to * with Sum 10; *",
            "E * 9 others had no line.",
        ]
    )


def test_starting_pytest_imports_nothing() -> None:
    """The plugin imports neither Flask nor the package in a run that does not use it."""
    program = """
import sys, pytest
pytest.main(["--version", "-p", "no:cov"])
import _flask_errwatch_pytest
heavy = ("flask", "flask_errwatch", "boto3", "botocore", "structlog", "werkzeug")
print(sorted(each for each in heavy if each in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_events_are_the_lines(errwatch_events: list[dict[str, object]]) -> None:
    """Each event is the whole line as a dict, redacted and tagged."""
    app = watched()
    ErrWatch().report("missing", app=app, password="hunter2")
    miss(app)
    report, missed = errwatch_events
    assert report["data"] == {"password": "[redacted]"}
    assert (missed["path"], missed["status"], missed["app"]) == ("/wp-login.php", 404, "shop")
    assert [event["seq"] for event in errwatch_events] == [1, 2]


def test_nothing_is_sent_while_lines_are_captured(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """An app with the sinks CloudWatch and stdout starts no thread, journal or output."""
    app = watched(
        ERRWATCH_SINKS="cloudwatch,stdout",
        ERRWATCH_JOURNAL_DIR=str(tmp_path / "journal"),
        ERRWATCH_ENDPOINT_URL="http://127.0.0.1:9",
    )
    threads = threading.active_count()
    with TrafficJudge() as judge, capture_events() as events:
        miss(app, 3)
    assert judge.alarms() == {"missing"}
    assert len(events) == 3
    assert threading.active_count() == threads
    assert [*tmp_path.iterdir()] == []
    assert capfd.readouterr().out == ""
    assert ErrWatch().stats(app).emitted == 3


def test_lines_go_to_their_sinks_again_afterwards() -> None:
    """A running sink gets no line within the block, and every line before and after it."""
    app = watched(ERRWATCH_SINKS="memory")
    miss(app)
    with capture_events() as events:
        miss(app)
    miss(app)
    assert [event["seq"] for event in events] == [2]
    assert [event["seq"] for event in events_of(app)] == [1, 3]


def test_a_receiver_that_fails_hides_no_event() -> None:
    """The app's own receivers of the signal do not change what is captured."""
    from flask_errwatch import event_recorded

    app = watched()

    def fail(_app: Flask, event: object) -> None:
        raise RuntimeError(event)

    with event_recorded.connected_to(fail), capture_events() as events:
        miss(app, 2)
    assert len(events) == 2


def test_heartbeats_are_not_events() -> None:
    """Operational lines are not captured and fire no alarm."""
    app = watched()
    recorder = app.extensions["errwatch"].recorder
    with capture_events() as events, TrafficJudge() as judge:
        recorder.emit_operational("Heartbeat", {"emitted": 0})
    assert events == []
    assert judge.alarms() == set()
    assert judge.explain().splitlines()[0] == "2 lines fed, judged to 2026-01-01T12:01:00Z"


def test_queries_change_nothing(errwatch_judge: TrafficJudge) -> None:
    """A query neither moves the clock nor splits the minute."""
    app = watched(ERRWATCH_ALARM_PERIOD=60)
    miss(app, 2)
    assert errwatch_judge.alarms() == set()
    miss(app)
    assert errwatch_judge.alarms() == {"missing"}
    assert errwatch_judge.alarms() == {"missing"}


def test_a_period_is_as_long_as_it_says(errwatch_judge: TrafficJudge) -> None:
    """Lines less than five minutes apart are in one period, five minutes apart in two."""
    near, far = watched("near"), watched("far")
    miss(far, 2)
    errwatch_judge.advance(minutes=1)
    miss(near, 2)
    errwatch_judge.advance(minutes=3, seconds=59.5)
    miss(near)
    errwatch_judge.advance(seconds=0.5)
    miss(far)
    assert errwatch_judge.alarms(near) == {"missing"}
    assert errwatch_judge.alarms(far) == set()


def test_heartbeats_as_in_production(errwatch_judge: TrafficJudge) -> None:
    """A quiet minute has zeros. Without a heartbeat an alarm outlasts its period by the gaps."""
    beating, still = watched("beating"), watched("still", ERRWATCH_HEARTBEAT_SECONDS=0)
    miss(beating, 3)
    miss(still, 3)
    errwatch_judge.advance(minutes=4)
    assert errwatch_judge.states(beating) == {"missing": "ALARM"}
    errwatch_judge.advance(minutes=1)
    assert errwatch_judge.states(beating) == {"missing": "OK"}
    assert errwatch_judge.states(still) == {"missing": "ALARM"}
    errwatch_judge.advance(minutes=10)
    assert errwatch_judge.states(still) == {"missing": "OK"}
    assert errwatch_judge.alarms() == {"missing"}


def test_days_may_pass(errwatch_judge: TrafficJudge) -> None:
    """`advance` adds hours, minutes and seconds, and the worst period has its date."""
    app = watched()
    errwatch_judge.advance(hours=24, minutes=1, seconds=60)
    miss(app, 3)
    [_, account] = explain_comparison("==", errwatch_judge.alarms(app), {"missing"}) or []
    assert account == (
        "missing: fired: 3 lines matched, worst 2026-01-02 11:58 to 2026-01-02 12:03 with Sum 3; "
        "alarms when Sum > 2 over 300 s, 1 of 1 periods"
    )


@pytest.mark.parametrize("minutes", [0, -1, float("nan")])
def test_time_only_moves_forward(errwatch_judge: TrafficJudge, minutes: float) -> None:
    """A step of zero or less is refused."""
    with pytest.raises(JudgeError, match=r"advance = .*: Move the clock forward, as in advance"):
        errwatch_judge.advance(minutes=minutes)


def test_several_apps(errwatch_judge: TrafficJudge) -> None:
    """All apps together, or one of them. An app without lines has no alarm."""
    shop, forum, idle = watched("shop"), watched("forum"), watched("idle")
    miss(shop, 3)
    miss(forum)
    assert errwatch_judge.alarms() == {"missing"}
    assert errwatch_judge.alarms(app=shop) == {"missing"}
    assert errwatch_judge.alarms(app=forum) == set()
    assert errwatch_judge.alarms(app=idle) == set()
    assert errwatch_judge.states(shop) == {"missing": "ALARM"}
    assert errwatch_judge.states(idle) == {"missing": "OK"}
    with pytest.raises(NoAppError, match=r"Call states\(app=app\): 2 apps wrote lines"):
        errwatch_judge.states()
    with pytest.raises(NoAppError, match="or init_app in its factory"):
        errwatch_judge.alarms(Flask("stranger"))
    accounts = explain_comparison("==", errwatch_judge.alarms(), set()) or []
    assert [line.split(" matched")[0] for line in accounts[1:]] == [
        "missing of shop: fired: 3 lines",
        "missing of forum: not fired: 1 line",
    ]


def test_an_app_that_was_collected_is_judged(errwatch_judge: TrafficJudge) -> None:
    """A test may create its app without keeping it."""
    miss(watched(), 3)
    assert errwatch_judge.alarms() == {"missing"}


def test_differing_detectors_come_first() -> None:
    """On either side of the comparison, and an unknown detector is reported."""
    silent = Detector(name="silent", event="Silent", alarm=None)
    with TrafficJudge() as judge:
        miss(watched(detectors=(silent,)), 3)
    alarms = judge.alarms()
    worst = "worst 2026-01-01 11:56 to 2026-01-01 12:01 with Sum 3"
    rule = "Sum > 2 over 300 s, 1 of 1 periods"
    missing = f"missing: fired: 3 lines matched, {worst}; alarms when {rule}"
    mute = "silent: 0 lines matched; it has no alarm"
    assert explain_comparison("==", alarms, {"silent"}) == [
        "{'missing'} == {'silent'}",
        missing,
        mute,
    ]
    differing = explain_comparison("==", {"missing", "silent"}, alarms) or []
    assert differing[1:] == [mute, missing]
    assert explain_comparison("in", "silent", alarms) == ["'silent' in {'missing'}", mute, missing]
    assert explain_comparison("not in", "silent", alarms) == [
        "'silent' not in {'missing'}",
        mute,
        missing,
    ]
    assert explain_comparison("==", alarms, ["silent", []]) == [
        "{'missing'} == ['silent', []]",
        missing,
        mute,
    ]
    unknown = "mising: there is no such detector. Did you mean 'missing'?"
    assert explain_comparison("==", {"mising"}, alarms) == [
        "{'mising'} == {'missing'}",
        unknown,
        missing,
        mute,
    ]
    assert explain_comparison("==", {"a"}, {"b"}) is None


def test_nothing_was_written(errwatch_judge: TrafficJudge) -> None:
    """Without any line the failure shows so, and names a possible cause."""
    assert errwatch_judge.alarms() == set()
    assert explain_comparison("==", errwatch_judge.alarms(), {"x"}) == [
        "set() == {'x'}",
        "No app wrote a line: nothing failed, or ErrWatch(app) was not called.",
    ]
    assert errwatch_judge.explain().startswith("No app wrote a line")


def test_explain_shows_everything(errwatch_judge: TrafficJudge) -> None:
    """States, matched lines, worst periods and every transition, per app."""
    miss(watched(), 3)
    assert errwatch_judge.explain() == (
        "4 lines fed, judged to 2026-01-01T12:01:00Z\n"
        "shop-missing: ALARM; alarms when Sum > 2 over 300 s, 1 of 1 periods\n"
        '  3 lines matched { $.event = "Missing" }\n'
        "  worst period 2026-01-01T11:56:00Z to 2026-01-01T12:01:00Z: "
        "Sum 3 from 3 lines that matched\n"
        "shop-missing: INSUFFICIENT_DATA -> ALARM. 1 of 1 datapoints > 2 (Sum over 300 s: 3), "
        "the last until 2026-01-01T12:01:00Z; 1 of 1 make an alarm."
    )


def test_alarms_print_as_a_set() -> None:
    """Sorted, so that a message is the same in every run."""
    assert repr(ExplainedAlarms.of(["b", "a"], ())) == "{'a', 'b'}"
    assert repr(ExplainedAlarms.of([], ())) == "set()"


def test_a_quiet_app_has_states(errwatch_judge: TrafficJudge) -> None:
    """An app that only served is judged. With two of them `app` is required."""
    app = watched()
    app.add_url_rule("/", "home", lambda: "welcome")
    with pytest.raises(NoAppError, match=r"Call states\(app=app\): 0 apps served requests"):
        errwatch_judge.states()
    assert app.test_client().get("/").status_code == 200
    assert errwatch_judge.states() == {"missing": "OK"}
    assert errwatch_judge.alarms() == set()
    assert (explain_comparison("==", errwatch_judge.alarms(), {"missing"}) or [])[1].startswith(
        "missing: not fired: 0 lines matched; alarms when Sum > 2"
    )
    other, stranger = watched("other"), Flask("stranger")
    for app in (other, stranger):
        assert app.test_client().get("/x").status_code == 404
    assert errwatch_judge.states() == {"missing": "OK"}  # the one that wrote a line


def test_a_failed_comparison_of_states_is_explained(errwatch_judge: TrafficJudge) -> None:
    """It starts with the detectors that differ."""
    second = Detector(name="second", event="Second", statuses=(405,), alarm=Alarm(threshold=2))
    miss(watched(detectors=(second,)), 3)
    states = errwatch_judge.states()
    assert states == {"missing": "ALARM", "second": "OK"}
    first, *lines = explain_comparison("==", states["second"], "ALARM") or []
    assert first == "'OK' == 'ALARM'"
    assert [line.split(":")[0] for line in lines] == ["second", "missing"]
    lines = (
        explain_comparison("==", {"missing": "ALARM", "second": "ALARM", "x": "OK"}, states) or []
    )
    assert [line.split(":")[0] for line in lines[1:]] == ["x", "second", "missing"]
    assert explain_comparison("==", states, 1) is not None
    assert explain_comparison("==", {"a": 1}, {}) is None


@pytest.mark.parametrize(
    "claim", ["not errwatch_judge.alarms()", "len(errwatch_judge.alarms()) > 1"]
)
def test_a_failure_without_a_comparison_is_explained(example: pytest.Pytester, claim: str) -> None:
    """Pytest explains comparisons only, so the table is in a section of the report."""
    (example.path / "test_not.py").write_text(f"""
def test_not(client, errwatch_judge):
    for _ in range(11):
        client.post("/login", data={{"user": "ann"}})
    assert {claim}
""")
    result = example.runpytest_inprocess("-p", "no:cacheprovider", "test_not.py")
    result.stdout.fnmatch_lines(
        ["*- errwatch_judge -*", "login-failed: fired: 11 lines matched, *", "9 others had *"]
    )


def busy_shop(**settings: object) -> Flask:
    """An app whose alarm on missing pages needs a hundred requests."""
    balancer = RequestMetric(namespace="AWS/ApplicationELB", name="RequestCount")
    alarm = BusyAlarm(errors=Alarm(threshold=3), requests=balancer, minimum_requests=100)
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    missing = Detector(name="missing", event="Missing", statuses=(404,), alarm=alarm)
    learned = Detector(name="learned", event="Learned", statuses=(400,), alarm=AnomalyAlarm())
    ErrWatch(app, detectors=[missing, learned])
    app.get("/")(lambda: "")
    return app


@pytest.mark.parametrize(("good", "fired"), [(95, set()), (96, {"missing"})])
def test_a_busy_alarm_needs_the_requests_that_the_test_sends(good: int, fired: set[str]) -> None:
    """The fixture sees every request, so it judges the composite that `apply` creates."""
    app = busy_shop()
    with TrafficJudge() as judge:
        for path, times in (("/missing", 4), ("/", good)):
            for _ in range(times):
                app.test_client().get(path)
        assert judge.alarms(app) == fired
        assert judge.states(app) == {"missing": "ALARM" if fired else "OK"}
        assert "shop-learned is not judged: Only CloudWatch has the model" in judge.explain(app)


def test_the_alarm_on_one_source_has_its_own_name() -> None:
    """It fires before the detector's own alarm, which counts all sources."""
    app = Flask("shop")
    app.config["ERRWATCH_PER_SOURCE_ALARMS"] = "not-found-error"
    ErrWatch(app)
    with TrafficJudge() as judge:
        for _ in range(6):
            app.test_client().get("/missing")
        assert judge.alarms() == {"not-found-error-one-source"}
        assert judge.states()["not-found-error"] == "OK"


def test_the_silence_alarm_is_judged_and_stays_quiet() -> None:
    """The fixture sends the heartbeats that the app is configured with."""
    app = Flask("shop")
    app.config["ERRWATCH_SILENCE_ALARM"] = True
    ErrWatch(app)
    with TrafficJudge() as judge:
        app.test_client().get("/missing")
        judge.advance(hours=2)
        assert judge.alarms() == frozenset()
        assert judge.states()["silent"] == "OK"


def test_the_sentence_of_a_busy_alarm_explains_the_composite() -> None:
    """Too many failures alone fire nothing: the sentence names both conditions and figures."""
    app = busy_shop()
    with TrafficJudge() as judge:
        for _ in range(4):
            app.test_client().get("/missing")
        (sentence,) = [
            line
            for line in explain_alarms(judge.alarms()).splitlines()
            if line.startswith("missing:")
        ]
    assert sentence == (
        "missing: not fired: shop-missing: 4 lines matched, worst 2026-01-01 11:56 to "
        "2026-01-01 12:01 with Sum 4; shop-missing-requests: worst 2026-01-01 11:56 to "
        "2026-01-01 12:01 with Sum 4; alarms when Sum > 3 over 300 s, 1 of 1 periods and "
        "Sum >= 100 over 300 s, 1 of 1 periods"
    )


def test_a_busy_alarm_that_cannot_be_judged_is_named() -> None:
    """An average of requests is not their number, so the composite has no state."""
    balancer = RequestMetric(namespace="N", name="Latency", statistic="Average")
    alarm = BusyAlarm(errors=Alarm(threshold=3), requests=balancer, minimum_requests=100)
    app = Flask("shop")
    ErrWatch(app, detectors=[Detector(name="missing", event="M", statuses=(404,), alarm=alarm)])
    with TrafficJudge() as judge:
        app.test_client().get("/missing")
        assert judge.states(app) == {}
        assert "missing: not judged: It depends on an alarm that is not judged." in explain_alarms(
            judge.alarms()
        )


def test_the_sentence_of_one_source_has_its_figure() -> None:
    """It counts by source, not by metric filter, and names who it was."""
    app = Flask("shop")
    app.config["ERRWATCH_PER_SOURCE_ALARMS"] = "not-found-error"
    ErrWatch(app)
    with TrafficJudge() as judge:
        for _ in range(6):
            app.test_client().get("/missing")
        assert (
            "not-found-error-one-source: fired for 127.0.0.1 (6): worst 2026-01-01 11:56 to "
            "2026-01-01 12:01 with MaxContributorValue 6; alarms when MaxContributorValue > 5 "
            "over 300 s"
        ) in explain_alarms(judge.alarms())


def test_the_alarm_of_the_whole_app(errwatch_judge: TrafficJudge) -> None:
    """With `ERRWATCH_NOTIFY="app"` both the detector's alarm and that of the app fire."""
    app = watched(ERRWATCH_NOTIFY="app")
    miss(app, 3)
    assert errwatch_judge.alarms() == {"missing", "alarms"}
