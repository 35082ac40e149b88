"""Masks secrets before a line is rendered: values of secret keys, and secrets inside strings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

MASK = "[redacted]"

#: Names of secrets, found anywhere in a key; case and separators are ignored.
SECRET_KEYS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "accesskey"),
    *("privatekey", "authorization", "cookie", "session", "csrf", "xsrf", "credential"),
    *("creditcard", "cardnumber", "cvv", "cvc", "pin", "otp", "ssn", "iban", "signature"),
)
#: Short names that are secret only as the whole key: "pin" is secret, "shipping" is not.
_WHOLE_KEYS = frozenset({"pwd", "pin", "otp", "ssn", "cvv", "cvc", "iban", "session", "signature"})

_SEPARATORS = re.compile(r"[^a-z0-9]+")
_URL_USER = r"(?<=://)[^/\s@:]{0,256}:[^/\s@]{1,256}(?=@)"
_ASSIGNED = r"""(?ix)
    (password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|authorization)
    (["']?\s{0,8}[=:]\s{0,8}) (?:bearer\s|basic\s)? ("[^"]{0,512}"|'[^']{0,512}'|[^\s,;&"']+)
"""
#: Compiles at first use: most events need neither pattern, and the import stays cheap.
_compiled = cache(re.compile)


class Redactor:
    """Masks the values of secret keys at any depth, and secrets inside strings.

    Args:
        keys: Further names of secret keys, found anywhere in a key.

    Example:
        >>> Redactor(["iban"])({"user": "ann", "form": {"New-Password": "x", "iban": "DE1"}})
        {'user': 'ann', 'form': {'New-Password': '[redacted]', 'iban': '[redacted]'}}
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        added = {_SEPARATORS.sub("", key.lower()) for key in keys} - {""}
        self._parts = sorted({key for key in SECRET_KEYS if key not in _WHOLE_KEYS} | added)

    def __call__(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Returns a copy of the fields in which the values of secret keys are masked."""
        return {key: self._masked(key, value) for key, value in fields.items()}

    def text(self, text: str) -> str:
        """Masks passwords in URLs, and assignments such as `password=…`.

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
        """Whether the value of this key is masked."""
        bare = _SEPARATORS.sub("", key.lower())
        return bare in _WHOLE_KEYS or any(part in bare for part in self._parts)

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
