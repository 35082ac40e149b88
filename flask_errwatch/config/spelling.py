"""Finds environment variables that are almost a key, and would be ignored silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from flask_errwatch.config.settings import KEYS

_PREFIX = "ERRWATCH_"
#: How alike two names are, without the prefix that all have. Names that container platforms set,
#: such as `ERRWATCH_PORT` and `ERRWATCH_SERVICE_HOST`, are less like any key.
_ALIKE = 0.75


def misspelt_variables(environ: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields the variables that look like a misspelt key, each with the nearest key.

    Args:
        environ: The names of environment variables. No value is read: it may be a secret.

    Example:
        >>> [*misspelt_variables(["ERRWATCH_SNS_TOPICK", "ERRWATCH_PORT", "errwatch_region"])]
        [('ERRWATCH_SNS_TOPICK', 'ERRWATCH_SNS_TOPIC'), ('errwatch_region', 'ERRWATCH_REGION')]
    """
    names = [key.removeprefix(_PREFIX) for key in KEYS]
    for variable in environ:
        if variable in KEYS or not variable.upper().startswith(_PREFIX):
            continue
        name = variable.upper().removeprefix(_PREFIX)
        for nearest in get_close_matches(name, names, n=1, cutoff=_ALIKE):
            yield variable, f"{_PREFIX}{nearest}"
