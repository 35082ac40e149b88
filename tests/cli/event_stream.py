"""Encodes messages of an event stream (https://docs.aws.amazon.com/transcribe: event stream)."""

from __future__ import annotations

import json
import struct
import zlib


def encoded(kind: str, name: str, payload: object) -> bytes:
    """A message with its prelude, headers and checksums.

    Args:
        kind: `event` or `exception`.
        name: The type of it.
        payload: What it has, as JSON.
    """
    headers = b"".join(
        _header(field, value)
        for field, value in (
            (":message-type", kind),
            (f":{kind}-type", name),
            (":content-type", "application/json"),
        )
    )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: str, value: str) -> bytes:
    """A header with a string (type 7)."""
    return bytes([len(name)]) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
