"""Reads Terraform into plain values: python-hcl2 parses blocks, this module evaluates expressions.

It supports the part of the language that an export or the handwritten example uses: literals,
templates, lists, objects, `join`, `jsonencode`, references and the conditional.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import hcl2

_TOKENS = re.compile(
    r"""\s*(?:
      (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[\d+\])*)
    | (?P<sign>==|[\[\]{}(),=?:])
    )""",
    re.VERBOSE,
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True, kw_only=True)
class Module:
    """A file, evaluated on demand.

    Attributes:
        variables: Values of variables, instead of their defaults.
        scope: Values of `data.….current.…`, by the whole name.
        computed: Attributes that only AWS knows, by the whole name.
    """

    blocks: Mapping[str, Any]
    variables: Mapping[str, object] = field(default_factory=dict)
    scope: Mapping[str, object] = field(default_factory=dict)
    computed: Mapping[str, object] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The addresses of the resources, in the file's order."""
        return [address for address, _ in self._resources()]

    def resource(self, address: str) -> dict[str, Any]:
        """The attributes of a resource, as values."""
        bodies = [body for name, body in self._resources() if name == address]
        assert len(bodies) == 1, f"{address} is declared {len(bodies)} times"
        return self._body(bodies[0])

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of a type, as values."""
        return [self.resource(name) for name in self.names if name.split(".")[0] == kind]

    def variable(self, name: str) -> dict[str, Any]:
        """The arguments of a variable's block."""
        for block in self.blocks.get("variable", ()):
            for label, body in block.items():
                if label.strip('"') == name:
                    return dict(body)
        raise AssertionError(f"no variable {name}")

    def _resources(self) -> list[tuple[str, Any]]:
        return [
            (f"{kind.strip(chr(34))}.{name.strip(chr(34))}", body)
            for block in self.blocks.get("resource", ())
            for kind, bodies in block.items()
            for name, body in bodies.items()
        ]

    def _body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.value(value) for name, value in body.items() if not name.startswith("__")
        }

    def value(self, parsed: object) -> object:
        """The value of a result of python-hcl2: a quoted string, `${…}`, or a structure."""
        if isinstance(parsed, dict):
            if "__is_block__" in parsed:
                return self._body(parsed)
            return {str(key).strip('"'): self.value(member) for key, member in parsed.items()}
        if isinstance(parsed, list):
            return [self.value(member) for member in parsed]
        if not isinstance(parsed, str):
            return parsed
        text = parsed[2:-1] if parsed.startswith("${") and parsed.endswith("}") else parsed
        return _Expression(text, self).evaluate()

    def reference(self, name: str) -> object:
        """The value of a reference such as `var.x` or `aws_sns_topic.ops.arn`."""
        head, _, member = name.partition(".")
        if name in {"null", "true", "false"}:
            return {"null": None, "true": True, "false": False}[name]
        if head == "var":
            return self.variables[member] if member in self.variables else self._default(member)
        if head == "local":
            blocks = self.blocks["locals"]
            return next(self.value(block[member]) for block in blocks if member in block)
        if head == "data":
            return self.scope[name]
        if name in self.computed:
            return self.computed[name]
        kind, label, *path = re.findall(r"[\w-]+", name)
        value: Any = self.resource(f"{kind}.{label}")
        for step in path:
            value = value[int(step)] if step.isdigit() else value[step]
        return value

    def _default(self, name: str) -> object:
        return self.value(self.variable(name)["default"])


def read(text: str, **values: Mapping[str, object]) -> Module:
    """The module of a file, with values for the attributes of `Module`."""
    return Module(blocks=hcl2.loads(text), **values)


def literal(text: str) -> object:
    """The value of an expression without references."""
    return _Expression(text, Module(blocks={})).evaluate()


class _Expression:
    """A recursive-descent evaluator of one expression."""

    def __init__(self, text: str, module: Module) -> None:
        self._text = text
        self._at = 0
        self._module = module

    def evaluate(self) -> Any:
        value = self._conditional()
        assert not self._text[self._at :].strip(), f"unread: {self._text[self._at :]!r}"
        return value

    def _conditional(self) -> Any:
        value = self._single()
        if self._take("=="):
            value = value == self._single()
        if self._take("?"):
            yes = self._conditional()
            assert self._take(":")
            no = self._conditional()
            return yes if value else no
        return value

    def _single(self) -> Any:
        self._skip()
        if self._text.startswith('"', self._at):
            return self._string()
        if self._take("["):
            return self._many("]", self._conditional)
        if self._take("{"):
            return dict(self._many("}", self._pair))
        match = _TOKENS.match(self._text, self._at)
        assert match, f"at {self._text[self._at : self._at + 40]!r}"
        self._at = match.end()
        if match["number"]:
            return json.loads(match["number"])
        name = str(match["name"])
        if self._take("("):
            return _call(name, self._many(")", self._conditional))
        return self._module.reference(name)

    def _pair(self) -> tuple[str, Any]:
        self._skip()
        if self._text.startswith('"', self._at):
            key = self._string()
        else:
            match = _TOKENS.match(self._text, self._at)
            assert match
            self._at = match.end()
            key = str(match["name"])
        assert self._take("=")
        return key, self._conditional()

    def _many(self, end: str, read_item: Callable[[], Any]) -> list[Any]:
        items = []
        while not self._take(end):
            items.append(read_item())
            self._take(",")
        return items

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while not self._text.startswith('"', self._at):
            parts.append(self._part())
        self._at += 1
        return "".join(parts)

    def _part(self) -> str:
        text, at = self._text, self._at
        for sign in "$%":
            if text.startswith(f"{sign}{sign}{{", at):
                self._at += 3
                return f"{sign}{{"
        if text.startswith("${", at):
            self._at += 2
            value = self._conditional()
            assert self._take("}")
            return str(value)
        assert not text.startswith("%{", at), "a directive"
        self._at += 1
        if text[at] != "\\":
            return text[at]
        code = text[at + 1]
        length = {"u": 4, "U": 8}.get(code, 0)
        self._at += 1 + length
        digits = text[at + 2 : at + 2 + length]
        return chr(int(digits, 16)) if length else _ESCAPED[code]

    def _take(self, sign: str) -> bool:
        self._skip()
        # `=` is not the beginning of `==`.
        if not self._text.startswith(sign, self._at) or (
            sign == "=" and self._text.startswith("==", self._at)
        ):
            return False
        self._at += len(sign)
        return True

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1


def _call(name: str, arguments: list[Any]) -> Any:
    if name == "join":
        return str(arguments[0]).join(arguments[1])
    assert name == "jsonencode"
    return json.dumps(arguments[0], sort_keys=True, separators=(",", ":"))
