"""The back office: a redirect for anonymous visitors, a 403 for customers who are not admins."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response

from examples.flask_app.auth import current_customer
from examples.flask_app.data import CUSTOMERS, PRODUCTS

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.before_request
def admins_only() -> Response | None:
    """Refuses everyone but admins."""
    customer = current_customer()
    if customer is None:
        return redirect(url_for("auth.form"))
    if not customer.is_admin:
        abort(403)
    return None


@blueprint.get("/")
def index() -> str:
    """Lists the products and the customers."""
    return render_template("admin.html", products=PRODUCTS.values(), customers=CUSTOMERS.values())
