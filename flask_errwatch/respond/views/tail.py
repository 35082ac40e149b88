"""A line that was followed as one row of a terminal."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from flask_errwatch._time import rfc3339_second, time_of_day
from flask_errwatch.respond.ranking.lines import text
from flask_errwatch.respond.ranking.summary import Event
from flask_errwatch.respond.views.columns import columns, fitted

_NOTHING: Final = "-"
#: Columns of a status, and the least of an id: its last characters differ from those of others.
_STATUS, _END_OF_ID = 3, 8
#: Columns of a terminal from which on nothing but a long path is cut.
_WIDE: Final = 150


class _Widths(NamedTuple):
    """The columns of each field.

    Attributes:
        detector: Of the detector.
        method: Of the method.
        client: Of the client's address.
        most_client: The most of that, for an IPv6 address.
        path: The least of the path, which has what is left.
    """

    detector: int
    method: int
    client: int
    most_client: int
    path: int


_ROOMY: Final = _Widths(detector=24, method=6, client=15, most_client=39, path=12)
_TIGHT: Final = _Widths(detector=16, method=4, client=15, most_client=15, path=14)


def tail_row(at: float, event: Event, width: int) -> str:
    r"""Time, detector, status, method, client, path and id of a line, in this order.

    Args:
        at: Its time, in seconds since the epoch.
        event: Its fields, which may have any type.
        width: Columns of the terminal, into which the row fits.

    Example:
        >>> event = {"event": "Not Found Error", "detector": "not-found-error", "status": 404,
        ...     "method": "GET", "path": "/.env\x1b[2J", "client_ip": "192.0.2.7", "id": "id-1"}
        >>> tail_row(1_700_000_000, event, 80)
        '22:13:20  not-found-error   404  GET   192.0.2.7        /.env?[2J  id-1'
    """
    is_wide = width >= _WIDE
    widths = _ROOMY if is_wide else _TIGHT
    status = event.get("status")
    beginning = "  ".join(
        (
            rfc3339_second(at) if is_wide else time_of_day(at),
            _cell(text(event, "detector") or text(event, "event"), widths.detector),
            _cell(status if isinstance(status, int) else None, _STATUS),
            _cell(text(event, "method"), widths.method),
            _cell(text(event, "client_ip"), widths.client, widths.most_client),
        )
    )
    identity = text(event, "id") or _NOTHING
    if not is_wide:
        identity = identity[-_END_OF_ID:]
    room = max(widths.path, width - columns(beginning) - columns(identity) - 4)
    path = fitted(text(event, "path") or _NOTHING, room)
    return fitted(f"{beginning}  {path}  {identity}", width)


def tail_json(event: Event) -> str:
    """The line itself, in ASCII, so that a terminal obeys nothing in it."""
    return json.dumps(event)


def _cell(value: object, width: int, most: int = 0) -> str:
    """The value in at least `width` columns, and at most `most` where that is more."""
    cell = _NOTHING if value is None else fitted(value, max(width, most))
    return cell + " " * (width - columns(cell))
