"""Fixtures for every test of this directory: an account on moto's server, or of expected calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.moto_account import account, aws, calls, empty_account, moto_url, shop, writes
from tests.provision.stubbed_aws import StubbedAws

__all__ = ["account", "aws", "calls", "empty_account", "moto_url", "shop", "writes"]


@pytest.fixture
def stubbed() -> Iterator[StubbedAws]:
    """An `Aws` that requires exactly the expected calls, in order."""
    aws = StubbedAws()
    for stub in aws.stubs.values():
        stub.activate()
    yield aws
    for stub in aws.stubs.values():
        stub.assert_no_pending_responses()
