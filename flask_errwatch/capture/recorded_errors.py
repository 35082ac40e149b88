"""Remembers which exceptions have a line, without keeping them or their frames alive."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from flask_errwatch.capture.exception_chain import reachable

#: What an exception is recognised by: its `__dict__`. While that is kept, no other exception has
#: the same, and unlike the exception it refers to no frame.
Token = dict[str, object]

#: Exceptions that are remembered. A server logs what an app raised right after it was recorded.
_REMEMBERED = 16
#: Exceptions of one chain that are looked at.
_LONGEST_CHAIN = 50


class RecordedErrors:
    """The last exceptions that have a line.

    Example:
        >>> recorded = RecordedErrors()
        >>> cause, error = OSError("disk"), ValueError("row 3")
        >>> error.__cause__ = cause
        >>> tokens = recorded.note(error)
        >>> recorded.knows([cause]), recorded.knows([OSError("disk")])
        (True, False)
    """

    def __init__(self) -> None:
        self._tokens: deque[list[Token]] = deque(maxlen=_REMEMBERED)

    def note(self, error: BaseException) -> list[Token]:
        """Remembers the exception with its chain, and returns their tokens."""
        tokens = tokens_of(error)
        self._tokens.append(tokens)
        return tokens

    def knows(self, errors: Iterable[BaseException]) -> bool:
        """Whether one of the exceptions has a line, or is in the chain of one that has."""
        tokens = [error.__dict__ for error in errors]
        return any(share_an_exception(tokens, known) for known in list(self._tokens))


def tokens_of(error: BaseException) -> list[Token]:
    """The tokens of an exception and of those in its chain."""
    return [found.__dict__ for found in islice(reachable(error), _LONGEST_CHAIN)]


def share_an_exception(some: list[Token], others: list[Token]) -> bool:
    """Whether an exception is in both lists. Equal dictionaries are not the same exception."""
    return any(token is other for token in some for other in others)
