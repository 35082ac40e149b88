"""A text search that takes linear time for every expression and every text.

An expression is a list of rows of NFA states. A set of states is an integer with one bit per state,
and each character of the text moves the whole set at once: shift it, keep the states that repeat,
and propagate the bits across optional states. Sets are cached with their successors (a lazy DFA),
within a bound.

Source of the bit-parallel step: G. Navarro and M. Raffinot, "Flexible Pattern Matching in
Strings", 2002, section 4.3 (extended strings).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

_LATIN = 256
_BEYOND = chr(_LATIN)  # represents every character above Latin-1: no expression distinguishes them
EVERY = (1 << (_LATIN + 1)) - 1  # every character, as a set


def bits_of(characters: Iterable[str]) -> int:
    """The set of these ASCII characters as an integer, one bit per code point."""
    bits = 0
    for char in characters:
        bits |= 1 << ord(char)
    return bits


class Kind(Enum):
    """What an NFA state matches: a character, or one end of the text."""

    CHARACTER = auto()
    START = auto()
    END = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class NfaState:
    """One state of a row: it waits for one character, or for one end of the text.

    Args:
        kind: A character, or an anchor.
        characters: The set of characters that it accepts, empty for an anchor.
        optional: Whether it may be skipped.
        repeats: Whether it accepts further characters.
    """

    kind: Kind
    characters: int
    optional: bool
    repeats: bool


@dataclass(eq=False, slots=True)
class _DfaState:
    """A set of active NFA states, with its successor for each character seen so far."""

    bits: int
    accepted: bool
    following: dict[str, _DfaState] = field(default_factory=dict)


class Automaton:
    """Searches texts for any of several rows of NFA states.

    Args:
        rows: The alternatives.
    """

    _CACHED = 2_000  # cached transitions: bounds memory, never changes the answer

    def __init__(self, rows: Sequence[Sequence[NfaState]]) -> None:
        self._bits_by_characters: dict[int, int] = {}  # character set -> states that accept it
        self._optional = self._starts = self._ends = self._repeats = 0
        self._initial = self._final = 0
        bit = 1
        for row in rows:
            self._initial |= bit
            for state in row:
                self._add(state, bit)
                bit <<= 1
            self._final |= bit
            bit <<= 1
        # A match may begin at every character.
        self._restart = self._skip(self._initial, self._optional)
        self._accepting: dict[str, int] = {}
        self._states: dict[int, _DfaState] = {}
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

    def _add(self, state: NfaState, bit: int) -> None:
        """Records which sets the state with this bit belongs to."""
        bits = self._bits_by_characters.get(state.characters, 0)
        self._bits_by_characters[state.characters] = bits | bit
        if state.optional:
            self._optional |= bit
        if state.repeats:
            self._repeats |= bit
        if state.kind is Kind.START:
            self._starts |= bit
        if state.kind is Kind.END:
            self._ends |= bit

    def _advance(self, state: _DfaState, char: str) -> _DfaState:
        """One step for one character. Its cost does not depend on the text."""
        key = min(char, _BEYOND)
        known = state.following.get(key)
        if known is not None:
            return known
        moved = state.bits & self._accepting_states(key)
        active = (moved << 1) | (moved & self._repeats) | self._restart
        if self._cached >= self._CACHED:
            self._clear_cache()
        following = self._state(self._skip(active, self._optional))
        state.following[key] = following
        self._cached += 1
        return following

    def _accepting_states(self, key: str) -> int:
        """The states that accept a character."""
        accepting = self._accepting.get(key)
        if accepting is None:
            accepting, char_bit = 0, 1 << ord(key)
            for characters, bits in self._bits_by_characters.items():
                if characters & char_bit:
                    accepting |= bits
            self._accepting[key] = accepting
        return accepting

    @staticmethod
    def _skip(bits: int, skippable: int) -> int:
        """The bits, with all states that they reach by skipping.

        Adding a bit to a run of ones carries it to the first zero after the run. The bits that
        changed are the states that were passed.
        """
        return bits | ((skippable + (bits & skippable)) ^ skippable)

    def _state(self, bits: int) -> _DfaState:
        known = self._states.get(bits)
        if known is None:
            known = _DfaState(bits=bits, accepted=bits & self._final != 0)
            self._states[bits] = known
        return known

    def _clear_cache(self) -> None:
        for state in list(self._states.values()):
            state.following.clear()
        self._states.clear()
        self._first.following.clear()
        self._cached = 0
