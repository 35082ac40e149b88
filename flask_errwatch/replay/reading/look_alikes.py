"""Names what a log looks like of which most was not understood, and what to do."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Final, NamedTuple

from flask_errwatch.replay.reading.known_formats import (
    CLOUDWATCH_EXPORT,
    COUNTS,
    EVERYTHING,
    JSON_LINES,
)
from flask_errwatch.replay.reading.shapes import DEEPEST, OWN_LINES, KnownFormats, texts_of

#: Lines of a log, and the part of them that must show a sign.
_LINES: Final = 200
_SHARE: Final = 0.4

_REQUEST: Final = r'\] "[^"\n\r]{0,2000}" [1-5]\d\d '
_LEVEL: Final = "(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL)"
_DATE: Final = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"


class _Sign(NamedTuple):
    """What lines of a kind begin with, and what to say of a log of them."""

    pattern: re.Pattern[str]
    sentence: str


#: Signs in one line, the more specific ones first, with the sentence for them.
_SIGNS: Final = (
    _Sign(
        re.compile(r"[^\n]*" + _REQUEST + r"[^\n]*" + _REQUEST),
        "It has several records on one line: put each on a line of its own, as the JSON output of "
        "the AWS command line does",
    ),
    _Sign(
        re.compile(r'\s*\{.*"(httpSourceName|terminatingRuleId)"'),
        "It looks like a log of AWS WAF, which shows no responses: give the log of the balancer or "
        "of the app",
    ),
    _Sign(
        re.compile(r'\s*\{(?=.*"eventVersion").*"eventSource"'),
        "It looks like a CloudTrail log, which shows no requests to the app",
    ),
    _Sign(
        re.compile(r"(version account-id|\d \d{12} eni-)"),
        "It looks like a VPC flow log, which shows no requests",
    ),
    _Sign(
        re.compile(r"\s*\{"),
        "It looks like JSON without a time and a status that are known: name the keys, as with "
        "--fields time=ts,status=code,client=ip,path=uri,method=verb",
    ),
    _Sign(
        re.compile(_DATE + r" \[(error|warn|notice|info|crit|alert|emerg)\] \d+#\d+:"),
        "It looks like the error log of nginx: give its access log",
    ),
    _Sign(
        re.compile(r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:.]+ \d{4}\] \["),
        "It looks like the error log of Apache: give its access log",
    ),
    _Sign(
        re.compile(r"\[" + _DATE + r" [+-]\d{4}\] \[\d+\] \["),
        "It looks like the error log of gunicorn: give its access log (--access-logfile)",
    ),
    _Sign(
        re.compile(
            r"Traceback \(most|  File \"|    \S|[\w.]+(Error|Exception): "
            rf"|\[?{_DATE}[,.:][^\n]{{0,200}}?\b{_LEVEL}\b"
            rf"|{_LEVEL}:[\w.]+:|\[{_DATE}\] {_LEVEL} in "
        ),
        "It looks like the log of a program, which shows no requests: give an access log or lines "
        "of flask-errwatch",
    ),
    _Sign(
        re.compile(r"\s*<[A-Za-z!?/]"),
        "It looks like XML or HTML: give a log",
    ),
    _Sign(
        re.compile(r'INFO: +\S+:\d+ - "'),
        "Lines of uvicorn have no time: give them with one, as docker logs --timestamps prints",
    ),
    _Sign(
        re.compile(r'[^\n]*"[A-Z]+ [^"\n]{0,2000} HTTP/[\d.]+"'),
        "It looks like an access log in a format of your own: give the server's format string with "
        "--log-format",
    ),
)
_COUNTS: Final = _Sign(
    re.compile(r'(?=[^\n]{0,1000}\bminute\b)(?=[^\n]{0,1000}\blines\b)(?:\s*\{|[A-Za-z_, "\r]+$)'),
    "It looks like counts: use --format counts",
)
_W3C: Final = _Sign(
    re.compile(r"#(Fields|Version|Software):"),
    "It looks like a W3C log without the fields that are needed: date, time, c-ip, cs-method, "
    "cs-uri-stem, sc-status",
)
_UNKNOWN: Final = "Give its format with --format, --log-format or --fields"


def look_alike(head: bytes, known: KnownFormats) -> str:
    r"""What a log looks like, and what to do, as a sentence.

    Args:
        head: Its first bytes.
        known: What it was taken for.

    Example:
        >>> look_alike(b"<html>\n", EVERYTHING)
        'It looks like XML or HTML: give a log.'
    """
    if known == COUNTS:
        return "Correct these rows: docs/replay-counts.md has what each column may be."
    if known != EVERYTHING:
        shape = EVERYTHING.guess(head)
        if shape is not None:
            content = shape.readings[0].content
            title = OWN_LINES if content is None else content.title
            name = JSON_LINES if content is None else content.name
            option = CLOUDWATCH_EXPORT if shape.is_of_cloudwatch else name
            return f"It looks like {title}: use --format {option}, or leave the option out."
    texts = texts_of(head, EVERYTHING.document_of(head))[:_LINES]
    first = head.removeprefix(BOM_UTF8).partition(b"\n")[0].decode("utf-8", "replace")
    if _COUNTS.pattern.match(first):
        return f"{_COUNTS.sentence}."
    if texts and _W3C.pattern.match(texts[0]):
        return f"{_W3C.sentence}."
    for lines in ([*map(_innermost, texts)], texts):
        for sign in _SIGNS:
            if sum(sign.pattern.match(line) is not None for line in lines) > len(lines) * _SHARE:
                return f"{sign.sentence}."
    return f"{_UNKNOWN}."


def _innermost(text: str) -> str:
    """The message without what is around it."""
    for _ in range(DEEPEST):
        unwrapped = (wrapper.unwrap(text) for wrapper in EVERYTHING.wrappers)
        wrapped = next(filter(None, unwrapped), None)
        if wrapped is None:
            break
        text = wrapped.message
    return text
