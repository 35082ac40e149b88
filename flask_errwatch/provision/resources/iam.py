"""Resources of IAM: the role with which CloudWatch Logs queries the lines for log alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from flask_errwatch.provision.resources.named import Named, Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRole(Named):
    """The role that runs the scheduled queries of log alarms.

    Attributes:
        name: Its name. Roles belong to the account, so that it contains the region.
        arn: Its ARN. It follows from account and name, so it is known before the role exists.
        trust: Who may assume it, as canonical JSON (`canonical_json`).
        permissions: Its inline policy, in the same form. Empty if it is missing.
        tags: Its tags, which identify the owner.
    """

    kind: ClassVar[str] = "role"

    name: str
    arn: str
    trust: str
    permissions: str
    tags: Pairs = field(default=(), compare=False)
