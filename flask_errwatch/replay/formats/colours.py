"""Removes the colours that a server writes on a terminal."""

from __future__ import annotations

import re
from typing import Final

# Select Graphic Rendition (ECMA-48, 8.3.117), after ESC, or as rsyslog writes ESC (`#033`).
_COLOUR: Final = re.compile(r"(?:\x1b|#033)\[[0-9;]*m")


def without_colours(text: str) -> str:
    r"""The text without sequences that set a colour or a style.

    Example:
        >>> without_colours("\x1b[33mGET /a HTTP/1.1\x1b[0m")
        'GET /a HTTP/1.1'
    """
    return _COLOUR.sub("", text) if "[" in text else text
