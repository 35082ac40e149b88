"""Fixtures of the tests that read buckets: moto's server and an empty account."""

from tests.moto_account import account, aws, empty_account, moto_url
from tests.replay.conftest import run

__all__ = ["account", "aws", "empty_account", "moto_url", "run"]
