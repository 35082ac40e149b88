"""Back-off: it grows, is capped, and says once that it opened."""

from __future__ import annotations

from flask_errwatch.delivery.backoff import Breaker


def _wait_after(breaker: Breaker, now: float) -> float:
    """How long the breaker refuses to try, to a hundredth of a second."""
    hundredths = 0
    while not breaker.may_try(now + hundredths / 100):
        hundredths += 1
    return hundredths / 100


def test_the_wait_grows_to_a_cap() -> None:
    """The first wait is at most 0.5 s, and none is longer than 10 s."""
    breaker = Breaker()
    breaker.failed(0.0)
    assert 0.25 <= _wait_after(breaker, 0.0) <= 0.5
    for _ in range(20):
        breaker.failed(0.0)
    assert 5.0 <= _wait_after(breaker, 0.0) <= 10.0


def test_it_opens_at_the_second_failure_and_closes_once() -> None:
    """One failure is ordinary; the second opens it, which is told once, as is the closing."""
    breaker = Breaker()
    assert [breaker.failed(0.0) for _ in range(4)] == [False, True, False, False]
    assert breaker.is_open
    assert [breaker.succeeded() for _ in range(2)] == [True, False]
    assert not breaker.is_open


def test_a_hurry_lets_the_next_try_come_at_once() -> None:
    """A process that ends does not wait for the back-off."""
    breaker = Breaker()
    breaker.failed(100.0)
    assert not breaker.may_try(100.0)
    breaker.hurry()
    assert breaker.may_try(100.0)
