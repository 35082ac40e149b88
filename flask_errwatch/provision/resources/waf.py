"""Resources of AWS WAF: the IP sets that hold the blocked addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from flask_errwatch.provision.resources.named import Named, Pairs

#: What WAF protects: a load balancer, an API …, or a CloudFront distribution.
WafScope = Literal["REGIONAL", "CLOUDFRONT"]
#: A set holds IPv4 addresses or IPv6 addresses, for ever.
Family = Literal["IPV4", "IPV6"]

#: The region of all that is for CloudFront (AWS WAF API Reference, Scope).
CLOUDFRONT_REGION = "us-east-1"
#: The most characters of a set's name (AWS WAF API Reference, EntityName).
IP_SET_NAME_LENGTH = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class IpSet(Named):
    """An IP set, to which a rule of a web ACL refers. Its addresses are not part of the resource.

    Blocking adds and removes them. A deployment only needs their number.

    Attributes:
        name: Its name.
        scope: Where it can be used.
        family: The addresses that it can hold.
        description: Its description, which identifies the owner.
        tags: Its tags.
        entries: The number of its addresses.
        arn: Its ARN, which contains its id. None until it exists.
        id: Its id. None until it exists.
        lock_token: A value that is new after every change of it. None until it exists.
    """

    kind: ClassVar[str] = "IP set"

    name: str
    scope: WafScope
    family: Family
    description: str = field(default="", compare=False)
    tags: Pairs = field(default=(), compare=False)
    entries: int = field(default=0, compare=False)
    arn: str | None = field(default=None, compare=False)
    id: str | None = field(default=None, compare=False)
    lock_token: str | None = field(default=None, compare=False)

    @property
    def region(self) -> str | None:
        """The region of its calls. None for that of the app."""
        return region_of(self.scope)


def region_of(scope: WafScope) -> str | None:
    """Returns the region of the calls for a scope. None for that of the app."""
    return CLOUDFRONT_REGION if scope == "CLOUDFRONT" else None
