"""Tokens: placeholders for values that are known only at deployment, such as the account.

An export is written without these values. Each export language replaces a token with a reference
of the language.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask_errwatch.provision.scope import AwsScope

# Noncharacters of Unicode: no name, description or address contains one.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_TOKEN = re.compile(f"{_OPEN}(\\w+){_CLOSE}")


def token(name: str) -> str:
    """The token of this name, for use in a text."""
    return f"{_OPEN}{name}{_CLOSE}"


#: The scope of an export: partition, region and account are tokens.
ANYWHERE = AwsScope(partition=token("partition"), region=token("region"), account=token("account"))


def only_token(text: str) -> str | None:
    """The name of the token that is the whole text. None for any other text."""
    match = _TOKEN.fullmatch(text)
    return match[1] if match else None


def has_tokens(text: str) -> bool:
    """Whether a text contains tokens."""
    return _TOKEN.search(text) is not None


def replace_tokens(
    text: str, *, escape: Callable[[str], str], reference: Callable[[str], str]
) -> str:
    """The text with its tokens replaced by references and its other parts escaped.

    Args:
        text: A text that may contain tokens.
        escape: Escapes a part without tokens for the export language.
        reference: Returns the reference to the token of this name in the export language.

    Example:
        >>> replace_tokens(f"arn:{token('partition')}:sns", escape=str.upper,
        ...     reference="${{{}}}".format)
        'ARN:${partition}:SNS'
    """
    parts = _TOKEN.split(text)
    return "".join(
        reference(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )
