"""A search that takes time linear in the text, whatever the expression and the text are.

The expression is rows of positions. A set of positions is one integer, a bit each, and one
character of text moves the whole set at once: shift it, keep what repeats, and let the bits run
over what is optional. Sets once seen are kept with their successors (a lazy DFA), within a bound.

Source of the bit-parallel step: G. Navarro and M. Raffinot, "Flexible Pattern Matching in
Strings", 2002, section 4.3 (extended strings).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

_LATIN = 256
_BEYOND = chr(_LATIN)  # stands for every character above Latin-1: no expression tells them apart
EVERY = (1 << (_LATIN + 1)) - 1  # every character, as a set


def bits_of(characters: Iterable[str]) -> int:
    """The set of these ASCII characters as an integer, one bit a code point."""
    bits = 0
    for char in characters:
        bits |= 1 << ord(char)
    return bits


class Kind(Enum):
    """What a position stands for."""

    CHARACTER = auto()
    START = auto()
    END = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """One place of an expression, waiting for one character or for an end of the text.

    Args:
        kind: A character, or an anchor.
        characters: The set of characters it takes; empty for an anchor.
        optional: It may be skipped.
        repeats: It may be taken again.
    """

    kind: Kind
    characters: int
    optional: bool
    repeats: bool


@dataclass(eq=False, slots=True)
class _State:
    """A set of positions that is waiting, and where it goes on each character seen so far."""

    bits: int
    accepted: bool
    following: dict[str, _State] = field(default_factory=dict)


class Automaton:
    """Searches texts for one of several rows of positions.

    Args:
        rows: The alternatives.
    """

    _CACHED = 2_000  # transitions kept: bounds memory, never the answer

    def __init__(self, rows: Sequence[Sequence[Position]]) -> None:
        self._groups: dict[int, int] = {}  # set of characters -> positions that take it
        self._optional = self._starts = self._ends = self._repeats = 0
        self._initial = self._final = 0
        bit = 1
        for row in rows:
            self._initial |= bit
            for position in row:
                self._place(position, bit)
                bit <<= 1
            self._final |= bit
            bit <<= 1
        self._again = self._skip(self._initial, self._optional)
        self._takers: dict[str, int] = {}
        self._states: dict[int, _State] = {}
        self._cached = 0
        self._first = self._state(self._skip(self._initial, self._optional | self._starts))

    def search(self, text: str) -> bool:
        """Whether any row occurs in the text."""
        state = self._first
        if state.accepted:
            return True
        for char in text:
            state = state.following.get(char) or self._advance(state, char)
            if state.accepted:
                return True
        skippable = self._optional | self._ends | (0 if text else self._starts)
        return self._skip(state.bits, skippable) & self._final != 0

    def _place(self, position: Position, bit: int) -> None:
        self._groups[position.characters] = self._groups.get(position.characters, 0) | bit
        if position.optional:
            self._optional |= bit
        if position.repeats:
            self._repeats |= bit
        if position.kind is Kind.START:
            self._starts |= bit
        if position.kind is Kind.END:
            self._ends |= bit

    def _advance(self, state: _State, char: str) -> _State:
        """One step for one character, of a cost that the text does not change."""
        key = min(char, _BEYOND)
        known = state.following.get(key)
        if known is not None:
            return known
        moved = state.bits & self._taking(key)
        waiting = (moved << 1) | (moved & self._repeats) | self._again
        if self._cached >= self._CACHED:
            self._forget()
        following = self._state(self._skip(waiting, self._optional))
        state.following[key] = following
        self._cached += 1
        return following

    def _taking(self, key: str) -> int:
        takers = self._takers.get(key)
        if takers is None:
            takers, wanted = 0, 1 << ord(key)
            for characters, bits in self._groups.items():
                if characters & wanted:
                    takers |= bits
            self._takers[key] = takers
        return takers

    @staticmethod
    def _skip(bits: int, skippable: int) -> int:
        """The bits, and all they reach by skipping.

        Adding a bit to a run of ones carries it to the first zero after the run; what changed is
        the way it went.
        """
        return bits | ((skippable + (bits & skippable)) ^ skippable)

    def _state(self, bits: int) -> _State:
        known = self._states.get(bits)
        if known is None:
            known = _State(bits=bits, accepted=bits & self._final != 0)
            self._states[bits] = known
        return known

    def _forget(self) -> None:
        for state in list(self._states.values()):
            state.following.clear()
        self._states.clear()
        self._first.following.clear()
        self._cached = 0
