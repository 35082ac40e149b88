"""Checkout, which depends on the payment gateway and can fail with it."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request

from examples.flask_app import payment
from examples.flask_app.catalogue import product_or_404

blueprint = Blueprint("checkout", __name__, url_prefix="/checkout")


@blueprint.get("/<slug>")
def form(slug: str) -> str:
    """The checkout form of one product."""
    return render_template("checkout.html", product=product_or_404(slug), declined=False)


@blueprint.post("/<slug>")
def buy(slug: str) -> str | tuple[str, int]:
    """Buys the product. A declined card is answered 402, an unreachable gateway is a 500."""
    product = product_or_404(slug)
    try:
        hundreds = int(request.form["quantity"])
    except ValueError:
        abort(400)
    if not 1 <= hundreds <= 50:
        abort(400)
    total = product.price * hundreds
    try:
        payment.charge(request.form["card"].replace(" ", ""), total)
    except payment.PaymentDeclinedError:
        return render_template("checkout.html", product=product, declined=True), 402
    return render_template("thanks.html", product=product, total=total)
