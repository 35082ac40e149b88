"""The facts about an app that the classification needs: names in its URLs, and its oddities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The app that a request was sent to.

    Attributes:
        own: Words of its URL map, from `own_words`: in its paths they are not foreign.
        ignored: Patterns of paths that are oddities of the site, in lower case. `*` matches any
            characters, and a pattern that ends in `/` also for all that is below it.
        expected_agents: Parts of the user agents of its own monitors, in lower case.
    """

    own: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()
    expected_agents: tuple[str, ...] = ()

    def ignores(self, path: str) -> bool:
        """Whether a path, in lower case, is one of its oddities.

        Example:
            >>> site = Site(ignored=("/old/", "*.php", "/a*b*c"))
            >>> [site.ignores(path) for path in ("/old/x", "/old", "/x.php", "/a1b2c", "/abd")]
            [True, False, True, True, False]
        """
        return any(_matches(path, pattern) for pattern in self.ignored)


def own_words(rules: Iterable[str]) -> frozenset[str]:
    """The words of an app's URL rules: their segments, and the extensions in them with their dot.

    The extension of a variable is a word with `*` too: the app has files of any name with it.

    Args:
        rules: The rules as Werkzeug writes them.

    Example:
        >>> sorted(own_words(["/wp-json/<int:id>", "/export/<name>.zip", "/a/b.php"]))
        ['*.zip', '.php', '.zip', 'a', 'b.php', 'export', 'wp-json']
    """
    words: set[str] = set()
    for rule in rules:
        for segment in rule.lower().split("/"):
            # What follows the last variable may be an extension.
            fixed = segment.rpartition(">")[2]
            name, dot, extension = fixed.rpartition(".")
            if dot and extension:
                words.add(f".{extension}")
                if fixed != segment:
                    words.add(f"*.{extension}")
            if fixed == segment and (name or extension):
                words.add(segment)
    return frozenset(words)


# As `patterns.matching.text_test`, for whose package a failing request would wait (37 ms, against
# 5 ms for all of the classification). `fnmatch` takes up to 60 times as long for a long path.
def _matches(path: str, pattern: str) -> bool:
    """Whether the pattern matches. Each part is looked for once, from left to right."""
    first, *others = pattern.split("*")
    if not others:
        return path == pattern or (pattern.endswith("/") and path.startswith(pattern))
    last = others.pop()
    if len(path) < len(first) + len(last):
        return False
    if not (path.startswith(first) and path.endswith(last)):
        return False
    start, end = len(first), len(path) - len(last)
    for part in others:
        found = path.find(part, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True
