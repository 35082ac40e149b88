"""The back office: a redirect for who is not signed in, a 403 for who may not see it."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from examples.flask_app.auth import current_customer
from examples.flask_app.data import CUSTOMERS, PRODUCTS

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.before_request
def admins_only() -> Response | None:
    """Lets admins in, and nobody else."""
    customer = current_customer()
    if customer is None:
        return redirect(url_for("auth.form"))
    if not customer.is_admin:
        abort(403)
    return None


@blueprint.get("/")
def index() -> str:
    """What the shop sells and to whom."""
    return render_template("admin.html", products=PRODUCTS.values(), customers=CUSTOMERS.values())
