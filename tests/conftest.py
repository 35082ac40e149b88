"""What the tests of the core share: a clean environment, apps that are watched or not."""

from __future__ import annotations

import functools
import gc
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from flask import Flask
from hypothesis import HealthCheck, settings

from flask_errwatch.delivery.journal import directory
from tests.deliveries import abandon, running
from tests.wsgi_driver import Both, Build, LogRecords, serve, watched

# Timings are never asserted, so a busy machine causes no failure.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Lets the garbage collector pass over what lives until the end, which takes less time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _temp_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Journals of the default folder are those of this run alone, also under pytest-xdist."""
    tmp_path_factory.getbasetemp()  # pytest's own is where it always was
    with tempfile.TemporaryDirectory(prefix="errwatch-") as folder:
        os.environ["TMPDIR"], tempfile.tempdir = folder, None
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        yield
    del os.environ["TMPDIR"], os.environ["XDG_STATE_HOME"]
    tempfile.tempdir = None


@pytest.fixture(scope="session", autouse=True)
def _parsed_models() -> Iterator[None]:
    """Botocore parses each service model once in the run, not once for every client's session."""
    load = functools.cache(JSONFileLoader().load_file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _self, path: load(path))
        yield


@pytest.fixture(autouse=True)
def _own_deliveries() -> Iterator[None]:
    """No shipper outlives its test: it would write to the stderr of a later one."""
    before = running()
    yield
    for delivery in running() - before:
        abandon(delivery)


@pytest.fixture
def loggers_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test with `dictConfig`, which disables the loggers that exist, also of later tests."""
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            monkeypatch.setattr(logger, "disabled", logger.disabled)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the configuration or the AWS account of whoever runs it."""
    for name in [*os.environ]:
        if name.startswith(("ERRWATCH_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def only_a_temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which no folder but the temp folder can be written to, and that folder."""
    (tmp_path / "file").touch()
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(directory, "_STATE", tmp_path / "file")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def both(caplog: pytest.LogCaptureFixture) -> Callable[..., Both]:
    """Serves a request to the app as it is and to the same app with the extension.

    Fails when anything differs that the client, the server or the app's log would see.
    """

    def serve_both(build: Build, path: str = "/", **environ: Any) -> Both:
        caplog.clear()
        plain = serve(build(), path, **environ)
        plain_log = LogRecords.of(caplog)
        caplog.clear()
        app: Flask = build()
        watched(app)
        seen = serve(app, path, **environ)
        assert seen == plain
        assert LogRecords.of(caplog) == plain_log
        return Both(app, seen)

    return serve_both
