"""Splits the target of a request, as access logs and servers show it, into path and query."""

from __future__ import annotations

from urllib.parse import unquote


def split_target(target: str) -> tuple[str, str]:
    """The path, decoded once as WSGI passes it, and the query as it was sent.

    Args:
        target: As the request line has it, also in the absolute form that is sent to proxies.

    Example:
        >>> split_target("/a%20b?c=%20"), split_target("http://shop.example/a?b")
        (('/a b', 'c=%20'), ('/a', 'b'))
    """
    if not target.startswith("/"):
        _, is_absolute, rest = target.partition("://")
        if is_absolute:
            target = "/" + rest.partition("/")[2]
    path, _, query = target.partition("?")
    return (unquote(path, "latin-1") if "%" in path else path), query
