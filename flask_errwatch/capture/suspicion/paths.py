"""Kinds of paths: what clients request by themselves, and what only a probe requests.

A path is split into segments, and each is looked up in a set, so the effort grows with its length.
"""

from __future__ import annotations

from typing import Final

from flask_errwatch.capture.suspicion.names import (
    ASSET_BEGINNINGS,
    ASSET_ENDINGS,
    ASSETS,
    DUMPS,
    FOREIGN,
    ORDINARY,
    PAGES,
    SECRET_EXTENSIONS,
    SECRETS,
)
from flask_errwatch.capture.suspicion.products import BEGINNINGS, PRODUCTS

_WELL_KNOWN: Final = "/.well-known/"
#: What may follow the extension of a file: a parameter, a backup, a stream (`a.asp::$DATA`).
_BEHIND: Final = str.maketrans(dict.fromkeys(":;?$~", ";"))
_NOTHING: Final[frozenset[str]] = frozenset()
_DIGITS: Final = "0123456789"


def is_asset(path: str) -> bool:
    """Whether clients request the path, in lower case, without a link to it.

    Example:
        >>> is_asset("/favicon-32x32.png"), is_asset("/.well-known/a"), is_asset("/a/robots.txt")
        (True, True, False)
    """
    if path in ASSETS:
        return True
    if not path.startswith(ASSET_BEGINNINGS):
        return False
    if path.startswith(_WELL_KNOWN):
        names = path.removeprefix(_WELL_KNOWN).split("/")
        return not any(name and _has_foreign_dot(name, _NOTHING) for name in names)
    return path.endswith(ASSET_ENDINGS) or path == "/apple-touch-icon"


def is_probe(path: str, own: frozenset[str]) -> bool:
    """Whether only a client that looks for weaknesses asks for the path.

    Args:
        path: The path in lower case, decoded.
        own: Words of the app's URL map, which are not foreign.

    Example:
        >>> [is_probe(path, frozenset()) for path in ("/.env", "/a.php", "/backup.zip", "/about")]
        [True, True, True, False]
        >>> is_probe("/a.php", frozenset({".php"}))
        False
    """
    segments = path.split("/")
    for segment in segments:
        if not segment or segment in own:
            continue
        if segment in PRODUCTS or segment.startswith(BEGINNINGS):
            return True
        if "." in segment and _has_foreign_dot(segment, own):
            return True
    last = segments[-1]
    if not last or last in own:
        return False
    return last[-1] == "~" or ("." in last and _is_dump_or_secret(last, own))


def _has_foreign_dot(segment: str, own: frozenset[str]) -> bool:
    """Whether a segment is hidden, or has the extension of a technology that is not the app's."""
    if segment[0] == ".":
        return segment != ".well-known" and segment.strip(".") != ""
    name = segment.translate(_BEHIND).partition(";")[0]
    # The last one, or one that another hides: `a.php.bak`.
    for extension in name.rsplit(".", 2)[1:] if "." in name else ():
        is_foreign = extension in FOREIGN or extension.rstrip(_DIGITS) in FOREIGN
        if is_foreign and f".{extension}" not in own:
            return True
    return False


def _is_dump_or_secret(name: str, own: frozenset[str]) -> bool:
    """Whether the name of a file is that of a dump or of a configuration."""
    stem, _, extension = name.rpartition(".")
    if extension in DUMPS or extension.rstrip(_DIGITS) in DUMPS:
        return f".{extension}" not in own
    # One file of the app excuses no secret, but a route for any name does.
    if extension not in SECRET_EXTENSIONS or f"*.{extension}" in own:
        return False
    stem = stem.removeprefix("_").partition(".")[0]
    if stem.startswith("docker-compose"):
        return True
    word = stem if stem in SECRETS else stem.replace("_", "-").partition("-")[0]
    return word in SECRETS and not (extension in PAGES and word in ORDINARY)
