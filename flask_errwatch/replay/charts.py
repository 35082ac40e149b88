"""A chart per detector, as a plotly figure: it holds numbers and our names, no text from a log."""

from __future__ import annotations

from collections.abc import Mapping

from plotly import graph_objects

from flask_errwatch.replay.summary import SummaryRow
from flask_errwatch.simulation import JudgedDetector, JudgedLog, Span

# Points of one line, and spans of one chart: more would only be slow on a phone.
_POINTS = 3_000
_SPANS = 400
_HOVER_TIME = "%{x|%d %b %Y %H:%M}"
_COUNTS = ("Sum", "SampleCount")


def chart(row: SummaryRow, detector: JudgedDetector, judged: JudgedLog) -> str:
    """The figure of a detector as JSON, safe inside a script element.

    Args:
        row: Its row of the summary.
        detector: The judged detector.
        judged: The judged log that it is part of.
    """
    period = judged.period if detector.condition is None else detector.condition.period
    times, counts = _steps(detector.periods, period, judged)
    spans = _spans(row)
    # A peak of something else than lines has no place on their axis.
    peaks = spans if is_comparable(row) else []
    figure = graph_objects.Figure(
        data=[
            graph_objects.Scatter(
                x=times,
                y=counts,
                mode="lines",
                line={"shape": "hv", "width": 1.5},
                fill="tozeroy",
                name="lines",
                hovertemplate=f"{_HOVER_TIME}<br><b>%{{customdata:,}}</b> lines<extra></extra>",
            ),
            graph_objects.Scatter(
                x=[span.start * 1000 for span in peaks],
                y=[span.peak for span in peaks],
                mode="markers",
                marker={"symbol": "triangle-down", "size": 9},
                name="alarms",
                hovertemplate=f"alarm {_HOVER_TIME}<br>peak <b>%{{y:,}}</b><extra></extra>",
            ),
        ]
    )
    if is_comparable(row):
        _add_level(figure, "threshold", row.threshold, at=0)
        if row.advised != row.threshold:
            _add_level(figure, "advised", row.advised, at=1)
    end = judged.end or 0
    for span in spans:
        until = end if span.end is None else span.end
        figure.add_vrect(x0=span.start * 1000, x1=until * 1000, name="alarm", line={"width": 0})
    figure.update_layout(template=None, showlegend=False, hovermode="x", dragmode="zoom")
    last = max([end, *(span.end or end for span in spans)])  # an alarm may settle after the log
    figure.update_xaxes(
        type="date", range=[(judged.start or 0) * 1000, last * 1000], title={"text": "time"}
    )
    title = {"text": f"lines in {period:,} s"}
    figure.update_yaxes(rangemode="tozero", fixedrange=True, title=title)
    text: str = figure.to_json()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def is_comparable(row: SummaryRow) -> bool:
    """Whether the alarm compares the lines of a period, which the chart shows."""
    if row.detector is None or row.alarm is not None or row.detector.condition is None:
        return False
    return row.detector.condition.statistic in _COUNTS and row.detector.detector.value is None


def periods_per_step(detector: JudgedDetector) -> int:
    """How many periods one step of the chart covers. It shows the highest of them."""
    return -(-len(detector.periods) // _POINTS) or 1


def _add_level(figure: graph_objects.Figure, name: str, level: float | None, *, at: int) -> None:
    """Adds a horizontal line, and its label above the chart, where it covers no marker.

    Args:
        figure: The figure.
        name: What the level is.
        level: Its height. None adds nothing.
        at: Whether the label is at the left (0) or the right (1) end.
    """
    if level is None:
        return
    figure.add_hline(y=level, name=name, line={"dash": "dash", "width": 1.5})
    figure.add_annotation(
        name=name,
        text=f"{name} {level:,g}",
        x=at,
        xref="paper",
        xanchor="right" if at else "left",
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
    )


def _steps(
    periods: Mapping[int, int], period: int, judged: JudgedLog
) -> tuple[list[int], list[int]]:
    """The corners of the line: a step per period with lines, and zero after it."""
    together = period * (-(-len(periods) // _POINTS) or 1)
    highest: dict[int, int] = {}
    for start, lines in periods.items():
        step = start - start % together
        highest[step] = max(lines, highest.get(step, 0))
    corners = {start + together: 0 for start in highest} | {
        judged.start or 0: 0,
        judged.end or 0: 0,
    }
    corners |= highest
    times = sorted(corners)
    return [time * 1000 for time in times], [corners[time] for time in times]


def _spans(row: SummaryRow) -> list[Span]:
    return [alarm.span for alarm in row.worst_alarms[:_SPANS]]
