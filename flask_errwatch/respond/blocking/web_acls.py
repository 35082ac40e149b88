"""Reads the rules of web ACLs that refer to the app's IP sets, and never writes one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError
from flask_errwatch.provision.ip_set_discovery import PAGE
from flask_errwatch.provision.resources import IpSet
from flask_errwatch.respond.blocking.set_entries import SetEntries
from flask_errwatch.respond.blocking.web_acl_rules import (
    Entry,
    WebAclRules,
    references,
    rule_groups,
)

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

#: Seconds between two calls: the account has five a second, for all callers together (AWS WAF
#: quotas).
_BETWEEN_CALLS: Final = 0.2


def rule_notes(aws: Aws, config: Config, sets: Sequence[SetEntries]) -> tuple[str, ...]:
    """What is wrong with the rules for some sets. Empty where each set is stopped.

    Args:
        aws: The account and region.
        config: The app's configuration.
        sets: The sets that matter.
    """
    resources = [one.resource for one in sets]
    if not resources:
        return ()
    try:
        rules = read_rules(aws, config, resources)
    except AwsCallError as error:
        return (f"Whether a rule blocks what is in the IP sets is not known: {error}",)
    return tuple(rules.sentence(one) for one in resources if rules.coverage(one) != "stopped")


def read_rules(
    aws: Aws,
    config: Config,
    ip_sets: Sequence[IpSet],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> WebAclRules:
    """Reads what the web ACLs of the scope do with the addresses of the sets.

    Args:
        aws: The account, and the region of the app. Those for CloudFront are read in theirs.
        config: The app's configuration.
        ip_sets: The app's sets as they exist, all of one scope.
        pause: Waits between two calls, for that many seconds.

    Raises:
        AwsCallError: When a web ACL cannot be read.
    """
    arns = {ip_set.arn for ip_set in ip_sets if ip_set.arn is not None}
    web_acls = [*_web_acls(aws, ip_sets[0], pause)]
    return WebAclRules(
        web_acls=len(web_acls),
        references=tuple(one for web_acl in web_acls for one in references(web_acl, arns)),
        rule_groups=tuple(name for web_acl in web_acls for name in rule_groups(web_acl)),
        proxies=config.waf_proxies,
    )


def _web_acls(aws: Aws, ip_set: IpSet, pause: Callable[[float], None]) -> Iterator[Entry]:
    waf = aws.in_region(ip_set.region)
    scope = ip_set.scope
    for entry in waf.pages("wafv2", "list_web_acls", "WebACLs", Scope=scope, Limit=PAGE):
        pause(_BETWEEN_CALLS)
        try:
            response = waf.call(
                "wafv2", "get_web_acl", Name=entry["Name"], Scope=scope, Id=entry["Id"]
            )
        except AwsCallError as error:
            if not error.is_not_found:  # deleted after it was listed
                raise
        else:
            yield response["WebACL"]
