"""Feeding a judge the tally of a log gives what feeding it each line gives."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.provision.resources import Resource
from flask_errwatch.simulation import Judge, LineKind, LineKinds, Tally
from flask_errwatch.simulation.feeding import feed_tally
from tests.simulation.resources import metric_alarm, metric_filter

_NOON = 1_700_049_600
_RESOURCES: tuple[Resource, ...] = (
    metric_filter(pattern="{ $.status = 500 }"),
    metric_alarm(threshold=2.0, period=180, treat_missing_data="notBreaching"),
)
# The minute and the status of a line. Those that succeeded give the metric nothing.
_LINES = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([200, 404, 500])), min_size=1)


@pytest.mark.parametrize("heartbeat", [True, False])
@given(lines=_LINES)
def test_a_tally_is_judged_as_its_lines_are(
    lines: list[tuple[int, int]],
    heartbeat: bool,  # noqa: FBT001 - a case
) -> None:
    """Lines that change no metric are counted at once, and the alarms stay the same."""
    kinds, tally, judge = LineKinds(_RESOURCES), Tally(), Judge(_RESOURCES)
    first, last = min(lines)[0], max(lines)[0]
    if heartbeat:
        judge.assume_heartbeats(_NOON + first * 60)
    for minute, status in lines:
        event = {"event": "Answered", "status": status}
        tally.add(_NOON + minute * 60, kinds.of(event), ["192.0.2.7"], ["/"])
        judge.feed((_NOON + minute * 60) * 1000, json.dumps(event))
    end = _NOON + (last + 1) * 60
    changes = judge.advance(end)
    until = end + 10 * 180 if heartbeat else end
    fed = Judge(_RESOURCES)
    of_tally = feed_tally(fed, tally, heartbeat=heartbeat).alarms
    assert of_tally == changes + judge.advance(until)
    assert fed.lines == judge.lines == len(lines)
    assert [report.filters for report in fed.reports()] == [
        report.filters for report in judge.reports()
    ]


def test_the_rows_of_a_tally_are_in_order() -> None:
    """Minutes come in order of time, in each of them the kinds in the order in which they came."""
    one, other = LineKind(event={"status": 500}), LineKind(event={})
    tally = Tally()
    tally.add_unnamed(120, other, 1)
    tally.add_unnamed(60, one, 2)
    tally.add_unnamed(60, other, 3)
    tally.add_unnamed(0, one, 4)
    assert [*tally.rows()] == [(0, [(one, 4)]), (60, [(other, 3), (one, 2)]), (120, [(other, 1)])]
    assert tally.minutes == [0, 60, 120]
