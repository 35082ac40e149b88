"""Helpers for the tests of formats: one line, parsed."""

from __future__ import annotations

from flask_errwatch.replay.formats.record import AccessRecord, LogFormat

#: 25 November 2026, 01:17:12 UTC, in seconds since the epoch.
SECOND = 1_795_569_432


def record(log_format: LogFormat, line: str) -> AccessRecord:
    """What a new parser of the format reads of the line. It must be a request."""
    parsed = log_format.parser()(line)
    assert isinstance(parsed, AccessRecord), (parsed, line)
    return parsed


def is_refused(log_format: LogFormat, line: str) -> bool:
    """Whether the line is not of the format."""
    return log_format.parser()(line) is None
