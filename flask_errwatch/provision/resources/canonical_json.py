"""JSON documents as text that can be compared: equal documents give equal text."""

from __future__ import annotations

import json


def canonical(document: object) -> str:
    """A JSON document as the one text that equal documents share.

    Example:
        >>> canonical({"b": 1, "a": ["x"]})
        '{"a":["x"],"b":1}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def recanonical(text: str) -> str:
    """The canonical form of a JSON text; what is not JSON stays as it is.

    Example:
        >>> recanonical('{ "a": 1 }'), recanonical("{")
        ('{"a":1}', '{')
    """
    try:
        return canonical(json.loads(text))
    except ValueError:
        return text
