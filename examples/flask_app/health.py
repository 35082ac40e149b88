"""The page that a load balancer asks."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> dict[str, str]:
    """Says that this process answers."""
    return {"status": "ok"}
