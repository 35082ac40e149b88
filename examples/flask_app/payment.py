"""A fake payment gateway that can also decline a card and be unreachable."""

from __future__ import annotations

from decimal import Decimal

#: Card numbers that are declined, or for which the gateway is unreachable.
DECLINED = "4000000000000002"
BROKEN = "4000000000000119"


class PaymentDeclinedError(Exception):
    """The bank declined the card, which the shop handles."""


class GatewayUnreachableError(Exception):
    """The gateway did not answer, which the shop does not handle."""


def charge(card: str, amount: Decimal) -> None:
    """Charges the card.

    Raises:
        PaymentDeclinedError: When the bank refuses.
        GatewayUnreachableError: When the gateway does not answer.
    """
    if card == DECLINED:
        raise PaymentDeclinedError(f"declined: {amount} EUR")
    if card == BROKEN:
        raise GatewayUnreachableError("no answer from the payment gateway in 3 s")
