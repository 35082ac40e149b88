"""Identifiers for resources in a language that takes letters, digits and little else."""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z0-9]+")

#: How words become an identifier.
Style = Callable[[list[str]], str]


def snake(words: list[str]) -> str:
    """As Terraform's names are written.

    Example:
        >>> snake(["Critical", "error"]), snake(["404"])
        ('critical_error', '_404')
    """
    name = "_".join(word.lower() for word in words)
    return f"_{name}" if name[:1].isdigit() else name


def pascal(words: list[str]) -> str:
    """As CloudFormation's logical ids are written.

    Example:
        >>> pascal(["critical", "error"])
        'CriticalError'
    """
    return "".join(word[:1].upper() + word[1:] for word in words)


class Names:
    """One identifier per resource, the same whenever it is asked for, and nobody else's.

    Args:
        app_name: Left out where a resource's name begins with it.
        style: How words become an identifier.

    Example:
        >>> names = Names("shop", snake)
        >>> names.of("alarm", "shop-critical-error"), names.of("alarm", "shop-critical_error")
        ('critical_error', 'critical_error_2')
    """

    def __init__(self, app_name: str, style: Style) -> None:
        self._prefix = app_name
        self._style = style
        self._names: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def of(self, kind: str, name: str, *, key: str = "", suffix: str = "") -> str:
        """The identifier of a resource.

        Args:
            kind: Two resources of one kind never have the same identifier.
            name: What the words are taken from, such as the resource's name in AWS.
            key: What tells it from others of the kind, when its name does not.
            suffix: The last word.
        """
        found = (kind, key or name)
        if found not in self._names:
            self._names[found] = self._free(kind, self._words(name), suffix)
        return self._names[found]

    def _words(self, name: str) -> list[str]:
        own = name.removeprefix(self._prefix)
        return _WORD.findall(own) or _WORD.findall(name) or ["main"]

    def _free(self, kind: str, words: list[str], suffix: str) -> str:
        last = [suffix] if suffix else []
        tried, number = self._style([*words, *last]), 1
        while (kind, tried) in self._taken:
            number += 1
            tried = self._style([*words, *last, str(number)])
        self._taken.add((kind, tried))
        return tried
