"""Outputs of the AWS command line in which no event has an end of its own: refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flask_errwatch.replay.documents.document import BadMessage, DocumentFormat, Message
from flask_errwatch.replay.documents.pieces import SHOWN
from flask_errwatch.replay.wrappers.wrapper import BEGINNING

_HEAD: Final = 1 << 16
_ROWS = "Print one event per line: --query 'events[].[timestamp,message]' --output text"


def _refused(name: str, pattern: str, defect: str) -> DocumentFormat:
    """A document whose beginning has a pattern, and why nothing of it is read."""
    compiled = re.compile(pattern, re.ASCII)

    def begins(head: bytes) -> bool:
        return compiled.match(head[:_HEAD].decode("utf-8-sig", "replace")) is not None

    def messages(pieces: Iterator[bytes]) -> Iterator[Message | BadMessage]:
        first = next(pieces, b"")[:SHOWN].decode("utf-8-sig", "replace")
        yield BadMessage(1, first.partition("\n")[0], defect)

    return DocumentFormat(name=name, begins=begins, messages=messages, is_of_cloudwatch=True)


#: `--query 'events[].message' --output text`: the messages of a page on one line.
#: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-output-format.html#text-output
JOINED_MESSAGES: Final = _refused(
    "several messages on one line",
    rf"{BEGINNING}[^\n]*?\t{BEGINNING}",
    f"it has several messages on one line, with tabs between them. {_ROWS}",
)
#: `get-query-results --output text`: a line for each field.
QUERY_TEXT: Final = _refused(
    "the results of a query as text",
    r"(?:[^\n]{0,1000}\n){0,5}RESULTS\t[^\n\t]*\t",
    "it has each field of a query's results on a line of its own. Print them with --output json",
)
#: `--output table`.
TABLE: Final = _refused(
    "a table of the AWS command line",
    r"-{3,}\r?\n\| ",
    "it is a table, in which messages are cut into lines. Print it with --output json",
)
#: `--output yaml` and `yaml-stream`.
YAML: Final = _refused(
    "YAML of the AWS command line",
    r"(?:- )?(?:events|searchedLogStreams|results):(?: \[\])?\r?\n",
    "it is YAML, which is not read. Print it with --output json",
)
