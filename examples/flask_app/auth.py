"""Signing in and out. A failed login is answered 401, which `authentication-error` detects."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from examples.flask_app.data import CUSTOMERS, Customer, verified

blueprint = Blueprint("auth", __name__)


def current_customer() -> Customer | None:
    """The signed-in customer, or None."""
    return CUSTOMERS.get(session.get("customer", ""))


@blueprint.get("/login")
def form() -> str:
    """The sign-in form."""
    return render_template("login.html", failed=False)


@blueprint.post("/login")
def login() -> Response | tuple[str, int]:
    """Signs a customer in. A wrong name or password is answered 401."""
    customer = verified(request.form["name"], request.form["password"])
    if customer is None:
        return render_template("login.html", failed=True), 401
    session.clear()
    session["customer"] = customer.name
    return redirect(url_for("catalogue.index"), 303)


@blueprint.post("/logout")
def logout() -> Response:
    """Signs the customer out."""
    session.clear()
    return redirect(url_for("catalogue.index"), 303)
