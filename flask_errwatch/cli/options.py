"""Checks of options that several commands have."""

from __future__ import annotations

import math
from collections.abc import Mapping

import click


def finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """The number, unless it is no number or infinite."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("It must be a finite number.")
    return value


def one_of(options: Mapping[str, bool]) -> str | None:
    """The one of these options that is given, if any is.

    Args:
        options: Whether each is given, by its name.
    """
    given = [name for name, is_given in options.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"Give {' or '.join(given)}, not both.")
    return next(iter(given), None)
