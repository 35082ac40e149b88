"""Documents of JSON: answers of CloudWatch Logs, what Firehose delivers, and any other objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat, Message
from flask_errwatch.replay.documents.json_text import JsonText, Value
from flask_errwatch.replay.documents.pieces import UnreadableError
from flask_errwatch.replay.documents.records import looks_like_event, message_of
from flask_errwatch.replay.wrappers.wrapper import whole_text

# Where a page has its events: FilterLogEvents and GetLogEvents, a subscription, GetQueryResults.
_LISTS = frozenset({"events", "logEvents", "results"})
# The kinds of a subscription's pages. One of the second kind tests whether the destination answers.
_SUBSCRIPTION = ("DATA_MESSAGE", "CONTROL_MESSAGE")
# All keys of an answer that has no event.
_OF_ANSWERS = frozenset(
    {
        *("events", "searchedLogStreams", "nextToken", "nextForwardToken", "nextBackwardToken"),
        *("results", "statistics", "status", "queryLanguage", "encryptionKey"),
    }
)

_Element = Callable[[int, Value], Message | BadMessage]


def _numbered(
    text: JsonText, elements: Iterator[Value], message: _Element
) -> Iterator[Message | BadMessage]:
    """The records of the elements, and of the rest where they cannot be read."""
    number = 0
    try:
        for element in elements:
            record = message(number + 1, element)
            number += 1
            yield record
    except UnreadableError as error:
        yield BadMessage(number + 1, whole_text(text.rest()), str(error))


def _of_cloudwatch(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
    text = JsonText(pieces)
    return _numbered(text, _events(text), lambda number, event: message_of(number, event.parsed))


def _events(text: JsonText) -> Iterator[Value]:
    while start := text.peek():
        if start == "[":
            yield from text.elements()
        else:
            yield from _events_of_page(text)


def _events_of_page(text: JsonText) -> Iterator[Value]:
    kind: object = None
    has_list = False
    for key in text.keys():  # noqa: SIM118 - no mapping
        if key in _LISTS and text.peek() == "[":
            has_list = True
            yield from (event for event in text.elements() if kind != "CONTROL_MESSAGE")
            continue
        value = text.value().parsed
        kind = value if key == "messageType" else kind
    if not has_list:
        raise UnreadableError(
            "it begins like a JSON document with events, but here it is not one. For lines of JSON "
            "use --format json"
        )


def _begins_with_events(head: bytes) -> bool:
    text = JsonText(iter((head,)))
    try:
        if text.peek() == "[":
            first = next(text.elements(), None)
            return first is None or looks_like_event(first.parsed)
        return _is_page(text)
    except UnreadableError:
        return False


def _is_page(text: JsonText) -> bool:
    keys = set()
    has_list = False
    for key in text.keys():  # noqa: SIM118 - no mapping
        keys.add(key)
        if key in _LISTS and text.peek() == "[":
            try:
                first = next(text.elements(), None)
            except UnreadableError:  # it was cut
                return True
            if first is not None:
                return looks_like_event(first.parsed)
            has_list = True
        elif text.value().parsed in _SUBSCRIPTION and key == "messageType":
            return True
    return has_list and keys <= _OF_ANSWERS


def _of_objects(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
    text = JsonText(pieces)
    return _numbered(text, _objects(text), lambda number, one: Message(number, None, one.text))


def _objects(text: JsonText) -> Iterator[Value]:
    while start := text.peek():
        if start == "[":
            yield from text.elements()
        else:
            yield text.value()


def _begins_with_objects(head: bytes) -> bool:
    """Whether it is an array of objects, or objects that are not one per line."""
    text = JsonText(iter((head,)))
    try:
        if text.peek() == "[":
            first = next(text.elements(), None)
            return first is not None and isinstance(first.parsed, dict)
        first = text.value()
    except UnreadableError:
        return False
    is_one_line = "\n" not in first.text and (text.skip_blanks() or text.peek() != "{")
    return isinstance(first.parsed, dict) and not is_one_line


#: What `aws logs filter-log-events`, `get-log-events` and `get-query-results` print, also several
#: answers in one file, and with `--query` the list of the events, of their messages or of pairs. An
#: export of the console. The pages that a subscription delivers through Firehose, with or without
#: line breaks between them.
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
CLOUDWATCH_JSON: Final = DocumentFormat(
    name="JSON of CloudWatch Logs",
    begins=_begins_with_events,
    messages=_of_cloudwatch,
    is_of_cloudwatch=True,
)
#: JSON objects that are not one per line: an array, objects over several lines, as `jq` prints
#: them, or one behind the other, as Firehose delivers messages.
JSON_OBJECTS: Final = DocumentFormat(
    name="JSON objects", begins=_begins_with_objects, messages=_of_objects
)
