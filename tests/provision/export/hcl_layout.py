"""Finds where a text differs from what `terraform fmt` leaves; knows nothing of our writer.

Written from Terraform's style conventions and the behaviour of its formatter: two spaces a
level; the equals signs of neighbouring single-line arguments under each other, one space from
the longest name; a line that opens a bracket is nobody's neighbour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_NAME = re.compile(r'(?P<name>"(?:\\.|[^"\\])*"|[\w-]+)(?P<space> +)= (?P<value>\S.*)')


def faults(text: str) -> list[str]:
    """Each fault with its line number; none in a text that is formatted."""
    lines = text.split("\n")
    found = [*_edges(lines), *_indents(lines), *_signs(lines)]
    return [f"line {number}: {what}" for number, what in sorted(found)]


def _bare(line: str) -> str:
    """The line without what stands in strings and comments."""
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
        # `})` closes two brackets that one line opened, and stands one level out.
        here = level - 1 if closes else level
        if line and line != "  " * here + line.strip():
            yield number, f"not indented by {2 * here}"
        level += (change > 0) - (change < 0)
    if level:
        yield len(lines), "brackets are left open"


def _signs(lines: list[str]) -> Iterator[tuple[int, str]]:
    group: list[tuple[int, re.Match[str]]] = []
    for number, line in enumerate([*lines, ""], 1):
        found = _NAME.fullmatch(line.strip())
        if found and _change(line) == 0:
            group.append((number, found))
            continue
        if found and len(found["space"]) != 1:
            yield number, "more than one space before the sign of an open bracket"
        longest = max((len(each["name"]) for _, each in group), default=0)
        for at, each in group:
            if len(each["name"]) + len(each["space"]) != longest + 1:
                yield at, "the equals sign is not under its neighbours'"
        group = []
