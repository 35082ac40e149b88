"""`Change`: what a plan does to one resource, and the fields that differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from flask_errwatch.provision.resources import Resource

#: The beginning of the field of a difference in a tag, before the tag's key.
TAGS = "tags."

Action = Literal["create", "update", "delete", "unchanged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A field whose actual value is not the desired one.

    Attributes:
        field: The field's name in the resource model. Within a JSON document, its path.
        old: The actual value.
        new: The desired value.
    """

    field: str
    old: object
    new: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What a plan does to one resource.

    Attributes:
        action: `create`, `update`, `delete` or `unchanged`.
        resource: The desired resource. For a deletion, the actual one.
        actual: The actual resource. None if it does not exist.
        differences: The fields that an update changes.
        note: A remark for the reader of the plan, or empty.
        is_import: Whether it imports an unmanaged resource.
    """

    action: Action
    resource: Resource
    actual: Resource | None = None
    differences: tuple[Difference, ...] = ()
    note: str = ""
    is_import: bool = False

    def without_tags(self) -> Change:
        """Returns the change without its differences in tags."""
        kept = (one for one in self.differences if not one.field.startswith(TAGS))
        return replace(self, differences=tuple(kept))

    def __str__(self) -> str:
        return f"{self.action} {self.resource.kind} {self.resource.label}"
