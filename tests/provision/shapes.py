"""The maxima and patterns of a service's model, which botocore's own validation skips."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

#: Unicode classes of the patterns of tags, and what Python has in their place.
_CLASSES = re.compile(r"\\p\{([LZN])\}")
_PYTHON = {"L": r"\w", "Z": r"\s", "N": r"\d"}


def _in_python(match: re.Match[str]) -> str:
    return _PYTHON[match[1]]


def violations(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Yields where a value has more, or other characters, than its shape allows.

    Args:
        value: The arguments of a call, or a part of them.
        shape: The shape of botocore's model.
        path: Where the part is.
    """
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                yield from violations(member, shape.members[name], f"{path}.{name}")
        case "list":
            yield from _outside(len(value), shape, path)
            for number, member in enumerate(value):
                yield from violations(member, shape.member, f"{path}[{number}]")
        case "string":
            yield from _outside(len(value), shape, path)
            # IAM's patterns are written for Java: `\\u0009` is the same escape in Python.
            pattern = shape.metadata.get("pattern")
            if pattern and not re.fullmatch(_CLASSES.sub(_in_python, pattern), value):
                yield f"{path} does not match {pattern}"
            if shape.enum and value not in shape.enum:
                yield f"{path} is none of {shape.enum}"
        case "integer" | "long" | "double":
            yield from _outside(value, shape, path)


def _outside(number: float, shape: Any, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and number < least:
        yield f"{path} has {number}, less than {least}"
    if most is not None and number > most:
        yield f"{path} has {number}, more than {most}"
