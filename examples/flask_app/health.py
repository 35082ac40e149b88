"""The health check of a load balancer."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> dict[str, str]:
    """Answers while this process is able to."""
    return {"status": "ok"}
