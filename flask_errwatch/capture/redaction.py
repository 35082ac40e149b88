"""Pure redactors: what must not stand in a log is masked before a line is made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

MASK = "[redacted]"

#: Names whose values are secret, compared without case and separators, anywhere in a key.
SECRET_KEYS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey"),
    *("privatekey", "authorization", "cookie", "session", "csrf", "xsrf", "credential"),
    *("creditcard", "cardnumber", "cvv", "cvc", "pin", "otp", "ssn", "iban", "signature"),
)
#: Short names that are secret only when they are the whole key: "pin" is, "shipping" is not.
_WHOLE = frozenset({"pwd", "pin", "otp", "ssn", "cvv", "cvc", "iban", "session", "signature"})

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_URL_USER = r"(?<=://)[^/\s@:]{0,256}:[^/\s@]{1,256}(?=@)"
_ASSIGNED = r"""(?ix)
    (password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|authorization)
    (["']?\s{0,8}[=:]\s{0,8}) (?:bearer\s|basic\s)? ("[^"]{0,512}"|'[^']{0,512}'|[^\s,;&"']+)
"""
#: At their first use: an import is not to pay for what most events lack.
_compiled = cache(re.compile)


class Redactor:
    """Masks the values of secret keys, however deep, and secrets written into texts.

    Args:
        keys: More names of secret keys; they count as a whole key and as part of one.

    Example:
        >>> Redactor(["iban"])({"user": "ann", "form": {"New-Password": "x", "iban": "DE1"}})
        {'user': 'ann', 'form': {'New-Password': '[redacted]', 'iban': '[redacted]'}}
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        own = {_SEPARATORS.sub("", key.lower()) for key in keys} - {""}
        self._parts = sorted({key for key in SECRET_KEYS if key not in _WHOLE} | own)

    def __call__(self, fields: Mapping[str, object]) -> dict[str, object]:
        """A copy of the fields in which no secret key has its value."""
        return {key: self._masked(key, value) for key, value in fields.items()}

    def text(self, text: str) -> str:
        """The text without passwords in URLs and without `password=…` and the like.

        Example:
            >>> Redactor().text("connect to db://app:hunter2@db.internal failed: token=abc")
            'connect to db://[redacted]@db.internal failed: token=[redacted]'
        """
        if "@" in text:
            text = _compiled(_URL_USER).sub(MASK, text)
        if "=" in text or ":" in text:
            text = _compiled(_ASSIGNED).sub(rf"\1\2{MASK}", text)
        return text

    def is_secret(self, key: str) -> bool:
        """Whether the value of a key of that name is masked."""
        bare = _SEPARATORS.sub("", key.lower())
        return bare in _WHOLE or any(part in bare for part in self._parts)

    def _masked(self, key: str, value: object) -> object:
        return MASK if self.is_secret(key) else self._within(value)

    def _within(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self(value)
        if isinstance(value, list | tuple):
            return [self._within(entry) for entry in value]
        return value
