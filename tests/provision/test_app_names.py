"""Names that other apps have, or that AWS refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from flask_errwatch import ConfigurationError, Detector, ErrWatch
from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.cli import errwatch as commands
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue
from flask_errwatch.provision.apply import apply_plan, make_plan
from tests.wsgi_driver import serve


def app_of(name: str, **settings: object) -> Flask:
    """An app of that name, with the commands."""
    app = Flask(name)
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    ErrWatch(app)
    app.cli.add_command(commands)
    return app


@pytest.mark.parametrize("name", ["app", "wsgi", "main", "application", "__main__", "app.main"])
def test_a_name_of_many_apps_is_refused_where_it_would_change_something(
    aws: Aws, name: str
) -> None:
    """Two such apps would delete each other's alarms. Nothing is created."""
    app = app_of(name, LOG_GROUP="shop")
    errwatch = ErrWatch()
    for refused in (errwatch.plan, errwatch.bootstrap_alarms):
        with pytest.raises(ConfigurationError, match="set ERRWATCH_APP_NAME, or create") as caught:
            refused(app)
        (problem,) = caught.value.problems
        assert (problem.key, problem.value) == ("ERRWATCH_APP_NAME", name)
    assert aws.call("logs", "describe_log_groups")["logGroups"] == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("bootstrap",)])
def test_the_command_line_names_the_remedy(command: tuple[str, ...]) -> None:
    """One sentence and exit code 1."""
    result = app_of("app").test_cli_runner().invoke(args=["errwatch", *command])
    assert result.exit_code == 1
    assert "ERRWATCH_APP_NAME = 'app': Flask took it from the module" in result.output
    assert 'set ERRWATCH_APP_NAME, or create the app as Flask("shop").' in result.output


@pytest.mark.usefixtures("aws")
def test_a_name_that_was_chosen_passes() -> None:
    """Whoever sets `ERRWATCH_APP_NAME=app` means it."""
    assert ErrWatch().plan(app_of("app", APP_NAME="app")).count("create") == 19
    assert ErrWatch().plan(app_of("shop.app", LOG_GROUP="x")).count("create") == 19


def test_what_such_an_app_made_is_shown_and_deleted(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` and `destroy` work on the resources of an earlier release."""
    monkeypatch.setattr("flask_errwatch._aws.PROVISIONING", PROVISIONING._replace(attempts=1))
    config = configuration.load({"ERRWATCH_APP_NAME": "app"}, {}, app_name="app")
    catalogue = Catalogue(DEFAULT_DETECTORS).configured(config)
    apply_plan(aws, make_plan(aws, catalogue, config))
    run = app_of("app").test_cli_runner().invoke
    status = run(args=["errwatch", "status"])
    assert status.exit_code == 0, status.output
    assert "Drift: none" in status.output
    destroyed = run(args=["errwatch", "destroy", "--yes"])
    assert destroyed.exit_code == 0, destroyed.output
    assert list(aws.pages("cloudwatch", "describe_alarms", "MetricAlarms")) == []


def test_the_running_app_warns_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One line at the first request, and none for an app that has its own name."""
    for name, lines in (("app", 1), ("shop", 0)):
        app = app_of(name, SINKS="memory")
        for _ in range(2):
            serve(app, "/")
        err = capsys.readouterr().err.splitlines()
        assert len(err) == lines
    app = app_of("app", SINKS="memory")
    serve(app, "/")
    assert capsys.readouterr().err == (
        "flask-errwatch: ERRWATCH_APP_NAME: 'app', which Flask took from the module, is the name "
        "of many apps, so that `flask errwatch apply` refuses it: set ERRWATCH_APP_NAME, or create "
        'the app as Flask("shop").\n'
    )


@pytest.mark.parametrize("mode", ["TESTING", "DEBUG"])
def test_no_warning_while_developing(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A laptop and a test have no alarms."""
    app = app_of("app", SINKS="memory")
    app.config[mode] = True
    serve(app, "/")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["büro", "商店", "ma\u0301s", "shop\u00a0eu"])
@pytest.mark.parametrize("key", ["APP_NAME", "NAMESPACE"])
def test_a_name_that_cloudwatch_refuses_is_refused_at_the_start(name: str, key: str) -> None:
    """CloudWatch has only printable ASCII in the names of metrics and namespaces."""
    with pytest.raises(ConfigurationError, match="printable ASCII characters") as caught:
        app_of("shop", **{key: name})
    (problem,) = caught.value.problems
    assert (problem.key, problem.value) == (f"ERRWATCH_{key}", name)


def test_a_name_of_flask_that_cloudwatch_refuses() -> None:
    """The remedy is the key, also where the name comes from the module."""
    with pytest.raises(ConfigurationError, match="set ERRWATCH_APP_NAME to at most 240"):
        ErrWatch(Flask("büro"), detectors=[Detector(name="login-failed", event="Login Failed")])


def test_misspelt_variables_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nearest key is proposed. What container platforms set is nobody's mistake."""
    for name in (
        *("ERRWATCH_SNS_TOPICK", "ERRWATCH_RETENTION", "errwatch_region", "ERRWATCH_PRIVACY_KAY"),
        *(
            "ERRWATCH_PORT",
            "ERRWATCH_SERVICE_HOST",
            "ERRWATCH_SERVICE_PORT",
            "ERRWATCH_PORT_80_TCP",
        ),
        *("ERRWATCH_PORT_80_TCP", "ERRWATCH_PORT_80_TCP_ADDR", "ERRWATCH_RELEASE"),
    ):
        monkeypatch.setenv(name, "s3cret")
    app_of("shop")
    lines = capsys.readouterr().err.splitlines()
    assert sorted(lines) == sorted(
        f"flask-errwatch: the environment variable {name} is not a key: did you mean {key}?"
        for name, key in (
            ("ERRWATCH_SNS_TOPICK", "ERRWATCH_SNS_TOPIC"),
            ("ERRWATCH_RETENTION", "ERRWATCH_RETENTION_DAYS"),
            ("errwatch_region", "ERRWATCH_REGION"),
            ("ERRWATCH_PRIVACY_KAY", "ERRWATCH_PRIVACY_KEY"),
        )
    )


Environ = Callable[..., None]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environ:
    """Sets variables of AWS, beside a profile whose region is eu-west-3."""
    profiles = tmp_path / "config"
    profiles.write_text("[default]\nregion = eu-west-3\n", encoding="utf-8")

    def given(*, profile: bool = True, **variables: str) -> None:
        monkeypatch.setenv("AWS_CONFIG_FILE", str(profiles) if profile else "no-such-file")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return given


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": ""}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": ""}, "eu-west-3"),
        ({}, "eu-west-3"),
    ],
)
def test_where_the_region_comes_from(
    environ: Environ, variables: dict[str, str], region: str
) -> None:
    """boto3's variable, then AWS_REGION, then the profile. An empty variable is none."""
    environ(**variables)
    assert Aws(patience=PROVISIONING).region() == region
    assert Aws(region="us-west-2", patience=PROVISIONING).region() == "us-west-2"


def test_no_region_at_all_is_a_sentence(environ: Environ) -> None:
    """Also where AWS_DEFAULT_REGION is set to nothing, as in a compose file."""
    environ(profile=False, AWS_DEFAULT_REGION="")
    result = app_of("shop").test_cli_runner().invoke(args=["errwatch", "plan"])
    assert result.exit_code == 1
    assert "Set ERRWATCH_REGION (or AWS_DEFAULT_REGION, or AWS_REGION)" in result.output
    assert "Traceback" not in result.output
