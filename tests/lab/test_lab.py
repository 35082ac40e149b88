"""The lab as a whole: time that runs, waiting for it, and what it does when something fails."""

from __future__ import annotations

import threading
import time

import pytest

from flask_errwatch.errors import AwsCallError
from flask_errwatch.lab import Lab, LabFailedError
from flask_errwatch.lab.service import Service
from flask_errwatch.simulation import Transition
from tests.lab.lab_bench import Cloud, eventually

ERROR = '{"event": "Error"}'


def test_alarm_rings_by_itself_while_time_runs_fast() -> None:
    """At 60 times the speed a minute's alarm rings within seconds, and the wait sees it."""
    told: list[Transition] = []
    with Lab(speed=60, settle=0.5, tell=told.append) as lab:
        cloud = Cloud()
        cloud.group()
        cloud.filter("errors", '{ $.event = "Error" }')
        cloud.alarm("errors")
        clock = lab.begin()
        now = time.time() - cloud.start
        cloud.log(*((now, ERROR) for _ in range(3)))
        assert lab.wait_until_judged(clock.origin + 180, timeout=60)
        assert "ALARM" in [each.new for each in told]
        assert sum(sum(cloud.sum("errors", minute)) for minute in range(4)) == 3


def test_waiting_ends_with_its_timeout() -> None:
    """A moment that does not come is not waited for without end."""
    with Lab() as lab:
        clock = lab.begin()
        assert not lab.wait_until_judged(clock.origin + 3600, timeout=0.1)


def test_threads_end_with_the_block() -> None:
    """Nothing of the lab runs on when it is over."""
    with Lab(speed=60) as lab:
        lab.begin()
        assert any("errwatch-lab" in each.name for each in threading.enumerate())
    assert eventually(
        lambda: not any("errwatch-lab" in each.name for each in threading.enumerate())
    )


def test_call_that_fails_is_said_once_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm deleted under the lab's hands does not stop it."""
    steps: list[float] = []

    def step(_self: Service, until: float) -> None:
        steps.append(until)
        if len(steps) < 4:
            raise AwsCallError(action="cloudwatch:SetAlarmState", code="X", message="m", remedy="r")

    monkeypatch.setattr(Service, "step", step)
    said: list[str] = []
    with Lab(speed=180, warn=said.append) as lab:
        clock = lab.begin()
        assert lab.wait_until_judged(clock.origin, timeout=60)
    assert said == ["lab: cloudwatch:SetAlarmState failed with X (m): r"]
    assert len(steps) >= 4


def test_failure_is_raised_to_who_waits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody thought of stops the lab, is said on stderr, and carries its cause."""

    def step(_self: Service, _until: float) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr(Service, "step", step)
    with Lab(speed=180) as lab:
        clock = lab.begin()
        with pytest.raises(LabFailedError, match="surprise") as caught:
            lab.wait_until_judged(clock.origin, timeout=60)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert capsys.readouterr().err == "The lab stopped judging: surprise\n"
