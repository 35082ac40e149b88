"""`python -m tests.stress`: the long form of every case, as a table. Exits with 1 if one fails.

`--short` runs the form that `make stress-short` runs, and asserts the promises about time too.
Those hold on a machine that does nothing else. Names of cases select some of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from rich.console import Console

from tests.stress import outages, rates, responders, workers
from tests.stress.harness import Outcome

Case = Callable[[], Outcome | list[Outcome]]

_WORKERS = [
    *("sync", "gthread", "gevent"),
    *("sync preload", "gthread preload", "gevent preload", "sync max-requests"),
]
_UWSGI = ["uwsgi", "uwsgi+threads"] if workers.UWSGI.exists() else []
_NOISY = ["sync", "gthread", "gevent", "script", "reloader", *_UWSGI]
_WAYS = ["plain", "fork", "spawn", "dictConfig", "shutdown", "os._exit", "raises"]


def _each(call: Callable[..., Outcome], values: list[str], **options: object) -> Case:
    return lambda: [call(value, **options) for value in values]


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
    "ended": lambda: [outages.ended(kind, timeout=5, lines=1000) for kind in outages.KINDS],
    "terminated": lambda: [outages.terminated(kind, timeout=5) for kind in outages.KINDS],
    "bounded": lambda: [
        outages.bounded(lines=5000),
        outages.bounded(lines=5000, processes=2),
    ],
    "old": lambda: [rates.old(25), rates.old(15 * 24)],
    "backlog": lambda: rates.backlog(lines=1_000_000),
    "cost": lambda: [rates.cost(), rates.cost(lines=50_000, pause_us=0)],
    "responders": responders.at_once,
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
    "responders": lambda: responders.at_once(pace=20),
}


def main() -> int:
    """Runs the named cases, or all of them. Returns the number of broken promises."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("cases", nargs="*", choices=[*LONG, []], default=[])
    arguments = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    broken = 0
    for name, case in (SHORT if arguments.short else LONG).items():
        if arguments.cases and name not in arguments.cases:
            continue
        begun = time.monotonic()
        outcomes = case()
        for outcome in outcomes if isinstance(outcomes, list) else [outcomes]:
            failed = outcome.broken + outcome.late
            broken += len(failed)
            figures = ", ".join(f"{key} {value}" for key, value in outcome.figures.items())
            verdict = f"BROKEN: {'; '.join(failed)}" if failed else "kept"
            console.print(f"{outcome.case}: {figures}: {verdict}")
        console.print(f"    ({time.monotonic() - begun:.0f} s)")
    return broken


if __name__ == "__main__":
    sys.exit(min(main(), 1))
