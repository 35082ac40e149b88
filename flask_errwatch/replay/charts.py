"""A chart per detector, as a plotly figure: it holds numbers and our names, no text from a log."""

from __future__ import annotations

from collections.abc import Mapping

from plotly import graph_objects

from flask_errwatch.simulation import JudgedDetector, JudgedLog, Span

# Points of one line, and spans of one chart: more would only be slow on a phone.
_POINTS = 3_000
_SPANS = 400
_HOVER_TIME = "%{x|%d %b %Y %H:%M} UTC"


def chart(detector: JudgedDetector, judged: JudgedLog) -> str:
    """The figure of a detector as JSON, safe inside a script element.

    Args:
        detector: The judged detector.
        judged: The judged log that it is part of.
    """
    period = judged.period if detector.condition is None else detector.condition.period
    times, counts = _steps(detector.periods, period, judged)
    spans = _spans(detector)
    figure = graph_objects.Figure(
        data=[
            graph_objects.Scatter(
                x=times,
                y=counts,
                mode="lines",
                line={"shape": "hv", "width": 1.5},
                fill="tozeroy",
                name="lines",
                hovertemplate=f"{_HOVER_TIME}<br><b>%{{y:,}}</b> lines<extra></extra>",
            ),
            graph_objects.Scatter(
                x=[span.start * 1000 for span in spans],
                y=[span.peak for span in spans],
                mode="markers",
                marker={"symbol": "triangle-down", "size": 9},
                name="alarms",
                hovertemplate=f"alarm {_HOVER_TIME}<br>peak <b>%{{y:,}}</b><extra></extra>",
            ),
        ]
    )
    if detector.condition is not None:
        figure.add_hline(
            y=detector.condition.threshold, name="threshold", line={"dash": "dash", "width": 1.5}
        )
    end = judged.end or 0
    for span in spans:
        until = end if span.end is None else span.end
        figure.add_vrect(x0=span.start * 1000, x1=until * 1000, name="alarm", line={"width": 0})
    figure.update_layout(template=None, showlegend=False, hovermode="x", dragmode="zoom")
    last = max([end, *(span.end or end for span in spans)])  # an alarm may settle after the log
    figure.update_xaxes(type="date", range=[(judged.start or 0) * 1000, last * 1000])
    figure.update_yaxes(rangemode="tozero", fixedrange=True)
    text: str = figure.to_json()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def periods_per_step(detector: JudgedDetector) -> int:
    """How many periods one step of the chart covers. It shows the highest of them."""
    return -(-len(detector.periods) // _POINTS) or 1


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


def _spans(detector: JudgedDetector) -> list[Span]:
    highest = sorted(detector.alarms, key=lambda alarm: -(alarm.span.peak or 0))[:_SPANS]
    return [alarm.span for alarm in highest]
