"""The durable queue between a request and CloudWatch Logs."""

from flask_errwatch.delivery.journal.directory import (
    UnusableFolderError,
    app_folder,
    base_folder,
    create_app_folder,
)
from flask_errwatch.delivery.journal.disk import open_journal
from flask_errwatch.delivery.journal.inspection import FolderContents, inspect_folder
from flask_errwatch.delivery.journal.protocols import Journal, Source
from flask_errwatch.delivery.journal.reader import JournalReader
from flask_errwatch.delivery.journal.records import Line, Position, Record, line_of

__all__ = [
    "FolderContents",
    "Journal",
    "JournalReader",
    "Line",
    "Position",
    "Record",
    "Source",
    "UnusableFolderError",
    "app_folder",
    "base_folder",
    "create_app_folder",
    "inspect_folder",
    "line_of",
    "open_journal",
]
