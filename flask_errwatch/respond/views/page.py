"""The page: a story that can be forwarded, self-contained, without a script, and safe to open.

Text from a log is escaped, and the page's policy allows no script at all, and no style but its
own, by hash: markup that was not escaped could not run (W3C, Content Security Policy Level 3).
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from flask_errwatch._text import counted, one_line
from flask_errwatch._time import readable
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.views import phrases
from flask_errwatch.respond.views.columns import PROSE
from flask_errwatch.respond.views.timeline import timeline

_HERE: Final = Path(__file__).parent


def page(story: Story) -> str:
    """The page as HTML.

    Args:
        story: Of an alarm or a detector.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "shown": lambda value: one_line(str(value)),
        "prose": lambda text: one_line(str(text), PROSE),
        "time": readable,
        "number": phrases.figure,
        "share": phrases.share,
    }
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    template = environment.from_string((_HERE / "page.html").read_text(encoding="utf-8"))
    return template.render(
        story=story,
        summary=story.summary,
        timeline=timeline(story.summary),
        phrases=phrases,
        counted=counted,
        style=style,
        style_hash=_hash(f"\n{style}"),
    )


def _hash(style: str) -> str:
    digest = hashlib.sha256(style.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
