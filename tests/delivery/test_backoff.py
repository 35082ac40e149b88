"""Back-off: it grows to a cap, and reports once that it opened."""

from __future__ import annotations

from flask_errwatch.delivery.backoff import Backoff


def _wait_after(backoff: Backoff, now: float) -> float:
    """Seconds until the next try is allowed, in hundredths."""
    hundredths = 0
    while not backoff.may_try(now + hundredths / 100):
        hundredths += 1
    return hundredths / 100


def test_the_wait_grows_to_a_cap() -> None:
    """The first wait is at most 0.5 s, and none is longer than 10 s."""
    backoff = Backoff()
    backoff.failed(0.0)
    assert 0.25 <= _wait_after(backoff, 0.0) <= 0.5
    for _ in range(20):
        backoff.failed(0.0)
    assert 5.0 <= _wait_after(backoff, 0.0) <= 10.0


def test_it_opens_at_the_second_failure_and_closes_once() -> None:
    """One failure is ordinary. The second opens it, and a success closes it: each once."""
    backoff = Backoff()
    assert [backoff.failed(0.0) for _ in range(4)] == [False, True, False, False]
    assert backoff.is_open
    assert [backoff.succeeded() for _ in range(2)] == [True, False]
    assert not backoff.is_open


def test_a_reset_allows_the_next_try_at_once() -> None:
    """A process that ends does not wait for the back-off."""
    backoff = Backoff()
    backoff.failed(100.0)
    assert not backoff.may_try(100.0)
    backoff.reset()
    assert backoff.may_try(100.0)
