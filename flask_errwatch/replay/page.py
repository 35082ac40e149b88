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
from flask_errwatch._time import rfc3339_second
from flask_errwatch.replay.charts import chart, periods_per_step
from flask_errwatch.replay.result import ReplayResult
from flask_errwatch.replay.text import advice_sentence, condition, offence_phrase, shown

# Alarms listed below a chart. The JSON has all of them.
_LISTED = 100
_HERE = Path(__file__).parent


def page(result: ReplayResult) -> str:
    """The page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"shown": shown, "time": _time, "number": _number}
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    judged = result.judged
    drawn = {
        detector.detector.name: chart(detector, judged)
        for detector in judged.detectors
        if detector.lines
    }
    figures = ",".join(f'"{name}":{figure}' for name, figure in drawn.items())
    drawing = (_HERE / "page.js").read_text(encoding="utf-8").replace("/* FIGURES */", figures)
    scripts = [get_plotlyjs(), drawing]
    return template.render(
        result=result,
        judged=judged,
        drawn=drawn,
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        listed=_LISTED,
        counted=counted,
        condition=condition,
        periods_per_step=periods_per_step,
        advice_sentence=advice_sentence,
        offence_phrase=offence_phrase,
    )


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _time(seconds: int | None) -> str:
    """Formats a time without seconds (they are always zero)."""
    if seconds is None:
        return "the end of the log"
    return rfc3339_second(seconds).replace("T", " ").replace(":00Z", " UTC")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"
