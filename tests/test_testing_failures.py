"""What a failing test shows: the table of alarms once, and the name that was meant."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from flask_errwatch import Alarm, AnomalyAlarm, Detector, ErrWatch
from flask_errwatch.errors import UnknownDetectorError
from flask_errwatch.testing import START, TrafficJudge
from flask_errwatch.testing.explanations import explain_alarms, explain_comparison

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from flask import Flask
from flask_errwatch import ErrWatch

@pytest.fixture
def client():
    app = Flask("shop")
    ErrWatch(app)
    return app.test_client()

@pytest.fixture(autouse=True)
def failures(client, errwatch_judge):
    for _ in range(11):
        client.get("/wp-login.php")
    client.post("/static/x")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose app was scanned before each of its tests."""
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    (pytester.path / "conftest.py").write_text(CONFTEST)
    return pytester


def output_of(project: pytest.Pytester, body: str, *arguments: str) -> str:
    """What pytest prints about a test with this body, which fails."""
    (project.path / "test_it.py").write_text(f"def test_it(errwatch_judge):\n    {body}\n")
    result = project.runpytest_inprocess("-p", "no:cacheprovider", *arguments)
    result.assert_outcomes(failed=1)
    return str(result.stdout)


@pytest.mark.parametrize("arguments", [(), ("-vv",), ("--tb=short", "-vv")])
@pytest.mark.parametrize(
    "body",
    [
        "assert errwatch_judge.alarms() == set()",
        "assert 'rate-limit-error' in errwatch_judge.alarms()",
        "assert errwatch_judge.states()['scan'] == 'OK'",
        "assert not errwatch_judge.alarms()",
        "assert errwatch_judge.lines('not-found-error') == 12",
        "raise ValueError",
    ],
)
def test_the_table_is_shown_once(
    project: pytest.Pytester, body: str, arguments: tuple[str, ...]
) -> None:
    """In the assertion or in a section, also where pytest repeats messages in its summary."""
    printed = output_of(project, body, *arguments)
    assert len(re.findall(r"not-found-error: fired: 11 lines matched", printed)) == 1


def test_a_comparison_that_was_caught_is_not_the_failure(project: pytest.Pytester) -> None:
    """The table is still shown for the one that failed the test."""
    body = (
        "import pytest\n    with pytest.raises(AssertionError):\n"
        "        assert errwatch_judge.alarms() == {'rate-limit-error'}\n"
        "    assert not errwatch_judge.alarms()"
    )
    printed = output_of(project, body)
    assert "- errwatch_judge -" in printed
    assert "not-found-error: fired: 11 lines matched" in printed


def test_what_fired_and_what_had_lines_comes_first() -> None:
    """After the detectors on which the two sides differ."""
    app = Flask("shop")
    names = ("quiet", "some", "loud", "meant")
    ErrWatch(
        app,
        detectors=[
            Detector(name=name, event=name.title(), statuses=(status,), alarm=Alarm(threshold=2))
            for status, name in enumerate(names, 404)
        ],
    )
    with TrafficJudge() as judge:
        for name, times in (("some", 1), ("loud", 3)):
            for _ in range(times):
                ErrWatch().report(name, app=app)
    lines = explain_comparison("==", judge.alarms(), {"loud", "meant"}) or []
    assert [line.split(":")[0] for line in lines[1:]] == ["meant", "loud", "some", "quiet"]
    listed = explain_alarms(judge.alarms()).splitlines()
    assert [line.split(":")[0] for line in listed] == ["loud", "some", "2 others had no line."]


def test_detectors_without_lines_are_counted(project: pytest.Pytester) -> None:
    """The table of an app with all default detectors is not truncated."""
    (project.path / "conftest.py").write_text(
        CONFTEST.replace('    client.post("/static/x")\n', "")
    )
    printed = output_of(project, "assert errwatch_judge.alarms() == {'rate-limit-error'}")
    table = [line.removeprefix("E").strip() for line in printed.splitlines()]
    assert "5 others had no line." in table
    assert "truncated" not in printed


def test_one_detector_without_lines_has_its_sentence() -> None:
    """And so has one that is not judged: an `AnomalyAlarm` is always named."""
    app = Flask("shop")
    loud = Detector(name="loud", event="Loud", statuses=(404,), alarm=Alarm(threshold=2))
    calm = Detector(name="calm", event="Calm")
    learned = Detector(name="learned", event="Learned", alarm=AnomalyAlarm())
    ErrWatch(app, detectors=[loud, calm, learned])
    with TrafficJudge() as judge:
        app.test_client().get("/missing")
    lines = explain_comparison("==", judge.alarms(), {"loud"}) or []
    assert [line.split(":")[0] for line in lines[1:]] == ["loud", "learned", "calm"]


