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
from flask_errwatch.respond.blocking.blocker import Blocker
from flask_errwatch.respond.blocking.entry_states import State, entry_states
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.ip_sets import IpSets
from flask_errwatch.respond.blocking.web_acl_rules import WebAclRules
from flask_errwatch.respond.blocking.web_acls import read_rules

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_RULE = "Put the rule into the web ACL that `flask errwatch export waf-rule` prints."
_WEB_ACL = (
    "Create a web ACL, associate it with the load balancer or distribution in front of the app, "
    "and put the rule into it that `flask errwatch export waf-rule` prints."
)


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


def overdue_findings(aws: Aws, config: Config) -> Iterator[Finding]:
    """Yields a finding if blocks are in the sets whose time is over.

    Args:
        aws: The account and region.
        config: The app's configuration.

    Raises:
        AwsCallError: When the sets or the lines of blocks cannot be read.
    """
    if config.waf_scope is None:
        return
    try:
        reading = Blocker(aws, IpSets.of(aws, config), config).read()
    except BlockingError:
        return  # the finding of the sets, or of the log group, has the reason
    overdue = [str(one.network) for one in entry_states(reading) if one.state is State.OVERDUE]
    if overdue:
        message = f"{counted(len(overdue), 'block')} in the IP sets, whose time is over:"
        remedy = (
            "Run `flask errwatch unblock --expired --yes`, and have a schedule run it every few "
            "minutes."
        )
        yield warning("overdue blocks", message, remedy, items=overdue)


def _rule_finding(rules: WebAclRules, ip_set: IpSet) -> Finding:
    message = rules.sentence(ip_set)
    match rules.coverage(ip_set):
        case "stopped":
            return ok("web ACL", message)
        case "counted" | "partly":
            return warning("web ACL", message, f"If that is not intended: {_RULE}")
        case _:
            return problem("web ACL", message, _RULE if rules.web_acls else _WEB_ACL)
