"""What is wrong with a log that cannot be read, or of which only a part can."""

from __future__ import annotations

from flask_errwatch.errors import ErrWatchError, Problem


class UnreadableLogError(ErrWatchError):
    """A log that cannot be read at all.

    Args:
        name: The file, as it was given.
        remedy: A sentence with the reason and what to do.
    """

    def __init__(self, name: str, remedy: str) -> None:
        self.name = name
        super().__init__(Problem(key="FILE", value=name, remedy=remedy))


class NothingFoundError(UnreadableLogError):
    """A folder or a prefix that exists, or may exist, and has nothing to read."""


class NotTextError(Exception):
    """The bytes of a log are no text, or are compressed in a way that is not read.

    Args:
        remedy: A sentence that begins with what they are.
    """

    def __init__(self, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(remedy)


class DefectError(Exception):
    """The rest of a log cannot be read.

    Args:
        sentence: Why, as a sentence about "it".
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)
