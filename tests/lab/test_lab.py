"""The lab as a whole: its clock, waiting for it, and failures."""

from __future__ import annotations

import threading
import time

import pytest

from flask_errwatch.errors import AwsCallError
from flask_errwatch.lab import Lab, LabFailedError
from flask_errwatch.lab.emulator import CloudWatchEmulator
from flask_errwatch.simulation import Transition
from tests.lab.lab_bench import Cloud, eventually

ERROR = '{"event": "Error"}'


def lab_threads() -> list[str]:
    """The names of the lab's living threads."""
    return [thread.name for thread in threading.enumerate() if "errwatch-lab" in thread.name]


def test_alarm_fires_while_time_runs_fast() -> None:
    """At 60 times the speed an alarm of one minute fires within seconds, and the wait returns."""
    transitions: list[Transition] = []
    with Lab(speed=60, settle=0.5, on_transition=transitions.append) as lab:
        cloud = Cloud()
        cloud.group()
        cloud.filter("errors", '{ $.event = "Error" }')
        cloud.alarm("errors")
        clock = lab.begin()
        now = time.time() - cloud.start
        cloud.log(*((now, ERROR) for _ in range(3)))
        assert lab.wait_until_judged(clock.origin + 180, timeout=60)
        assert "ALARM" in [transition.new for transition in transitions]
        assert sum(sum(cloud.sum("errors", minute)) for minute in range(4)) == 3


def test_waiting_ends_with_its_timeout() -> None:
    """Waiting for a moment in the future ends with the timeout."""
    with Lab() as lab:
        clock = lab.begin()
        assert not lab.wait_until_judged(clock.origin + 3600, timeout=0.1)


def test_threads_end_with_the_block() -> None:
    """No thread of the lab survives the block."""
    with Lab(speed=60) as lab:
        lab.begin()
        assert lab_threads()
    assert eventually(lambda: not lab_threads())


def test_failed_call_is_warned_about_once_and_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that is deleted during a step does not stop the lab."""
    steps: list[float] = []

    def step(_self: CloudWatchEmulator, until: float) -> None:
        steps.append(until)
        if len(steps) < 4:
            raise AwsCallError(action="cloudwatch:SetAlarmState", code="X", message="m", remedy="r")

    monkeypatch.setattr(CloudWatchEmulator, "step", step)
    warnings: list[str] = []
    with Lab(speed=180, on_warning=warnings.append) as lab:
        clock = lab.begin()
        assert lab.wait_until_judged(clock.origin, timeout=60)
    assert warnings == ["lab: cloudwatch:SetAlarmState failed with X (m): r"]
    assert len(steps) >= 4


def test_failure_is_raised_to_the_waiting_caller(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected exception stops the lab, is shown on stderr, and is the error's cause."""

    def step(_self: CloudWatchEmulator, _until: float) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr(CloudWatchEmulator, "step", step)
    with Lab(speed=180) as lab:
        clock = lab.begin()
        with pytest.raises(LabFailedError, match="surprise") as caught:
            lab.wait_until_judged(clock.origin, timeout=60)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert capsys.readouterr().err == "The lab stopped judging: surprise\n"