@pytest.mark.parametrize(
    "body",
    [
        "assert errwatch_judge.alarms() == {'not-fond-error'}",
        "assert 'not-fond-error' in errwatch_judge.alarms()",
        "assert errwatch_judge.states()['not-fond-error'] == 'ALARM'",
        "assert errwatch_judge.lines('not-fond-error') == 11",
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(project: pytest.Pytester, body: str) -> None:
    """Wherever a test writes the name of a detector."""
    assert "Did you mean 'not-found-error'?" in output_of(project, body)


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    """Only that there is no such detector."""
    app = Flask("shop")
    ErrWatch(app)
    with TrafficJudge() as judge:
        app.test_client().get("/x")
    lines = explain_comparison("==", judge.alarms(), {"zzz"}) or []
    assert lines[1] == "zzz: there is no such detector."
    with pytest.raises(KeyError, match="zzz: there is no such detector"):
        judge.states()["zzz"]
    with pytest.raises(KeyError, match=r"client-error has no alarm that is judged\."):
        judge.states()["client-error"]


def test_a_misspelt_name_cannot_pass_by_its_absence() -> None:
    """`not in` and `!=` refuse it. Any other set operation is that of a plain set."""
    app = Flask("shop")
    ErrWatch(app)
    with TrafficJudge() as judge:
        assert "not-fond-error" not in judge.alarms()  # no line: no app is known
        for _ in range(11):
            app.test_client().get("/.env")
    alarms = judge.alarms()
    nearest = "There is no such detector. Did you mean 'not-found-error'?"
    with pytest.raises(UnknownDetectorError, match=re.escape(nearest)):
        assert "not-fond-error" not in alarms
    with pytest.raises(UnknownDetectorError, match=re.escape(nearest)):
        assert alarms != {"not-fond-error"}
    assert "critical-error" not in alarms
    assert alarms != {"critical-error"}
    assert alarms == {"not-found-error", "scan"} == alarms
    assert not alarms == {"not-fond-error"}  # noqa: SIM201 - another operator than `!=`
    assert hash(alarms) == hash(frozenset({"scan", "not-found-error"}))
    assert alarms <= {"not-found-error", "scan", "not-fond-error"}
    assert "not-fond-error" not in alarms | {"critical-error"}


def test_the_detectors_of_every_app_are_known() -> None:
    """Also those of an app that served requests and wrote no line."""
    shop, forum = Flask("shop"), Flask("forum")
    ErrWatch(shop)
    ErrWatch(forum, detectors=[Detector(name="spam", event="Spam")])
    forum.get("/")(lambda: "")
    with TrafficJudge() as judge:
        assert forum.test_client().get("/").status_code == 200
        assert shop.test_client().get("/.env").status_code == 404
    assert "spam" not in judge.alarms()
    assert "spam" not in judge.alarms(shop)
    with pytest.raises(UnknownDetectorError, match="Did you mean 'spam'"):
        assert "spamm" not in judge.alarms(forum)


def test_report_suggests_the_nearest_detector() -> None:
    """A misspelt name in the app itself."""
    app = Flask("shop")
    errwatch = ErrWatch(app)
    with pytest.raises(UnknownDetectorError, match="Did you mean 'not-found-error'"):
        errwatch.report("not-fond-error")


def test_lines_are_counted_by_detector(errwatch_judge: TrafficJudge) -> None:
    """Of one app or of all, for a detector with an alarm of any kind, and without one."""
    shop, forum = Flask("shop"), Flask("forum")
    for app, times in ((shop, 2), (forum, 1)):
        ErrWatch(app)
        assert errwatch_judge.lines("not-found-error", app) == 0
        for _ in range(times):
            app.test_client().get("/.env")
    assert errwatch_judge.lines("not-found-error") == 3
    assert errwatch_judge.lines("not-found-error", forum) == 1
    assert errwatch_judge.lines("scan") == 3
    assert errwatch_judge.lines("client-error") == 0
    with pytest.raises(UnknownDetectorError, match="Did you mean 'not-found-error'"):
        errwatch_judge.lines("not-fond-error")


def test_days_pass_with_hours_and_minutes(errwatch_judge: TrafficJudge) -> None:
    """`advance(days=…)` adds to the other units."""
    app = Flask("shop")
    ErrWatch(
        app,
        detectors=[Detector(name="missing", event="M", statuses=(404,), alarm=Alarm(threshold=0))],
    )
    errwatch_judge.advance(days=1.5, hours=1, minutes=1, seconds=60)
    app.test_client().get("/x")
    (firing,) = errwatch_judge.firings()
    assert firing.at == START + 129_600 + 3600 + 120 + 60
