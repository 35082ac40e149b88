"""The app of the recipes: it answers, and it crashes. Servers import it by its name."""

from __future__ import annotations

from flask import Flask

from flask_errwatch import ErrWatch

app = Flask("shop")
errwatch = ErrWatch(app)


@app.get("/ok")
def ok() -> str:
    """Answers 200."""
    return "tea"


@app.get("/crash")
def crash() -> str:
    """Raises what no handler answers."""
    raise ValueError("the kettle is empty")
