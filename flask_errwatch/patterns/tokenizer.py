"""The cursor over a pattern: blanks, words, numbers, quoted text, and errors with a place."""

from __future__ import annotations

from unicodedata import category

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns import quotas as _quotas
from flask_errwatch.patterns.nodes import Number, Text
from flask_errwatch.patterns.numbers import exact, number_end
from flask_errwatch.patterns.regex import Regex

_MARKS = ("Mn", "Mc")
BLANKS = " \t\n\r\v\f"


class Cursor:
    """A pattern and how far it has been read.

    Args:
        source: The whole pattern.

    Raises:
        PatternSyntaxError: It is too long.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        if len(source) > _quotas.CHARACTERS:
            raise self.error(_quotas.TOO_LONG, _quotas.CHARACTERS)

    def peek(self) -> str:
        """The next character; empty at the end."""
        return self.source[self.at : self.at + 1]

    def skip_blanks(self) -> str:
        """Passes blanks and returns the character after them."""
        while self.peek() and self.peek() in BLANKS:
            self.at += 1
        return self.peek()

    def sees(self, text: str) -> bool:
        """Whether the text comes next."""
        return self.source.startswith(text, self.at)

    def take(self, text: str) -> bool:
        """Passes the text when it comes next, and says whether it did."""
        taken = self.sees(text)
        self.at += len(text) if taken else 0
        return taken

    def error(self, remedy: str, position: int | None = None) -> PatternSyntaxError:
        """The error that says what to write here, or at `position`."""
        return PatternSyntaxError(self.source, self.at if position is None else position, remedy)

    def run(self, extra: str) -> str:
        """Passes letters and digits of any script and the `extra` characters; may be empty.

        A letter may carry marks, as in Hindi, in Thai and with accents apart (Unicode Mn, Mc).
        """
        start = self.at
        takes_marks = False
        while char := self.peek():
            if char.isalnum() or char in extra:
                takes_marks = char.isalpha()
            elif not (takes_marks and category(char) in _MARKS):
                break
            self.at += 1
        return self.source[start : self.at]

    def keyword(self) -> str:
        """The word that comes next, in capitals, without passing it; empty when none does."""
        start = self.at
        word = self.run("_")
        self.at = start
        return word.upper()

    def quoted(self) -> str:
        r"""Quoted := '"' { character | '\"' | '\\' } '"'; another backslash means itself."""
        start = self.at
        self.at += 1
        text: list[str] = []
        while (char := self.peek()) != '"':
            if not char:
                raise self.error("Close the quotation with a second '\"'.", start)
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
        """Bare := number | word; a word holds letters, digits, and `_ . * -`."""
        start = self.at
        number_stop = number_end(self.source, start)
        word = self.run("_.*-")
        if number_stop > start and number_stop >= self.at:
            self.at = number_stop
            spelling = self.source[start:number_stop]
            if exact(spelling) is None:
                raise self.error("Write an exponent that fits in 32 bits.", start)
            return Number(spelling)
        if not word:
            raise self.error(
                "Write a number, a word, text in double quotes or a regular expression in '%'."
            )
        return Text(word)
