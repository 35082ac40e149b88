"""The short forms of the stress cases: `make stress-short`. `make stress` runs the long ones.

Each test asserts the promises that its case makes, except those about time.
"""

from __future__ import annotations

import pytest

from tests.stress import outages, rates, responders, workers
from tests.stress.harness import Outcome

pytestmark = pytest.mark.stress

uwsgi = pytest.mark.skipif(not workers.UWSGI.exists(), reason="pyuwsgi is not installed")


def broken(*outcomes: Outcome) -> list[Outcome]:
    """The outcomes that broke a promise, with all figures."""
    return [outcome for outcome in outcomes if outcome.broken]


@pytest.mark.parametrize(
    "model",
    [
        *("sync", "gthread", "gevent", "sync preload", "gthread preload", "gevent preload"),
        "sync max-requests",
        pytest.param("uwsgi", marks=uwsgi),
        pytest.param("uwsgi+threads", marks=uwsgi),
    ],
)
def test_every_line_arrives_once(model: str) -> None:
    """Whatever serves the app, each line arrives once, before SIGTERM has ended it."""
    assert broken(workers.served(model)) == []


def test_a_kill_loses_nothing() -> None:
    """After `kill -9` of all processes, the next ones deliver the lines of answered requests."""
    assert broken(workers.killed()) == []


@pytest.mark.parametrize(
    "model",
    [
        *("sync", "gthread", "gevent", "script", "reloader"),
        pytest.param("uwsgi", marks=uwsgi),
        pytest.param("uwsgi+threads", marks=uwsgi),
    ],
)
def test_can_be_used_from_signal_handlers_and_finalizers(model: str) -> None:
    """Reports from a signal handler and from finalizers cause no deadlock and are not lost."""
    assert broken(workers.noisy(model, seconds=1)) == []


def test_a_reload_loses_nothing() -> None:
    """When Flask's reloader replaces the process, no line is lost."""
    assert broken(workers.reloaded()) == []


@pytest.mark.parametrize(
    "way", ["plain", "fork", "spawn", "dictConfig", "shutdown", "os._exit", "raises"]
)
def test_a_script_loses_nothing_however_it_ends(way: str) -> None:
    """Lines of scripts and of their children arrive once, from them or from the next process."""
    assert broken(workers.script(way)) == []


def test_an_outage_loses_nothing() -> None:
    """Through an outage of every kind no line is lost, and memory stays flat."""
    assert broken(*outages.outages()) == []


def test_a_deleted_stream_or_group_loses_nothing() -> None:
    """Nothing is lost when the streams and the group are deleted while lines flow."""
    assert broken(outages.deleted()) == []


def test_a_slow_stream_loses_nothing() -> None:
    """While a stream is created, lines wait."""
    assert broken(outages.slow_stream()) == []


def test_ends_in_an_outage() -> None:
    """Three apps in an outage of several kinds: the process ends, and its lines are kept."""
    assert broken(*outages.all_ended()) == []


def test_is_terminated_in_an_outage() -> None:
    """A server ends too, and loses nothing."""
    assert broken(outages.terminated("hang")) == []


def test_the_oldest_lines_are_lost_when_the_journal_is_full() -> None:
    """Past the bound the oldest lines are lost, and exactly as many are reported afterwards."""
    assert broken(outages.bounded()) == []


@pytest.mark.parametrize("hours", [25, 15 * 24])
def test_an_old_line_does_not_affect_others(hours: int) -> None:
    """A line of 25 hours arrives with the others. One of 15 days is counted and logged."""
    assert broken(rates.old(hours)) == []


def test_a_backlog_arrives_in_bounded_memory() -> None:
    """A backlog arrives completely and once, and memory does not grow with it."""
    assert broken(rates.backlog()) == []


def test_responders_at_the_same_time() -> None:
    """Eight people block five addresses each: all of them are blocked, and others stay."""
    assert broken(responders.at_once(pace=20)) == []


def test_the_cost_of_a_line_can_be_measured() -> None:
    """The measurement of the cost works. Its result is not asserted."""
    assert rates.cost(rounds=1, lines=50).figures["ratio"] != 0
