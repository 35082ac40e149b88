"""Lines that are like an app's own as far as the way to AWS looks at them."""

from __future__ import annotations

import json


def line(timestamp: int, **fields: object) -> bytes:
    """A line of that time, in milliseconds, and of level `warning` unless a field says more."""
    identity = f"{timestamp >> 16:08x}-{timestamp & 0xFFFF:04x}-7000-8000-000000000000"
    content = {**fields, "level": fields.get("level", "warning"), "id": identity}
    return json.dumps(content, separators=(",", ":")).encode()
