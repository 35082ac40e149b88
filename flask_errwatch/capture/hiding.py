"""What an app's configuration hides in its events, whoever set it: a person's id and address."""

from __future__ import annotations

from collections.abc import Callable

from flask_errwatch.capture.events import Event
from flask_errwatch.capture.redaction import RequestRedactor
from flask_errwatch.config import Config

#: Characters of a user in a line.
_USER_LENGTH = 512


def hiding(config: Config, redactor: RequestRedactor) -> Callable[[Event], None] | None:
    """What hides fields of an event in the event itself, or None if nothing is hidden.

    Args:
        config: The app's configuration.
        redactor: Masks secrets in what a request sends.
    """
    if config.privacy == "hashed" and config.privacy_key is not None:
        from flask_errwatch.capture.privacy import KeyedHashes

        return KeyedHashes(config.privacy_key.reveal()).replace_in
    return _UserMasker(redactor) if config.redact_email else None


class _UserMasker:
    """Masks an e-mail address that is the id of a user."""

    def __init__(self, redactor: RequestRedactor) -> None:
        self._redactor = redactor

    def __call__(self, event: Event) -> None:
        user = event.get("user")
        if user is not None and "@" in user:
            event["user"] = self._redactor.header(user, _USER_LENGTH)
