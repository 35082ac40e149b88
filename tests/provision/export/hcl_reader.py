"""Reads Terraform back into plain values: blocks by python-hcl2, expressions by rules of our own.

It knows the part of the language that an export or a person's twin of it uses: literals,
templates, lists, objects, `join`, `jsonencode`, references and the conditional.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
        variables: Values given to variables, in place of their defaults.
        scope: What `data.….current.…` gives, by its whole name.
        unmade: Attributes that only AWS knows, by their whole name.
    """

    blocks: Mapping[str, Any]
    variables: Mapping[str, object] = field(default_factory=dict)
    scope: Mapping[str, object] = field(default_factory=dict)
    unmade: Mapping[str, object] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The addresses of the resources, in the file's order."""
        return [address for address, _ in self._resources()]

    def resource(self, address: str) -> dict[str, Any]:
        """The attributes of a resource, as values."""
        found = [body for name, body in self._resources() if name == address]
        assert len(found) == 1, f"{address} stands {len(found)} times"
        return self._body(found[0])

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of a type, as values."""
        return [self.resource(name) for name in self.names if name.split(".")[0] == kind]

    def variable(self, name: str) -> dict[str, Any]:
        """The arguments of a variable's block."""
        for each in self.blocks.get("variable", ()):
            for label, body in each.items():
                if label.strip('"') == name:
                    return dict(body)
        raise AssertionError(f"no variable {name}")

    def _resources(self) -> list[tuple[str, Any]]:
        return [
            (f"{kind.strip(chr(34))}.{name.strip(chr(34))}", body)
            for each in self.blocks.get("resource", ())
            for kind, named in each.items()
            for name, body in named.items()
        ]

    def _body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.value(value) for name, value in body.items() if not name.startswith("__")
        }

    def value(self, given: object) -> object:
        """The value of what python-hcl2 left: a quoted string, `${…}`, or a structure."""
        if isinstance(given, dict):
            if "__is_block__" in given:
                return self._body(given)
            return {str(key).strip('"'): self.value(each) for key, each in given.items()}
        if isinstance(given, list):
            return [self.value(each) for each in given]
        if not isinstance(given, str):
            return given
        text = given[2:-1] if given.startswith("${") and given.endswith("}") else given
        return _Expression(text, self).whole()

    def reference(self, name: str) -> object:
        """What a traversal such as `var.x` or `aws_sns_topic.ops.arn` gives."""
        head, _, rest = name.partition(".")
        if name in {"null", "true", "false"}:
            return {"null": None, "true": True, "false": False}[name]
        if head == "var":
            return self.variables[rest] if rest in self.variables else self._default(rest)
        if head == "local":
            return next(self.value(each[rest]) for each in self.blocks["locals"] if rest in each)
        if head == "data":
            return self.scope[name]
        if name in self.unmade:
            return self.unmade[name]
        kind, label, *path = re.findall(r"[\w-]+", name)
        value: Any = self.resource(f"{kind}.{label}")
        for step in path:
            value = value[int(step)] if step.isdigit() else value[step]
        return value

    def _default(self, name: str) -> object:
        return self.value(self.variable(name)["default"])


def read(text: str, **given: Mapping[str, object]) -> Module:
    """A file's module; see `Module` for what can be given."""
    return Module(blocks=hcl2.loads(text), **given)


def literal(text: str) -> object:
    """The value of an expression without references."""
    return _Expression(text, Module(blocks={})).whole()


class _Expression:
    """One expression, read from left to right."""

    def __init__(self, text: str, module: Module) -> None:
        self._text = text
        self._at = 0
        self._module = module

    def whole(self) -> Any:
        value = self._conditional()
        assert not self._text[self._at :].strip(), f"rest: {self._text[self._at :]!r}"
        return value

    def _conditional(self) -> Any:
        value = self._single()
        if self._taken("=="):
            value = value == self._single()
        if self._taken("?"):
            yes = self._conditional()
            assert self._taken(":")
            no = self._conditional()
            return yes if value else no
        return value

    def _single(self) -> Any:
        self._skip()
        if self._text.startswith('"', self._at):
            return self._string()
        if self._taken("["):
            return self._many("]", self._conditional)
        if self._taken("{"):
            return dict(self._many("}", self._pair))
        found = _TOKENS.match(self._text, self._at)
        assert found, f"at {self._text[self._at : self._at + 40]!r}"
        self._at = found.end()
        if found["number"]:
            return json.loads(found["number"])
        name = str(found["name"])
        if self._taken("("):
            return _called(name, self._many(")", self._conditional))
        return self._module.reference(name)

    def _pair(self) -> tuple[str, Any]:
        self._skip()
        if self._text.startswith('"', self._at):
            key = self._string()
        else:
            found = _TOKENS.match(self._text, self._at)
            assert found
            self._at = found.end()
            key = str(found["name"])
        assert self._taken("=")
        return key, self._conditional()

    def _many(self, end: str, one: Any) -> list[Any]:
        found = []
        while not self._taken(end):
            found.append(one())
            self._taken(",")
        return found

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
            assert self._taken("}")
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

    def _taken(self, sign: str) -> bool:
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


def _called(name: str, arguments: list[Any]) -> Any:
    if name == "join":
        return str(arguments[0]).join(arguments[1])
    assert name == "jsonencode"
    return json.dumps(arguments[0], sort_keys=True, separators=(",", ":"))
