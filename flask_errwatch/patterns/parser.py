"""Text to pattern: what chooses the syntax, and the terms.

The first character that is no blank chooses: `{` JSON, `[` space-delimited, `%` a regular
expression, anything else terms. All errors are `PatternSyntaxError`.
"""

from __future__ import annotations

from flask_errwatch.patterns.parse_delimited import delimited
from flask_errwatch.patterns.parse_json import json_pattern
from flask_errwatch.patterns.pattern_types import (
    DelimitedPattern,
    JsonPattern,
    Pattern,
    RegexPattern,
    TermsPattern,
)
from flask_errwatch.patterns.tokenizer import BLANKS, Cursor


def parse(text: str) -> Pattern:
    """Reads a filter pattern.

    Args:
        text: The pattern as it stands in a metric filter, at most 1,024 characters.

    Raises:
        PatternSyntaxError: CloudWatch Logs would refuse it; says where and what to write instead.
        TypeError: It is no text.

    Example:
        >>> parse("ERROR -timeout").matches("ERROR: disk full")
        True
        >>> parse("{ $.a == 1 }")
        Traceback (most recent call last):
        flask_errwatch.errors.PatternSyntaxError: { $.a == 1 }
               ^
        Write a single '=' for equality.
    """
    _check_text(text)
    cursor = Cursor(text)
    first = cursor.skip_blanks()
    if first == "{":
        return JsonPattern(text=text, condition=json_pattern(cursor))
    if first == "[":
        return DelimitedPattern(text=text, entries=delimited(cursor))
    if first == "%":
        return _regex(cursor)
    return _terms(cursor)


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        message = f"Write the pattern as a str, as it stands in a metric filter, not as {text!r}."
        raise TypeError(message)


def _regex(cursor: Cursor) -> RegexPattern:
    """Pattern := "%" expression "%", and nothing else."""
    if len(cursor.source.rstrip(BLANKS)) - 1 == cursor.at:
        raise cursor.error("Close the regular expression with a second '%'.")
    regex = cursor.regex()
    if cursor.skip_blanks():
        raise cursor.error("End the pattern after one regular expression; join two with '|'.")
    return RegexPattern(text=cursor.source, regex=regex)


def _terms(cursor: Cursor) -> TermsPattern:
    """Pattern := { [ "-" | "?" ] term }; terms are apart by blanks or by an operator."""
    found: dict[str, list[str]] = {"": [], "?": [], "-": []}
    while cursor.skip_blanks():
        operator = cursor.peek() if cursor.peek() in "-?" else ""
        if operator:
            cursor.at += 1
            cursor.skip_blanks()
        found[operator].append(_term(cursor))
    return TermsPattern(
        text=cursor.source,
        required=tuple(found[""]),
        optional=tuple(found["?"]),
        excluded=tuple(found["-"]),
    )


def _term(cursor: Cursor) -> str:
    """Term := quoted | word; a word holds letters, digits, `_` and `.`."""
    start = cursor.at
    quoted = cursor.peek() == '"'
    term = cursor.quoted() if quoted else cursor.run("_.")
    if quoted and not term:
        raise cursor.error("Write text between the quotes, or no pattern at all.", start)
    following = cursor.peek()
    if not term or (following and following not in BLANKS + "-?"):
        raise cursor.error(_term_remedy(following))
    return term


def _term_remedy(char: str) -> str:
    if not char:
        return "Write a term after the operator."
    if char == '"':
        return "Put a blank before the quote."
    return "Put the term in double quotes: without, it holds letters, digits, '_' and '.'."
