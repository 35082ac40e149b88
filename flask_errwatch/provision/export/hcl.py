"""Writes values and blocks as HCL, formatted like the output of `terraform fmt`.

The layout follows Terraform's style conventions: two spaces per level, aligned equals signs of
consecutive single-line arguments, and a blank line around blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from flask_errwatch.provision.tokens import only_token, replace_tokens

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CODE_POINTS = {"$": "\\u0024", "%": "\\u0025"}
_REPEATED_OR_LAST = re.compile(r"(?<=\$)\$(?=\{)|(?<=%)%(?=\{)|\$\Z")
_BEFORE_BRACE = re.compile(r"([$%])\{")
#: A longer list has one item per line.
_LINE = 90


@dataclass(frozen=True, slots=True)
class Expression:
    """HCL that is written as it is, such as `var.sns_topic_arn`."""

    text: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value that is written as a call of `jsonencode`."""

    value: object


@dataclass(frozen=True, slots=True)
class Block:
    """A block. Arguments that are None are omitted.

    Args:
        kind: Such as `resource`.
        labels: Such as the type and name of a resource.
        arguments: The arguments, in order.
        blocks: The nested blocks, which follow the arguments.
        comment: The comment above the block.
    """

    kind: str
    labels: tuple[str, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line. `value` follows an equals sign that is aligned with those of adjacent lines."""

    level: int
    text: str
    value: str | None = None


#: Returns the expression that replaces the token of a name, such as `data.aws_region.current.id`.
References = Callable[[str], str]


def render(blocks: tuple[Block, ...], references: References) -> str:
    """The text of a file.

    Args:
        blocks: The blocks at the top level.
        references: Returns the expression that replaces a token.

    Example:
        >>> print(render((Block("variable", ("days",), {"type": Expression("number"),
        ...     "default": 90}),), str), end="")
        variable "days" {
          type    = number
          default = 90
        }
    """
    formatter = _Formatter(references)
    return "\n".join("".join(_align([*formatter.block(block, 0)])) for block in blocks)


def quote(text: str, references: References) -> str:
    r"""A string literal. A text that is a single token becomes the bare reference.

    Example:
        >>> print(quote('a "b" ${c} %{d}', str))
        "a \"b\" $${c} %%{d}"
    """
    name = only_token(text)
    if name is not None:
        return references(name)
    literal = replace_tokens(text, escape=escape, reference=lambda name: f"${{{references(name)}}}")
    return f'"{literal}"'


def escape(text: str) -> str:
    """Escapes a part of a string literal, so that it contains no template."""
    text = "".join(_escape_character(char) for char in text)
    # `$${` is an escape and `$$${` is ambiguous. A `$` at the end of a part could precede the
    # `{` of a reference.
    text = _REPEATED_OR_LAST.sub(lambda match: _CODE_POINTS[match[0]], text)
    return _BEFORE_BRACE.sub(r"\1\1{", text)


def _escape_character(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Formatter:
    """Formats blocks and values as lines."""

    def __init__(self, references: References) -> None:
        self._references = references

    def block(self, block: Block, level: int) -> Iterator[_Line]:
        for text in block.comment.splitlines():
            yield _Line(level, f"# {text}")
        head = " ".join([block.kind, *(f'"{label}"' for label in block.labels)])
        arguments = {name: value for name, value in block.arguments.items() if value is not None}
        if not arguments and not block.blocks:
            yield _Line(level, f"{head} {{}}")
            return
        yield _Line(level, f"{head} {{")
        parts = [[*self.assignment(name, value, level + 1)] for name, value in arguments.items()]
        parts += [[*self.block(inner, level + 1)] for inner in block.blocks]
        for previous, part in zip([None, *parts], parts, strict=False):
            # A blank line separates a part of several lines from the others.
            if previous is not None and (len(previous) > 1 or len(part) > 1):
                yield _Line(0, "")
            yield from part
        yield _Line(level, "}")

    def assignment(self, name: str, value: object, level: int) -> Iterator[_Line]:
        """`name = value`, aligned only if the value has one line."""
        first, *others = self.value(value, level)
        if not others:
            yield _Line(level, name, first.text)
            return
        yield _Line(level, f"{name} = {first.text}")
        yield from others

    def value(self, value: object, level: int) -> list[_Line]:
        """The lines of a value. The first continues the current line."""
        match value:
            case Expression():
                return [_Line(level, value.text)]
            case bool():
                return [_Line(level, "true" if value else "false")]
            case int() | float():
                return [_Line(level, number(value))]
            case str() if "\n" in value:
                # One string per line: a heredoc would add a line break at the end.
                return _wrap('join("\\n", ', self._list(value.split("\n"), level, 0), ")")
            case str():
                return [_Line(level, quote(value, self._references))]
            case Encoded():
                return _wrap("jsonencode(", self.value(value.value, level), ")")
            case Mapping():
                return self._object(value, level)
            case list() | tuple():
                return self._list(value, level, _LINE)
            case _:
                raise TypeError(f"HCL has no {type(value).__name__}.")

    def _object(self, members: Mapping[object, object], level: int) -> list[_Line]:
        if not members:
            return [_Line(level, "{}")]
        lines = [_Line(level, "{")]
        for key, member in members.items():
            lines += self.assignment(self._key(str(key)), member, level + 1)
        return [*lines, _Line(level, "}")]

    def _key(self, key: str) -> str:
        return key if _IDENTIFIER.fullmatch(key) else f'"{escape(key)}"'

    def _list(self, members: Sequence[object], level: int, width: int) -> list[_Line]:
        """A list, on one line if each member has one line and the list fits into `width`."""
        items = [self.value(member, level + 1) for member in members]
        if all(len(item) == 1 for item in items):
            line = f"[{', '.join(item[0].text for item in items)}]"
            if len(line) <= width:
                return [_Line(level, line)]
        lines = [_Line(level, "[")]
        for item in items:
            *before, last = item
            lines += [*before, replace(last, text=f"{last.text},")]
        return [*lines, _Line(level, "]")]


def number(value: float) -> str:
    """A number, without a decimal point if it is whole.

    Example:
        >>> number(10.0), number(0.5)
        ('10', '0.5')
    """
    return str(int(value)) if float(value).is_integer() else repr(value)


def _wrap(before: str, lines: list[_Line], after: str) -> list[_Line]:
    lines = [replace(lines[0], text=before + lines[0].text), *lines[1:]]
    return [*lines[:-1], replace(lines[-1], text=lines[-1].text + after)]


def _align(lines: list[_Line]) -> Iterator[str]:
    """The lines as text, with the equals signs of adjacent lines aligned."""
    for is_assignment, group in groupby(lines, key=lambda line: line.value is not None):
        adjacent = [*group]
        width = max(len(line.text) for line in adjacent)
        for line in adjacent:
            text = f"{line.text:<{width}} = {line.value}" if is_assignment else line.text
            yield f"{'  ' * line.level}{text}".rstrip() + "\n"
