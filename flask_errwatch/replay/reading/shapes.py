"""How a log is built: a document or lines, what is around each message, and its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat, Message
from flask_errwatch.replay.formats.record import HEADER, AccessRecord, LogFormat, Parse
from flask_errwatch.replay.reading.own_lines import own_event
from flask_errwatch.replay.wrappers.wrapper import Wrapper

#: Wrappers around one message at most, as an export's around a collector's around a container's.
DEEPEST: Final = 3
#: Lines that are tried at first, spread over the beginning of a log.
_SAMPLE: Final = 400
#: Of these the first ones always: they may be a header.
_FIRST: Final = 20
#: Ways of reading that are kept for the messages of one log, the most frequent ones.
_KEPT: Final = 4
#: Lines that are tried where none of the sample was understood.
_MOST: Final = 4_000


class Reading(NamedTuple):
    """A way of reading a message.

    Attributes:
        wrappers: What is around it, the outermost first.
        content: The format of the request inside. None for one of the app's own lines.
    """

    wrappers: tuple[Wrapper, ...]
    content: LogFormat | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How a log is built.

    Attributes:
        document: What it is as a whole. None for a log of lines.
        readings: How its messages are read, the most frequent way first.
        has_own_lines: Whether some of its messages were the app's own lines.
    """

    document: DocumentFormat | None = None
    readings: tuple[Reading, ...]
    has_own_lines: bool = False

    @property
    def shows_requests(self) -> bool:
        """Whether most of its messages are requests."""
        return self.readings[0].content is not None

    @property
    def is_of_cloudwatch(self) -> bool:
        """Whether CloudWatch Logs gave it back."""
        outermost = self.document or next(iter(self.readings[0].wrappers), None)
        return outermost is not None and outermost.is_of_cloudwatch

    @property
    def name(self) -> str:
        """What it is, as `combined in docker json-file`."""
        wrappers, content = self.readings[0]
        around = [wrapper.name for wrapper in reversed(wrappers)]
        if self.document is not None:
            around.append(self.document.name)
        return " in ".join((OWN_LINES if content is None else content.name, *around))


#: What `Shape.name` calls the app's own lines.
OWN_LINES: Final = "lines of flask-errwatch"


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownFormats:
    """What a log may be.

    Attributes:
        contents: The formats of access logs, the more specific ones first.
        wrappers: What may be around a message.
        documents: What may be a log as a whole.
        takes_own_lines: Whether messages may be the app's own lines.
        is_of_cloudwatch: Whether it must be what CloudWatch Logs gives back.
        keys: The keys of JSON that were named, by the part of a request that they have.
    """

    contents: Sequence[LogFormat]
    wrappers: Sequence[Wrapper]
    documents: Sequence[DocumentFormat]
    takes_own_lines: bool = True
    is_of_cloudwatch: bool = False
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def fallback(self) -> Shape:
        """Lines of these formats, with nothing around them but what must be."""
        own = (None,) if self.takes_own_lines else ()
        contents = (*own, *self.contents)
        if not self.is_of_cloudwatch:
            return Shape(readings=tuple(Reading((), one) for one in contents))
        around = [wrapper for wrapper in self.wrappers if wrapper.is_of_cloudwatch]
        return Shape(readings=tuple(Reading((one,), None) for one in around))

    def document_of(self, head: bytes) -> DocumentFormat | None:
        """What a log is as a whole, by its first bytes. None for a log of lines."""
        return next((one for one in self.documents if one.begins(head)), None)

    def _joined(self, texts: list[str]) -> list[str]:
        """The messages, those that a collector cut into parts as a whole."""
        for wrapper in self.wrappers:
            if wrapper.joiner is not None:
                whole = map(wrapper.joiner(), texts)
                texts = [text for text in whole if text is not None]
        return texts

    def guess(self, head: bytes) -> Shape | None:
        """How a log is built, by its beginning. None where no message of it is understood.

        Lines that nothing understands, such as what a server writes at its start, decide nothing.

        Args:
            head: Its first bytes, of any number.
        """
        document = self.document_of(head)
        texts = self._joined(texts_of(head, document))
        found = _Votes(self)
        for text in _spread(texts):
            found.add(text)
        if not found.readings:
            for text in texts[:_MOST]:
                found.add(text)
        if not found.readings:
            # A document that is refused says why when it is read.
            return None if document is None else replace(self.fallback, document=document)
        has_own_lines = any(reading.content is None for reading in found.readings)
        shape = Shape(document=document, readings=found.readings, has_own_lines=has_own_lines)
        return None if self.is_of_cloudwatch and not shape.is_of_cloudwatch else shape


@dataclass(slots=True)
class _Votes:
    """How often messages are understood in each way."""

    known: KnownFormats
    _counts: Counter[Reading] = field(init=False, default_factory=Counter)
    _parsers: list[tuple[LogFormat, Parse]] = field(init=False)

    def __post_init__(self) -> None:
        self._parsers = [(content, content.parser()) for content in self.known.contents]

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The most frequent ways."""
        return tuple(reading for reading, _ in self._counts.most_common(_KEPT))

    def add(self, text: str) -> None:
        """Counts a message."""
        reading = self._reading_of(text, ())
        if reading is not None:
            self._counts[reading] += 1

    def _reading_of(self, text: str, wrappers: tuple[Wrapper, ...]) -> Reading | None:
        if self.known.takes_own_lines and own_event(text) is not None:
            return Reading(wrappers, None)
        for content, parse in self._parsers:
            parsed = parse(text)
            if isinstance(parsed, AccessRecord):
                return Reading(wrappers, content)
            if parsed is HEADER:
                return None  # it belongs to this format, and decides nothing
        if len(wrappers) < DEEPEST:
            for wrapper in self.known.wrappers:
                wrapped = wrapper.unwrap(text)
                if wrapped is not None:
                    reading = self._reading_of(wrapped.message, (*wrappers, wrapper))
                    if reading is not None:
                        return reading
        return None


def texts_of(head: bytes, document: DocumentFormat | None) -> list[str]:
    r"""The messages that begin a log, with what is around them.

    Args:
        head: Its first bytes.
        document: What it is as a whole. None for a log of lines.

    Example:
        >>> texts_of(b"the first\nthe second\na beginn", None)
        ['the first', 'the second']
    """
    return _lines(head) if document is None else _messages(document, head)


def _lines(head: bytes) -> list[str]:
    lines = head.decode("utf-8", "backslashreplace").split("\n")
    if len(lines) > 1:
        lines.pop()  # nothing, or the beginning of a line
    return [line.removesuffix("\r") for line in lines if line.strip()]


def _messages(document: DocumentFormat, head: bytes) -> list[str]:
    """The messages that begin a document, of which the rest is missing."""
    found: Iterator[Message | BadMessage] = document.messages(iter((head,)))
    return [message.text for message in found if isinstance(message, Message)]


def _spread(texts: list[str]) -> list[str]:
    """The first ones, and some of the others at equal distances."""
    step = max(1, len(texts) // _SAMPLE)
    return texts[:_FIRST] + texts[_FIRST::step]
