"""The events of CloudWatch Logs in the forms in which its commands and its console write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from flask_errwatch._text import listed
from flask_errwatch.replay.documents.document import BadMessage, Message
from flask_errwatch.replay.documents.pieces import SHOWN, UnreadableError
from flask_errwatch.replay.wrappers.cloudwatch import message_text
from flask_errwatch.replay.wrappers.cloudwatch_times import event_second

#: The keys of an event's time and message: of the API, and of Logs Insights.
TIMES: Final = ("@timestamp", "timestamp")
MESSAGES: Final = ("@message", "message")
_LISTED: Final = 5


class MissingColumnError(UnreadableError):
    """The rows of a query or an export have no time or no message.

    Args:
        columns: The names of their columns.
    """

    def __init__(self, columns: Iterable[str]) -> None:
        shown = listed([column[:80] for column in columns], _LISTED)
        super().__init__(
            f"it has the columns {shown}, but needs the time and the message of each event: begin "
            "the query with 'fields @timestamp, @message'"
        )


def query_row(element: object) -> dict[str, object] | None:
    """A row of Logs Insights' answer, `[{"field": …, "value": …}, …]`. None for anything else.

    Example:
        >>> query_row([{"field": "@message", "value": "hello"}]), query_row(["hello"])
        ({'@message': 'hello'}, None)
    """
    if not isinstance(element, list) or not element:
        return None
    if not all(isinstance(cell, dict) and isinstance(cell.get("field"), str) for cell in element):
        return None
    return {cell["field"]: cell.get("value") for cell in element}


def looks_like_event(element: object) -> bool:
    """Whether an element of a document is an event, or a row of a query, in any form.

    Other JSON may have a `timestamp` and a `message` too, but no number for the time.

    Example:
        >>> looks_like_event({"timestamp": 1_700_000_000_500, "message": "hello"})
        True
        >>> looks_like_event({"timestamp": "2026-11-25T01:17:00Z", "message": "hello"})
        False
    """
    if isinstance(element, dict):
        is_event = "message" in element and _is_number(element.get("timestamp"))
        return is_event or "@ptr" in element or "@message" in element or _is_row(element)
    return query_row(element) is not None or isinstance(element, str) or _is_pair(element)


def _is_number(time: object) -> bool:
    return type(time) is int or (isinstance(time, str) and time.isascii() and time.isdigit())


def _is_row(fields: Mapping[str, object]) -> bool:
    """Whether it may be a row of an export of Logs Insights without the message: all are texts."""
    return "@timestamp" in fields and {type(value) for value in fields.values()} == {str}


def _is_pair(element: object) -> bool:
    """Whether it is what `--query 'events[].[timestamp,message]'` selects, in either order."""
    return isinstance(element, list) and {type(part) for part in element} == {int, str}


def message_of(number: int, element: object) -> Message | BadMessage:
    """The record of an element.

    Args:
        number: Its number in the document, from 1.
        element: The element, as parsed.

    Raises:
        MissingColumnError: It is the first, and a row of a query that shows no time or no message.

    Example:
        >>> message_of(1, {"timestamp": 1_700_000_000_500, "message": "hello"})
        Message(number=1, at=1700000000.5, text='hello')
        >>> message_of(2, {"timestamp": 1_700_000_000_500})
        BadMessage(number=2, text="{'timestamp': 1700000000500}", defect=None)
    """
    if isinstance(element, str):
        return Message(number, None, message_text(element) or "")
    if isinstance(element, list) and len(element) == 2 and _is_pair(element):
        time, message = element if isinstance(element[1], str) else reversed(element)
        return _message(number, element, time, message)
    fields = element if isinstance(element, dict) else query_row(element)
    if fields is None:
        return BadMessage(number, _shown(element))
    if number == 1 and not has_event(fields) and (fields is not element or _is_of_query(fields)):
        raise MissingColumnError(fields)
    return _message(number, element, _first(fields, TIMES), _first(fields, MESSAGES))


def _is_of_query(fields: Iterable[str]) -> bool:
    return any(key.startswith("@") for key in fields)


def has_event(columns: Iterable[str]) -> bool:
    """Whether there is a column of the time and one of the message.

    Example:
        >>> has_event(["@timestamp", "@message", "@ptr"]), has_event(["@message"])
        (True, False)
    """
    names = {*columns}
    return not names.isdisjoint(TIMES) and not names.isdisjoint(MESSAGES)


def _first(fields: Mapping[str, object], keys: tuple[str, str]) -> object:
    first, second = keys
    return fields[first] if first in fields else fields.get(second)


def _message(number: int, element: object, time: object, message: object) -> Message | BadMessage:
    at, text = event_second(time), message_text(message)
    if at is None or text is None:
        return BadMessage(number, _shown(element))
    return Message(number, at, text)


def _shown(element: object) -> str:
    try:
        return str(element)[:SHOWN]
    except RecursionError:  # JSON may be nested more deeply than Python follows here
        return "an event that is nested too deeply"
