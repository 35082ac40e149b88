"""A Celery app with watched tasks, for a worker that a test starts. Its broker is a folder."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from celery import Celery
from celery.exceptions import Ignore, Reject
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.celery import watch

flask_app = Flask("shop")
errwatch = ErrWatch(flask_app)

folder = os.environ.get("SHOP_BROKER")  # None while pytest looks for examples in here
if folder is not None:
    Path(folder, "control").mkdir(exist_ok=True)
celery_app = Celery(
    "shop",
    broker="filesystem://",
    broker_transport_options={
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
    },
)
celery_app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
watch(celery_app, errwatch)


def call_a_service() -> None:
    """Fails."""
    raise OSError("down")


class UnpicklableError(Exception):
    """Cannot be sent to the worker's main process as it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


@celery_app.task(name="shop.crash", shared=False)  # type: ignore[untyped-decorator]
def crash(number: int) -> None:
    """Fails."""
    raise ValueError(f"order {number}")


@celery_app.task(name="shop.decorated", shared=False)  # type: ignore[untyped-decorator]
@errwatch.watch("import")
def decorated() -> None:
    """Fails under a watch of its own."""
    raise LookupError("no file")


@celery_app.task(name="shop.unpicklable", shared=False)  # type: ignore[untyped-decorator]
def unpicklable() -> None:
    """Fails with an exception that Celery replaces."""
    raise UnpicklableError("odd")


@celery_app.task(name="shop.ignored", shared=False)  # type: ignore[untyped-decorator]
def ignored() -> None:
    """Does not fail."""
    raise Ignore


@celery_app.task(name="shop.rejected", shared=False)  # type: ignore[untyped-decorator]
def rejected() -> None:
    """Does not fail."""
    raise Reject(requeue=False)


@celery_app.task(name="shop.expected", shared=False, throws=(KeyError,))  # type: ignore[untyped-decorator]
def expected() -> None:
    """Raises what it announces."""
    raise KeyError("expected")


@celery_app.task(name="shop.retrying", shared=False, bind=True, max_retries=2)  # type: ignore[untyped-decorator]
def retrying(self: Any) -> None:
    """Fails at its last attempt."""
    try:
        call_a_service()
    except OSError as error:
        raise self.retry(exc=error, countdown=0) from error


@celery_app.task(  # type: ignore[untyped-decorator]
    name="shop.retried",
    shared=False,
    autoretry_for=(OSError,),
    max_retries=2,
    default_retry_delay=0,
)
@errwatch.watch("retried")
def retried() -> None:
    """Fails at its last attempt."""
    raise OSError("always down")


@celery_app.task(name="shop.recovering", shared=False, bind=True, max_retries=2)  # type: ignore[untyped-decorator]
def recovering(self: Any) -> str:
    """Works at its third attempt."""
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return "done"


@celery_app.task(name="shop.killed", shared=False)  # type: ignore[untyped-decorator]
def killed() -> None:
    """Takes its process with it."""
    os.kill(os.getpid(), signal.SIGKILL)


@celery_app.task(name="shop.endless", shared=False, time_limit=1)  # type: ignore[untyped-decorator]
def endless() -> None:
    """Exceeds its time."""
    time.sleep(600)
