"""A fixture that records the library's AWS calls."""

from __future__ import annotations

import pytest

from flask_errwatch._aws import Aws
from tests.provision.export.recorded import Recorder


@pytest.fixture
def recorder(account: None, monkeypatch: pytest.MonkeyPatch) -> Recorder:  # noqa: ARG001 - a fixture asks for another by its name
    """Records every call that the library makes, in an empty account in eu-central-1."""
    recorder = Recorder()
    monkeypatch.setattr(Aws, "call", recorder.wrap(Aws.call))
    return recorder
