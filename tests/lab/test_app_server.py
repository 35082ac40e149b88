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
from flask_errwatch.lab.app_server import (
    check_app_uses_lab,
    create_service_group,
    serve_app,
    shell_exports,
)
from tests.lab.lab_bench import Cloud, eventually


def config_of(**settings: object) -> Config:
    """The configuration of an app with these settings."""
    app = Flask("shop")
    app.config.from_mapping(settings)
    ErrWatch(app)
    state = app.extensions[KEY]
    assert isinstance(state, AppState)
    return state.config


def test_app_configured_by_the_environment_is_accepted(lab: Lab) -> None:
    """Its lines go to the lab. Other sinks beside it do no harm."""
    check_app_uses_lab(lab, config_of())
    check_app_uses_lab(lab, config_of(ERRWATCH_SINKS="stdout,cloudwatch"))


def test_app_with_values_of_its_own_is_refused(lab: Lab) -> None:
    """A lab must not write into a real journal, nor send anything to a real endpoint."""
    config = config_of(
        ERRWATCH_ENDPOINT_URL="http://127.0.0.1:1/",
        ERRWATCH_JOURNAL_DIR="/var/lib/shop",
        ERRWATCH_SINKS="stdout",
    )
    with pytest.raises(ConfigurationError) as caught:
        check_app_uses_lab(lab, config)
    assert [(problem.key, problem.value) for problem in caught.value.problems] == [
        ("ERRWATCH_ENDPOINT_URL", "http://127.0.0.1:1/"),
        ("ERRWATCH_SINKS", ("stdout",)),
        ("ERRWATCH_JOURNAL_DIR", "/var/lib/shop"),
    ]


def test_the_group_of_a_service_exists_in_the_lab(cloud: Cloud) -> None:
    """There is no service that creates it. Any other group is created by the plan."""
    app = Flask("shop")
    app.config["ERRWATCH_LOG_GROUP"] = "/aws/lambda/shop"
    errwatch = ErrWatch(app)
    create_service_group(config_of())
    assert cloud.logs.describe_log_groups()["logGroups"] == []
    create_service_group(config_of(ERRWATCH_LOG_GROUP="/aws/lambda/shop"))
    assert errwatch.bootstrap_alarms(app).count("create") == 18


def test_exports_name_the_region_of_the_app(lab: Lab) -> None:
    """Another shell uses the region of the app's alarms."""
    assert shell_exports(lab, config_of(ERRWATCH_REGION="eu-west-1")).splitlines() == [
        "To use the lab from another shell:",
        f"  export AWS_ENDPOINT_URL={lab.endpoint}",
        "  export AWS_ACCESS_KEY_ID=lab",
        "  export AWS_SECRET_ACCESS_KEY=lab",
        "  export AWS_DEFAULT_REGION=eu-west-1",
        "  aws cloudwatch describe-alarms",
    ]
    assert "AWS_DEFAULT_REGION=us-east-1" in shell_exports(lab, config_of())
    assert os.environ["AWS_DEFAULT_REGION"] == "us-east-1"


def test_app_is_served_until_a_signal_comes(lab: Lab) -> None:
    """The app answers at the printed address. SIGTERM ends it, and its handler is restored."""
    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: "tea")
    printed: list[str] = []
    bodies: list[bytes] = []
    previous = signal.getsignal(signal.SIGTERM)

    def visit() -> None:
        assert eventually(lambda: bool(printed))
        match = re.search(r"http://127\.0\.0\.1:(\d+)/", printed[0])
        assert match is not None
        connection = HTTPConnection("127.0.0.1", int(match[1]), timeout=60)
        connection.request("GET", "/")
        bodies.append(connection.getresponse().read())
        connection.close()
        os.kill(os.getpid(), signal.SIGTERM)

    with ThreadPoolExecutor() as pool:
        visitor = pool.submit(visit)
        serve_app(lab, app, config_of(), port=0, echo=printed.append)
        visitor.result()
    assert bodies == [b"tea"]
    assert signal.getsignal(signal.SIGTERM) == previous
