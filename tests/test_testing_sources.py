"""Source alarms in the fixtures of users' tests: who made them fire, when, after how many lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from flask_errwatch import Detector, ErrWatch, SourceAlarm
from flask_errwatch.testing import START, Firing, Offender, TrafficJudge
from flask_errwatch.testing.explanations import explain_alarms, explain_comparison

SCANNER, CUSTOMER = "203.0.113.9", "198.51.100.1"


def shop_with(**settings: str) -> Flask:
    """An app whose 404 alarm fires above three of one client in ten minutes."""
    app = Flask("shop")
    app.config.update(settings)
    alarm = SourceAlarm(threshold=3, period=600)
    ErrWatch(
        app, detectors=[Detector(name="missing", event="Missing", statuses=(404,), alarm=alarm)]
    )
    return app


@pytest.fixture
def shop() -> Flask:
    """The app with a role, so that the alarm is a log alarm."""
    return shop_with(ERRWATCH_LOG_ALARM_ROLE="arn:aws:iam::123456789012:role/shop-queries")


def miss(app: Flask, client: str, times: int) -> None:
    """Requests a path that does not exist, as one client."""
    for _ in range(times):
        response = app.test_client().get("/.env", environ_base={"REMOTE_ADDR": client})
        assert response.status_code == 404


def test_the_offender_is_named_with_value_lines_and_time(
    shop: Flask, errwatch_judge: TrafficJudge
) -> None:
    """Four misses of one client fire the alarm; three of another do not."""
    miss(shop, CUSTOMER, 3)
    miss(shop, SCANNER, 1)
    errwatch_judge.advance(seconds=90)
    miss(shop, SCANNER, 3)
    assert errwatch_judge.alarms() == {"missing"}
    assert errwatch_judge.offenders() == (
        # The minute of the fourth miss ends at 120 s, and the alarm reads it 60 s later.
        Offender(SCANNER, "missing", value=4, first=START, lines=4, at=START + 180),
    )
    assert errwatch_judge.firings() == (Firing("missing", START + 180, SCANNER),)


def test_several_misses_of_many_clients_are_no_scan(
    shop: Flask, errwatch_judge: TrafficJudge
) -> None:
    """The sum is that of one client, and no alarm means no offender."""
    for number in range(20):
        miss(shop, f"198.51.100.{number}", 1)
    assert errwatch_judge.alarms() == set()
    assert errwatch_judge.offenders() == ()
    assert errwatch_judge.firings() == ()
    assert errwatch_judge.states() == {"missing": "OK"}


def test_each_offender_is_told_of_once(shop: Flask, errwatch_judge: TrafficJudge) -> None:
    """Two clients are two firings. The alarm ends when the window holds no line any more."""
    miss(shop, SCANNER, 5)
    errwatch_judge.advance(minutes=2)
    miss(shop, "203.0.113.10", 4)
    assert [(one.address, one.at - START) for one in errwatch_judge.offenders()] == [
        (SCANNER, 120),
        ("203.0.113.10", 240),
    ]
    assert errwatch_judge.states() == {"missing": "ALARM"}
    errwatch_judge.advance(minutes=11)
    assert errwatch_judge.states() == {"missing": "OK"}
    assert len(errwatch_judge.firings()) == 2


def test_a_failed_assertion_names_the_contributors(
    shop: Flask, errwatch_judge: TrafficJudge
) -> None:
    """Before: the highest sum and whose it was. After: for whom the alarm fired."""
    miss(shop, SCANNER, 2)
    compared = explain_comparison("==", errwatch_judge.alarms(), {"missing"})
    assert compared is not None
    assert compared[1] == (
        "missing: not fired: highest 2 of 203.0.113.9; "
        "alarms when count(*) by client_ip > 3 over 600 s, 1 of 1 runs"
    )
    miss(shop, SCANNER, 2)
    for number in range(4):
        miss(shop, f"203.0.113.1{number}", 5)
    assert (
        "missing: fired for 203.0.113.10 (5), 203.0.113.11 (5), 203.0.113.12 (5) and 2 more: "
        "highest 5 of 203.0.113.10; "
    ) in explain_alarms(errwatch_judge.alarms())
    assert "shop-missing, 203.0.113.9: OK -> ALARM (4)." in errwatch_judge.explain()


def test_an_alarm_on_a_rule_names_whom_the_rule_shows(errwatch_judge: TrafficJudge) -> None:
    """Without a role the alarm is on an insight rule, and has the detector's name as well."""
    shop = shop_with()
    miss(shop, CUSTOMER, 3)
    miss(shop, SCANNER, 4)
    assert errwatch_judge.alarms() == {"missing"}
    assert errwatch_judge.offenders() == (
        Offender(SCANNER, "missing", value=4, first=START, lines=4, at=START + 60),
    )
    assert "missing: fired for 203.0.113.9 (4): worst" in explain_alarms(errwatch_judge.alarms())


