"""The IP sets of AWS WAF that hold the blocked addresses, and the address that a rule compares.

Nothing here changes the addresses of a set: a deployment creates an empty set, leaves one that
exists as it is, and deletes it only with `destroy`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from flask_errwatch.config import Config
from flask_errwatch.provision.resources import Family, IpSet, WafScope
from flask_errwatch.provision.resources.tags import all_tags, ip_set_description
from flask_errwatch.provision.resources.waf import region_of

#: Which address of a forwarded header a rule compares. Never the first: the client wrote it.
Position = Literal["LAST", "ANY"]

#: The beginning of the names of the streams with the lines about blocked sources.
AUDIT_PREFIX = "respond/"

#: The header to which proxies append the address of their client.
FORWARDED_HEADER = "X-Forwarded-For"

_FAMILIES: tuple[Family, ...] = ("IPV4", "IPV6")
_SCOPES: dict[str, WafScope] = {"regional": "REGIONAL", "cloudfront": "CLOUDFRONT"}
# What WAF refuses in names (AWS WAF API Reference, EntityName).
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


def waf_scope(config: Config) -> WafScope | None:
    """Returns the scope of the app's IP sets as WAF names it. None without IP sets."""
    return None if config.waf_scope is None else _SCOPES[config.waf_scope]


def waf_region(config: Config) -> str | None:
    """Returns the region of the app's IP sets. None for that of the app, and without IP sets."""
    scope = waf_scope(config)
    return None if scope is None else region_of(scope)


def ip_sets(config: Config) -> tuple[IpSet, ...]:
    """Returns the sets that the app declares: none, or one for each family.

    Example:
        >>> from flask_errwatch import config
        >>> shop = config.load({"ERRWATCH_WAF_SCOPE": "regional"}, {}, app_name="shop.web")
        >>> [(ip_set.name, ip_set.description) for ip_set in ip_sets(shop)][0]
        ('shop-web-blocked-ipv4', 'managed-by=flask-errwatch app=shop.web')
    """
    scope = waf_scope(config)
    if scope is None:
        return ()
    return tuple(
        IpSet(
            name=f"{blocked_name(config.app_name)}-{family.lower()}",
            scope=scope,
            family=family,
            description=ip_set_description(config.app_name),
            tags=all_tags(config),
        )
        for family in _FAMILIES
    )


def blocked_name(app_name: str) -> str:
    """Returns the name of the rule, with which the names of the sets begin.

    Example:
        >>> blocked_name("the shop")
        'the-shop-blocked'
    """
    return f"{_NOT_IN_NAMES.sub('-', app_name)}-blocked"


def forwarded_position(proxies: int) -> Position | None:
    """Returns which address of `X-Forwarded-For` a rule compares.

    Args:
        proxies: The number of proxies between the clients and WAF.

    Returns:
        None without a proxy: the rule compares the address that WAF's resource sees.
    """
    if proxies == 0:
        return None
    return "LAST" if proxies == 1 else "ANY"


def ip_set_costs(declared: Iterable[IpSet]) -> Iterator[str]:
    """Yields what blocking costs, and what it still needs."""
    names = " and ".join(ip_set.name for ip_set in declared)
    if names:
        yield (
            f"IP sets {names}: no price of their own was found. A web ACL costs 5.00 USD a month, "
            "its rule 1.00 (third parties, 2026). Nothing is blocked before a web ACL has the rule "
            "that `flask errwatch export waf-rule` prints."
        )
