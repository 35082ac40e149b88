"""The page: the result with a chart per detector, self-contained, and safe to open.

Text from a log is escaped, and the page allows no script but its own two, by hash: markup that
was not escaped could still not run (W3C, Content Security Policy Level 3).
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from plotly.offline import get_plotlyjs

from flask_errwatch._text import counted
from flask_errwatch._time import readable_minute
from flask_errwatch.replay import text
from flask_errwatch.replay.charts import chart, is_comparable, periods_per_step
from flask_errwatch.replay.names import short_names
from flask_errwatch.replay.proposal import as_assignment
from flask_errwatch.replay.result import ReplayResult

# Alarms listed below a chart. The JSON has all of them.
_LISTED = 100
_HERE = Path(__file__).parent
_PHRASES = (
    text.advice_sentence,
    text.caution_sentence,
    text.fires_when,
    text.offence_phrase,
    text.threshold_text,
    text.totals_sentence,
    as_assignment,
    counted,
    is_comparable,
    periods_per_step,
    readable_minute,
)


def page(result: ReplayResult, *, version: str, created: float) -> str:
    """The page as HTML.

    Args:
        result: The result.
        version: That of this package.
        created: The present time, in seconds since the epoch.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"shown": text.shown, "time": _time, "number": _number}
    environment.globals |= {phrase.__name__: phrase for phrase in _PHRASES}
    drawn = {
        row.name: chart(row, row.detector, result.judged)
        for row in result.rows
        if row.detector is not None and row.lines and not row.is_further
    }
    figures = ",".join(f'"{name}":{figure}' for name, figure in drawn.items())
    scripts = [get_plotlyjs(), _part("page.js").replace("/* FIGURES */", figures)]
    names = short_names(result.logs)
    return environment.from_string(_part("page.html")).render(
        result=result,
        judged=result.judged,
        logs=text.shown(", ".join(names.values())),
        names=names,
        unread=text.unread_sentence(result.reads),
        is_advised=result.alarms_a_week is not None,
        version=version,
        created=created,
        drawn=drawn,
        style=_part("page.css"),
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        listed=_LISTED,
    )


def _part(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _time(seconds: float | None) -> str:
    """Formats a time to the minute. The page says once that it is in UTC."""
    return "the end of the log" if seconds is None else readable_minute(seconds)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"
