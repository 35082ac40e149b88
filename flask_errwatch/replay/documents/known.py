"""All documents, in the order in which they are tried."""

from __future__ import annotations

from typing import Final

from flask_errwatch.replay.documents.csv_documents import CSV_EXPORT
from flask_errwatch.replay.documents.document import DocumentFormat
from flask_errwatch.replay.documents.json_documents import CLOUDWATCH_JSON, JSON_OBJECTS
from flask_errwatch.replay.documents.line_documents import CARRIAGE_RETURNS, TAIL_JSON
from flask_errwatch.replay.documents.refused import JOINED_MESSAGES, QUERY_TEXT, TABLE, YAML

#: Of those that would take the same log, the one that says more of it comes first.
DOCUMENTS: Final[tuple[DocumentFormat, ...]] = (
    CLOUDWATCH_JSON,
    JSON_OBJECTS,
    CSV_EXPORT,
    TAIL_JSON,
    JOINED_MESSAGES,
    QUERY_TEXT,
    TABLE,
    YAML,
    CARRIAGE_RETURNS,
)
