"""Phrases that the sentences of verdicts share. Texts from lines are cut, and names are bounded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from flask_errwatch._text import counted, listed, one_line
from flask_errwatch.respond.ranking.first_reading import USERS
from flask_errwatch.respond.ranking.summary import SourceRow, Success, Summary

#: Characters of a text from a line that a sentence shows, and of a name in a list.
_SHOWN: Final = 80
_SHORT: Final = 40
#: Names in a list.
_NAMED: Final = 4

NONE_SUCCEEDED: Final = "None succeeded: no sign-in from there after the first failure."
NOT_KNOWN: Final = "Whether one succeeded is not known: the app writes no line of a sign-in."


def shown(text: str) -> str:
    """A text from a line, cut."""
    return one_line(text, _SHOWN)


def of_all(lines: int, summary: Summary) -> str:
    """`41 of 44 lines`."""
    return f"{lines:,} of {counted(summary.lines, 'line')}"


def named(texts: Sequence[str], total: int = 0) -> str:
    """The first names, and how many more there are.

    Args:
        texts: Names.
        total: How many there are, where these are not all.

    Example:
        >>> named(["a", "b"], 30)
        'a, b and 28 more'
    """
    texts = texts[:_NAMED] if total > len(texts) else texts
    more = total - len(texts)
    return f"{', '.join(texts)} and {more:,} more" if more > 0 else listed(texts, _NAMED)


def names_of(users: Iterable[str]) -> str:
    """The names of users, each once."""
    return named([one_line(user, _SHORT) for user in dict.fromkeys(users)])


def guesses_of(rows: Sequence[SourceRow], total: int) -> str:
    """`198.51.100.7 (12), 198.51.100.8 (11) and 3 more`."""
    return named([f"{row.source} ({row.guesses:,})" for row in rows], total)


def sign_ins_of(rows: Sequence[SourceRow], *, is_known: bool) -> str:
    """Whether a user signed in from there. Empty where that is not known."""
    sign_ins = sum(row.sign_ins for row in rows)
    if sign_ins:
        users = names_of(user for row in rows for user in row.users)
        whose = f" ({users})" if users else ""
        return f"{counted(sign_ins, 'line')} of a signed-in user{whose} from there."
    return "No sign-in from there." if is_known else ""


def shared_by(row: SourceRow) -> str:
    """How many lines of a source are of people who are signed in."""
    least = "at least " if len(row.users) >= USERS else ""
    users = f"{least}{counted(len(row.users), 'signed-in user')} ({names_of(row.users)})"
    return (
        f"{row.probes:,} of {counted(row.lines, 'line')} of {row.source} are probes; "
        f"{counted(row.user_lines, 'line')} of {users} {_come(row.user_lines)} from there."
    )


def success_of(rows: Sequence[SourceRow], *, is_known: bool) -> str:
    """Whether a guess of these sources succeeded."""
    after = [row for row in rows if row.sign_ins_after]
    if after:
        total, later = (
            sum(getattr(row, name) for row in after)
            for name in ("sign_ins_after", "sign_ins_later")
        )
        each = named([f"{row.source} ({row.sign_ins_after:,})" for row in after])
        when = (
            ""
            if not later
            else f", {'' if later == total else f'{later:,} of them '}after the window"
        )
        return f"{counted(total, 'sign-in')} from there after the first failure{when}: {each}."
    by_users = [row for row in rows if row.successes]
    if by_users:
        each = named([f"{row.source} ({names_of(row.users_after)})" for row in by_users])
        return f"Later lines from there are of a signed-in user: {each}."
    return NONE_SUCCEEDED if is_known else NOT_KNOWN


def successes_of(successes: Sequence[Success], total: int, summary: Summary) -> str:
    """Who signed in after guesses that are spread over sources."""
    each = [
        f"{one.source or 'no address'} ({one_line(one.user or 'somebody', _SHORT)}"
        f"{', after the window' if one.at >= summary.window.end else ''})"
        for one in successes
    ]
    return f"Signed in after the first failure: {named(each, total)}."


def hour_before(rows: Sequence[SourceRow]) -> str:
    """How many lines the hour before has of these sources."""
    before = sum(row.before for row in rows)
    whose = "it" if len(rows) == 1 else "them"
    return f"{counted(before, 'line') if before else 'No line'} of {whose} in the hour before."


def _come(number: int) -> str:
    return "comes" if number == 1 else "come"
