"""Identifiers for resources, in languages that allow only letters, digits and `_`."""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z0-9]+")

#: Joins words into an identifier.
Style = Callable[[list[str]], str]


def snake(words: list[str]) -> str:
    """Joins words as in Terraform's names.

    Example:
        >>> snake(["Critical", "error"]), snake(["404"])
        ('critical_error', '_404')
    """
    name = "_".join(word.lower() for word in words)
    return f"_{name}" if name[:1].isdigit() else name


def pascal(words: list[str]) -> str:
    """Joins words as in CloudFormation's logical IDs.

    Example:
        >>> pascal(["critical", "error"])
        'CriticalError'
    """
    return "".join(word[:1].upper() + word[1:] for word in words)


class Identifiers:
    """Assigns each resource a unique identifier, and returns the same one on each call.

    Args:
        app_name: Omitted from identifiers of resources whose names begin with it.
        style: Joins words into an identifier.

    Example:
        >>> identifiers = Identifiers("shop", snake)
        >>> [identifiers.of("alarm", name) for name in ("shop-not-found", "shop-not_found")]
        ['not_found', 'not_found_2']
    """

    def __init__(self, app_name: str, style: Style) -> None:
        self._prefix = app_name
        self._style = style
        self._assigned: dict[tuple[str, str], str] = {}
        self._used: set[tuple[str, str]] = set()

    def of(self, namespace: str, name: str, *, key: str = "", suffix: str = "") -> str:
        """The identifier of a resource.

        Args:
            namespace: Identifiers are unique within it.
            name: The source of the words, such as the resource's name in AWS.
            key: Identifies the resource within the namespace, if its name does not.
            suffix: The last word.
        """
        entry = (namespace, key or name)
        if entry not in self._assigned:
            self._assigned[entry] = self._unused(namespace, self._words(name), suffix)
        return self._assigned[entry]

    def _words(self, name: str) -> list[str]:
        without_app = name.removeprefix(self._prefix)
        return _WORD.findall(without_app) or _WORD.findall(name) or ["main"]

    def _unused(self, namespace: str, words: list[str], suffix: str) -> str:
        if suffix:
            words = [*words, suffix]
        identifier, number = self._style(words), 1
        while (namespace, identifier) in self._used:
            number += 1
            identifier = self._style([*words, str(number)])
        self._used.add((namespace, identifier))
        return identifier
