"""Kettle & Leaf, a small tea shop: an ordinary Flask application watched by `ErrWatch`."""

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
    """The shop, ready to be served.

    Args:
        config: Settings that go before the shop's own and before the environment.

    Example:
        >>> create_app({"TESTING": True}).test_client().get("/health").json
        {'status': 'ok'}
    """
    app = Flask(__name__)
    app.config.from_mapping(
        # Workers must share it, and it must outlive a restart: see README.md.
        SECRET_KEY=os.environ.get("SHOP_SECRET_KEY") or secrets.token_hex(),
        SESSION_COOKIE_SAMESITE="Lax",
        ERRWATCH_APP_NAME="shop",
    )
    app.config.from_mapping(config or {})

    errwatch.init_app(app)

    for part in (auth, catalogue, checkout, admin, health):
        app.register_blueprint(part.blueprint)
    app.register_error_handler(HTTPException, _error_page)
    app.context_processor(lambda: {"customer": auth.current_customer()})
    return app


def _error_page(error: HTTPException) -> tuple[str, int]:
    """One page for every error; an unexpected exception arrives here as a 500."""
    status = error.code or 500
    return render_template("error.html", status=status, title=error.name), status


@errwatch.enrich
def _who(_event: Mapping[str, object]) -> Mapping[str, object] | None:
    """Every line of a signed-in customer says who it was."""
    customer = auth.current_customer() if has_request_context() else None
    return None if customer is None else {"user": customer.name}
