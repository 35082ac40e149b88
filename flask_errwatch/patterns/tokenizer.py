"""The cursor over a pattern: blanks, words, numbers, quoted text, and errors with a position."""

from __future__ import annotations

from unicodedata import category

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns import quotas
from flask_errwatch.patterns.nodes import Number, Text
from flask_errwatch.patterns.numbers import exact, number_end
from flask_errwatch.patterns.regex import Regex

_MARKS = ("Mn", "Mc")
BLANKS = " \t\n\r\v\f"


class Cursor:
    """A pattern and the index of its next character.

    Args:
        source: The whole pattern.

    Raises:
        PatternSyntaxError: It is too long.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        if len(source) > quotas.CHARACTERS:
            raise self.error(quotas.TOO_LONG, quotas.CHARACTERS)

    def peek(self) -> str:
        """The next character, or "" at the end."""
        return self.source[self.at : self.at + 1]

    def skip_blanks(self) -> str:
        """Skips blanks and returns the character after them."""
        while self.peek() and self.peek() in BLANKS:
            self.at += 1
        return self.peek()

    def sees(self, text: str) -> bool:
        """Whether this text comes next."""
        return self.source.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Consumes this text when it comes next, and returns whether it did."""
        is_next = self.sees(text)
        self.at += len(text) if is_next else 0
        return is_next

    def error(self, remedy: str, position: int | None = None) -> PatternSyntaxError:
        """The syntax error at the next character, or at `position`.

        Args:
            remedy: A sentence that states what to write there.
            position: An index into the pattern.
        """
        return PatternSyntaxError(self.source, self.at if position is None else position, remedy)

    def run(self, extra: str) -> str:
        """Consumes letters and digits of any script and the `extra` characters, if any.

        Combining marks (Unicode Mn, Mc) may follow a letter, as in Hindi, Thai and decomposed
        accents.
        """
        start = self.at
        after_letter = False
        while char := self.peek():
            if char.isalnum() or char in extra:
                after_letter = char.isalpha()
            elif not (after_letter and category(char) in _MARKS):
                break
            self.at += 1
        return self.source[start : self.at]

    def keyword(self) -> str:
        """The next word in upper case, without consuming it. Empty when no word comes next."""
        start = self.at
        word = self.run("_")
        self.at = start
        return word.upper()

    def quoted(self) -> str:
        r"""Quoted := '"' { character | '\"' | '\\' } '"'. Any other backslash means itself."""
        start = self.at
        self.at += 1
        text: list[str] = []
        while (char := self.peek()) != '"':
            if not char:
                raise self.error("Close the quoted text with a second '\"'.", start)
            if self.sees('\\"') or self.sees("\\\\"):
                self.at += 1
                char = self.peek()
            text.append(char)
            self.at += 1
        self.at += 1
        return "".join(text)

    def regex(self) -> Regex:
        """Regex := "%" expression "%"."""
        start = self.at + 1
        end = self.source.find("%", start)
        if end < 0:
            raise self.error("Close the regular expression with a second '%'.")
        try:
            expression = Regex(self.source[start:end])
        except PatternSyntaxError as error:
            raise self.error(error.remedy, start + error.position) from None
        self.at = end + 1
        return expression

    def bare(self) -> Text | Number:
        """Bare := number | word. A word has letters, digits, and `_ . * -`."""
        start = self.at
        end = number_end(self.source, start)
        word = self.run("_.*-")
        if end > start and end >= self.at:
            self.at = end
            spelling = self.source[start:end]
            if exact(spelling) is None:
                raise self.error("Write an exponent that fits in 32 bits.", start)
            return Number(spelling)
        if not word:
            raise self.error(
                "Write a number, a word, text in double quotes or a regular expression in '%'."
            )
        return Text(word)
