"""`flask_errwatch.celery.watch`, in real workers and in eager tasks."""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import celery
import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.celery import watch
from flask_errwatch.testing import capture_events
from tests.fake_logs import FakeLogs
from tests.stress.harness import wait_until
from tests.wsgi_driver import events_of, watched

ROOT = Path(__file__).parents[1]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """The Celery app of `celery_shop`, whose messages go to a folder."""
    broker = tmp_path / "broker"
    broker.mkdir()
    monkeypatch.setenv("SHOP_BROKER", str(broker))
    monkeypatch.setenv("ERRWATCH_JOURNAL_DIR", str(tmp_path / "journal"))
    monkeypatch.setenv("ERRWATCH_HEARTBEAT_SECONDS", "0")
    sys.modules.pop("tests.celery_shop", None)  # pytest may have imported it
    yield importlib.import_module("tests.celery_shop")
    del sys.modules["tests.celery_shop"]


@contextmanager
def worker(tmp_path: Path, fake: FakeLogs, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a process of its own, which is ended."""
    environment = {
        **{key: value for key, value in os.environ.items() if "proxy" not in key.lower()},
        "ERRWATCH_ENDPOINT_URL": fake.url,
        "ERRWATCH_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "C_FORCE_ROOT": "1",
    }
    command = [sys.executable, "-m", "celery", "-A", "tests.celery_shop:celery_app", "worker"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "info"]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *quiet, *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def events(fake: FakeLogs) -> list[dict[str, Any]]:
    """The events that arrived, by job."""
    found = [json.loads(line.message) for line in fake.lines()]
    return sorted(found, key=lambda event: str(event["data"].get("job")))


def failures(fake: FakeLogs) -> list[dict[str, Any]]:
    """The lines of failed tasks. A child that is killed has a line of its own besides."""
    return [event for event in events(fake) if event["event"] != "Process Died"]


@pytest.mark.stress
def test_a_prefork_worker(shop: ModuleType, tmp_path: Path) -> None:
    """Each failure has one line with the task's name and id; control flow has none.

    A killed child and an exceeded time limit are recorded by the worker's main process. So is a
    task that the worker does not know.
    """
    tasks = ["crash", "decorated", "unpicklable", "ignored", "rejected", "expected"]
    sent = {name: getattr(shop, name) for name in [*tasks, "killed", "endless"]}
    ids = {
        name: (task.delay(7) if name == "crash" else task.delay()).id for name, task in sent.items()
    }
    ids["unknown"] = shop.celery_app.send_task("shop.unknown").id
    with FakeLogs() as fake, worker(tmp_path, fake, "-c", "2", "-P", "prefork") as process:
        assert wait_until(lambda: len(failures(fake)) >= 6), (tmp_path / "worker.log").read_text()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        arrived = failures(fake)
    assert [
        (event["data"]["job"], event["exception"]["type"], event["data"]["task_id"])
        for event in arrived
    ] == [
        ("import", "LookupError", ids["decorated"]),
        ("shop.crash", "ValueError", ids["crash"]),
        ("shop.endless", "billiard.exceptions.TimeLimitExceeded", ids["endless"]),
        ("shop.killed", "billiard.exceptions.WorkerLostError", ids["killed"]),
        ("shop.unknown", "celery.exceptions.NotRegistered", ids["unknown"]),
        ("shop.unpicklable", "tests.celery_shop.UnpicklableError", ids["unpicklable"]),
    ]
    crash = arrived[1]
    assert (crash["event"], crash["exception"]["handled"]) == ("Critical Error", False)
    assert (crash["data"]["queue"], crash["data"]["retries"]) == ("celery", 0)
    assert crash["exception"]["frames"][-1]["function"] == "crash"


@pytest.mark.stress
@pytest.mark.parametrize(
    "arguments",
    [("-c", "1", "--max-tasks-per-child", "1"), ("-c", "2", "-P", "threads"), ("-P", "solo")],
    ids=["one task per child", "threads", "solo"],
)
def test_every_pool(arguments: tuple[str, ...], shop: ModuleType, tmp_path: Path) -> None:
    """Lines arrive while the worker runs, also those of children that end after one task."""
    for number in range(3):
        shop.crash.delay(number)
    with FakeLogs() as fake, worker(tmp_path, fake, *arguments):
        assert fake.wait_for(3, 120), (tmp_path / "worker.log").read_text()
        messages = [event["exception"]["message"] for event in events(fake)]
    assert sorted(messages) == ["order 0", "order 1", "order 2"]


# Eager tasks, in this process.


def test_eager_tasks(shop: ModuleType) -> None:
    """`apply` and `task_always_eager` run the task here, and have the same events."""
    with capture_events() as captured:
        shop.crash.apply(args=(7,))
        shop.decorated.apply()
        for name in ("ignored", "expected", "recovering"):
            getattr(shop, name).apply()
    assert [(event["data"]["job"], event["data"]["retries"]) for event in captured] == [
        ("shop.crash", 0),
        ("import", 0),
    ]
    assert all(event["data"]["task_id"] for event in captured)


@pytest.mark.parametrize(("name", "job"), [("retrying", "shop.retrying"), ("retried", "retried")])
def test_the_last_retry(name: str, job: str, shop: ModuleType) -> None:
    """A task that fails again and again has one line, for its last attempt."""
    with capture_events() as captured:
        getattr(shop, name).apply()
    (event,) = captured
    assert (event["data"]["job"], event["data"]["retries"]) == (job, 2)
    assert event["exception"]["type"] == "OSError"


def test_a_task_inside_a_task(shop: ModuleType) -> None:
    """Each has its own line if it fails, and one that is called as a function has none."""

    @shop.celery_app.task(name="shop.outer", shared=False)  # type: ignore[untyped-decorator]
    def outer() -> None:
        shop.crash.apply(args=(1,))
        shop.crash(2)

    with capture_events() as captured:
        outer.apply()
    assert [(event["data"]["job"], event["exception"]["message"]) for event in captured] == [
        ("shop.crash", "order 1"),
        ("shop.outer", "order 2"),
    ]


def small_celery() -> Any:
    """A Celery app without a broker, with a task that fails."""
    app = celery.Celery("small", broker="memory://")

    @app.task(name="small.crash", shared=False)  # type: ignore[untyped-decorator]
    def crash() -> None:
        raise ValueError("small")

    return app


def test_another_celery_app_is_not_watched() -> None:
    """Signals are those of all Celery apps in a process."""
    flask_app = Flask("shop")
    errwatch = watched(flask_app)
    one, other = small_celery(), small_celery()
    watch(one, errwatch)
    other.tasks["small.crash"].apply()
    assert events_of(flask_app) == []
    one.tasks["small.crash"].apply()
    assert len(events_of(flask_app)) == 1


def test_a_second_call_replaces_the_first() -> None:
    """A factory may run twice for one Celery app: a failure still has one line."""
    first, second = Flask("first"), Flask("second")
    tasks = small_celery()
    watch(tasks, watched(first))
    watch(tasks, watched(second))
    tasks.tasks["small.crash"].apply()
    assert [len(events_of(app)) for app in (first, second)] == [0, 1]


def test_the_flask_app_may_be_named() -> None:
    """It must be, if the extension was initialised on several."""
    errwatch = ErrWatch()
    apps = [Flask("one"), Flask("two")]
    for app in apps:
        app.config["ERRWATCH_SINKS"] = "memory"
        errwatch.init_app(app)
    tasks = small_celery()
    watch(tasks, errwatch, app=apps[1])
    tasks.tasks["small.crash"].apply()
    assert [len(events_of(app)) for app in apps] == [0, 1]


def test_a_task_whose_failure_celery_logs() -> None:
    """Celery's own record of the failure, and the task's, add no line."""
    flask_app = Flask("shop")
    errwatch = watched(flask_app, logged_errors=True)
    tasks = small_celery()

    @tasks.task(name="small.logging", shared=False)  # type: ignore[untyped-decorator]
    def logs() -> None:
        try:
            int("small")
        except ValueError:
            logging.getLogger("small").exception("failed")
            raise

    watch(tasks, errwatch)
    tasks.tasks["small.crash"].apply()
    logs.apply()
    assert [event["detector"] for event in events_of(flask_app)] == ["critical-error"] * 2


def test_the_extension_does_not_import_celery() -> None:
    """Only an app that uses Celery pays for it."""
    program = "import sys, flask_errwatch; print('celery' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