def test_other_alarms_fire_for_no_one(errwatch_judge: TrafficJudge) -> None:
    """An alarm at a threshold has a time, no address, and no offender."""
    app = Flask("shop")
    ErrWatch(app)
    miss(app, SCANNER, 11)
    assert Firing("not-found-error", START + 60, None) in errwatch_judge.firings()
    assert "not-found-error" not in {one.alarm for one in errwatch_judge.offenders()}


def test_several_apps_have_their_own_offenders(shop: Flask, errwatch_judge: TrafficJudge) -> None:
    """`offenders(app)` has one's, `offenders()` those of all."""
    other = Flask("other")
    ErrWatch(other)
    miss(shop, SCANNER, 4)
    miss(other, CUSTOMER, 1)
    assert errwatch_judge.offenders(other) == ()
    assert errwatch_judge.offenders(shop) == errwatch_judge.offenders()
    assert len(errwatch_judge.offenders()) == 1


@pytest.mark.parametrize("seconds", ["1", "60"])
def test_folded_events_are_judged_at_once(seconds: str) -> None:
    """Every question sees the events of an open fold, also when it is the first one."""
    questions: tuple[tuple[Callable[[TrafficJudge], object], object], ...] = (
        (lambda judge: judge.alarms(), {"missing"}),
        (lambda judge: judge.alarms(app), {"missing"}),
        (lambda judge: [one.address for one in judge.firings()], [SCANNER]),
        (lambda judge: [one.value for one in judge.offenders()], [20]),
        (lambda judge: judge.states(), {"missing": "ALARM"}),
        (lambda judge: "MaxContributorValue 20" in judge.explain(), True),
    )
    for ask, answer in questions:
        app = shop_with(ERRWATCH_COLLAPSE_SECONDS=seconds)
        with TrafficJudge() as judge:
            miss(app, SCANNER, 20)
            assert ask(judge) == answer


@pytest.mark.parametrize("seconds", ["1", "60"])
def test_folded_events_are_of_the_time_before_advance(seconds: str) -> None:
    """`advance` closes the folds: what follows is another minute's, and the window moves on."""
    app = shop_with(ERRWATCH_COLLAPSE_SECONDS=seconds)
    with TrafficJudge() as judge:
        miss(app, SCANNER, 3)
        judge.advance(minutes=20)
        miss(app, SCANNER, 3)
        assert judge.alarms() == set()
        miss(app, SCANNER, 1)
        assert [one.first for one in judge.offenders()] == [START + 1200]


def test_folds_end_with_the_block() -> None:
    """A question after the block sees them, and the next block does not."""
    app = shop_with(ERRWATCH_COLLAPSE_SECONDS="60")
    with TrafficJudge() as judge:
        miss(app, SCANNER, 4)
    assert judge.alarms() == {"missing"}
    with TrafficJudge() as second:
        miss(app, SCANNER, 3)
        assert second.alarms() == set()
