"""Numbers as CloudWatch reads them: integers and literals exact, decimals as doubles.

The recordings of the live service show three rules. Integers compare exactly beyond 2^53. A
decimal in a message is first a double (`1e-999` is 0, `1e309` is infinite and equals nothing),
and then compares by its shortest decimal spelling, so `0.001` equals the literal `1e-3`. A double
compared as text is spelled as Java spells it: `1e0` is searched as `1.0`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

Exact = int | Decimal

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?")
_SHORT = 18  # any number of this many digits fits in 64 bits
_EXPONENTS = range(-(2**31), 2**31)
_EXPONENT_TEXT = 12  # a sign, ten digits, and one to spare
_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7  # the Java API, Double.toString: plain between these


class Double(float):
    """A decimal that the exact decoder read: known to be a double, not a rounded integer."""

    __slots__ = ()


class ImpreciseError(Exception):
    """A float that may be an integer beyond 64 bits, which orjson reads as a float."""


def number_end(text: str, start: int) -> int:
    """The end of the number that begins at `start`, or `start` when no number begins there."""
    match = _NUMBER.match(text, start)
    return match.end() if match else start


def exact(text: str) -> Exact | None:
    """The number that the whole text spells, without rounding. None when it is not a number.

    The exponent, and the number of digits after the point minus the exponent, must fit in 32 bits:
    the live service rejects `1e2147483648`.

    Example:
        >>> exact("1.0") == exact("1e0") == 1
        True
        >>> exact("1e2147483648") is None
        True
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole_fraction, bare_fraction, exponent = match.groups()
    if whole_fraction is None and bare_fraction is None and exponent is None:
        return integer(text)
    power = _power(exponent or "0")
    if power is None:
        return None
    scale = len(whole_fraction or bare_fraction or "") - power
    return Decimal(text) if power in _EXPONENTS and scale in _EXPONENTS else None


def _power(exponent: str) -> int | None:
    sign, digits = ("-", exponent[1:]) if exponent[0] == "-" else ("", exponent.lstrip("+"))
    digits = digits.lstrip("0") or "0"
    return int(sign + digits) if len(digits) < _EXPONENT_TEXT else None


def integer(text: str) -> Exact:
    """The integer that the text spells, as a Decimal when it is long: int() rejects long texts."""
    return int(text) if len(text) <= _SHORT else Decimal(text)


def number(value: object) -> Exact | None:
    """The exact number of a JSON value. None for an infinity and for other types.

    Raises:
        ImpreciseError: The value may have lost digits when it was decoded.
    """
    kind = type(value)
    if kind is int or kind is Decimal:
        return value  # type: ignore[return-value]  # checked above, faster than isinstance
    if isinstance(value, float):
        _reject_imprecise(value)
        return Decimal(float.__repr__(value)) if math.isfinite(value) else None
    return None


def scalar_text(value: object) -> str | None:
    """The text that patterns compare: a string, or a number as Java spells it. Otherwise None.

    Raises:
        ImpreciseError: The value may have lost digits when it was decoded.

    Example:
        >>> scalar_text(1000.0), scalar_text(1e7), scalar_text(12), scalar_text(True)
        ('1000.0', '1.0E7', '12', None)
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]  # checked above, faster than isinstance
    if kind is int or kind is Decimal:
        return str(value)
    if isinstance(value, float):
        _reject_imprecise(value)
        return _double_text(value)
    return None


def _reject_imprecise(value: float) -> None:
    if type(value) is float and not -(2.0**63) < value < 2.0**63:
        raise ImpreciseError


def _double_text(value: float) -> str:
    """The spelling of Java's `Double.toString`, which CloudWatch uses."""
    if not math.isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"
    spelling = float.__repr__(value)
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return spelling
    sign, digits, exponent = Decimal(spelling).normalize().as_tuple()
    power = int(exponent) + len(digits) - 1
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{power}"
