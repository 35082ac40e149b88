"""The children of Celery's prefork pool, which end with `os._exit`, send their lines before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.stress.harness import Stage, stage, wait_until

_CELERY = (sys.executable, "-m", "celery", "-A", "tests.servers.tasks:celery")
_WORKER = (
    *("worker", "--concurrency", "1", "--max-tasks-per-child", "1", "--loglevel", "info"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
)


@pytest.fixture
def on() -> Iterator[Stage]:
    """A stage that sends no line but a critical one before its time."""
    with stage(SHUTDOWN_TIMEOUT=50) as set_up:
        yield set_up


def test_a_child_that_is_replaced_after_its_task(on: Stage) -> None:
    """With `--max-tasks-per-child 1` no later task of the child could send its line."""
    broker = on.folder / "broker"
    broker.mkdir()
    on.extra["BROKER"] = str(broker)
    worker = on.start(*_CELERY, *_WORKER)
    worker.wait_for("ready.")
    call = [*_CELERY, "call", "tests.servers.tasks.fail", "--args", "[7]"]
    subprocess.run(call, env=on.env(), check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert wait_until(lambda: on.fake.count() == 1), worker.output
    (line,) = on.arrived()
    assert (line["exception"]["message"], line["pid"] == worker.process.pid) == ("7", False)
