"""Tokens for what only the place of deployment knows: partition, region and account.

An export is written without knowing them. Each language turns a token into its own reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask_errwatch.provision.scope import AwsScope

# Noncharacters of Unicode: no name, description or address of anybody's holds one.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_TOKEN = re.compile(f"{_OPEN}(\\w+){_CLOSE}")


def token(name: str) -> str:
    """What stands in a text for a word that only the place of deployment knows."""
    return f"{_OPEN}{name}{_CLOSE}"


#: The place of an export: its words are tokens.
ANYWHERE = AwsScope(partition=token("partition"), region=token("region"), account=token("account"))


def only_token(text: str) -> str | None:
    """The token's name when the text is one token and nothing else."""
    found = _TOKEN.fullmatch(text)
    return found[1] if found else None


def has_tokens(text: str) -> bool:
    """Whether a text holds tokens."""
    return _TOKEN.search(text) is not None


def translated(text: str, plain: Callable[[str], str], reference: Callable[[str], str]) -> str:
    """The text in another language: its plain parts escaped, its tokens as references.

    Args:
        text: What may hold tokens.
        plain: Escapes a part without any.
        reference: The language's reference to the token of that name.

    Example:
        >>> translated(f"arn:{token('partition')}:sns", str.upper, "${{{}}}".format)
        'ARN:${partition}:SNS'
    """
    parts = _TOKEN.split(text)
    return "".join(
        reference(part) if number % 2 else plain(part) for number, part in enumerate(parts)
    )
