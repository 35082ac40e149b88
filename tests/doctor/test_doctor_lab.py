"""The doctor in the lab: real clients, a real HTTP server, an app behind a proxy or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

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
from flask_errwatch.lab import Lab

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


@pytest.mark.usefixtures("lab")
def test_a_deployed_app_has_no_problem() -> None:
    """Exit code 0. Without policy simulation, which moto lacks, calls are tried and reported so."""
    app = shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    ErrWatch().bootstrap_alarms(app)
    before = boto3.client("logs").describe_log_streams(logGroupName="shop")["logStreams"]
    result = doctor(app, "--json")
    findings = findings_of(result)
    levels = {subject: finding["level"] for subject, finding in findings.items()}
    assert levels == {
        "credentials": "ok",
        "region": "ok",
        "runtime permissions": "warning",
        "deploy permissions": "warning",
        "log group": "ok",
        "retention": "ok",
        "topic": "ok",
        "topic policy": "ok",
        "topic key": "ok",
        "subscriptions": "ok",
        "heartbeat": "warning",
        "trusted proxies": "warning",
        "collapsed lines": "ok",
        "middleware": "ok",
        "worker": levels["worker"],
        "journal": "ok",
    }
    assert findings["credentials"]["found"] == "arn:aws:sts::123456789012:user/moto"
    assert findings["runtime permissions"]["items"] == [
        "logs:CreateLogStream",
        "logs:CreateLogGroup",
    ]
    assert findings["runtime permissions"]["method"] == "harmless calls"
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
    assert result.stdout.splitlines()[-1].endswith(" 3 problems.")
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []


@pytest.mark.usefixtures("lab")
def test_without_credentials_it_is_one_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one per call. The checks outside AWS are done all the same."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = doctor(shop(), "--json")
    findings = findings_of(result)
    assert list(findings) == ["credentials", "middleware", "worker", "journal"]
    assert findings["credentials"]["level"] == "problem"
    assert findings["credentials"]["found"] == (
        "sts:GetCallerIdentity failed with NoCredentialsError: nothing in AWS was checked."
    )
    assert result.exit_code == 1


@pytest.mark.usefixtures("lab")
def test_without_a_region_that_is_the_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding is not about missing credentials."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert list(findings_of(doctor(shop(), "--json"))) == [
        "region",
        "middleware",
        "worker",
        "journal",
    ]


@pytest.mark.usefixtures("lab")
def test_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call reads, except one event for a stream that does not exist, which is rejected."""
    called: list[str] = []
    call = Aws.call

    def recorded(aws: Aws, service: str, method: str, /, **arguments: object) -> Any:
        called.append(method)
        return call(aws, service, method, **arguments)

    app = shop(SNS_TOPIC="ops", SUBSCRIPTIONS="mailto:ops@example.com")
    ErrWatch().bootstrap_alarms(app)
    monkeypatch.setattr(Aws, "call", recorded)
    assert doctor(app).exit_code == 0
    reads = ("describe_", "get_", "list_", "filter_", "test_", "simulate_")
    others = [method for method in called if not method.startswith(reads)]
    assert others == ["put_log_events"]
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
        "problem  trusted proxies: With ERRWATCH_TRUSTED_PROXIES = 0, the app saw the probe come "
        "from 127.0.0.1 (peer)."
    )
    assert result.exit_code == 1


@pytest.mark.usefixtures("lab")
def test_with_hashes_the_trusted_proxies_are_not_checked() -> None:
    """Lines have no address to compare. The policy of the log group is read as a harmless call."""
    app = shop(PRIVACY="hashed", PRIVACY_KEY="sixteen characters", DATA_PROTECTION=True)
    ErrWatch().bootstrap_alarms(app)
    findings = findings_of(doctor(app, "--json"))
    assert findings["trusted proxies"]["level"] == "warning"
    assert "lines have hashes for addresses" in str(findings["trusted proxies"])
    assert "logs:GetDataProtectionPolicy" not in findings["deploy permissions"]["items"]
