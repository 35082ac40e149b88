"""Base class of the resources that are identified by their name."""

from __future__ import annotations

from typing import ClassVar

#: Tags or dimensions: sorted pairs of name and value.
Pairs = tuple[tuple[str, str], ...]


class Named:
    """A resource that is identified by its name, within its kind."""

    __slots__ = ()

    kind: ClassVar[str]
    name: str

    @property
    def key(self) -> str:
        """Identifies it among resources of its kind."""
        return self.name

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.name
