"""Reads what AWS's Describe calls return, and gathers everything that is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from flask_errwatch.errors import JudgeError, Problem


class Reader:
    """Typed access to one stored definition; `done` raises what was found wrong.

    Args:
        mapping: The definition, as boto3 returns it.
        what: How a message names it.
    """

    def __init__(
        self, mapping: Mapping[str, object], what: str, problems: list[Problem] | None = None
    ) -> None:
        self._mapping = mapping
        self._what = what
        self._problems = [] if problems is None else problems

    def has(self, key: str) -> bool:
        """Whether it says anything; AWS leaves out, emulators write None or empty."""
        value = self._mapping.get(key)
        return value is not None and value is not False and value not in ("", [], {})

    def wrong(self, key: str, remedy: str) -> None:
        """Notes a problem with the key."""
        shown = f"{key} of {self._what}"
        self._problems.append(Problem(key=shown, value=self._mapping.get(key), remedy=remedy))

    def refuse(self, key: str, remedy: str) -> None:
        """Notes a problem when the key is there at all."""
        if self.has(key):
            self.wrong(key, remedy)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; the default where it is absent, a problem where there is none."""
        value = self._mapping.get(key)
        if not self.has(key) and default is not None:
            return default
        if not isinstance(value, str) or not value:
            self.wrong(key, "It must be a text.")
            return ""
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        value = self._mapping.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(key, "It must be a number.")
            return 0.0
        if not math.isfinite(value):
            self.wrong(key, "It must be a finite number.")
            return 0.0
        return value

    def whole(self, key: str) -> int:
        """A whole number of at least 1."""
        value = self._mapping.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.wrong(key, "It must be a whole number of at least 1.")
            return 1
        return value

    def texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """A mapping of texts, or a list of `{"Name": …, "Value": …}`, as sorted pairs."""
        value = self._mapping.get(key) or {}
        if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            value = {each.get("Name"): each.get("Value") for each in value}
        if not isinstance(value, Mapping) or not all(
            isinstance(name, str) and isinstance(each, str) for name, each in value.items()
        ):
            self.wrong(key, "It must give texts by name.")
            return ()
        return tuple(sorted(value.items()))

    def only(self, key: str) -> Reader:
        """The one entry of a list of mappings."""
        value = self._mapping.get(key)
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            return Reader(value[0], f"{key} of {self._what}", self._problems)
        self.wrong(key, "It must be a list of exactly one.")
        return Reader({}, f"{key} of {self._what}", [])

    def done(self) -> None:
        """Raises JudgeError when anything was wrong."""
        if self._problems:
            raise JudgeError(*self._problems)
