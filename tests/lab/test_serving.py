"""Serving an app beside a lab."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.config import Config
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.extension import KEY, AppState
from flask_errwatch.lab import Lab
from flask_errwatch.lab.serving import check_led_to, how_to_reach, serve, told
from flask_errwatch.simulation import Transition
from tests.lab.lab_bench import eventually


def config_of(**settings: object) -> Config:
    """The configuration of an app with these settings."""
    app = Flask("shop")
    app.config.from_mapping(settings)
    ErrWatch(app)
    state = app.extensions[KEY]
    assert isinstance(state, AppState)
    return state.config


def test_app_that_takes_the_environments_values_is_led_to_the_lab(lab: Lab) -> None:
    """Nothing to say: lines go to the lab; other sinks beside it are no harm."""
    check_led_to(lab, config_of())
    check_led_to(lab, config_of(ERRWATCH_SINKS="stdout,cloudwatch"))


def test_app_that_insists_on_its_own_values_is_refused(lab: Lab) -> None:
    """A lab must not write into a real journal, nor send anything to a real endpoint."""
    config = config_of(
        ERRWATCH_ENDPOINT_URL="http://127.0.0.1:1/",
        ERRWATCH_JOURNAL_DIR="/var/lib/shop",
        ERRWATCH_SINKS="stdout",
    )
    with pytest.raises(ConfigurationError) as caught:
        check_led_to(lab, config)
    assert [(each.key, each.value) for each in caught.value.problems] == [
        ("ERRWATCH_ENDPOINT_URL", "http://127.0.0.1:1/"),
        ("ERRWATCH_SINKS", ("stdout",)),
        ("ERRWATCH_JOURNAL_DIR", "/var/lib/shop"),
    ]


def test_exports_name_the_region_of_the_app(lab: Lab) -> None:
    """Another shell looks where the app's alarms stand."""
    assert how_to_reach(lab, config_of(ERRWATCH_REGION="eu-west-1")).splitlines() == [
        "To look at it from another shell:",
        f"  export AWS_ENDPOINT_URL={lab.endpoint}",
        "  export AWS_ACCESS_KEY_ID=lab",
        "  export AWS_SECRET_ACCESS_KEY=lab",
        "  export AWS_DEFAULT_REGION=eu-west-1",
        "  aws cloudwatch describe-alarms",
    ]
    assert "AWS_DEFAULT_REGION=us-east-1" in how_to_reach(lab, config_of())
    assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"


def test_transition_is_one_line() -> None:
    """Time in UTC, state, alarm, and why."""
    transition = Transition("shop-critical-error", 1_700_000_000, "OK", "ALARM", "11 > 10.")
    assert told(transition) == "22:13:20  ALARM  shop-critical-error: 11 > 10."
    over = Transition("shop-critical-error", 1_700_000_060, "ALARM", "OK", "0 > 10.")
    assert told(over) == "22:14:20  OK     shop-critical-error"


def test_app_is_served_until_a_signal_comes(lab: Lab) -> None:
    """The app answers at the address that is said; SIGTERM ends it and is then as before."""
    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: "tea")
    said: list[str] = []
    bodies: list[bytes] = []
    before = signal.getsignal(signal.SIGTERM)

    def visit() -> None:
        assert eventually(lambda: bool(said))
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", said[0])
        assert found is not None
        connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
        connection.request("GET", "/")
        bodies.append(connection.getresponse().read())
        connection.close()
        os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor() as pool:
        visitor = pool.submit(visit)
        serve(lab, app, config_of(), port=0, say=said.append)
        visitor.result()
    assert bodies == [b"tea"]
    assert signal.getsignal(signal.SIGTERM) == before
