"""Masks secrets in what a request sends: its path and its headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from werkzeug.routing import Rule

from flask_errwatch.capture.redaction.redactor import Redactor
from flask_errwatch.capture.redaction.texts import MASK, Effort

#: Places at which a secret may begin that are looked at in a path, and how many characters of a
#: header give it one.
_PLACES, _CHARACTERS_OF_A_PLACE = 4, 128
#: Headers whose result is kept: an app sees the same user agents again.
_HEADERS: Final = 256
#: Paths without a secret that are remembered, and the characters of each.
_HARMLESS, _HARMLESS_LENGTH = 1024, 128
#: Converters whose values have no slash.
_SEGMENTS: Final = frozenset({None, "default", "string", "int", "float", "uuid", "any"})
#: A variable in the text of a rule, as Werkzeug reads it: `<converter(arguments):name>`.
VARIABLE: Final = r"<(?:([a-zA-Z_]\w*)(?:\(.*?\))?:)?([a-zA-Z_]\w*)>"

#: Variables that are secret in a rule for one of these actions, such as `/confirm/<key>`.
_VAGUE: Final = frozenset({"code", "hash", "key", "link", "ticket"})
_ACTION: Final = (
    r"reset|confirm|activat|verif|oauth|login|magic|invit|sso|/auth|unsubscribe|recover|passw"
    r"|callback|signup|register"
)


class RequestRedactor:
    """Masks secrets in paths, also by the variables of the app's own routes, and in headers.

    Args:
        redactor: The rule of the app for texts.
        rules: Returns the app's rules. Called once, for the first path.

    Example:
        >>> from werkzeug.routing import Rule
        >>> rules = [Rule("/reset/<token>")]
        >>> redactor = RequestRedactor(Redactor(), lambda: rules)
        >>> redactor.path("/reset/4f1", rules[0]), redactor.path("/cart;sid=1", None)
        (('/reset/[redacted]', 0), ('/cart;sid=[redacted]', 0))
    """

    def __init__(self, redactor: Redactor, rules: Callable[[], Iterable[Rule]] = tuple) -> None:
        self._redactor = redactor
        self._rules = rules
        self._routes: _SecretRoutes | None = None
        # By path, and whether a rule matched: other paths are masked by the secret routes.
        self._harmless: set[tuple[str, bool]] = set()
        #: Masks secrets in the value of a header, and truncates it to a length.
        self.header = lru_cache(maxsize=_HEADERS)(self._header)
        #: Masks secrets in a method or a mount point, and says how many characters it did not look
        #: at.
        self.word = lru_cache(maxsize=_HEADERS)(self._masked)

    def path(self, path: str, rule: object) -> tuple[str, int]:
        """The path, not encoded, without its secrets, and how many characters were not looked at.

        Args:
            path: The path below the mount point of the app.
            rule: The rule that matched, or None.
        """
        is_secret_route = self._routes is None or self._routes.has(rule)
        key = path, isinstance(rule, Rule)
        if key in self._harmless and not is_secret_route:
            return path, 0
        masked = self._masked_path(path, rule)
        is_unchanged = masked[1] == 0 and masked[0] == path
        if is_unchanged and not is_secret_route and len(path) <= _HARMLESS_LENGTH:
            if len(self._harmless) >= _HARMLESS:
                self._harmless.clear()
            self._harmless.add(key)
        return masked

    def _masked_path(self, path: str, rule: object) -> tuple[str, int]:
        routes = self._routes
        if routes is None:
            routes = self._routes = _SecretRoutes(self._rules(), self._redactor.is_secret)
        return self._masked(routes.masked(path, rule))

    def _masked(self, text: str) -> tuple[str, int]:
        effort = Effort(places=_PLACES)
        if text.isascii():
            return self._redactor.masked(text, effort)
        try:
            # WSGI passes bytes as latin-1 (PEP 3333). Names of the app's own may be in any script.
            decoded = text.encode("latin-1").decode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # a test client may pass any character
            return self._redactor.masked(text, effort)
        masked, unread = self._redactor.masked(decoded, effort)
        return masked.encode("utf-8", "surrogateescape").decode("latin-1"), unread

    def _header(self, value: str, length: int) -> str:
        effort = Effort(places=1 + length // _CHARACTERS_OF_A_PLACE)
        return self._redactor.bounded(value, length, effort)


class _SecretRoutes:
    """The routes that have a variable with the name of a secret, such as `/reset/<token>`.

    A path that no rule matched, as with a wrong method, belongs to a route if it begins as one.
    So only routes that begin with a text are looked for then: `/<token>` would be every path.
    """

    def __init__(self, rules: Iterable[Rule], is_secret: Callable[[str], bool]) -> None:
        self._by_rule: dict[str, list[re.Pattern[str]]] = {}
        for rule in rules:
            patterns = _patterns(rule.rule, is_secret)
            if patterns:
                self._by_rule[rule.rule] = patterns
        self._of_others = [
            patterns[1] for rule, patterns in self._by_rule.items() if not rule.startswith("/<")
        ]

    def has(self, rule: object) -> bool:
        """Whether the rule has such a variable."""
        return bool(self._by_rule) and isinstance(rule, Rule) and rule.rule in self._by_rule

    def masked(self, path: str, rule: object) -> str:
        """The path with the values of such variables masked."""
        if not self._by_rule:
            return path
        patterns = self._by_rule.get(rule.rule, []) if isinstance(rule, Rule) else self._of_others
        for pattern in patterns:
            masked = _masked(path, pattern)
            if masked is not None:
                return masked
        return path


def _masked(path: str, pattern: re.Pattern[str]) -> str | None:
    match = pattern.match(path)
    if match is None:
        return None
    pieces: list[str] = []
    done = 0
    for number in range(1, pattern.groups + 1):
        pieces += (path[done : match.start(number)], MASK)
        done = match.end(number)
    return "".join([*pieces, path[done:]])


def _patterns(rule: str, is_secret: Callable[[str], bool]) -> list[re.Pattern[str]]:
    """Patterns of the rule, and of its beginning up to the last secret variable, if it has one.

    The value of a secret variable is a group.
    """
    pattern = beginning = ""
    done = 0
    for variable in re.finditer(VARIABLE, rule):
        pattern += _literal(rule[done : variable.start()])
        values = "[^/]+" if variable[1] in _SEGMENTS else ".+"
        if is_secret(variable[2]) or (
            variable[2] in _VAGUE and re.search(_ACTION, rule, re.IGNORECASE)
        ):
            beginning = pattern = f"{pattern}({values})"
        else:
            pattern += values
        done = variable.end()
    if not beginning:
        return []
    whole = rf"{pattern}{_literal(rule[done:])}/?\Z"
    # Who asks for a route with a further slash or in capitals, as of a link, shows its secret too.
    flags = re.DOTALL | re.IGNORECASE
    return [re.compile(whole, flags), re.compile(beginning, flags)]


def _literal(text: str) -> str:
    """A pattern of a part of a rule as it is in a WSGI path: UTF-8, decoded as Latin-1."""
    return re.escape(text.encode().decode("latin-1")).replace("/", "/+")
