"""The reader of each shape: the commonest shapes have readers of their own, which are faster."""

from __future__ import annotations

from flask_errwatch.replay.counts.reader import CountsReader
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.gathering.line_reader import LineReader
from flask_errwatch.replay.reading.access_logs import PLAIN_ACCESS_LOG, AccessLogReader
from flask_errwatch.replay.reading.json_logs import (
    EXPORTED_OWN_LINES,
    PLAIN_OWN_LINES,
    ExportReader,
    OwnLineReader,
)
from flask_errwatch.replay.reading.known_formats import COUNTS
from flask_errwatch.replay.reading.messages import DocumentReader, MessageReader
from flask_errwatch.replay.reading.shapes import Shape


def reader_of(shape: Shape, gathered: Gathered, log: str) -> LineReader:
    """The reader of a log.

    Args:
        shape: How the log is built.
        gathered: Where its lines are counted.
        log: Its name.
    """
    if shape == COUNTS.fallback:
        return CountsReader(gathered, log)
    if shape == PLAIN_ACCESS_LOG:
        return AccessLogReader(gathered, log)
    if shape == PLAIN_OWN_LINES:
        return OwnLineReader(gathered, log)
    if shape == EXPORTED_OWN_LINES:
        return ExportReader(gathered, log)
    if shape.document is not None:
        return DocumentReader(gathered, log, shape, shape.document)
    return MessageReader(gathered, log, shape)
