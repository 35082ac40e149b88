"""The page: the findings with a chart per detector, whole in itself, and safe to open.

Whatever comes from a log is escaped, and the page allows no script but its own two, by hash:
what slipped through could still not run (W3C, Content Security Policy Level 3).
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from plotly.offline import get_plotlyjs

from flask_errwatch.replay.charts import chart, grouped
from flask_errwatch.replay.findings import Findings
from flask_errwatch.replay.text import advised, condition, counted, shown
from flask_errwatch.simulation import shown_time

# Alarms listed below a chart; all of them stand in the JSON.
_LISTED = 100
_HERE = Path(__file__).parent


def page(found: Findings) -> str:
    """The page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"shown": shown, "time": _time, "number": _number}
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    detectors = found.replay.detectors
    drawn = {each.detector.name: chart(each, found.replay) for each in detectors if each.lines}
    figures = ",".join(f'"{name}":{figure}' for name, figure in drawn.items())
    drawing = (_HERE / "page.js").read_text(encoding="utf-8").replace("/* FIGURES */", figures)
    scripts = [get_plotlyjs(), drawing]
    return template.render(
        found=found,
        whole=found.replay,
        drawn=drawn,
        scripts=scripts,
        hashes=[_hash(script) for script in scripts],
        listed=_LISTED,
        counted=counted,
        condition=condition,
        grouped=grouped,
        advised=advised,
    )


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _time(seconds: int | None) -> str:
    """The time without its seconds, which are none."""
    if seconds is None:
        return "the end of the log"
    return shown_time(seconds).replace("T", " ").replace(":00Z", " UTC")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"
