"""A Celery app whose broker is the folder `BROKER`, with a task that `ErrWatch.watch` watches."""

from __future__ import annotations

import os

from celery import Celery
from flask import Flask

from flask_errwatch import ErrWatch

_FOLDER = os.environ.get("BROKER", "")

flask_app = Flask("tasks")
errwatch = ErrWatch(flask_app)
celery = Celery(
    "tasks",
    broker="filesystem://",
    broker_transport_options={
        "data_folder_in": _FOLDER,
        "data_folder_out": _FOLDER,
        "control_folder": _FOLDER,
    },
    task_ignore_result=True,
    worker_hijack_root_logger=False,
)


@celery.task  # type: ignore[untyped-decorator]
@errwatch.watch("task", app=flask_app)
def fail(number: int) -> None:
    """Fails."""
    raise ValueError(number)
