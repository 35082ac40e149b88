"""The shop's data, in memory: products and customers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """A product of the shop.

    Attributes:
        slug: Its name in URLs.
        name: Its name for customers.
        origin: The country where it was grown.
        note: Its taste.
        price: Euros per 100 g.
        colour: Colour of the cup in its picture.
    """

    slug: str
    name: str
    origin: str
    note: str
    price: Decimal
    colour: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A customer with an account.

    Attributes:
        name: The login name.
        is_admin: Whether the customer may use the back office.
    """

    name: str
    is_admin: bool = False


_SHELF = (
    ("assam", "Assam Second Flush", "India", "Malt and honey.", "7.50", "#8a3b12"),
    ("sencha", "Sencha Yabukita", "Japan", "Fresh grass and sea.", "11.00", "#7d9b3c"),
    ("oolong", "Dong Ding Oolong", "Taiwan", "Roast nuts.", "14.20", "#b9772f"),
    ("puerh", "Ripe Pu-erh", "China", "Forest floor.", "12.40", "#4a2416"),
    ("rooibos", "Rooibos", "South Africa", "Vanilla, no caffeine.", "5.10", "#b4431f"),
    ("mint", "Nana Mint", "Morocco", "Cool and bright.", "4.80", "#4f9d69"),
)

PRODUCTS = {
    slug: Product(
        slug=slug, name=name, origin=origin, note=note, price=Decimal(price), colour=colour
    )
    for slug, name, origin, note, price, colour in _SHELF
}

CUSTOMERS = {
    "ann": Customer(name="ann"),
    "bob": Customer(name="bob"),
    "root": Customer(name="root", is_admin=True),
}

#: Only in an example: a real shop stores hashes, and its source contains no password.
_PASSWORDS = {"ann": "chamomile", "bob": "earl-grey", "root": "lapsang-souchong"}


def verified(name: str, password: str) -> Customer | None:
    """The customer with that name, or None if the name or the password is wrong.

    Example:
        >>> verified("ann", "chamomile")
        Customer(name='ann', is_admin=False)
        >>> verified("ann", "wrong"), verified("unknown", "chamomile")
        (None, None)
    """
    # Unknown names take as long as known ones, so that response times do not reveal names.
    is_right = check_password_hash(_password_hash(name if name in CUSTOMERS else "ann"), password)
    return CUSTOMERS.get(name) if is_right else None


@cache
def _password_hash(name: str) -> str:
    return generate_password_hash(_PASSWORDS[name], method="scrypt:16384:8:1")
