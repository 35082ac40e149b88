"""Classifies what a failing request was after: the four fields `agent` to `suspicion` of its line.

Values in, values out: `classify` uses neither Flask nor the time, so that `replay` can give it the
lines of an access log. `Site` has the facts about the app. Each list is data in a module that names
its sources: `agents`, `products`, `names`, `injections`.
"""

from flask_errwatch.capture.suspicion.request_lines import split_target
from flask_errwatch.capture.suspicion.site import Site, own_words
from flask_errwatch.capture.suspicion.verdict import (
    LONGEST,
    STATUSES,
    Match,
    Suspicion,
    classify,
)

__all__ = [
    "LONGEST",
    "STATUSES",
    "Match",
    "Site",
    "Suspicion",
    "classify",
    "own_words",
    "split_target",
]
