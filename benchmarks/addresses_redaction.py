"""Which share of an event's cost is that of addresses and redaction.

`python -m benchmarks.addresses_redaction PAIRS`: three apps in one process take turns in slices of
about 4 ms: bare Flask, flask-errwatch, and flask-errwatch that neither looks for secrets nor
derives an address. The share is what the second costs more than the third, by what it costs more
than the first. The time is that of the serving thread, and lines are kept in memory.
"""

from __future__ import annotations

from statistics import median
from unittest.mock import patch

from flask import Flask

from benchmarks.app import PATHS, make_app, nanoseconds
from benchmarks.turns import SLICE, WARM_UP, in_own_process, print_figures, watched_app
from flask_errwatch.capture.client_address import ClientAddress


class _Trusting:
    """Does nothing in place of addresses and redaction."""

    def __init__(self, *_given: object, **_options: object) -> None:
        self._client = ClientAddress("192.0.2.7", "peer", "verified")

    def client(self, _environ: object) -> ClientAddress:
        """Always the same client."""
        return self._client

    def path(self, path: str, _rule: object) -> tuple[str, int]:
        """The path as it is."""
        return path, 0

    def word(self, value: str) -> tuple[str, int]:
        """The value as it is."""
        return value, 0

    def header(self, value: str, _length: int = 0) -> str:
        """The value as it is."""
        return value

    def bounded(self, text: str, _limit: int, _effort: object) -> str:
        """The text as it is."""
        return text

    def is_secret(self, _name: str) -> bool:
        """Never."""
        return False


def measure(*, pairs: int) -> dict[str, float]:
    """The shares, measured in a process of its own.

    Args:
        pairs: Slices of each app and kind of response.
    """
    return in_own_process("addresses_redaction", pairs)


def shares(pairs: int) -> dict[str, float]:
    """The share of each failing response, between 0 and 1.

    Args:
        pairs: Slices of each app and kind of response.
    """
    measured = apps()
    return {case: _share(measured, path, pairs) for case, path in PATHS.items() if case != "200"}


def apps() -> tuple[Flask, Flask, Flask]:
    """The three apps: bare Flask, with addresses and redaction, and without."""
    with (
        patch("flask_errwatch.capture.recorder.address_rule", _Trusting),
        patch("flask_errwatch.capture.recorder.RequestRedactor", _Trusting),
        patch("flask_errwatch.capture.recorder.Redactor", _Trusting),
    ):
        trusting = watched_app(ERRWATCH_SINKS="memory")
    return make_app(), watched_app(ERRWATCH_SINKS="memory"), trusting


def _share(apps: tuple[Flask, Flask, Flask], path: str, pairs: int) -> float:
    for app in apps:
        nanoseconds(app, path, WARM_UP)
    turns = [[nanoseconds(app, path, SLICE) for app in apps] for _ in range(pairs)]
    bare, full, trusting = (median(times) for times in zip(*turns, strict=True))
    return round(float((full - trusting) / (full - bare)), 3)


if __name__ == "__main__":
    print_figures(shares)
