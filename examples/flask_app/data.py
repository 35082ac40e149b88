"""The shop's data, in memory: what it sells and who may sign in."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """Something the shop sells.

    Attributes:
        slug: Its name in a URL.
        name: Its name on the shelf.
        origin: Where it grew.
        note: How it tastes.
        price: In euros, for 100 g.
        colour: Of the cup, for its picture.
    """

    slug: str
    name: str
    origin: str
    note: str
    price: Decimal
    colour: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """Somebody who may sign in.

    Attributes:
        name: The name to sign in with.
        is_admin: Whether the back office is open to them.
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

#: Of an example only: a real shop stores hashes, and no password is written down anywhere.
_PASSWORDS = {"ann": "chamomile", "bob": "earl-grey", "root": "lapsang-souchong"}


def verified(name: str, password: str) -> Customer | None:
    """The customer of that name, if the password is theirs.

    Example:
        >>> verified("ann", "chamomile")
        Customer(name='ann', is_admin=False)
        >>> verified("ann", "wrong"), verified("nobody", "chamomile")
        (None, None)
    """
    # An unknown name costs as much time as a known one, so that names cannot be told apart.
    is_right = check_password_hash(_password_hash(name if name in CUSTOMERS else "ann"), password)
    return CUSTOMERS.get(name) if is_right else None


@cache
def _password_hash(name: str) -> str:
    return generate_password_hash(_PASSWORDS[name], method="scrypt:16384:8:1")
