"""Parses the regular expressions of filter patterns into rows of NFA states.

CloudWatch's subset has no groups: an expression is a list of alternatives, each a sequence of
single characters with quantifiers. Each sequence unrolls to a row of states, which `automaton`
searches in linear time.

Source: Amazon CloudWatch Logs user guide, "Supported regular expressions (regex) syntax".
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns.automaton import EVERY, Automaton, Kind, NfaState, bits_of

_PLAIN = frozenset(string.ascii_letters + string.digits + ":_#=@/;,- ")
_OPERATORS = frozenset("^$?[]{}|\\*+.")
_QUANTIFIERS = frozenset("*+?{")
_REPEATS = 1000  # RE2's bound on {m,n}
_STATES = 10_000  # our own limit: bounds memory

_DIGITS = bits_of(string.digits)
_SPACES = bits_of(" \t\n\r\f\v")
_WORDS = bits_of(string.ascii_letters + string.digits + "_")
_CLASSES = {
    "d": _DIGITS,
    "D": EVERY & ~_DIGITS,
    "s": _SPACES,
    "S": EVERY & ~_SPACES,
    "w": _WORDS,
    "W": EVERY & ~_WORDS,
}
_ANY = EVERY & ~bits_of("\n")


@dataclass(frozen=True, slots=True)
class Regex:
    r"""A regular expression, without its percent signs.

    Args:
        source: The expression, such as `^4\d\d$`.

    Raises:
        PatternSyntaxError: CloudWatch would reject it. The position is an index into `source`.

    Example:
        >>> Regex(r"^4\d\d$").search("404"), Regex("colou?r").search("no hue")
        (True, False)
    """

    source: str
    _automaton: Automaton = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_automaton", Automaton(_RegexParser(self.source).regex()))

    def search(self, text: str) -> bool:
        """Whether the expression occurs in the text, in time linear in the text."""
        return self._automaton.search(text)


class _RegexParser:
    """Parses one expression, with one method per rule of the grammar."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.size = 0

    def regex(self) -> list[list[NfaState]]:
        """Regex := sequence { "|" sequence }."""
        self._check_characters()
        rows = [self._sequence()]
        while self._take("|"):
            rows.append(self._sequence())
        return rows

    def _sequence(self) -> list[NfaState]:
        """Sequence := { atom [ quantifier ] }."""
        row: list[NfaState] = []
        while self._peek() not in ("", "|"):
            start = self.at
            kind, characters = self._atom()
            low, high = self._quantifier()
            row += _unroll(kind, characters, low, high)
            self.size += max(low, high or 0, 1)
            if self.size > _STATES:
                raise self._error(f"Repeat less: {_STATES:,} characters is the limit.", start)
        return row

    def _atom(self) -> tuple[Kind, int]:
        r"""Atom := "^" | "$" | "." | class | "\" escape | character."""
        char = self._peek()
        if char in _QUANTIFIERS:
            raise self._error(f"Write what is repeated before '{char}', or \\{char} for itself.")
        self.at += 1
        if char == "^":
            return Kind.START, 0
        if char == "$":
            return Kind.END, 0
        if char == ".":
            return Kind.CHARACTER, _ANY
        if char == "[":
            return Kind.CHARACTER, self._class()
        if char == "\\":
            return Kind.CHARACTER, self._escape()
        return Kind.CHARACTER, bits_of(char)

    def _quantifier(self) -> tuple[int, int | None]:
        """Quantifier := ( "*" | "+" | "?" | "{" bounds "}" ) [ "?" ]. Without one: once."""
        start = self.at
        char = self._peek()
        if char not in _QUANTIFIERS or not char:
            return 1, 1
        self.at += 1
        low, high = self._bounds(start) if char == "{" else _QUANTITIES[char]
        self._take("?")  # lazy or greedy does not change whether it occurs
        following = self._peek()
        if following and following in _QUANTIFIERS:
            raise self._error("Write one quantifier only; a quantifier cannot be repeated.")
        return low, high

    def _bounds(self, start: int) -> tuple[int, int | None]:
        """Bounds := m | m "," | "," n | m "," n."""
        low_text = self._digits()
        comma = self._take(",")
        high_text = self._digits() if comma else low_text
        if not self._take("}") or not (low_text or high_text):
            raise self._error(r"Write {m}, {m,}, {,n} or {m,n}, or \{ for a brace.", start)
        if max(len(low_text), len(high_text)) > len(str(_REPEATS)):
            raise self._error(f"Repeat at most {_REPEATS:,} times.", start)
        low, high = int(low_text or "0"), int(high_text) if high_text else None
        if max(low, high or 0) > _REPEATS:
            raise self._error(f"Repeat at most {_REPEATS:,} times.", start)
        if high is not None and high < low:
            raise self._error(f"Write the smaller bound first: {{{high},{low}}}.", start)
        return low, high

    def _class(self) -> int:
        """Class := "[" [ "^" ] item { item } "]". A "]" that comes first means itself."""
        start = self.at - 1
        negated = self._take("^")
        characters = 0
        first = True
        while first or self._peek() != "]":
            if not self._peek():
                raise self._error(r"Close the class with ']', or write \[ for a bracket.", start)
            characters |= self._item()
            first = False
        self.at += 1
        return EVERY & ~characters if negated else characters

    def _item(self) -> int:
        """Item := member [ "-" member ]. A "-" at either end means itself."""
        start = self.at
        if self.source.startswith("[:", start):
            raise self._error(r"Write \d, \w, \s or a range instead of a [: :] class.")
        low = self._member()
        if self._peek() != "-" or self.source[self.at + 1 : self.at + 2] in ("]", ""):
            return low
        self.at += 1
        high = self._member()
        if low.bit_count() != 1 or high.bit_count() != 1 or high < low:
            raise self._error("Write a range from a lower to a higher character.", start)
        return (high << 1) - low

    def _member(self) -> int:
        r"""Member := "\" escape | character."""
        char = self._peek()
        self.at += 1
        return self._escape() if char == "\\" else bits_of(char)

    def _escape(self) -> int:
        r"""Escape := d | D | s | S | w | W | x hex hex | any character but letters and digits."""
        start = self.at - 1
        char = self._peek()
        self.at += 1
        if char in _CLASSES:
            return _CLASSES[char]
        if char == "x":
            code = self.source[self.at : self.at + 2]
            if len(code) != 2 or not set(code) <= set(string.hexdigits):
                raise self._error(r"Write two hexadecimal digits after \x.", start)
            self.at += 2
            return 1 << int(code, 16)
        if not char or char.isalnum():
            raise self._error(r"Write one of \d \D \s \S \w \W \xhh.", start)
        return bits_of(char)

    def _check_characters(self) -> None:
        if not self.source:
            raise self._error("Write an expression between the percent signs.", 0)
        for position, char in enumerate(self.source):
            if char not in _PLAIN and char not in _OPERATORS:
                raise self._error(_instead_of(char), position)

    def _peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def _take(self, char: str) -> bool:
        is_next = self._peek() == char
        self.at += is_next
        return is_next

    def _digits(self) -> str:
        start = self.at
        while self._peek() and self._peek() in string.digits:
            self.at += 1
        return self.source[start : self.at]

    def _error(self, remedy: str, position: int | None = None) -> PatternSyntaxError:
        return PatternSyntaxError(self.source, self.at if position is None else position, remedy)


_QUANTITIES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def _unroll(kind: Kind, characters: int, low: int, high: int | None) -> list[NfaState]:
    """The states of one quantified atom: `a{2,4}` becomes a, a, a?, a?."""
    once = NfaState(kind=kind, characters=characters, optional=False, repeats=False)
    if high is None:
        last = NfaState(kind=kind, characters=characters, optional=low == 0, repeats=True)
        return [once] * (low - 1) + [last]
    spare = NfaState(kind=kind, characters=characters, optional=True, repeats=False)
    return [once] * low + [spare] * (high - low)


def _instead_of(char: str) -> str:
    if char.isascii():
        hexadecimal = f"\\x{ord(char):02x}"
        group = " There are no groups." if char in "()" else ""
        return f"Write {hexadecimal} instead: a regular expression may not contain it.{group}"
    return "Write '.' instead: a regular expression contains ASCII only."
