"""Whether a rule of a web ACL stops the addresses of the app's IP sets. Pure.

The rules of a web ACL are read, those of its rule groups are not. The order of the rules does not
count, nor do the resources that a web ACL protects.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from flask_errwatch._text import counted
from flask_errwatch.provision.ip_sets import FORWARDED_HEADER, forwarded_position
from flask_errwatch.provision.resources import IpSet

#: What the rules do with the addresses of a set, from the best to the worst:
#:
#: - `stopped`: they are stopped.
#: - `partly`: only together with other conditions.
#: - `other address`: the rule compares another address than ERRWATCH_WAF_PROXIES asks for.
#: - `counted`: the rule has no action that stops.
#: - `nothing`: no rule refers to the set.
Coverage = Literal["stopped", "partly", "other address", "counted", "nothing"]
_BEST_FIRST: tuple[Coverage, ...] = get_args(Coverage)

#: One document of WAF, as boto3 returns it.
Entry = Mapping[str, Any]

_STOPPING = frozenset(("Block", "Captcha", "Challenge"))

_ADDRESSES = {
    None: "the address of the connection",
    "FIRST": f"the first address of {FORWARDED_HEADER}, which the client writes",
    "LAST": f"the last address of {FORWARDED_HEADER}",
    "ANY": f"any address of {FORWARDED_HEADER}",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SetReference:
    """A rule that refers to an IP set.

    Attributes:
        web_acl: The name of the web ACL.
        rule: The name of the rule.
        arn: The ARN of the set.
        action: What the rule does, such as `Block` or `Count`.
        position: Which address of the header the rule compares. None means that of the connection.
        header: The header. None without a position.
        is_conditional: Whether the rule needs more than an address of the set.
    """

    web_acl: str
    rule: str
    arn: str
    action: str
    position: str | None = None
    header: str | None = None
    is_conditional: bool = False

    @property
    def compared(self) -> str:
        """The address that the rule compares, in words."""
        if self.header is None or self.header.lower() == FORWARDED_HEADER.lower():
            return _ADDRESSES.get(self.position, f"{self.position} of {self.header}")
        return f"an address of {self.header}"

    def coverage(self, proxies: int) -> Coverage:
        """What the rule does with the addresses of the set.

        Args:
            proxies: `ERRWATCH_WAF_PROXIES`.
        """
        if self.action not in _STOPPING:
            return "counted"
        if self.compared != _ADDRESSES[forwarded_position(proxies)]:
            return "other address"
        return "partly" if self.is_conditional else "stopped"


def references(web_acl: Entry, arns: Collection[str]) -> Iterator[SetReference]:
    """Yields the rules of a web ACL that refer to one of the IP sets.

    A statement below an odd number of `NotStatement`s does not: it matches all other addresses.

    Args:
        web_acl: The document of GetWebACL.
        arns: The ARNs of the sets.

    Example:
        >>> statement = {"IPSetReferenceStatement": {"ARN": "arn:4"}}
        >>> rule = {"Name": "blocked", "Action": {"Block": {}}, "Statement": statement}
        >>> [found] = references({"Name": "edge", "Rules": [rule]}, {"arn:4"})
        >>> found.rule, found.action, found.position
        ('blocked', 'Block', None)
    """
    for rule in web_acl.get("Rules", ()):
        for found, is_conditional in _set_statements(rule.get("Statement") or {}):
            if found.get("ARN") in arns:
                forwarded = found.get("IPSetForwardedIPConfig") or {}
                yield SetReference(
                    web_acl=web_acl["Name"],
                    rule=rule["Name"],
                    arn=found["ARN"],
                    action=next(iter(rule.get("Action") or {}), ""),
                    position=forwarded.get("Position"),
                    header=forwarded.get("HeaderName"),
                    is_conditional=is_conditional,
                )


def _set_statements(
    statement: Entry, *, is_negated: bool = False, is_conditional: bool = False
) -> Iterator[tuple[Entry, bool]]:
    """Yields the statements that match addresses of a set, and whether they are conditional."""
    if "IPSetReferenceStatement" in statement and not is_negated:
        yield statement["IPSetReferenceStatement"], is_conditional
    # Below a `NotStatement`, a disjunction is a conjunction, and the other way round.
    for kind, needs_all in (("AndStatement", not is_negated), ("OrStatement", is_negated)):
        for inner in (statement.get(kind) or {}).get("Statements", ()):
            yield from _set_statements(
                inner, is_negated=is_negated, is_conditional=is_conditional or needs_all
            )
    if "NotStatement" in statement:
        inner = statement["NotStatement"]["Statement"]
        yield from _set_statements(inner, is_negated=not is_negated, is_conditional=is_conditional)
    inner = (statement.get("RateBasedStatement") or {}).get("ScopeDownStatement")
    if inner:
        yield from _set_statements(inner, is_negated=is_negated, is_conditional=True)


def rule_groups(web_acl: Entry) -> Iterator[str]:
    """Yields the rules of a web ACL that are rule groups of others, whose rules are not read."""
    for rule in web_acl.get("Rules", ()):
        if "RuleGroupReferenceStatement" in (rule.get("Statement") or {}):
            yield f"{web_acl['Name']}/{rule['Name']}"
    for kind in ("PreProcess", "PostProcess"):
        for group in web_acl.get(f"{kind}FirewallManagerRuleGroups", ()):
            yield f"{web_acl['Name']}/{group['Name']}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WebAclRules:
    """What the rules of the web ACLs do with the app's IP sets.

    Attributes:
        web_acls: The number of web ACLs that were read.
        references: The rules that refer to a set.
        rule_groups: The rule groups whose rules were not read.
        proxies: `ERRWATCH_WAF_PROXIES`.
    """

    web_acls: int
    references: tuple[SetReference, ...]
    rule_groups: tuple[str, ...]
    proxies: int

    def coverage(self, ip_set: IpSet) -> Coverage:
        """What the best rule does with the addresses of the set."""
        best = self._best(ip_set)
        return "nothing" if best is None else best.coverage(self.proxies)

    def sentence(self, ip_set: IpSet) -> str:
        """A sentence about what the best rule does with the addresses of the set."""
        best = self._best(ip_set)
        if best is None:
            return f"{ip_set.name}: nothing is blocked, because {self._none_refers()}."
        place = f"{ip_set.name}: rule {best.rule} of web ACL {best.web_acl}"
        match best.coverage(self.proxies):
            case "counted":
                action = f"has the action {best.action}" if best.action else "has no action"
                return f"{place} {action}: nothing is blocked."
            case "other address":
                wanted = _ADDRESSES[forwarded_position(self.proxies)]
                return (
                    f"{place} compares {best.compared}, and with ERRWATCH_WAF_PROXIES="
                    f"{self.proxies} it must be {wanted}: the wrong addresses are blocked, or none."
                )
            case "partly":
                return f"{place} stops its addresses only where its other conditions hold."
            case _:
                return f"{place} stops its addresses, by {best.compared}."

    def _best(self, ip_set: IpSet) -> SetReference | None:
        found = [one for one in self.references if one.arn == ip_set.arn]
        return min(
            found, key=lambda one: _BEST_FIRST.index(one.coverage(self.proxies)), default=None
        )

    def _none_refers(self) -> str:
        if self.web_acls == 0:
            return "there is no web ACL"
        read = f"no rule of {counted(self.web_acls, 'web ACL')} refers to it"
        if not self.rule_groups:
            return read
        return f"{read} (not read: rule groups {', '.join(self.rule_groups[:3])})"
