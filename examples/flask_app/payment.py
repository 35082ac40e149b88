"""The payment gateway: a stand-in that behaves as real ones do on a good and on a bad day."""

from __future__ import annotations

from decimal import Decimal

#: Card numbers that make the stand-in misbehave.
DECLINED = "4000000000000002"
BROKEN = "4000000000000119"


class PaymentDeclinedError(Exception):
    """The bank said no: an ordinary answer, which the shop passes on."""


class GatewayUnreachableError(Exception):
    """The gateway did not answer: nobody in the shop expects that."""


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
