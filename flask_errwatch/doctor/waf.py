"""Whether a block would have an effect: the app's IP sets, and the rules that refer to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.errors import ProvisioningError
from flask_errwatch.provision.ip_set_discovery import usable_ip_sets
from flask_errwatch.provision.resources import IpSet
from flask_errwatch.respond.blocking.web_acl_rules import WebAclRules
from flask_errwatch.respond.blocking.web_acls import read_rules

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_RULE = "Put the rule into the web ACL that `flask errwatch export waf-rule` prints."


def waf_findings(aws: Aws, config: Config) -> Iterator[Finding]:
    """Yields a finding for the sets, and one for the rules of each. None without IP sets.

    Args:
        aws: The account and region.
        config: The app's configuration.

    Raises:
        AwsCallError: When the sets or the web ACLs cannot be read.
    """
    if config.waf_scope is None:
        return
    try:
        ip_sets = usable_ip_sets(aws, config)
    except ProvisioningError as error:
        for one in error.problems:
            yield problem("IP sets", f"{one.value} cannot be used.", one.remedy)
        return
    sizes = [f"{one.name} has {counted(one.entries, 'address')}" for one in ip_sets]
    yield ok("IP sets", f"{', '.join(sizes)}.")
    rules = read_rules(aws, config, ip_sets)
    for ip_set in ip_sets:
        yield _rule_finding(rules, ip_set)


def _rule_finding(rules: WebAclRules, ip_set: IpSet) -> Finding:
    message = rules.sentence(ip_set)
    match rules.coverage(ip_set):
        case "stopped":
            return ok("web ACL", message)
        case "counted" | "partly":
            return warning("web ACL", message, f"If that is not intended: {_RULE}")
        case _:
            return problem("web ACL", message, _RULE)
