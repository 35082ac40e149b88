"""Fixtures for every test of this directory: an account on moto's server."""

from tests.moto_account import account, aws, calls, empty_account, moto_url, shop, writes

__all__ = ["account", "aws", "calls", "empty_account", "moto_url", "shop", "writes"]
