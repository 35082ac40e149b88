"""The service behind `fake_waf`: IP sets and web ACLs with the real limits, without network.

Limits: AWS WAF API Reference (CreateIPSet, UpdateIPSet, ListIPSets, DeleteIPSet), and the quotas of
AWS WAF: 10,000 addresses a set, and one call a second of each action that writes.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fake_logs_service import AnswerError

ACCOUNT = "123456789012"
MOST_ADDRESSES = 10_000
#: Entries of one page of a list, whatever a caller asks for.
PAGE = 2
WRITES = ("CreateIPSet", "UpdateIPSet", "DeleteIPSet")
_NAME = re.compile(r"[\w\-]{1,128}", re.ASCII)
_DESCRIPTION = re.compile(r"[\w+=:#@/\-,.][\w+=:#@/\-,.\s]+[\w+=:#@/\-,.]", re.ASCII)
_VERSIONS = {"IPV4": 4, "IPV6": 6}


@dataclass
class IpSet:
    """An IP set as the service keeps it.

    Attributes:
        region: Where it is.
        scope: `REGIONAL` or `CLOUDFRONT`.
        name: Its name.
        family: `IPV4` or `IPV6`.
        description: Its description, empty where it has none.
        addresses: Its entries, as they were written.
        tags: Its tags.
        id: Its id.
        token: The lock token of the next change.
    """

    region: str
    scope: str
    name: str
    family: str
    description: str = ""
    addresses: list[str] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        """Its ARN."""
        is_global = self.scope == "CLOUDFRONT"
        place = "us-east-1" if is_global else self.region
        kind = "global" if is_global else "regional"
        return f"arn:aws:wafv2:{place}:{ACCOUNT}:{kind}/ipset/{self.name}/{self.id}"

    def summary(self) -> dict[str, str]:
        """It as ListIPSets returns it."""
        return {
            "Name": self.name,
            "Id": self.id,
            "Description": self.description,
            "LockToken": self.token,
            "ARN": self.arn,
        }


def invalid(what: str, parameter: str) -> AnswerError:
    """The error for a parameter that the service refuses."""
    message = (
        "Error reason: The parameter contains formatting that is not valid., field: "
        f"{what}, parameter: {parameter}"
    )
    return AnswerError(400, "WAFInvalidParameterException", message)


class Waf:
    """The service. Its methods are called by one thread at a time.

    Args:
        write_interval: Seconds between two calls of one action that writes. 0 means no limit.

    Attributes:
        sets: The IP sets.
        acls: Web ACLs as GetWebACL returns them, by scope.
        accepted: How often each action was carried out.
        throttled: How often each action was throttled.
        referenced: ARNs of sets that a rule refers to, for DeleteIPSet.
    """

    def __init__(self, write_interval: float = 1.0) -> None:
        self.sets: list[IpSet] = []
        self.acls: dict[str, list[dict[str, Any]]] = {"REGIONAL": [], "CLOUDFRONT": []}
        self.accepted: Counter[str] = Counter()
        self.throttled: Counter[str] = Counter()
        self.referenced: set[str] = set()
        self._write_interval = write_interval
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()
        self._operations: dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]] = {
            "CreateIPSet": self._create,
            "GetIPSet": self._get,
            "UpdateIPSet": self._update,
            "DeleteIPSet": self._delete,
            "ListIPSets": self._list,
            "ListWebACLs": self._list_acls,
            "GetWebACL": self._get_acl,
            "ListTagsForResource": self._tags_of,
            "TagResource": self._tag,
        }

    def call(self, operation: str, region: str, request: dict[str, Any]) -> dict[str, Any]:
        """The result of a call."""
        if operation not in self._operations:
            raise AnswerError(400, "UnknownOperationException", operation)
        with self._lock:
            self._throttle(operation)
            scope = request.get("Scope", "REGIONAL")
            if scope not in self.acls:
                raise invalid("SCOPE_VALUE", str(scope))
            if scope == "CLOUDFRONT" and region != "us-east-1":
                raise invalid("SCOPE_VALUE", "CLOUDFRONT: use the region us-east-1")
            answer = self._operations[operation](region, request)
            self.accepted[operation] += 1
            return answer

    def add(
        self,
        name: str,
        family: str,
        addresses: list[str] | None = None,
        *,
        region: str = "eu-central-1",
        scope: str = "REGIONAL",
        description: str = "managed-by=flask-errwatch app=shop",
    ) -> IpSet:
        """Adds a set, as somebody would by the console."""
        one = IpSet(region, scope, name, family, description, addresses or [])
        self.sets.append(one)
        return one

    def add_acl(self, name: str, rules: list[dict[str, Any]], scope: str = "REGIONAL") -> str:
        """Adds a web ACL with rules as GetWebACL returns them, and returns its ARN."""
        kind = "regional" if scope == "REGIONAL" else "global"
        region = "eu-central-1" if scope == "REGIONAL" else "us-east-1"
        identifier = str(uuid.uuid4())
        arn = f"arn:aws:wafv2:{region}:{ACCOUNT}:{kind}/webacl/{name}/{identifier}"
        self.acls[scope].append({"Name": name, "Id": identifier, "ARN": arn, "Rules": rules})
        return arn

    def _throttle(self, operation: str) -> None:
        if operation not in WRITES:
            return
        now = time.monotonic()
        if now - self._last.get(operation, -1e9) < self._write_interval:
            self.throttled[operation] += 1
            raise AnswerError(400, "ThrottlingException", "Rate exceeded")
        self._last[operation] = now

    def _create(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        name, family = request["Name"], request["IPAddressVersion"]
        if not _NAME.fullmatch(name):
            raise invalid("ENTITY_NAME", name)
        if family not in _VERSIONS:
            raise invalid("IP_ADDRESS_VERSION", family)
        if "Tags" in request and not request["Tags"]:
            raise invalid("TAGS", "[]")
        description = _description(request)
        if any(one.name == name for one in self._of(region, request)):
            message = "AWS WAF couldn’t perform the operation because some resource duplicates it."
            raise AnswerError(400, "WAFDuplicateItemException", message)
        check_addresses(request["Addresses"], family)
        one = IpSet(region, request["Scope"], name, family, description, [*request["Addresses"]])
        one.tags = [*request.get("Tags", [])]
        self.sets.append(one)
        return {"Summary": one.summary()}

    def _get(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        one = self._found(region, request)
        shown = {
            "Name": one.name,
            "Id": one.id,
            "ARN": one.arn,
            "Description": one.description,
            "IPAddressVersion": one.family,
            "Addresses": [*one.addresses],
        }
        if not one.description:
            del shown["Description"]
        return {"IPSet": shown, "LockToken": one.token}

    def _update(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        one = self._found(region, request)
        self._check_token(one, request)
        check_addresses(request["Addresses"], one.family)
        one.description = _description(request)
        one.addresses = [*request["Addresses"]]
        one.token = str(uuid.uuid4())
        return {"NextLockToken": one.token}

    def _delete(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        one = self._found(region, request)
        self._check_token(one, request)
        if one.arn in self.referenced or one.arn in str(self.acls):
            message = "AWS WAF couldn’t perform the operation because your resource is being used."
            raise AnswerError(400, "WAFAssociatedItemException", message)
        self.sets.remove(one)
        return {}

    def _list(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        sets = [one.summary() for one in self._of(region, request)]
        return _page(sets, "IPSets", request)

    def _list_acls(self, region: str, request: dict[str, Any]) -> dict[str, Any]:
        place = "us-east-1" if request["Scope"] == "CLOUDFRONT" else region
        summaries = [
            {"Name": acl["Name"], "Id": acl["Id"], "ARN": acl["ARN"], "LockToken": acl["Id"]}
            for acl in self.acls[request["Scope"]]
            if f":{place}:" in acl["ARN"]
        ]
        return _page(summaries, "WebACLs", request)

    def _get_acl(self, _region: str, request: dict[str, Any]) -> dict[str, Any]:
        for acl in self.acls[request["Scope"]]:
            if (acl["Name"], acl["Id"]) == (request["Name"], request["Id"]):
                return {"WebACL": {"DefaultAction": {"Allow": {}}, **acl}, "LockToken": acl["Id"]}
        raise _nonexistent()

    def _tags_of(self, _region: str, request: dict[str, Any]) -> dict[str, Any]:
        one = self._by_arn(request["ResourceARN"])
        return {"TagInfoForResource": {"ResourceARN": one.arn, "TagList": [*one.tags]}}

    def _tag(self, _region: str, request: dict[str, Any]) -> dict[str, Any]:
        one, given = self._by_arn(request["ResourceARN"]), request["Tags"]
        keys = {tag["Key"] for tag in given}
        one.tags = [tag for tag in one.tags if tag["Key"] not in keys] + given
        return {}

    def _by_arn(self, arn: str) -> IpSet:
        for one in self.sets:
            if one.arn == arn:
                return one
        raise _nonexistent()

    def _of(self, region: str, request: dict[str, Any]) -> list[IpSet]:
        scope = request["Scope"]
        return [one for one in self.sets if one.scope == scope and one.region == region]

    def _found(self, region: str, request: dict[str, Any]) -> IpSet:
        for one in self._of(region, request):
            if (one.name, one.id) == (request["Name"], request["Id"]):
                return one
        raise _nonexistent()

    def _check_token(self, one: IpSet, request: dict[str, Any]) -> None:
        if request["LockToken"] != one.token:
            message = "AWS WAF couldn’t save your changes because someone changed the resource."
            raise AnswerError(400, "WAFOptimisticLockException", message)


def check_addresses(addresses: list[str], family: str) -> None:
    """Refuses entries that the service refuses."""
    if len(addresses) > MOST_ADDRESSES:
        message = f"AWS WAF couldn’t perform the operation: {len(addresses)} addresses."
        raise AnswerError(400, "WAFLimitsExceededException", message)
    networks = []
    for address in addresses:
        try:
            network = ipaddress.ip_network(address)  # refuses host bits that are not zero
        except ValueError:
            raise invalid("IP_ADDRESS", address) from None
        is_cidr = "/" in address and len(address) <= 50
        if not is_cidr or network.version != _VERSIONS[family] or network.prefixlen == 0:
            raise invalid("IP_ADDRESS", address)
        networks.append(network)
    if len(set(networks)) != len(networks):
        message = "AWS WAF couldn’t perform the operation because of a duplicate item."
        raise AnswerError(400, "WAFDuplicateItemException", message)


def _description(request: dict[str, Any]) -> str:
    if "Description" not in request:
        return ""
    description: str = request["Description"]
    if len(description) > 256 or not _DESCRIPTION.fullmatch(description):
        raise invalid("ENTITY_DESCRIPTION", description)
    return description


def _page(entries: list[dict[str, Any]], key: str, request: dict[str, Any]) -> dict[str, Any]:
    """At most two entries, and the marker of the next page, which is the last one's name."""
    marker = request.get("NextMarker")
    names = [entry["Name"] for entry in entries]
    if marker is not None and marker not in names:
        raise invalid("NEXT_MARKER", marker)
    start = 0 if marker is None else names.index(marker) + 1
    limit = min(request.get("Limit", PAGE), PAGE)
    page = [*itertools.islice(entries, start, start + limit)]
    answer: dict[str, Any] = {key: page}
    if start + limit < len(entries):
        answer["NextMarker"] = page[-1]["Name"]
    return answer


def _nonexistent() -> AnswerError:
    message = "AWS WAF couldn’t perform the operation because your resource doesn’t exist."
    return AnswerError(400, "WAFNonexistentItemException", message)
