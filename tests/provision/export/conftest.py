"""A recorder around the library's one door to AWS."""

from __future__ import annotations

import pytest

from flask_errwatch._aws import Aws
from tests.provision.export.recorded import Recorder


@pytest.fixture
def recorder(account: None, monkeypatch: pytest.MonkeyPatch) -> Recorder:  # noqa: ARG001 - a fixture asks for another by its name
    """Every call that the library makes from now on, in an empty account of eu-central-1."""
    recorder = Recorder()
    monkeypatch.setattr(Aws, "call", recorder.around(Aws.call))
    return recorder
