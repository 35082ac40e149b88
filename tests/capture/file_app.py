"""An app that sends the file that `SENT_FILE` names, watched unless `UNWATCHED` is set."""

from __future__ import annotations

import os

from flask import Flask, Response, send_file

from flask_errwatch import ErrWatch

app = Flask("files")
if "UNWATCHED" not in os.environ:
    ErrWatch(app)


@app.get("/file")
def file() -> Response:
    """Sends it by the server's own file wrapper."""
    return send_file(os.environ["SENT_FILE"], mimetype="application/octet-stream")


@app.get("/peak")
def peak() -> str:
    """The peak of this process's memory, in KiB."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - as it is read
        return next(line.split()[1] for line in status if line.startswith("VmHWM"))
