"""Which names are names of secrets: one rule for the keys of data and for names in texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache, cached_property, lru_cache
from typing import Final

from flask_errwatch.capture.redaction.places import tree

#: Parts of the names below. A name without any of them is not looked at further.
FRAGMENTS: Final = (
    *("auth", "answer", "bearer", "cookie", "code", "conn", "csrf", "cv[cnv]", "csc", "card"),
    *("cred", "ccn", "cc", "cfid", "iban", "jwt", "key", "mnemonic", "otp", "pass", "pwd", "pin"),
    *("pw", "phrase", "secret", "ses", "sid", "sig", "ssn", "saml", "social", "token", "xsrf"),
    *("verifier", "time", "assertion", "magic", "mfa", "hmac", "nonce", "puk"),
    r"pan(?<![a-z]pan)(?![a-z])",
)
#: What names a secret, as words, wherever it is in a name. It may be the end of a longer word.
_STRONG: Final = (
    r"pass ?w(?:or)?ds?(?!less)\S*|pass ?phrases?|pass ?codes?|passkeys?|pwd"
    r"|secrets?|tokens?|jwts?|cookies?|credentials?|csrf\S*|xsrf\S*|otp(?: codes?)?|sess ?ids?"
    r"|sessionids?|card ?(?:number|num|no|nr)s?"
    r"|(?:api|access|private|secret|signing|encryption|decryption|master|account|storage|shared"
    r"|hmac|ssh|auth|webhook|deploy|license|session|security|subscription|app|application|consumer"
    r"|activation|unlock|fernet|aes|client|server|recovery|reset|confirmation|verification"
    r"|wpa) ?keys?"
)
#: The same, of whole words.
_STRONG_WORDS: Final = (
    r"pw|(?:proxy )?authorization|session ?(?:id|key)s?|aspsessionid\S*|connect sid|cfid"
    r"|one ?time (?:code|pin|pass)s?"
    r"|(?:verification|security|auth|authorization|recovery|backup|login|activation|access|reset"
    r"|pin|sms|mfa|fa|pairing|unlock|door|invite|confirmation) ?codes?|cv[cnv]|csc"
    r"|ccn|cc ?(?:number|num|no|nr)s?"
    r"|credit ?cards?|ssn|social security(?: number)?|iban|(?:security|secret) answers?"
    r"|mnemonic|(?:seed|recovery) phrases?|connection ?string|conn ?str|saml ?response"
    r"|(?:code|oauth|auth) ?verifier|auth ?tickets?|magic ?links?|session ?data|card ?pan"
    r"|pan (?:number|no)"
)
_ANY_STRONG: Final = rf"(?:{_STRONG}|(?<!\S)(?:{_STRONG_WORDS}))(?!\S)"
#: What names a secret only at the end of a name: `pin` is secret, `pin_color` is not.
#: A longer word may end with `auth`, and with `pass` unless it is one of the language.
_WEAK: Final = (
    r"(?:auth|(?:auth|authorization|cookie) ?headers?|(?<!\S)(?:pin|sid|sig|signature|session|sess"
    r"|bearer|assertion|hmac|nonce|mfa|puk|(?!(?:by|com|encom|gyrocom|over|under|tres|sur|band|low"
    r"|high|all|multi|single|out|re|boarding|day|ski)pass)\S*pass)|(?<!.)pan)$"
)
#: Words of number or kind, by where they make a name harmless: anywhere, first, last.
_LIFTING: Final = frozenset(
    "count counts counter max maximum min minimum limit limits length len size ttl expires expiry"  # noqa: SIM905
    " expiration lifetime timeout".split()
)
_LIFTING_FIRST: Final = frozenset(
    "is has have needs uses no n num total prompt completion input output cached reasoning design"  # noqa: SIM905
    " syntax lexer unexpected show hide require requires allow allows forgot lost".split()
)
_LIFTING_LAST: Final = frozenset(
    "type types kind name names id ids url uri endpoint arn policy status state age at date time"  # noqa: SIM905
    " version format alg algorithm method provider scheme strength attempts retries failures error"
    " errors required enabled disabled valid invalid missing present set changed updated created"
    " used usage rate quota remaining total budget in field header label title index position"
    " prefix reset consent banner notice domain samesite secure httponly accepted allowed expired"
    " verified sent scope scopes issuer audience permission permissions owner source location path"
    " file filename country currency brand symbol price balance supply reason failure rules score"
    " question address exempt protection channel level santa preference preferences"
    " supported".split()
)
#: A word of a name: digits, capitals, or letters that may begin with a capital.
_WORD: Final = r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+"
#: Characters of a name that are looked at: its end, as names are read.
_LENGTH: Final = 48
#: Names whose answer is kept.
_KEPT: Final = 1024

_compiled = cache(re.compile)


def words_of(name: str) -> str:
    """The words of a name in lower case, with a space between any two.

    Example:
        >>> words_of("X-Api-Key"), words_of("newPassword2"), words_of("cvv2")
        ('x api key', 'new password 2', 'cvv 2')
    """
    return " ".join(_compiled(_WORD).findall(name)).casefold()


class SecretKeys:
    """Decides whether a name is the name of a secret.

    Args:
        added: Further names, as words: `iban` is found in `customer_iban`, not in `caribanas`.

    Example:
        >>> keys = SecretKeys(["employee no"])
        >>> [keys.is_secret(name) for name in ("sessionId", "max_tokens", "EMPLOYEE-NO")]
        [True, False, True]
    """

    def __init__(self, added: Iterable[str] = ()) -> None:
        names = [words for words in map(words_of, _normal(added)) if words]
        self._added = "|".join(re.escape(words).replace(r"\ ", " ?") for words in names)
        fragments = {re.escape(word) for words in names for word in words.split()}
        #: Patterns of the parts of secret names, in lower case.
        self.fragments = (*FRAGMENTS, *sorted(fragments))
        self._known = lru_cache(maxsize=_KEPT)(self._decide)

    def is_secret(self, name: str) -> bool:
        """Whether the value of this name is masked."""
        return self._known(name[-_LENGTH:])

    def _decide(self, name: str) -> bool:
        # Most names are harmless, and in most this can be seen before they are split into words.
        if not name.isascii() and not unicodedata.is_normalized("NFKC", name):
            name = unicodedata.normalize("NFKC", name)
        if self._has_fragment(name.casefold()) is None:
            return False
        words = words_of(name)
        if self._is_added is not None and self._is_added(words):
            return True
        plain = _without_numbers(words)
        if _compiled(_WEAK).search(plain):
            return plain.split()[0] not in _LIFTING_FIRST
        others = _compiled(_ANY_STRONG).split(plain)
        return len(others) > 1 and not _is_lifted(".".join(others).split())

    @cached_property
    def _has_fragment(self) -> Callable[[str], re.Match[str] | None]:
        return re.compile(tree(self.fragments)).search

    @cached_property
    def _is_added(self) -> Callable[[str], re.Match[str] | None] | None:
        return re.compile(rf"(?<!\S)(?:{self._added})(?!\S)").search if self._added else None


def _without_numbers(words: str) -> str:
    return " ".join([word for word in words.split() if not word.isdecimal()])


def _normal(names: Iterable[str]) -> Iterable[str]:
    return (unicodedata.normalize("NFKC", name) for name in names)


def _is_lifted(words: list[str]) -> bool:
    """Whether a word of number or kind makes the name harmless: `token_count`, `is_password`."""
    return (
        words[0] in _LIFTING_FIRST or words[-1] in _LIFTING_LAST or not _LIFTING.isdisjoint(words)
    )
