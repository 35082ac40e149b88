"""Builds the patterns that find the places of a text at which a secret may begin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from flask_errwatch.capture.redaction.contexts import CONTEXTS
from flask_errwatch.capture.redaction.shapes import BETWEEN, CARD_CHARACTER, SHAPES

#: Prefixes that end with one of these are looked for by it.
_MARKS: Final = ("_", "-", ".")
#: What may be between a name and its value.
_SEPARATORS: Final = r"""
      ["'`\])\\]{0,6}+\s{0,8}+(?:=>|:=|={1,3}+|:(?!//)|%(?:25){0,3}3[ad])\s{0,8}+
    | (?P<xml>>)
    | ["'],\s?["']value["']\s?:\s?
    | (?P<pair>["'],\s?)(?=[bu]?["'])
    | ["'](?:\r?\n|\\r\\n|\\n){2}
    | \s(?:(?:is|was|by|of|as)\s)?(?=["'][^\s"'])
"""
#: What may follow a name, more loosely than above. The class excludes what a name has not, since
#: `re` is several times as fast with it as with `\w`.
_FOLLOWING: Final = (
    r"[^\x00-#%-,/:-@\[-^`{-\x7f]{0,20}+"
    r"""(?=["'`\])\\]{0,6}+\s{0,8}+[=:%>]|["']|\s(?:\w\w\w?\s)?["'])"""
)
_PLACE: Final = r"""(?x)
      {contexts}
    | (?P<scheme>b(?:earer|asic)(?:\s|\+|%20|:){{1,4}}+)(?=[a-z0-9+/._~\-])
    | (?P<name>(?:{fragments})[\w.\-$]{{0,20}}+)(?:{separators})
    | (?P<card>[2-689](?:{between}[0-9]){{11,40}}+[0-9]*+)
    | (?P<url>://)
    | (?P<pem>-----begin\ |----\ begin\ |private-lines:)
    | (?P<sql>identified\ by\ {{1,4}}+)(?=["'])
    | (?P<option>--[a-z][a-z0-9\-]{{1,40}}+\ +)(?=[^\s\-])
    | (?P<email>@)
"""
#: A character of a pattern that matches itself, once.
_PLAIN: Final = r"(?:\\[\W_]|[\w\-/:@ ])(?![*+?{])"


def tree(patterns: Iterable[str]) -> str:
    """One pattern of all, in which `re` looks at each character once: a trie.

    Args:
        patterns: Patterns without an alternative outside of a group.

    Example:
        >>> tree(["pass", "pin", "otp", "p[12]"])
        'p(?:ass|in|[12])|otp'
    """
    branches: dict[str, list[str]] = {}
    others: list[str] = []
    for pattern in patterns:
        plain = re.match(_PLAIN, pattern)
        if plain is None:
            others.append(pattern)
        else:
            branches.setdefault(plain[0], []).append(pattern[plain.end() :])
    joined = (
        first + (rest[0] if len(rest) == 1 else f"(?:{tree(rest)})")
        for first, rest in branches.items()
    )
    return "|".join([*joined, *others])


def anchor_pattern(fragments: Iterable[str], *, email: bool) -> str:
    """Finds where a secret may begin in a text in lower case. A tree, which `re` searches fast.

    Args:
        fragments: Patterns of the parts of secret names.
        email: Whether e-mail addresses are secret.
    """
    prefixes = [prefix for shape in SHAPES for prefix in shape.prefixes]
    patterns = [
        *_by_ends(prefix for prefix in prefixes if prefix.endswith(_MARKS)),
        *(f"{fragment}{_FOLLOWING}" for fragment in fragments),
        *(prefix for prefix in prefixes if not prefix.endswith(_MARKS)),
        *(r"bearer(?:[\s+]|%20)", r"basic(?:[\s+:]|%20)", "identified by ", "://"),
        *("-----begin ", "---- begin ", "private-lines:"),
        *(context.pattern for context in CONTEXTS.values()),
        r"--[a-z][a-z0-9\-]{1,40}+\ ",
        *(rf"{digit}(?={CARD_CHARACTER}{{11}})(?:{BETWEEN}[0-9]){{11}}" for digit in "2345689"),
        *(["@"] if email else []),
    ]
    return tree(patterns)


def place_pattern(fragments: Iterable[str]) -> str:
    """Matches what begins at such a place. The name of its last group is the kind."""
    contexts = "|".join(
        f"(?P<{kind}>{context.pattern})".replace(" ", r"\ ") for kind, context in CONTEXTS.items()
    )
    return _PLACE.format(
        fragments="|".join(fragments), separators=_SEPARATORS, between=BETWEEN, contexts=contexts
    )


def _by_ends(prefixes: Iterable[str]) -> Iterable[str]:
    """Patterns that begin with the mark at which prefixes end, and look at these behind it."""
    # By mark and width, because what `re` looks at behind a place has a fixed width.
    groups: dict[str, dict[int, list[str]]] = {}
    for prefix in prefixes:
        mark = r"\." if prefix.endswith(".") else prefix[-1]
        width = len(re.sub(r"\[.*?\]|\\.", "x", prefix))
        groups.setdefault(mark, {}).setdefault(width, []).append(prefix.removesuffix(mark))
    for mark, group in groups.items():
        behind = "|".join(rf"(?<=(?:{tree(names)}){mark})" for names in group.values())
        yield rf"{mark}(?<=[a-z0-9]{{2}}{mark})(?:{behind})"
