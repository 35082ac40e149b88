"""Fixtures: one moto server for the session, and an empty account for every test."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator

import pytest
from moto.server import ThreadedMotoServer

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.detectors import DEFAULT_DETECTORS, Catalogue, Detector
from flask_errwatch.provision import Plan
from flask_errwatch.provision.apply import bootstrap

READS = ("Describe", "Filter", "List", "Get")


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Returns the URL of moto's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def empty_account(moto_url: str) -> Callable[[], None]:
    """Returns a function that empties the account."""

    def empty() -> None:
        reset = urllib.request.Request(f"{moto_url}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=60).close()

    return empty


@pytest.fixture
def account(
    moto_url: str, empty_account: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty account in eu-central-1, configured by environment variables like a real one."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    empty_account()


@pytest.fixture
def aws(account: None) -> Aws:  # noqa: ARG001 - a fixture requests another by its name
    """Returns an `Aws` for the account."""
    return Aws(patience=PROVISIONING)


@pytest.fixture
def calls(aws: Aws) -> list[str]:
    """Returns a list that gets the name of every call that `aws` makes."""
    names: list[str] = []

    def note(model: object, **_: object) -> None:
        names.append(str(getattr(model, "name", model)))

    for service in ("logs", "cloudwatch", "sns", "sts"):
        aws.client(service).meta.events.register("before-call", note)
    return names


@pytest.fixture
def writes(calls: list[str]) -> Callable[[], list[str]]:
    """Returns a function that returns the writing calls since it was last called."""

    def take() -> list[str]:
        writing = [name for name in calls if not name.startswith(READS)]
        calls.clear()
        return writing

    return take


@pytest.fixture
def shop(aws: Aws) -> Callable[..., Plan]:
    """Provisions the app `shop`: `shop(RETENTION_DAYS=30)` sets `ERRWATCH_RETENTION_DAYS`.

    It has the catalogue of 0.1, with one filter and alarm for each status, unless a test asks for
    another: what is created and when does not depend on the default catalogue.
    """

    def provision(
        *,
        detectors: tuple[Detector, ...] = DEFAULT_DETECTORS,
        dry_run: bool = False,
        **settings: object,
    ) -> Plan:
        keys = {
            f"ERRWATCH_{name}": value for name, value in {"DEFAULTS": "0.1", **settings}.items()
        }
        config = configuration.load(keys, {}, app_name="shop")
        catalogue = Catalogue(detectors).configured(config)
        return bootstrap(aws, catalogue, config, dry_run=dry_run)

    return provision
