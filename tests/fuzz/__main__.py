"""`python -m tests.fuzz`: tries random inputs on every target. Exits with 1 if one fails.

Each target gets an equal share of the time, and new inputs in each run. The input that failed is
printed as short as Hypothesis can make it, with the command that finds it again. Names of targets
select some of them.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import journal, log_readers, patterns, redaction, request_line


class Target(NamedTuple):
    """What is fuzzed.

    Attributes:
        inputs: The strategy of its inputs.
        check: Raises when an input breaks a promise.
    """

    inputs: st.SearchStrategy[object]
    check: Callable[..., None]


TARGETS = {
    "request-line": Target(request_line.REQUESTS, request_line.check),
    "redaction": Target(redaction.TEXTS, redaction.check),
    "patterns": Target(patterns.PATTERNS, patterns.check),
    "log-readers": Target(log_readers.LOGS, log_readers.check),
    "journal": Target(journal.JOURNALS, journal.check),
}

#: Inputs of one seed. Only between two seeds is the time looked at.
_BATCH = 100
#: Seconds of processor time, which a busy machine does not change, after which an input counts as
#: one that never ends. Others take milliseconds.
_ENDLESS = 30
_SETTINGS = settings(
    max_examples=_BATCH,
    phases=(Phase.generate, Phase.shrink),
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


class EndlessError(AssertionError):
    """An input on which a target does not end."""


@contextmanager
def _bounded() -> Iterator[None]:
    """Raises where the block does not end, also inside a regular expression."""

    def end(_signal: int, _frame: object) -> None:
        raise EndlessError(f"this input takes more than {_ENDLESS} s")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, _ENDLESS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _try(target: Target, number: int) -> int:
    """Tries the inputs of one seed, and returns how many they were."""
    tried = 0

    def check(value: object) -> None:
        nonlocal tried
        tried += 1
        with _bounded():
            target.check(value)

    seed(number)(_SETTINGS(given(value=target.inputs)(check)))()
    return tried


def fuzz(name: str, seconds: float, only: int | None) -> bool:
    """Tries inputs on a target for so many seconds, or those of one seed.

    Returns:
        Whether all promises were kept.
    """
    until = time.monotonic() + seconds
    tried = 0
    while True:
        number = secrets.randbits(32) if only is None else only
        try:
            tried += _try(TARGETS[name], number)
        except Exception as error:  # noqa: BLE001 - whatever a target raises is a finding
            print(f"{name}: FAILED after {tried:,} inputs", flush=True)  # noqa: T201
            traceback.print_exception(error, file=sys.stdout)  # with the input, in a note
            print(f"Again: python -m tests.fuzz {name} --seed {number}", flush=True)  # noqa: T201
            return False
        if only is not None or time.monotonic() >= until:
            print(f"{name}: {tried:,} inputs, all promises kept", flush=True)  # noqa: T201
            return True


def main() -> int:
    """Fuzzes the named targets, or all of them. Returns how many of them failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20, help="for all targets together")
    parser.add_argument("--seed", type=int, help="tries only the inputs of this seed")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], default=[])
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # apps log what they raise, thousands of times
    names = arguments.targets or [*TARGETS]
    share = arguments.seconds / len(names)
    return [fuzz(name, share, arguments.seed) for name in names].count(False)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
