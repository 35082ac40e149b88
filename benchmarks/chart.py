"""Draws the overhead: one panel for each kind of response, one dot for each variant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers import module
from benchmarks.report import AIMS
from benchmarks.variants import CONTROL, FLOOR, OURS, absence

_TITLES = {"200": "200", "404": "404", "403": "403", "500": "500, five frames"}
_INK, _MUTED, _OURS = "#1f2328", "#8b949e", "#0969da"
_LIMITS = (0.9, 60)
_TICKS = (1, 2, 4, 10, 40)


def draw(overhead: Mapping[str, Mapping[str, Any]], path: Path) -> str:
    """Draws the chart.

    Args:
        overhead: The figures of `results.json`.
        path: The SVG to write.

    Returns:
        Why it was not drawn, or an empty string.
    """
    missing = absence(("matplotlib",))
    if missing:
        return f"chart {missing}"
    shown = {
        name: cells
        for name, cells in overhead.items()
        if "skipped" not in cells and name != CONTROL.name
    }
    plt = module("matplotlib.pyplot")
    # No date and fixed ids, so that the same figures give the same file.
    style = {"svg.hashsalt": "flask-errwatch", "svg.fonttype": "none", "font.size": 9}
    with plt.rc_context(style):
        figure, panels = plt.subplots(1, len(_TITLES), sharey=True, figsize=(10, 3.9))
        for axes, (case, title) in zip(panels, _TITLES.items(), strict=True):
            _panel(axes, {name: cells[case] for name, cells in shown.items()}, AIMS[case])
            axes.set_title(title, loc="left", fontsize=10, color=_INK)
        figure.suptitle(
            "Cost of a request, bare Flask = 1 (same machine, same run; log scale)",
            x=0.01,
            ha="left",
            fontsize=11,
            color=_INK,
        )
        figure.text(
            0.01,
            0.01,
            "Dot: median. Line: quartiles. Dashed: the aim of flask-errwatch.",
            color=_MUTED,
            fontsize=8,
        )
        figure.tight_layout(rect=(0, 0.04, 1, 0.98))
        figure.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")
        plt.close(figure)
    return ""


def _panel(axes: Any, cells: Mapping[str, Mapping[str, float]], aim: float) -> None:
    for row, (name, cell) in enumerate(cells.items()):
        color = _OURS if name == OURS.name else _MUTED if name == FLOOR.name else _INK
        axes.plot((cell["low"], cell["high"]), (row, row), color=color, linewidth=1.5)
        axes.plot(cell["ratio"], row, "o", color=color, markersize=5)
        axes.annotate(
            f"{cell['ratio']:.2f}",
            (max(cell["high"], cell["ratio"]), row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=color,
        )
    axes.axvline(1, color=_MUTED, linewidth=0.8, zorder=0)
    axes.axvline(aim, color=_OURS, linewidth=0.8, linestyle="--", zorder=0)
    axes.set_xscale("log")
    axes.set_xlim(*_LIMITS)
    axes.set_xticks(_TICKS, [f"{tick}×" for tick in _TICKS])
    axes.minorticks_off()
    axes.set_yticks(range(len(cells)), list(cells))
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.tick_params(length=0, colors=_INK)
    axes.grid(axis="x", color="#eaeef2", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
