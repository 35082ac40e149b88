"""An app whose views end their process, or do not end. Each notes that it has begun."""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Blueprint, Flask

from flask_errwatch import ErrWatch

NOTES = Path(os.environ.get("DYING_NOTES", "."))

views = Blueprint("views", __name__)


def _note(name: str) -> None:
    (NOTES / name).write_text(str(os.getpid()))


@views.get("/")
def fine() -> str:
    """Responds."""
    return f"{os.getpid()}"


@views.route("/stuck/<name>", methods=["GET", "POST"])
def stuck(name: str) -> str:
    """Waits for something that never comes."""
    _note(name)
    threading.Event().wait()
    return name


@views.get("/streaming/<name>")
def streaming(name: str) -> Iterator[bytes]:
    """Responds with a body that does not end."""

    def body() -> Iterator[bytes]:
        yield b"a part"
        _note(name)
        threading.Event().wait()

    return body()


@views.get("/segfault")
def segfault() -> str:
    """Reads where no memory is."""
    return repr(ctypes.string_at(0))


@views.get("/busy/<name>")
def busy(name: str) -> str:
    """Does not return from C: no Python code runs meanwhile, no signal handler either."""
    _note(name)
    return str(any(itertools.repeat(0)))


@views.get("/looping/<name>")
def looping(name: str) -> str:
    """Runs Python code that does not end."""
    _note(name)
    while True:
        time.sleep(0.001)


@views.get("/exit/<int:status>")
def ends(status: int) -> str:
    """Ends the process in a way that no Python code sees."""
    os._exit(status)


def make_app(name: str = "dying") -> Flask:
    """The app, with its configuration from the environment."""
    created = Flask(name)
    created.register_blueprint(views)
    ErrWatch(created)
    return created


app = make_app()
