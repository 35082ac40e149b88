"""The app of the recipes for a server that speaks ASGI only."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware

from tests.servers.recipe_app import app

asgi = WSGIMiddleware(app)  # type: ignore[arg-type]  # its environment is a TypedDict
