"""The CloudWatch dashboard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from flask_errwatch.provision.resources.named import Named, Pairs


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard(Named):
    """A CloudWatch dashboard; dashboards belong to the account, not to a region.

    Attributes:
        name: Its name, of letters, digits, `-` and `_`.
        body: The body as canonical JSON (`marks.canonical`); a text on it tells whose it is.
        tags: Its tags; never read.
    """

    kind: ClassVar[str] = "dashboard"

    name: str
    body: str
    tags: Pairs = field(default=(), compare=False)
