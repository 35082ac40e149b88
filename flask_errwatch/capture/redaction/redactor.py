"""The rule of an app for secrets: its keys, and what is done to texts and mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask_errwatch.capture.redaction.keys import SecretKeys
from flask_errwatch.capture.redaction.texts import MASK, Effort, TextRedactor

#: Longest text that is returned where no limit is given.
_LENGTH = 65_536


class Redactor:
    """Masks the values of secret keys at any depth, and secrets inside strings.

    Args:
        keys: Further names of secret keys, compared by words.
        email: Whether e-mail addresses are masked too.

    Example:
        >>> Redactor(["iban"])({"user": "ann", "form": {"New-Password": "x", "iban": "DE1"}})
        {'user': 'ann', 'form': {'New-Password': '[redacted]', 'iban': '[redacted]'}}
    """

    def __init__(self, keys: Iterable[str] = (), *, email: bool = False) -> None:
        secret_keys = SecretKeys(keys)
        #: Whether the value of a key is masked.
        self.is_secret = secret_keys.is_secret
        #: Masks secrets in a text, within a limit and an `Effort`.
        self.bounded = TextRedactor(secret_keys, email=email)
        #: The same without a limit: the text, and how many characters at its end were not read.
        self.masked = self.bounded.masked

    def __call__(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Returns a copy of the fields in which the values of secret keys are masked."""
        return {key: self._masked(key, value) for key, value in fields.items()}

    def text(self, text: str, limit: int = _LENGTH) -> str:
        """Masks secrets, then truncates and marks the text when it is longer than `limit`.

        Example:
            >>> Redactor().text("connect to db://app:hunter2@db.internal failed: token=abc")
            'connect to db://[redacted]@db.internal failed: token=[redacted]'
        """
        return self.bounded(text, limit, Effort(characters=limit))

    def _masked(self, key: str, value: object) -> object:
        return MASK if self.is_secret(key) else self._masked_inside(value)

    def _masked_inside(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self(value)
        if isinstance(value, list | tuple):
            return [self._masked_inside(entry) for entry in value]
        return value
