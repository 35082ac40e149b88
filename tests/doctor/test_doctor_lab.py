"""The doctor in the lab: real clients, a real HTTP server, an app behind a proxy or not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread, current_thread, main_thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from click.testing import Result
from flask import Flask
from werkzeug.serving import make_server

from flask_errwatch import ErrWatch
from flask_errwatch._aws import Aws, Patience
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.doctor.findings import Finding
from flask_errwatch.doctor.probe import probe_finding
from flask_errwatch.extension import state_of
from flask_errwatch.lab import Lab, create_web_acl
from flask_errwatch.respond.blocking.blocker import Blocker
from flask_errwatch.respond.blocking.ip_sets import IpSets
from tests.lab.lab_bench import eventually
from tests.respond.blocking.account import block

#: With a subscriber, whom moto confirms.
TOPIC = {"SNS_TOPIC": "ops", "SUBSCRIPTIONS": "mailto:ops@example.com"}
PATIENCE = Patience(connect=5, read=30, attempts=1)
Served = Callable[[Flask], str]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab whose clock does not run."""
    with Lab(on_warning=lambda _: None) as running:
        yield running


@pytest.fixture
def served() -> Iterator[Served]:
    """Serves an app on loopback, and returns its URL."""
    servers: list[tuple[Any, Thread]] = []

    def serve(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def shop(**settings: object) -> Flask:
    """A shop whose lines go to the lab at once."""
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    app.config["ERRWATCH_SEND_INTERVAL"] = 0.1
    ErrWatch(app)
    app.cli.add_command(errwatch)
    return app


def doctor(app: Flask, *arguments: str) -> Result:
    """Runs the command as a user does."""
    return app.test_cli_runner().invoke(args=["errwatch", "doctor", *arguments])


def findings_of(result: Result) -> dict[str, dict[str, Any]]:
    """The findings by their subject, of `--json`."""
    findings = json.loads(result.stdout)["findings"]
    return {finding["subject"]: finding for finding in findings}


def test_a_deployed_app_has_no_problem(lab: Lab) -> None:
    """Exit code 0. What its first request will show is a warning, with that request as remedy."""
    app = shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    ErrWatch().bootstrap_alarms(app)
    before = boto3.client("logs").describe_log_streams(logGroupName="shop")["logStreams"]
    result = doctor(app, "--json")
    findings = findings_of(result)
    levels = {subject: finding["level"] for subject, finding in findings.items()}
    assert levels == {
        "credentials": "ok",
        "region": "ok",
        "permissions": "ok",
        "log group": "ok",
        "retention": "ok",
        "alarms": "ok",
        "topic": "ok",
        "topic policy": "ok",
        "topic key": "ok",
        "subscriptions": "ok",
        "heartbeat": "warning",
        "trusted proxies": "warning",
        "collapsed lines": "ok",
        "middleware": "ok",
        "worker": "ok",
        "journal": "ok",
        "sinks": "ok",
    }
    assert findings["credentials"]["found"] == "arn:aws:sts::123456789012:user/moto"
    assert findings["permissions"]["found"] == f"The emulator at {lab.endpoint} checks none."
    assert findings["heartbeat"]["found"] == "None yet: the app has written no line in 24 hours."
    assert json.loads(result.stdout)["sound"] is True
    assert result.exit_code == 0
    after = boto3.client("logs").describe_log_streams(logGroupName="shop")["logStreams"]
    assert before == after == []


@pytest.mark.usefixtures("lab")
def test_a_function_of_lambda_has_no_problem() -> None:
    """Neither its group's retention nor its missing heartbeats are ours to complain about."""
    app = shop(LOG_GROUP="/aws/lambda/shop")
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/shop")
    ErrWatch().bootstrap_alarms(app)
    findings = findings_of(doctor(app, "--json"))
    assert (findings["log group"]["level"], findings["retention"]["level"]) == ("ok", "ok")
    assert findings["heartbeat"]["level"] == "ok"
    assert findings["heartbeat"]["found"] == (
        "None is expected: a function of AWS Lambda has none, since it is frozen between two "
        "requests."
    )


@pytest.mark.usefixtures("lab")
def test_an_account_without_anything_has_problems() -> None:
    """Exit code 1, and each problem with its remedy in the text output."""
    result = doctor(shop(SNS_TOPIC="ops"))
    assert result.exit_code == 1
    assert (
        "problem  log group: shop does not exist: lines are not counted.\n"
        "         → Run `flask errwatch apply`.\n"
    ) in result.stdout
    assert (
        "problem  topic: arn:aws:sns:us-east-1:123456789012:ops does not exist.\n"
    ) in result.stdout
    assert "problem  newest lines: Not checked: logs:FilterLogEvents failed" in result.stdout
    assert (
        "problem  alarms: None of the app's alarms exists.\n"
        "         → Run `flask errwatch apply`.\n"
    ) in result.stdout
    assert result.stdout.splitlines()[-1].endswith(" 4 problems.")
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []


@pytest.mark.usefixtures("lab")
def test_missing_alarms_are_named() -> None:
    """Those that another deleted are a problem. Afterwards `destroy` leaves none."""
    app = shop()
    ErrWatch().bootstrap_alarms(app)
    declared = len(boto3.client("cloudwatch").describe_alarms()["MetricAlarms"])
    names = ["shop-critical-error", "shop-not-found-error"]
    boto3.client("cloudwatch").delete_alarms(AlarmNames=names)
    finding = findings_of(doctor(app, "--json"))["alarms"]
    assert finding["level"] == "problem"
    assert finding["found"].startswith("2 of ")
    assert finding["found"].endswith(" alarms are missing:")
    assert (declared > 2, finding["items"]) == (True, names)
    assert finding["remedy"] == "Run `flask errwatch apply`."
    app.test_cli_runner().invoke(args=["errwatch", "destroy", "--yes"])
    assert "alarms: None of the app's alarms exists.\n" in doctor(app).stdout


def test_the_region_is_explained_as_config_does(
    lab: Lab,  # noqa: ARG001 - the environment
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the variable that boto3, or this package, has it from."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    app = shop()
    assert findings_of(doctor(app, "--json"))["region"]["found"] == (
        "eu-west-1, by AWS_DEFAULT_REGION."
    )
    config = app.test_cli_runner().invoke(args=["errwatch", "config", "--json"])
    region = next(
        key for key in json.loads(config.stdout)["keys"] if key["name"] == "ERRWATCH_REGION"
    )
    assert (region["value"], region["why"]) == ("eu-west-1", "AWS_DEFAULT_REGION")


def test_a_served_app_in_the_lab_is_green(lab: Lab, served: Served) -> None:
    """No warning and no problem: clients of this machine, heartbeats, a web ACL, a topic."""
    app = shop(HEARTBEAT_SECONDS=0.2, WAF_SCOPE="regional", **TOPIC)
    ErrWatch().bootstrap_alarms(app)
    create_web_acl(state_of(app).config)
    lab.begin()
    url = served(app)
    with suppress(HTTPError):
        urlopen(f"{url}nothing")
    cloud = boto3.client("logs")
    beats = {"logGroupName": "shop", "filterPattern": '{ $.event = "Heartbeat" }'}
    assert eventually(lambda: bool(cloud.filter_log_events(**beats)["events"]))
    result = doctor(app, "--url", url, "--json")
    findings = json.loads(result.stdout)["findings"]
    assert [one for one in findings if one["level"] != "ok"] == []
    assert findings_of(result)["heartbeat"]["found"] == "Emitted by 1 process."
    assert findings_of(result)["trusted proxies"]["found"] == (
        "The probe of this machine came from this machine (127.0.0.1)."
    )
    assert result.exit_code == 0


@pytest.mark.usefixtures("lab")
def test_blocks_whose_time_is_over_are_found() -> None:
    """They still stop somebody: nothing in AWS removes them."""
    app = shop(WAF_SCOPE="regional")
    ErrWatch().bootstrap_alarms(app)
    config = state_of(app).config
    aws = Aws(endpoint_url=config.endpoint_url, patience=PATIENCE)
    earlier = Blocker(aws, IpSets.of(aws, config), config, clock=lambda: time.time() - 7200)
    assert block(earlier, "203.0.113.66/32", seconds=3600) == []
    result = doctor(app, "--json")
    overdue = findings_of(result)["overdue blocks"]
    assert (overdue["level"], overdue["items"]) == ("warning", ["203.0.113.66/32"])
    assert "`flask errwatch unblock --expired --yes`" in overdue["remedy"]
    removed = app.test_cli_runner().invoke(args=["errwatch", "unblock", "--expired", "--yes"])
    assert removed.exit_code == 0
    assert "overdue blocks" not in findings_of(doctor(app, "--json"))


@pytest.mark.usefixtures("lab")
def test_without_credentials_it_is_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one per call. The checks outside AWS are done all the same."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = doctor(shop(), "--json")
    findings = findings_of(result)
    assert list(findings) == ["credentials", "middleware", "worker", "journal", "sinks"]
    assert findings["credentials"]["level"] == "problem"
    assert findings["credentials"]["found"] == (
        "No AWS credentials were found: nothing in AWS was checked, and lines wait in the journal."
    )
    assert findings["credentials"]["remedy"].endswith(
        " During development, ERRWATCH_SINKS=stdout needs no AWS, and `flask errwatch lab` needs "
        "no account."
    )
    assert result.exit_code == 1


@pytest.mark.usefixtures("lab")
def test_without_credentials_an_app_that_sends_nothing_is_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A laptop without AWS: exit code 0, what is fine, and what the other commands would need."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ERRWATCH_SINKS", "stdout")
    result = doctor(shop())
    assert result.exit_code == 0
    assert result.stdout.partition("\n")[2] == (
        "warning  credentials: No AWS credentials were found: nothing in AWS was checked. The app "
        "itself needs no AWS with the sinks stdout.\n"
        "         → `apply` and the other commands need credentials. Give the process AWS "
        "credentials: a role of the instance, task or function, or AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY; an expired session needs a new one. `flask errwatch lab` needs no "
        "account.\n"
        "ok       middleware: No other middleware of the app surrounds this package's.\n"
        "ok       worker: gunicorn: its sync, gthread and gevent workers need no setting.\n"
        "ok       journal: None is needed: the sinks are stdout.\n"
        "ok       sinks: Lines go to stdout: ERRWATCH_SINKS is set.\n"
        "4 ok, 1 warning, 0 problems.\n"
    )
    monkeypatch.delenv("ERRWATCH_SINKS")
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert findings_of(doctor(shop(), "--json"))["credentials"]["level"] == "warning"


@pytest.mark.usefixtures("lab")
def test_without_a_region_that_is_the_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding is not about missing credentials."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    findings = findings_of(doctor(shop(), "--json"))
    assert list(findings) == ["region", "middleware", "worker", "journal", "sinks"]
    assert findings["region"]["found"] == (
        "No AWS region is configured: nothing in AWS was checked, and lines wait in the journal."
    )


@pytest.mark.usefixtures("lab")
def test_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call reads."""
    called: list[str] = []
    call = Aws.call

    def recorded(aws: Aws, service: str, method: str, /, **arguments: object) -> Any:
        if current_thread() is main_thread():  # not the delivery of another app
            called.append(method)
        return call(aws, service, method, **arguments)

    app = shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    ErrWatch().bootstrap_alarms(app)
    monkeypatch.setattr(Aws, "call", recorded)
    assert doctor(app).exit_code == 0
    reads = ("describe_", "get_", "list_", "filter_", "test_", "simulate_")
    others = [method for method in called if not method.startswith(reads)]
    assert others == []
    assert "describe_log_groups" in called
    assert boto3.client("logs").filter_log_events(logGroupName="shop")["events"] == []


def probed(app: Flask, url: str, timeout: float = 60) -> Finding:
    """Probes a URL. The app itself delivers its lines to the lab."""
    config = state_of(app).config
    aws = Aws(endpoint_url=config.endpoint_url, patience=PATIENCE)
    boto3.client("logs").create_log_group(logGroupName="shop")
    return probe_finding(aws, config, url, timeout=timeout)


@pytest.mark.usefixtures("lab")
def test_probe_of_an_app_that_trusts_a_missing_proxy(served: Served) -> None:
    """The app believes a forged address, and the remedy has the actual number of proxies."""
    app = shop(TRUSTED_PROXIES=1)
    finding = probed(app, served(app))
    assert finding.level == "problem"
    assert finding.message == (
        "With ERRWATCH_TRUSTED_PROXIES = 1, the app believed 192.0.2.3, which the probe forged."
    )
    assert finding.remedy == "Set ERRWATCH_TRUSTED_PROXIES to 0."


@pytest.mark.usefixtures("lab")
def test_probe_through_a_proxy_that_is_trusted(served: Served) -> None:
    """The app believes the address that the proxy appended, and none of the forged ones."""
    app = shop(TRUSTED_PROXIES=1)
    inner = app.wsgi_app

    def proxy(environ: Any, start_response: Any) -> Any:
        environ["HTTP_X_FORWARDED_FOR"] += ", 8.8.8.8"
        return inner(environ, start_response)

    app.wsgi_app = proxy  # type: ignore[method-assign]
    finding = probed(app, served(app))
    assert (finding.level, finding.method) == ("ok", "probe")
    assert finding.message == (
        "The probe came from 8.8.8.8 (x-forwarded-for): that must be your own public address."
    )


@pytest.mark.usefixtures("lab")
def test_probe_without_a_line(served: Served) -> None:
    """An app that answers every path, one whose lines do not arrive, and a URL of no app."""
    app = shop(SINKS="stdout")

    @app.route("/spa/<path:_>")
    def anything(_: str) -> str:
        return "page"

    url = served(app)
    finding = probed(app, f"{url}spa/")
    assert (finding.level, finding.message) == (
        "warning",
        "The probe was answered 200, which creates no line.",
    )
    boto3.client("logs").delete_log_group(logGroupName="shop")
    finding = probed(app, url, timeout=0)
    assert (finding.level, finding.message) == (
        "problem",
        "The probe was answered 404, but its line did not arrive in 0 s.",
    )
    boto3.client("logs").delete_log_group(logGroupName="shop")
    finding = probed(app, "ftp://shop.example/")
    assert finding.level == "problem"
    assert finding.message == (
        "The probe of ftp://shop.example/ was not answered: ValueError: it is not an http or "
        "https URL."
    )


@pytest.mark.usefixtures("lab")
def test_the_command_has_an_option_for_the_url(served: Served) -> None:
    """`--url` adds the probe's finding after that of the newest lines."""
    app = shop()
    ErrWatch().bootstrap_alarms(app)
    result = doctor(app, "--url", served(app))
    lines = [line for line in result.stdout.splitlines() if "trusted proxies: " in line]
    assert lines[-1] == (
        "ok       trusted proxies: The probe of this machine came from this machine (127.0.0.1). "
        "[probe]"
    )
    assert result.exit_code == 0


@pytest.mark.usefixtures("lab")
def test_with_hashes_the_trusted_proxies_are_not_checked() -> None:
    """Lines have no address to compare."""
    app = shop(PRIVACY="hashed", PRIVACY_KEY="sixteen characters", DATA_PROTECTION=True)
    ErrWatch().bootstrap_alarms(app)
    findings = findings_of(doctor(app, "--json"))
    assert findings["trusted proxies"]["level"] == "warning"
    assert "lines have hashes for addresses" in str(findings["trusted proxies"])
