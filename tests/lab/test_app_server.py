"""Serving an app beside a lab."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.config import Config
from flask_errwatch.errors import ConfigurationError
from flask_errwatch.extension import KEY, AppState
from flask_errwatch.lab import (
    Lab,
    PortUnavailableError,
    check_app_uses_lab,
    create_what_others_own,
    listen,
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
    create_what_others_own(config_of())
    assert cloud.logs.describe_log_groups()["logGroups"] == []
    create_what_others_own(config_of(ERRWATCH_LOG_GROUP="/aws/lambda/shop"))
    assert errwatch.bootstrap_alarms(app).count("create") == 18


def test_exports_name_the_region_of_the_app(lab: Lab) -> None:
    """Another shell uses the region of the app's alarms."""
    config = config_of(ERRWATCH_REGION="eu-west-1")
    assert shell_exports(lab, config, "shop:create_app('a b')").splitlines() == [
        "To use the lab from another shell:",
        f"  export AWS_ENDPOINT_URL={lab.endpoint}",
        "  export AWS_ACCESS_KEY_ID=lab",
        "  export AWS_SECRET_ACCESS_KEY=lab",
        "  export AWS_DEFAULT_REGION=eu-west-1",
        f"  export ERRWATCH_ENDPOINT_URL={lab.endpoint}",
        "  export ERRWATCH_SINKS=cloudwatch",
        f"  export ERRWATCH_JOURNAL_DIR={os.environ['ERRWATCH_JOURNAL_DIR']}",
        """  flask --app 'shop:create_app('"'"'a b'"'"')' errwatch status""",
        "  aws cloudwatch describe-alarms",
    ]
    assert "\n  flask errwatch status\n" in shell_exports(lab, config)
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
        with listen(0) as listener:
            serve_app(lab, app, config_of(), listener=listener, echo=printed.append)
        visitor.result()
    assert bodies == [b"tea"]
    assert signal.getsignal(signal.SIGTERM) == previous


def test_a_port_that_is_taken_is_refused() -> None:
    """In one sentence, with the remedy."""
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailableError) as caught:
            listen(port)
    assert str(caught.value) == (
        f"--port = {port}: Address already in use. Give another port, or 0 for any that is free."
    )


@pytest.mark.parametrize("app", [(), ("--app", "nothing:app")])
def test_without_an_app_no_lab_is_started(tmp_path: Path, app: tuple[str, ...]) -> None:
    """Flask's own error is all that is printed, since nothing is where the app should be."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", *app, "errwatch", "lab"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "FLASK_APP"},
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Could not locate a Flask application" in done.stderr or "'nothing'" in done.stderr
