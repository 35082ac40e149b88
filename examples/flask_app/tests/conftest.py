"""A shop with the sink `memory`."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from examples.flask_app import create_app


@pytest.fixture
def client() -> FlaskClient:
    """A client of the shop."""
    return create_app({"TESTING": False, "ERRWATCH_SINKS": "memory"}).test_client()
