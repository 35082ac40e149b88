"""`python -m benchmarks`: runs every measurement, prints tables and updates the repository.

Writes `benchmarks/results.json`, `benchmarks/overhead.svg` and the tables of
`docs/performance.md`, in the repository given by `--repository`. With `--quick` it only tries
everything and its figures are worthless. With `--output FOLDER` it writes the files there, and
does not change the documentation.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import (
    addresses_redaction,
    chart,
    delivery,
    fields,
    imports,
    money,
    overhead,
    report,
    switches,
)
from benchmarks.stage import ROOT
from benchmarks.variants import CONTROL, VARIANTS, is_compiled

_PACKAGES = (
    *("Flask", "Werkzeug", "structlog", "orjson", "boto3", "watchtower", "python-json-logger"),
    *("aws-lambda-powertools", "opentelemetry-sdk", "opentelemetry-instrumentation-flask"),
    "sentry-sdk",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: New pairs of processes for each variant.
        pairs: Slices of each kind of response in a round.
        newborns: New processes for each import time.
        backlog: Lines of a backlog.
        repeats: Times that a backlog is delivered.
        replayed_mb: MB of log that are replayed.
    """

    rounds: int
    pairs: int
    newborns: int
    backlog: int
    repeats: int
    replayed_mb: int


# Many pairs of processes, each for a short time: because of their memory layout, two processes
# differ more than two slices of one process.
FULL = Effort(rounds=10, pairs=12, newborns=20, backlog=100_000, repeats=3, replayed_mb=40)
QUICK = Effort(rounds=1, pairs=2, newborns=2, backlog=100, repeats=1, replayed_mb=4)


def main() -> int:
    """Measures, prints and writes. Returns 1 if the machine was too busy for valid figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only try everything")
    parser.add_argument("--output", type=Path, help="folder for the files")
    parser.add_argument(
        "--repository", type=Path, default=ROOT, help="root of the repository to update"
    )
    arguments = parser.parse_args()
    console = Console(highlight=False)
    results = measure(QUICK if arguments.quick else FULL, console)
    for table in report.tables(results).values():
        table.show(console)
    doubts = [] if arguments.quick else overhead.doubts(results["overhead"][CONTROL.name])
    if doubts:
        console.print(f"Discarded: {'; '.join(doubts)}. Run it again when the machine is quiet.")
        return 1
    if arguments.output or not arguments.quick:
        write(results, arguments.output or arguments.repository / "benchmarks", console)
    if not arguments.output and not arguments.quick:
        report.update(arguments.repository / "docs" / "performance.md", results)
    return 0


def measure(effort: Effort, console: Console) -> dict[str, Any]:
    """All results, in the form of `results.json`."""
    parts: dict[str, Callable[[], object]] = {
        "overhead": lambda: overhead.measure(rounds=effort.rounds, pairs=effort.pairs),
        "switches": lambda: switches.measure(pairs=effort.rounds * effort.pairs * 3),
        "addresses_redaction": lambda: addresses_redaction.measure(
            pairs=effort.rounds * effort.pairs * 3
        ),
        "fields": lambda: fields.measure(pairs=effort.rounds * effort.pairs * 3),
        "imports": lambda: imports.measure(repeats=effort.newborns),
        "delivery": lambda: delivery.measure(lines=effort.backlog, repeats=effort.repeats),
        "replay": lambda: _replay(effort.replayed_mb),
        "money": money.measure,
    }
    results: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": _machine(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "sends": {variant.name: variant.sends for variant in VARIANTS},
    }
    for name, part in parts.items():
        with _timed(console, name):
            results[name] = part()
    return results


def write(results: dict[str, Any], folder: Path, console: Console) -> None:
    """Writes the raw figures and the chart."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(f"{text}\n", "utf-8")
    reason = chart.draw(results["overhead"], folder / "overhead.svg")
    if reason:
        console.print(reason)


@contextmanager
def _timed(console: Console, what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    console.print(f"{what}: {time.monotonic() - begun:.0f} s", style="dim")


def _replay(megabytes: int) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.replay", str(megabytes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    return {"formats": [figure for figure in figures if "ratio" in figure]}


def _machine() -> dict[str, object]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": cores,
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "flask-errwatch": "compiled" if is_compiled() else "not compiled",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else "unknown"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())
