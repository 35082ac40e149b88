"""The formats of logs, and a guess of the format from the first lines."""

from __future__ import annotations

import re
from collections import Counter

from flask_errwatch.replay.access_logs import AccessLogReader
from flask_errwatch.replay.json_logs import ExportReader, OwnLineReader
from flask_errwatch.replay.readers import LineReader
from flask_errwatch.replay.requests import request_of

#: By the name that `--format` takes.
FORMATS: dict[str, type[LineReader]] = {
    "combined": AccessLogReader,
    "json": OwnLineReader,
    "cloudwatch-export": ExportReader,
}

_SAMPLE = 20
_EXPORTED = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z ")
# The keys are those of the answers to FilterLogEvents and GetLogEvents.
_DOCUMENT = re.compile(rb'\s*(\{\s*("(events|searchedLogStreams|next\w*Token)"|$)|\[\s*([{\]]|$))')


def guess_format(head: bytes) -> type[LineReader]:
    """The format of most of the first lines, an access log where none is recognised.

    Args:
        head: The log's first bytes, of any number.

    Example:
        >>> guess_format(b'{"event": "Not Found Error"}').__name__
        'OwnLineReader'
    """
    lines = [line for line in head.split(b"\n", _SAMPLE)[:_SAMPLE] if line.strip()]
    if lines and _DOCUMENT.match(lines[0]):
        return ExportReader
    votes = Counter(kind for line in lines if (kind := _kind(line)) is not None)
    return FORMATS[votes.most_common(1)[0][0]] if votes else AccessLogReader


def _kind(line: bytes) -> str | None:
    if line.lstrip().startswith(b"{"):
        return "json"
    if _EXPORTED.match(line):
        return "cloudwatch-export"
    is_request = request_of(line.decode("utf-8", "backslashreplace")) is not None
    return "combined" if is_request else None
