"""The app of the stress cases for servers that take an ASGI app: `tests.servers.served:asgi`."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware

from tests.stress.stressed import app

__all__ = ["app", "asgi"]

asgi = WSGIMiddleware(app)  # type: ignore[arg-type]  # its own type of `start_response`
