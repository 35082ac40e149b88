"""An empty account on moto's server, and a recorder around the library's one door to AWS."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from flask_errwatch._aws import Aws
from tests.export.recorded import Recorder


@pytest.fixture(scope="session")
def exports_moto_url() -> Iterator[str]:
    """The address of moto's server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def recorder(exports_moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Every call that the library makes from now on, in an empty account of eu-central-1."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", exports_moto_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", "no-such-file")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "no-such-file")
    reset = urllib.request.Request(f"{exports_moto_url}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=10).close()
    found = Recorder()
    monkeypatch.setattr(Aws, "call", found.around(Aws.call))
    return found
