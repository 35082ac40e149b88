"""HCL as `terraform fmt` leaves it: values and blocks in, text out.

The rules of layout are those of Terraform's style conventions: two spaces a level, the equals
signs of consecutive single-line arguments under each other, a blank line around blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from flask_errwatch.provision.tokens import only_token, translated

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN = {"$": "\\u0024", "%": "\\u0025"}
_AFTER_ITS_LIKE = re.compile(r"(?<=\$)\$(?=\{)|(?<=%)%(?=\{)|\$\Z")
_BEFORE_BRACE = re.compile(r"([$%])\{")
#: A list longer than this stands on lines of its own.
_LINE = 90


@dataclass(frozen=True, slots=True)
class Expression:
    """HCL that stands as it is, such as `var.sns_topic_arn`."""

    text: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value that Terraform shall turn into JSON."""

    value: object


@dataclass(frozen=True, slots=True)
class Block:
    """A block; arguments that are None are left out.

    Args:
        kind: Such as `resource`.
        labels: Such as its type and name.
        arguments: In the order in which they are written.
        blocks: Those inside, after the arguments.
        comment: What stands above it.
    """

    kind: str
    labels: tuple[str, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line; `value` follows an equals sign that can be aligned with its neighbours'."""

    level: int
    lead: str
    value: str | None = None


#: What a token stands for, as an expression.
References = Callable[[str], str]


def rendered(blocks: tuple[Block, ...], references: References) -> str:
    """The text of a file.

    Args:
        blocks: At the file's top.
        references: The expression that a token stands for, such as `data.aws_region.current.id`.

    Example:
        >>> print(rendered((Block("variable", ("days",), {"type": Expression("number"),
        ...     "default": 90}),), str), end="")
        variable "days" {
          type    = number
          default = 90
        }
    """
    writer = _Writer(references)
    return "\n".join("".join(_aligned([*writer.block(each, 0)])) for each in blocks)


def quoted(text: str, references: References) -> str:
    r"""A string literal; a text that is one token and nothing else is the bare reference.

    Example:
        >>> print(quoted('a "b" ${c} %{d}', str))
        "a \"b\" $${c} %%{d}"
    """
    name = only_token(text)
    if name is not None:
        return references(name)
    return f'"{translated(text, escaped, lambda name: f"${{{references(name)}}}")}"'


def escaped(text: str) -> str:
    """A part of a string literal, in which nothing is a template."""
    text = "".join(_character(char) for char in text)
    # Two of the same sign before a brace are an escape, three are read in more than one way;
    # and a sign at the end of a part could stand before a reference.
    text = _AFTER_ITS_LIKE.sub(lambda found: _PLAIN[found[0]], text)
    return _BEFORE_BRACE.sub(r"\1\1{", text)


def _character(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class _Writer:
    """Turns blocks and values into lines."""

    def __init__(self, references: References) -> None:
        self._references = references

    def block(self, block: Block, level: int) -> Iterator[_Line]:
        for text in block.comment.splitlines():
            yield _Line(level, f"# {text}")
        head = " ".join([block.kind, *(f'"{label}"' for label in block.labels)])
        arguments = {name: given for name, given in block.arguments.items() if given is not None}
        if not arguments and not block.blocks:
            yield _Line(level, f"{head} {{}}")
            return
        yield _Line(level, f"{head} {{")
        parts = [[*self.assigned(name, value, level + 1)] for name, value in arguments.items()]
        parts += [[*self.block(inner, level + 1)] for inner in block.blocks]
        for before, part in zip([None, *parts], parts, strict=False):
            # What has lines of its own stands apart.
            if before is not None and (len(before) > 1 or len(part) > 1):
                yield _Line(0, "")
            yield from part
        yield _Line(level, "}")

    def assigned(self, name: str, value: object, level: int) -> Iterator[_Line]:
        """`name = value`; only what fits on one line is aligned."""
        first, *rest = self.value(value, level)
        if not rest:
            yield _Line(level, name, first.lead)
            return
        yield _Line(level, f"{name} = {first.lead}")
        yield from rest

    def value(self, value: object, level: int) -> list[_Line]:
        """The lines of a value; the first stands where its level already is."""
        match value:
            case Expression():
                return [_Line(level, value.text)]
            case bool():
                return [_Line(level, "true" if value else "false")]
            case int() | float():
                return [_Line(level, number(value))]
            case str() if "\n" in value:
                # One string a line: a heredoc would end with a line break that is not there.
                return _wrapped('join("\\n", ', self._list(value.split("\n"), level, 0), ")")
            case str():
                return [_Line(level, quoted(value, self._references))]
            case Encoded():
                return _wrapped("jsonencode(", self.value(value.value, level), ")")
            case Mapping():
                return self._object(value, level)
            case list() | tuple():
                return self._list(value, level, _LINE)
            case _:
                raise TypeError(f"HCL has no {type(value).__name__}")

    def _object(self, members: Mapping[object, object], level: int) -> list[_Line]:
        if not members:
            return [_Line(level, "{}")]
        lines = [_Line(level, "{")]
        for key, member in members.items():
            lines += self.assigned(self._key(str(key)), member, level + 1)
        return [*lines, _Line(level, "}")]

    def _key(self, key: str) -> str:
        return key if _IDENTIFIER.fullmatch(key) else f'"{escaped(key)}"'

    def _list(self, members: Sequence[object], level: int, width: int) -> list[_Line]:
        """A list; on one line when its members are and it is not wider than `width`."""
        items = [self.value(each, level + 1) for each in members]
        if all(len(item) == 1 for item in items):
            line = f"[{', '.join(item[0].lead for item in items)}]"
            if len(line) <= width:
                return [_Line(level, line)]
        lines = [_Line(level, "[")]
        for item in items:
            *before, last = item
            lines += [*before, replace(last, lead=f"{last.lead},")]
        return [*lines, _Line(level, "]")]


def number(value: float) -> str:
    """A number; whole ones without a point.

    Example:
        >>> number(10.0), number(0.5)
        ('10', '0.5')
    """
    return str(int(value)) if float(value).is_integer() else repr(value)


def _wrapped(before: str, lines: list[_Line], after: str) -> list[_Line]:
    lines = [replace(lines[0], lead=before + lines[0].lead), *lines[1:]]
    return [*lines[:-1], replace(lines[-1], lead=lines[-1].lead + after)]


def _aligned(lines: list[_Line]) -> Iterator[str]:
    """The lines as text, with the equals signs of neighbours under each other."""
    for is_assignment, group in groupby(lines, key=lambda line: line.value is not None):
        neighbours = [*group]
        width = max(len(line.lead) for line in neighbours)
        for line in neighbours:
            text = f"{line.lead:<{width}} = {line.value}" if is_assignment else line.lead
            yield f"{'  ' * line.level}{text}".rstrip() + "\n"
