"""The configuration as a table: `console` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from flask_errwatch.cli.console import plain, prose, table, word
from flask_errwatch.doctor.effective import EffectiveKey


def config_view(keys: Iterable[EffectiveKey]) -> RenderableType:
    """A row for each key: its value as an environment variable would have it, and its origin."""
    columns = (word("key"), prose("value"), prose("from"))
    return table(columns, _rows(keys))


def _rows(keys: Iterable[EffectiveKey]) -> Iterator[Sequence[Text]]:
    for key in keys:
        style = "note" if key.origin == "default" else ""
        origin = f"{key.origin}: {key.why}" if key.why else key.origin
        value = _written(key.value)
        yield Text(key.name, style), plain(value, style), plain(origin, style)


def _written(value: object) -> str:
    """The value as people write it in an environment variable; `-` where nothing is set."""
    match value:
        case None:
            return "-"
        case str():
            return value
        case list():
            return ",".join(map(str, value)) or "-"
        case float():
            return f"{value:g}"
        case dict() if not value:
            return "-"
    return json.dumps(value, ensure_ascii=False)
