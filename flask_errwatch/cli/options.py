"""Options that several commands have, and their checks."""

from __future__ import annotations

import math
from collections.abc import Mapping

import click

from flask_errwatch._parsers import RefusedValueError
from flask_errwatch._text import one_line

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """The number, unless it is NaN or infinite."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("It must be a finite number.")
    return value


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """The seconds of a time such as 15m."""
    from flask_errwatch.respond.moments import read_duration

    if value is None:
        return None
    try:
        return read_duration(value)
    except RefusedValueError as error:
        raise click.BadParameter(f"{one_line(value, 40)!r}: {error}") from error


def one_of(options: Mapping[str, bool]) -> str | None:
    """The one of these options that is given, if any is.

    Args:
        options: Whether each is given, by its name.
    """
    given = [name for name, is_given in options.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"Give {' or '.join(given)}, not both.")
    return next(iter(given), None)
