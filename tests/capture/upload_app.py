"""An app that reads the body of each request in several ways, under real servers."""

from __future__ import annotations

from flask import Flask, request

from flask_errwatch import ErrWatch

app = Flask("uploads")
errwatch = ErrWatch(app)


@app.post("/flask")
def by_flask() -> str:
    """Reads it as most apps do."""
    return str(len(request.get_data()))


@app.post("/stream")
def by_stream() -> str:
    """Reads Werkzeug's stream in parts."""
    return str(sum(len(part) for part in iter(lambda: request.stream.read(1024), b"")))


@app.post("/input")
def by_input() -> str:
    """Reads the server's own input."""
    return str(len(request.environ["wsgi.input"].read()))


@app.post("/named")
def named() -> str:
    """Names what the server raises in the app's own words."""
    try:
        return by_input()
    except Exception as error:
        raise RuntimeError("the upload is not complete") from error


@app.post("/watched")
def watched() -> str:
    """Reads it in a watched job."""
    with errwatch.watch("upload"):
        return by_input()


@app.post("/bug")
def bug() -> str:
    """Reads it whole, and then fails by itself, with an error of the same kind."""
    request.get_data()
    raise OSError("the app's own fault")


@app.get("/ready")
def ready() -> str:
    """Shows that the server serves."""
    return "ready"
