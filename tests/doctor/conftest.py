"""Every test of this folder may ask for an account on moto's server."""

from tests.moto_account import account, empty_account, moto_url

__all__ = ["account", "empty_account", "moto_url"]
