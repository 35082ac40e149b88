"""`python -m tests.stress`: the long form of every case, as a table; ends with 1 if one fails.

`--short` runs the form that `make test` runs; names of cases choose some of them. What has to
do with time holds on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from rich.console import Console

from tests.stress import outages, rates, workers
from tests.stress.harness import Outcome

Case = Callable[[], Outcome | list[Outcome]]

_WORKERS = [
    *("sync", "gthread", "gevent"),
    *("sync preload", "gthread preload", "gevent preload", "sync max-requests"),
]
_UWSGI = ["uwsgi", "uwsgi+threads"] if workers.UWSGI.exists() else []
_NOISY = ["sync", "gthread", "gevent", "script", "reloader", *_UWSGI]
_WAYS = ["plain", "fork", "spawn", "dictConfig", "shutdown", "os._exit", "raises"]


def _each(call: Callable[..., Outcome], values: list[str], **given: object) -> Case:
    return lambda: [call(value, **given) for value in values]


LONG: dict[str, Case] = {
    "served": _each(workers.served, [*_WORKERS, *_UWSGI], requests=2000, workers=4),
    "killed": lambda: [workers.killed(requests=2000) for _ in range(20)],
    "noisy": _each(workers.noisy, _NOISY, seconds=30),
    "reloaded": lambda: workers.reloaded(requests=1000),
    "script": _each(workers.script, _WAYS, lines=1000),
    "outage": lambda: [
        outcome for kind in outages.KINDS for outcome in outages.paired(kind, rounds=1)
    ],
    "deleted": lambda: outages.deleted(seconds=30),
    "slow-stream": lambda: outages.slow_stream(creation=5, seconds=10),
    "ended": lambda: [
        outages.ended(kind, timeout=5, slack=0, lines=1000) for kind in outages.KINDS
    ],
    "terminated": lambda: [outages.terminated(kind, timeout=5, slack=0) for kind in outages.KINDS],
    "bounded": lambda: [
        outages.bounded(lines=5000),
        outages.bounded(lines=5000, processes=2),
    ],
    "old": lambda: [rates.old(25), rates.old(15 * 24)],
    "backlog": lambda: rates.backlog(lines=1_000_000),
    "cost": lambda: [rates.cost(), rates.cost(lines=50_000, pause_us=0)],
}

SHORT: dict[str, Case] = {
    "served": _each(workers.served, [*_WORKERS, *_UWSGI]),
    "killed": workers.killed,
    "noisy": _each(workers.noisy, _NOISY),
    "reloaded": workers.reloaded,
    "script": _each(workers.script, _WAYS),
    "outage": outages.outages,
    "deleted": outages.deleted,
    "slow-stream": outages.slow_stream,
    "ended": outages.all_ended,
    "terminated": lambda: outages.terminated("hang"),
    "bounded": outages.bounded,
    "old": lambda: [rates.old(25), rates.old(15 * 24)],
    "backlog": rates.backlog,
    "cost": rates.cost,
}


def main() -> int:
    """Runs the cases that are named, or all; how many promises were broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("cases", nargs="*", choices=[*LONG, []], default=[])
    given = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    broken = 0
    for name, case in (SHORT if given.short else LONG).items():
        if given.cases and name not in given.cases:
            continue
        begun = time.monotonic()
        found = case()
        for outcome in found if isinstance(found, list) else [found]:
            broken += len(outcome.broken)
            figures = ", ".join(f"{key} {value}" for key, value in outcome.figures.items())
            verdict = f"BROKEN: {'; '.join(outcome.broken)}" if outcome.broken else "kept"
            console.print(f"{outcome.case}: {figures}: {verdict}")
        console.print(f"    ({time.monotonic() - begun:.0f} s)")
    return broken


if __name__ == "__main__":
    sys.exit(min(main(), 1))
