"""Lines a second from a backlog to the loopback endpoint, compared with watchtower alone.

The cases are those of `tests.stress.rates`, which asserts promises. Here they give figures.
"""

from __future__ import annotations

from statistics import median

from benchmarks.variants import BY_NAME
from tests.stress import rates
from tests.stress.harness import Outcome

_WATCHTOWER = "watchtower, sending"


def measure(*, lines: int, repeats: int) -> dict[str, object]:
    """Medians of the delivery of a backlog, and of handing over one line.

    Args:
        lines: Lines of a backlog.
        repeats: Runs of each case.

    Raises:
        RuntimeError: When a case broke a promise, which makes its figures worthless.
    """
    if BY_NAME[_WATCHTOWER].missing:
        return {"skipped": BY_NAME[_WATCHTOWER].missing}
    backlogs, costs = [], []
    for _ in range(repeats):
        backlogs.append(_kept(rates.backlog(lines=lines)))
        costs.append(_kept(rates.cost(lines=min(500, lines))))
    return {
        "lines": lines,
        "ours_per_second": round(_median(backlogs, "lines/s")),
        "watchtower_per_second": round(_median(backlogs, "watchtower alone")),
        "ratio": round(_median(backlogs, "ratio"), 2),
        "ours_grown_mib": round(_median(backlogs, "MiB grown"), 1),
        "watchtower_grown_mib": round(_median(backlogs, "watchtower's MiB"), 1),
        "ours_hand_over_us": round(_median(costs, "µs"), 1),
        "watchtower_hand_over_us": round(_median(costs, "µs of watchtower's emit"), 1),
        "hand_over_ratio": round(_median(costs, "ratio"), 2),
    }


def _kept(outcome: Outcome) -> dict[str, object]:
    if outcome.broken:
        raise RuntimeError(f"{outcome.case}: {'; '.join(outcome.broken)}")
    return outcome.figures


def _median(figures: list[dict[str, object]], key: str) -> float:
    return median(float(str(run[key])) for run in figures)
