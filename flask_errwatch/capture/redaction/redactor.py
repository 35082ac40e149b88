"""The rule of an app for secrets: its keys, and what is done to texts. `PlainValues` uses both."""

from __future__ import annotations

from collections.abc import Iterable

from flask_errwatch.capture.redaction.keys import SecretKeys
from flask_errwatch.capture.redaction.texts import Effort, TextRedactor

#: Longest text that is returned where no limit is given.
_LENGTH = 65_536


class Redactor:
    """Decides which keys are secret, and masks secrets inside strings.

    Args:
        keys: Further names of secret keys, compared by words.
        email: Whether e-mail addresses are masked too.

    Example:
        >>> redactor = Redactor(["iban"])
        >>> [redactor.is_secret(key) for key in ("New-Password", "iban", "user")]
        [True, True, False]
    """

    def __init__(self, keys: Iterable[str] = (), *, email: bool = False) -> None:
        secret_keys = SecretKeys(keys)
        #: Whether the value of a key is masked.
        self.is_secret = secret_keys.is_secret
        #: Masks secrets in a text, within a limit and an `Effort`.
        self.bounded = TextRedactor(secret_keys, email=email)
        #: The same without a limit: the text, and how many characters at its end were not read.
        self.masked = self.bounded.masked

    def text(self, text: str, limit: int = _LENGTH) -> str:
        """Masks secrets, then truncates and marks the text when it is longer than `limit`.

        Example:
            >>> Redactor().text("connect to db://app:hunter2@db.internal failed: token=abc")
            'connect to db://[redacted]@db.internal failed: token=[redacted]'
        """
        return self.bounded(text, limit, Effort(characters=limit))
