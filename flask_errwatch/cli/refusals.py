"""How errors are shown, what a command that changes AWS adds to them, and its questions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from flask_errwatch._text import one_line
from flask_errwatch.errors import ErrWatchError, ProvisioningError

_NOTHING_CHANGED = "Nothing was changed."


def printable(text: object) -> str:
    """The text, whose lines may quote what AWS answered or a file contains."""
    return "\n".join(one_line(line, len(line)) for line in str(text).split("\n"))


@contextmanager
def changing() -> Iterator[None]:
    """Adds to an error before the first change that nothing was changed."""
    try:
        yield
    except ErrWatchError as error:
        if isinstance(error, ProvisioningError) and error.pending:
            raise  # it lists what was changed
        raise click.ClickException(f"{printable(error)}\n{_NOTHING_CHANGED}") from error


def ask(question: str) -> None:
    """Asks, and ends the command unless the answer is yes."""
    with suppress(click.Abort):
        if agrees(question, f"give --yes.\n{_NOTHING_CHANGED}"):
            return
    click.echo(_NOTHING_CHANGED, err=True)
    raise click.Abort


def agrees(question: str, remedy: str, *, err: bool = False) -> bool:
    """Whether the answer to the question is yes.

    Args:
        question: The question.
        remedy: What to do where no one can answer, as on a server.
        err: Whether to ask on standard error.
    """
    try:
        return click.confirm(question, err=err)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            click.echo(err=err)  # ends the line of the question
            raise click.ClickException(f"No one answers the question: {remedy}") from abort
        raise
