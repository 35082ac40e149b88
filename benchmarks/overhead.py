"""The cost of each variant per request, as a ratio to bare Flask, strictly interleaved.

Two processes at a time on one pinned core, bare and variant alternating, in slices of about 4 ms.
A ratio is a slice of the variant divided by the mean of the bare slices before and after it, which
cancels out other load. The time is that of the serving thread (`CLOCK_THREAD_CPUTIME_ID`). The
time of the other threads is reported separately.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benchmarks.app import PATHS
from benchmarks.stage import ROOT, measuring_core, settings
from benchmarks.variants import BARE, VARIANTS, Variant
from tests.fake_logs import FakeLogsProcess

if TYPE_CHECKING:
    from typing import Self

_SLICE_NS = 4_000_000
_FAILING = [case for case in PATHS if case != "200"]
#: Valid ratios of the control. Outside, the machine was too busy for valid figures.
CONTROL_BOUNDS = (0.97, 1.03)


@dataclass(slots=True)
class Cell:
    """The measurements of one variant and one kind of response.

    Attributes:
        ratios: Variant divided by bare, one for each slice.
        bare_ns: Nanoseconds of a bare request, one for each slice.
        variant_ns: The same for the variant.
        other_ns: Total nanoseconds of the variant's other threads.
        requests: Number of requests that the variant served.
    """

    ratios: list[float] = field(default_factory=list)
    bare_ns: list[float] = field(default_factory=list)
    variant_ns: list[float] = field(default_factory=list)
    other_ns: int = 0
    requests: int = 0

    def figures(self) -> dict[str, float | int]:
        """The medians and the spread, in the form of `results.json`."""
        low, _, high = quantiles(self.ratios, n=4)
        return {
            "ratio": round(median(self.ratios), 3),
            "low": round(low, 3),
            "high": round(high, 3),
            "pairs": len(self.ratios),
            "bare_us": round(median(self.bare_ns) / 1000, 1),
            "us": round(median(self.variant_ns) / 1000, 1),
            "other_us": round(self.other_ns / self.requests / 1000, 1),
        }


class Subject:
    """One process that serves one variant."""

    def __init__(self, variant: Variant, core: int, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.subject", variant.name, str(core)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def warm_up(self) -> None:
        """Determines the number of requests in a slice."""
        for case in PATHS:
            request_ns, _ = self._ask(f"{case} 0")
            self._counts[case] = max(1, round(_SLICE_NS / request_ns))
        self.settle()

    def settle(self) -> int:
        """Nanoseconds of all other threads since the start, once they are idle."""
        own, every = self._ask("settle")
        return every - own

    def slice(self, case: str) -> float:
        """Nanoseconds per request."""
        return self._ask(f"{case} {self._counts[case]}")[0] / self._counts[case]

    def count(self, case: str) -> int:
        """Requests per slice."""
        return self._counts[case]

    def _ask(self, what: str) -> tuple[int, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if len(answer) != 2:
            raise RuntimeError(f"a subject ended when it was asked {what!r}")
        return int(answer[0]), int(answer[1])


@contextmanager
def _pair(variant: Variant, endpoint: str) -> Iterator[tuple[Subject, Subject]]:
    core = measuring_core()
    with ExitStack() as stack:
        env = stack.enter_context(settings(endpoint))
        bare = stack.enter_context(Subject(BARE, core, env))
        other = stack.enter_context(Subject(variant, core, env))
        for subject in (bare, other):
            subject.warm_up()
        yield bare, other


def measure(*, rounds: int, pairs: int) -> dict[str, object]:
    """Measures every variant that can be measured here.

    Args:
        rounds: How often each pair of processes is started.
        pairs: Slices of each kind of response in each round.

    Returns:
        For each variant the figures of each kind of response, or why it was skipped.
    """
    cells = {v.name: {case: Cell() for case in PATHS} for v in VARIANTS if not v.missing}
    with _others_elsewhere(), FakeLogsProcess(0) as fake:
        for _ in range(rounds):
            for variant in VARIANTS:
                if not variant.missing:
                    with _pair(variant, fake.url) as (bare, other):
                        for case, cell in cells[variant.name].items():
                            _interleave(bare, other, case, pairs, cell)
        refusals = fake.refusals
    assert not refusals, refusals
    return {
        variant.name: (
            {"skipped": variant.missing}
            if variant.missing
            else {case: cell.figures() for case, cell in cells[variant.name].items()}
        )
        for variant in VARIANTS
    }


@contextmanager
def _others_elsewhere() -> Iterator[None]:
    """Keeps this process and the endpoint off the measuring core, if there is another."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before - {measuring_core()} or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _interleave(bare: Subject, other: Subject, case: str, pairs: int, cell: Cell) -> None:
    others_before = other.settle()
    before = bare.slice(case)
    for _ in range(pairs):
        took = other.slice(case)
        after = bare.slice(case)
        cell.ratios.append(took * 2 / (before + after))
        cell.bare_ns.append(after)
        cell.variant_ns.append(took)
        before = after
    cell.other_ns += other.settle() - others_before
    cell.requests += pairs * other.count(case)


def doubts(control: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Why a run is not valid: each control outside its bounds."""
    low, high = CONTROL_BOUNDS
    return [
        f"the control of {case} reads {figures['ratio']:.3f}, not {low} to {high}"
        for case, figures in control.items()
        if not low <= figures["ratio"] <= high
    ]
