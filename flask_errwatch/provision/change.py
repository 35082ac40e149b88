"""What becomes of one resource: a change, and the fields that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask_errwatch.provision.resources import Resource

Action = Literal["create", "update", "delete", "unchanged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One field that stands otherwise than declared.

    Attributes:
        field: The field's name in the resource model; within a JSON document, its path.
        old: What stands.
        new: What is declared.
    """

    field: str
    old: object
    new: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What becomes of one resource.

    Attributes:
        action: `create`, `update`, `delete` or `unchanged`.
        resource: What is declared; for a deletion, what stands.
        actual: What stands; None where nothing does.
        differences: The fields that an update changes.
        note: What a person should know of it, or empty.
        is_adopted: Whether it takes over what somebody else made.
    """

    action: Action
    resource: Resource
    actual: Resource | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""
    is_adopted: bool = False

    def __str__(self) -> str:
        return f"{self.action} {self.resource.kind} {self.resource.label}"
