"""The server access logs of Amazon S3.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html.
"""

from __future__ import annotations

import re
from typing import Final

from flask_errwatch.replay.formats.clients import client_of
from flask_errwatch.replay.formats.fields import status_of
from flask_errwatch.replay.formats.record import HEADER, AccessRecord, LogFormat, Parsed
from flask_errwatch.replay.formats.requests import Request
from flask_errwatch.replay.formats.times import ncsa_second

# A tab or a carriage return is only between records that something joined.
_TEXT = r'(?:"([^"\t\r\n]*)"|-)'
# Owner, bucket, time, client, requester, id, operation, key, request, status, error, bytes sent,
# size of the object, two durations, referrer, user agent. AWS adds fields at the end.
_LINE = re.compile(
    r"\S+ \S+ \[([^\]\t\r\n]+)\] (\S+) \S+ \S+ [A-Z][A-Za-z\d]*\.\S+ \S+ "
    rf"{_TEXT} (\d{{3}}|-) \S+ \S+ \S+ \S+ \S+ {_TEXT} {_TEXT}(?: ([^\t\r\n]*))?",
    re.ASCII,
)
# The time of another record in the rest.
_ANOTHER = re.compile(r" \[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8} [+-]\d{4}\] \S+ \S+ ", re.ASCII)


def _parse(line: str) -> Parsed:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    time, client, request, status, referrer, agent, rest = match.groups()
    if rest and _ANOTHER.search(rest):  # of several records on one line none is read
        return None
    at, source, answered = ncsa_second(time), client_of(client), status_of(status)
    if at is None or source is None or answered is None:
        return None
    if request is None and status == "-":  # what S3 does by itself, as to expire an object
        return HEADER
    found = Request(source, answered, request or "-", referrer or "-", agent or "-")
    return AccessRecord(at, found)


#: A request counts when S3 received it.
S3: Final = LogFormat(name="s3", title="an S3 server access log", parser=lambda: _parse)
