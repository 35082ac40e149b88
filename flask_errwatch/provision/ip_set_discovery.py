"""Reads the IP sets of AWS WAF, and never changes one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError, ProvisioningError
from flask_errwatch.provision import from_aws
from flask_errwatch.provision.ip_set_problems import misfits, missing_ip_set, missing_scope
from flask_errwatch.provision.ip_sets import ip_sets
from flask_errwatch.provision.resources import IpSet

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: The most sets or web ACLs on a page (AWS WAF API Reference, Limit).
PAGE = 100


def find_ip_sets(aws: Aws, declared: Sequence[IpSet]) -> Iterator[IpSet]:
    """Yields the sets that exist under the names of an app, managed or unmanaged.

    Args:
        aws: The account, and the region of the app. Sets for CloudFront are read in theirs.
        declared: The sets that the app declares, all of one scope.

    Raises:
        AwsCallError: When they cannot be read.
    """
    if not declared:
        return
    scope = declared[0].scope
    waf = aws.in_region(declared[0].region)
    names = {ip_set.name for ip_set in declared}
    for entry in waf.pages("wafv2", "list_ip_sets", "IPSets", Scope=scope, Limit=PAGE):
        if entry["Name"] in names:
            try:
                response = waf.call(
                    "wafv2", "get_ip_set", Name=entry["Name"], Scope=scope, Id=entry["Id"]
                )
            except AwsCallError as error:
                if not error.is_not_found:  # deleted after it was listed
                    raise
            else:
                yield from_aws.ip_set(response, scope)


def usable_ip_sets(aws: Aws, config: Config) -> tuple[IpSet, ...]:
    """Returns the app's own sets as they exist, IPv4 first.

    Args:
        aws: The account, and the region of the app.
        config: The app's configuration.

    Raises:
        ProvisioningError: When the app declares no sets, one does not exist, or cannot be used.
        AwsCallError: When they cannot be read.
    """
    declared = ip_sets(config)
    if not declared:
        raise ProvisioningError(missing_scope())
    by_name = {ip_set.name: ip_set for ip_set in find_ip_sets(aws, declared)}
    problems = [missing_ip_set(ip_set) for ip_set in declared if ip_set.name not in by_name]
    for ip_set in declared:
        if ip_set.name in by_name:
            problems += misfits(ip_set, by_name[ip_set.name], config.app_name)
    if problems:
        raise ProvisioningError(*problems)
    return tuple(by_name[ip_set.name] for ip_set in declared)
