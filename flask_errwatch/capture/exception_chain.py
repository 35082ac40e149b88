"""What belongs to an exception beside itself: its causes, the members of a group, its notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

#: How an entry belongs to the exception before it: `raise … from` or during the handling of another
#: (PEP 3134, `__cause__` and `__context__`), a member of its group (PEP 654), its note (PEP 678).
Relation = Literal["cause", "context", "member", "note"]

#: Entries that are looked at: a retry loop may chain any number.
_LONGEST = 100


class Link(NamedTuple):
    """An entry of a chain.

    Attributes:
        relation: How it belongs to the exception before it.
        subject: The exception, or the text of a note.
    """

    relation: Relation
    subject: BaseException | str


def links(error: BaseException) -> list[Link]:
    """All that belongs to an exception, in the order in which Python prints a traceback's parts.

    Members of a group come before the cause of the group. An exception is there once, even if it
    is chained to itself.

    Example:
        >>> error = ValueError("row 3")
        >>> error.__cause__ = OSError("disk")
        >>> [(link.relation, str(link.subject)) for link in links(error)]
        [('cause', 'disk')]
    """
    seen = {id(error)}
    found: list[Link] = []
    # The next one is the last: what belongs to an exception comes right after it.
    waiting = [*_of(error)][::-1]
    while waiting and len(found) < _LONGEST:
        link = waiting.pop()
        if isinstance(link.subject, BaseException):
            if id(link.subject) in seen:
                continue
            seen.add(id(link.subject))
            waiting += [*_of(link.subject)][::-1]
        found.append(link)
    return found


def _of(error: BaseException) -> Iterator[Link]:
    """The links of one exception. Attributes are the app's: they may hold anything."""
    notes = getattr(error, "__notes__", ())
    if isinstance(notes, list | tuple):
        yield from (Link("note", note) for note in notes[:_LONGEST] if isinstance(note, str))
    if isinstance(error, BaseExceptionGroup):
        yield from (Link("member", member) for member in error.exceptions[:_LONGEST])
    if error.__cause__ is not None:
        yield Link("cause", error.__cause__)
    elif error.__context__ is not None and not error.__suppress_context__:
        yield Link("context", error.__context__)


def reachable(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it refers to, also what a traceback leaves out."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < _LONGEST:
        found = waiting.pop()
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__]
        waiting.append(getattr(found, "original_exception", None))
        if isinstance(found, BaseExceptionGroup):
            waiting += found.exceptions[:_LONGEST]
