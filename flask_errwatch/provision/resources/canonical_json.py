"""Canonical JSON: equal documents become equal strings."""

from __future__ import annotations

import json

from flask_errwatch._parsers import parse_json


def canonical(document: object) -> str:
    """Serialises a JSON document with sorted keys and without spaces.

    Example:
        >>> canonical({"b": 1, "a": ["x"]})
        '{"a":["x"],"b":1}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def recanonical(text: str) -> str:
    """Returns the canonical form of a JSON string. A string that is not JSON is returned unchanged.

    Example:
        >>> recanonical('{ "a": 1 }'), recanonical("{")
        ('{"a":1}', '{')
    """
    try:
        return canonical(parse_json(text))
    except ValueError:
        return text
