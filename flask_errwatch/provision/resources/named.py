"""What most kinds of resources share: a name that identifies them."""

from __future__ import annotations

from typing import ClassVar

#: Tags or dimensions: sorted pairs of name and value.
Pairs = tuple[tuple[str, str], ...]


class Named:
    """A resource that its name alone identifies, within its kind."""

    __slots__ = ()

    kind: ClassVar[str]
    name: str

    @property
    def key(self) -> str:
        """What identifies it among resources of its kind."""
        return self.name

    @property
    def label(self) -> str:
        """How it is shown to people."""
        return self.name
