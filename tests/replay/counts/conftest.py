"""Fixtures of the tests of counts: an account in moto."""

from __future__ import annotations

from tests.moto_account import account, aws, empty_account, moto_url

__all__ = ["account", "aws", "empty_account", "moto_url"]
