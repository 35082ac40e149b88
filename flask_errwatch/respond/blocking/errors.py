"""`BlockingError`: nothing can be blocked or unblocked, or the IP sets cannot be read."""

from __future__ import annotations

from flask_errwatch.errors import ErrWatchError


class BlockingError(ErrWatchError):
    """A source cannot be blocked or unblocked: the message names the reason and the remedy."""
