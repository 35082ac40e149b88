"""The products of the shop."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from examples.flask_app.data import PRODUCTS, Product

blueprint = Blueprint("catalogue", __name__)


def product_or_404(slug: str) -> Product:
    """The product with that slug. Aborts with 404 if it does not exist."""
    return PRODUCTS.get(slug) or abort(404)


@blueprint.get("/")
def index() -> str:
    """Every product on one page."""
    return render_template("index.html", products=PRODUCTS.values())


@blueprint.get("/products/<slug>")
def product(slug: str) -> str:
    """One product."""
    return render_template("product.html", product=product_or_404(slug))
