"""URLs as people may see them: without users, passwords, queries and keys."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, urlsplit

from flask_errwatch._text import one_line

#: What is shown in place of a secret.
HIDDEN: Final = "[hidden]"


def shown_endpoint(url: str) -> str:
    """The URL of an endpoint: without a user, a password or a query.

    Example:
        >>> shown_endpoint("http://ann:secret@127.0.0.1:4566/?a=b")
        'http://127.0.0.1:4566'
    """
    parts = urlsplit(url)
    return one_line(f"{parts.scheme}://{_host(parts)}{parts.path.rstrip('/')}")


def without_secrets(text: str) -> str:
    """The text. If it is a URL, its user and its query are hidden.

    Example:
        >>> without_secrets("https://ann:secret@shop.example/till?key=1")
        'https://[hidden]@shop.example/till?[hidden]'
    """
    parts = _web_parts(text)
    if parts is None:
        return text
    user = f"{HIDDEN}@" if "@" in parts.netloc else ""
    query = f"?{HIDDEN}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{user}{_host(parts)}{parts.path}{query}"


def without_path(endpoint: str) -> str:
    """An endpoint that is notified. If it is a URL, its path is hidden: it is often a key.

    Example:
        >>> without_path("https://events.example/integration/4f1c/enqueue")
        'https://events.example/[hidden]'
        >>> without_path("mailto:ann@shop.example")
        'mailto:ann@shop.example'
    """
    parts = _web_parts(endpoint)
    return endpoint if parts is None else f"{parts.scheme}://{_host(parts)}/{HIDDEN}"


def _host(parts: SplitResult) -> str:
    """The host and the port, without a user."""
    return parts.netloc.rpartition("@")[2]


def _web_parts(text: str) -> SplitResult | None:
    """The parts of an http or https URL, of an invalid one its scheme. None for other texts."""
    if not text.lower().startswith(("http://", "https://")):
        return None
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit(f"{text.partition(':')[0]}://")
