"""Whoever may write to the log group decides what its lines hold: nothing of it raises."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.ranking.order import NO_LEAST, offenders
from flask_errwatch.respond.ranking.summarize import summarize
from tests.respond.rows import WINDOW, crash, failed_login, probe

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["GET", "same", "probe", "login-failed", "login-succeeded", "192.0.2.1"])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "where", "fingerprint", "new"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
_FIELDS = [
    *("event", "detector", "status", "method", "path", "route", "client_ip", "client_ip_trust"),
    *("user", "user_agent", "referrer", "path_class", "suspicion", "exception", "count", "first"),
    *("last", "paths", "release", "timestamp", "id", "request_id"),
]
_BASES = st.sampled_from([{}, probe(0)[1], failed_login(0)[1], crash(0)[1]])
_EVENTS = st.builds(
    lambda base, odd: {**base, **odd},
    _BASES,
    st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=6),
)
_TIMES = st.floats(min_value=-10, max_value=9000) | st.floats()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_TIMES, _EVENTS), max_size=30), st.booleans())
def test_no_line_raises(lines: list[tuple[float, dict[str, object]]], counted: bool) -> None:  # noqa: FBT001 - hypothesis passes it by position
    """Lines of any types give a summary, a verdict and a ranking, whose texts print."""
    summary = summarize(lambda: lines, lambda _: counted, window=WINDOW)
    found = verdict(summary)
    json.dumps(dict(found.evidence), allow_nan=False)  # every figure is finite
    assert found.sentence.isprintable()
    assert all(row.source is not None for row in offenders(summary.sources, NO_LEAST))
    assert json.dumps([row.lines for row in summary.sources])
