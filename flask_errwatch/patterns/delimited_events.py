"""Space-delimited lines: splits them into tokens and assigns the tokens to fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask_errwatch.patterns.matching import Test, bound_test, condition_test, text_test
from flask_errwatch.patterns.nodes import Comparison, Entry, Number, Operator
from flask_errwatch.patterns.numbers import exact
from flask_errwatch.patterns.regex import Regex

_BEGINNING = re.compile(r"\S", re.ASCII)
_ORDINARY = re.compile(r"\S+", re.ASCII)
_CLOSERS = {'"': '"', "[": "]"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A token without its delimiters, and the index at which it begins with them."""

    start: int
    text: str


def tokenize(line: str) -> list[Token]:
    """The tokens of a line, in time linear in the line.

    Example:
        >>> [token.text for token in tokenize('a "b c"d [e f] "g')]
        ['a', 'b c', 'd', 'e f', '"g']
    """
    tokens: list[Token] = []
    unclosed: set[str] = set()
    beginning = _BEGINNING.search(line)
    while beginning:
        start = beginning.start()
        closer = _CLOSERS.get(line[start], "")
        end = line.find(closer, start + 1) if closer and closer not in unclosed else -1
        if end >= 0:
            tokens.append(Token(start=start, text=line[start + 1 : end]))
            end += 1
        else:
            unclosed.add(closer)  # searched once: a line of openers would cost quadratic time
            ordinary = _ORDINARY.match(line, start)
            end = ordinary.end() if ordinary else len(line)
            tokens.append(Token(start=start, text=line[start:end]))
        beginning = _BEGINNING.search(line, end)
    return tokens


class FieldMatcher:
    """Matches lines against the entries of a space-delimited pattern.

    Args:
        entries: The entries in order, None for `...`.
    """

    def __init__(self, entries: Sequence[Entry | None]) -> None:
        gap = entries.index(None) if None in entries else len(entries)
        self._open = None in entries or not entries
        self._before = [entry for entry in entries[:gap] if entry is not None]
        self._after = [entry for entry in entries[gap + 1 :] if entry is not None]
        self._tests = [
            (index, condition_test(entry.condition, _token_test))
            for index, entry in self._indexed()
            if entry.condition is not None
        ]

    def values(self, line: str) -> list[str] | None:
        """The text of each field, `...` expanded. None when the line does not match."""
        texts = self._align(line)
        if texts is None or not all(test(texts[index]) for index, test in self._tests):
            return None
        return texts

    def named(self, texts: Sequence[str]) -> dict[str, str]:
        """The texts by `$name`, or by `$n` counted from 1 for an unnamed field."""
        names = {index % len(texts): entry.name for index, entry in self._indexed() if texts}
        return {f"${names.get(index) or index + 1}": text for index, text in enumerate(texts)}

    def _indexed(self) -> list[tuple[int, Entry]]:
        """The entries with their indexes, negative for those after `...`."""
        return [*enumerate(self._before), *enumerate(self._after, start=-len(self._after))]

    def _align(self, line: str) -> list[str] | None:
        tokens = tokenize(line)
        fields = len(self._before) + len(self._after)
        if len(tokens) < fields:
            return None
        if self._open or len(tokens) == fields:
            return [token.text for token in tokens]
        # Without `...` the last field contains the rest of the line, delimiters included.
        last = line[tokens[fields - 1].start :]
        return [*(token.text for token in tokens[: fields - 1]), last]


def _token_test(leaf: Comparison) -> Test[str]:
    equal = _equality_test(leaf)
    if leaf.operator is Operator.EQUAL:
        return equal
    if leaf.operator is Operator.DIFFERENT:
        return lambda text: not equal(text)
    within = bound_test(leaf.operator, leaf.value)
    return lambda text: within(exact(text))


def _equality_test(leaf: Comparison) -> Test[str]:
    if isinstance(leaf.value, Regex):
        return leaf.value.search
    if not isinstance(leaf.value, Number):
        return text_test(leaf.value.text)
    literal = exact(leaf.value.spelling)
    return lambda text: exact(text) == literal
