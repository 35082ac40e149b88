"""Finds where a text differs from the output of `terraform fmt`, independently of our formatter.

It follows Terraform's style conventions and the behaviour of its formatter: two spaces per level,
and aligned equals signs of adjacent single-line arguments, one space after the longest name. A
line that opens a bracket is not aligned with others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_NAME = re.compile(r'(?P<name>"(?:\\.|[^"\\])*"|[\w-]+)(?P<space> +)= (?P<value>\S.*)')


def faults(text: str) -> list[str]:
    """Each fault with its line number. Empty for a formatted text."""
    lines = text.split("\n")
    numbered = [*_edges(lines), *_indents(lines), *_signs(lines)]
    return [f"line {number}: {fault}" for number, fault in sorted(numbered)]


def _bare(line: str) -> str:
    """The line without comments and the contents of strings."""
    bare = _STRING.sub('""', line)
    return "" if bare.lstrip().startswith("#") else bare


def _change(line: str) -> int:
    bare = _bare(line)
    return sum(map(bare.count, "{[(")) - sum(map(bare.count, "}])"))


def _edges(lines: list[str]) -> Iterator[tuple[int, str]]:
    if lines[-1] or (len(lines) > 1 and not lines[-2]):
        yield len(lines), "the file does not end with one line break"
    for number, line in enumerate(lines, 1):
        after = lines[number] if number < len(lines) else ""
        if line != line.rstrip():
            yield number, "spaces at the end"
        if not line and not after and number < len(lines) - 1:
            yield number, "two blank lines"
        if line.endswith("{") and not after:
            yield number, "a blank line after an opening brace"
        if not line and after.strip() == "}":
            yield number, "a blank line before a closing brace"
        if line == "}" and after and number < len(lines):
            yield number, "no blank line after a block"


def _indents(lines: list[str]) -> Iterator[tuple[int, str]]:
    level = 0
    for number, line in enumerate(lines, 1):
        change = _change(line)
        closes = bool(re.match(r"\s*[}\])]", _bare(line)))
        # `})` closes two brackets of one line, and is indented one level less.
        expected = level - 1 if closes else level
        if line and line != "  " * expected + line.strip():
            yield number, f"not indented by {2 * expected}"
        level += (change > 0) - (change < 0)
    if level:
        yield len(lines), "brackets are left open"


def _signs(lines: list[str]) -> Iterator[tuple[int, str]]:
    group: list[tuple[int, re.Match[str]]] = []
    for number, line in enumerate([*lines, ""], 1):
        argument = _NAME.fullmatch(line.strip())
        if argument and _change(line) == 0:
            group.append((number, argument))
            continue
        if argument and len(argument["space"]) != 1:
            yield number, "more than one space before the sign of an open bracket"
        longest = max((len(member["name"]) for _, member in group), default=0)
        for member_number, member in group:
            if len(member["name"]) + len(member["space"]) != longest + 1:
                yield member_number, "the equals sign is not aligned"
        group = []
