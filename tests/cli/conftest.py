"""Every test of this folder may ask for an account on moto's server."""

from tests.moto_account import account, aws, empty_account, moto_url, shop

__all__ = ["account", "aws", "empty_account", "moto_url", "shop"]
