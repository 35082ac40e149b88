"""Kettle & Leaf, a small tea shop: an ordinary Flask application with `ErrWatch`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from flask import Flask, has_request_context, render_template
from werkzeug.exceptions import HTTPException

from examples.flask_app import admin, auth, catalogue, checkout, health
from flask_errwatch import ErrWatch

errwatch = ErrWatch()


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Creates the shop.

    Args:
        config: Settings that override those of the shop and of the environment.

    Example:
        >>> create_app({"TESTING": True}).test_client().get("/health").json
        {'status': 'ok'}
    """
    app = Flask(__name__)
    app.config.from_mapping(
        # All workers need the same key, also after a restart: see README.md.
        SECRET_KEY=os.environ.get("SHOP_SECRET_KEY") or secrets.token_hex(),
        SESSION_COOKIE_SAMESITE="Lax",
        ERRWATCH_APP_NAME="shop",
    )
    app.config.from_mapping(config or {})

    errwatch.init_app(app)

    for module in (auth, catalogue, checkout, admin, health):
        app.register_blueprint(module.blueprint)
    app.register_error_handler(HTTPException, _error_page)
    app.context_processor(lambda: {"customer": auth.current_customer()})
    return app


def _error_page(error: HTTPException) -> tuple[str, int]:
    """Renders one page for every error. An unhandled exception arrives here as a 500."""
    status = error.code or 500
    return render_template("error.html", status=status, title=error.name), status


@errwatch.enrich
def _add_customer(_event: Mapping[str, object]) -> Mapping[str, object] | None:
    """Adds the name of the signed-in customer to each line."""
    customer = auth.current_customer() if has_request_context() else None
    return None if customer is None else {"user": customer.name}
