"""Lines with the fields of an app's lines that delivery reads."""

from __future__ import annotations

import json


def line(timestamp: int, **fields: object) -> bytes:
    """A line with this time, in milliseconds. Its level is `warning` unless a field sets it."""
    identity = f"{timestamp >> 16:08x}-{timestamp & 0xFFFF:04x}-7000-8000-000000000000"
    content = {**fields, "level": fields.get("level", "warning"), "id": identity}
    return json.dumps(content, separators=(",", ":")).encode()


def anything(_orphan: object) -> bool:
    """Lets a journal adopt whatever process has left."""
    return True
