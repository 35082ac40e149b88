"""The cost of starting a process: import time, `init_app`, and memory at rest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles

from benchmarks.stage import ROOT, settings
from benchmarks.variants import BARE, BY_NAME, OURS, absence
from tests.fake_logs import FakeLogsProcess

#: The modules that are imported after Flask, structlog and orjson, by the name in the table.
IMPORTS: Mapping[str, tuple[str, ...]] = {
    "flask-errwatch": ("flask_errwatch",),
    "watchtower, with boto3": ("watchtower",),
    "Powertools Logger": ("aws_lambda_powertools",),
    "OpenTelemetry Flask": (
        "opentelemetry.instrumentation.flask",
        "opentelemetry.sdk.trace.export",
    ),
    "sentry-sdk": ("sentry_sdk", "sentry_sdk.integrations.flask"),
}
#: Compared in memory: watchtower, structlog and orjson, with a client that has sent.
MEMORY_PEER = "watchtower, sending"

_IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


def measure(*, repeats: int) -> dict[str, object]:
    """Import, initialisation and memory, each in so many new processes."""
    with FakeLogsProcess(0) as fake, settings(fake.url) as env:
        run = _Newborns(env)
        run("imports", "flask_errwatch")  # writes the bytecode if it is missing
        return {
            "imports": _in_turn(
                {name: ("imports", *modules) for name, modules in IMPORTS.items()},
                run,
                repeats,
                missing=lambda name: absence(IMPORTS[name]),
            ),
            "init": _in_turn({"flask-errwatch": ("init",)}, run, repeats),
            "memory": _in_turn(
                {name: ("rest", name) for name in (BARE.name, OURS.name, MEMORY_PEER)},
                run,
                max(2, repeats // 4),
                missing=lambda name: BY_NAME[name].missing or _no_smaps(),
            ),
            "dearest": _dearest(env, max(2, repeats // 4)),
        }


class _Newborns:
    """Starts new processes and returns their figures."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def __call__(self, *arguments: str) -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.newborn", *arguments],
            cwd=ROOT,
            env=self._env,
            capture_output=True,
            text=True,
            check=True,
        )
        figures: dict[str, float] = json.loads(done.stdout)
        return figures


def _in_turn(
    asked: Mapping[str, tuple[str, ...]],
    run: _Newborns,
    repeats: int,
    missing: Callable[[str], str] = lambda _: "",
) -> dict[str, object]:
    """Median and quartiles of each figure. Variants alternate, so that a busy time affects all."""
    skipped = {name: missing(name) for name in asked}
    answers_of: dict[str, list[dict[str, float]]] = {
        name: [] for name in asked if not skipped[name]
    }
    for _ in range(repeats):
        for name, answers in answers_of.items():
            answers.append(run(*asked[name]))
    return {
        name: {"skipped": skipped[name]} if skipped[name] else _figures(answers_of[name])
        for name in asked
    }


def _figures(answers: list[dict[str, float]]) -> dict[str, list[float]]:
    """Median and quartiles of each figure."""
    figures = {}
    for key in answers[0]:
        values = [answer[key] for answer in answers]
        low, _, high = quantiles(values, n=4)
        figures[key] = [round(value, 3) for value in (median(values), low, high)]
    return figures


def _no_smaps() -> str:
    return "" if Path("/proc/self/smaps_rollup").exists() else "skipped: needs Linux"


def _dearest(env: Mapping[str, str], repeats: int, most: int = 12) -> list[dict[str, object]]:
    """The slowest modules of our import, each without its own imports, as medians."""
    times: dict[str, list[int]] = {}
    for _ in range(repeats):
        for name, microseconds in _import_times(env):
            times.setdefault(name, []).append(microseconds)
    medians = sorted(((median(own) / 1000, name) for name, own in times.items()), reverse=True)
    return [{"module": name, "ms": ms} for ms, name in medians[:most]]


def _import_times(env: Mapping[str, str]) -> list[tuple[str, int]]:
    """Each module of one import and its microseconds (`-X importtime`)."""
    before = "import flask, structlog, orjson, sys; sys.stderr.write('---\\n')"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"{before}; import flask_errwatch"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = _IMPORT_TIME.findall(done.stderr.split("---\n")[1])
    return [(name, int(own)) for own, name in modules]
