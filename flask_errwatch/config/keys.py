"""The keys of the configuration, with the default and the meaning that people read.

Their meanings are those of `Config`'s attributes, and their defaults those that `load` has: nothing
is declared here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import cleandoc

from flask_errwatch.config.reading import load
from flask_errwatch.config.settings import Config

#: Keys whose default is the app's: not set, they are whatever the app is called.
_NAMED_BY_THE_APP = frozenset({"app_name", "log_group"})
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8,}.+)*)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key of the configuration.

    Attributes:
        name: Its name, such as `ERRWATCH_SINKS`.
        field: The attribute of `Config` that has its value.
        default: Its value where it is not set. None where the app decides, or where it is not set.
        meaning: What it means, in one or two sentences. Empty under `python -OO`, which removes
            docstrings.
    """

    name: str
    field: str
    default: object
    meaning: str


def all_keys() -> tuple[Key, ...]:
    """Every key, in the order in which `Config` declares them.

    Example:
        >>> key = all_keys()[0]
        >>> key.name, key.default
        ('ERRWATCH_APP_NAME', None)
    """
    defaults = load({}, {}, app_name="app")
    meanings = _meanings()
    return tuple(
        Key(
            name=f"ERRWATCH_{field.upper()}",
            field=field,
            default=None if field in _NAMED_BY_THE_APP else getattr(defaults, field),
            meaning=meanings.get(field, ""),
        )
        for field in Config._fields
    )


def _meanings() -> dict[str, str]:
    """What the docstring of `Config` writes about each attribute, on one line."""
    text = cleandoc(Config.__doc__ or "")
    return {field: " ".join(about.split()) for field, about in _ATTRIBUTE.findall(text)}
