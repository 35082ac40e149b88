"""Parses the text of a pattern, and the grammar of terms.

The first character that is not a blank selects the syntax: `{` JSON, `[` space-delimited, `%` a
regular expression, anything else terms. All syntax errors are `PatternSyntaxError`.
"""

from __future__ import annotations

from flask_errwatch.patterns.parse_delimited import delimited_pattern
from flask_errwatch.patterns.parse_json import json_condition, json_pattern
from flask_errwatch.patterns.pattern_types import (
    DelimitedPattern,
    JsonPattern,
    Pattern,
    RegexPattern,
    TermsPattern,
)
from flask_errwatch.patterns.tokenizer import BLANKS, Cursor


def parse(text: str) -> Pattern:
    """Parses a filter pattern.

    Args:
        text: The pattern as a metric filter has it, at most 1,024 characters.

    Raises:
        PatternSyntaxError: CloudWatch Logs would reject it. The message shows where, and what to
            write instead.
        TypeError: It is not a string.

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
        return DelimitedPattern(text=text, entries=delimited_pattern(cursor))
    if first == "%":
        return _regex(cursor)
    return _terms(cursor)


def parse_json_condition(text: str) -> JsonPattern:
    """Parses the condition of a JSON pattern, written without its braces.

    Raises:
        PatternSyntaxError: CloudWatch Logs would reject it. Its position is that in the condition.
        TypeError: It is not a string.

    Example:
        >>> parse_json_condition("$.suspicion > 0").matches('{"suspicion": 2}')
        True
    """
    _check_text(text)
    condition = json_condition(Cursor(text))
    return JsonPattern(text=f"{{ {text} }}", condition=condition)


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"Write the pattern as a str, as a metric filter has it, not as {text!r}.")


def _regex(cursor: Cursor) -> RegexPattern:
    """Pattern := "%" expression "%"."""
    if len(cursor.source.rstrip(BLANKS)) - 1 == cursor.at:
        raise cursor.error("Close the regular expression with a second '%'.")
    regex = cursor.regex()
    if cursor.skip_blanks():
        raise cursor.error("End the pattern after one regular expression, or join two with '|'.")
    return RegexPattern(text=cursor.source, regex=regex)


def _terms(cursor: Cursor) -> TermsPattern:
    """Pattern := { [ "-" | "?" ] term }. A blank or an operator separates terms."""
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    while cursor.skip_blanks():
        operator = cursor.peek() if cursor.peek() in "-?" else ""
        if operator:
            cursor.at += 1
            cursor.skip_blanks()
        terms[operator].append(_term(cursor))
    return TermsPattern(
        text=cursor.source,
        required=tuple(terms[""]),
        optional=tuple(terms["?"]),
        excluded=tuple(terms["-"]),
    )


def _term(cursor: Cursor) -> str:
    """Term := quoted | word. A word has letters, digits, `_` and `.`."""
    start = cursor.at
    quoted = cursor.peek() == '"'
    term = cursor.quoted() if quoted else cursor.run("_.")
    if quoted and not term:
        raise cursor.error("Write text between the quotes, or leave the pattern empty.", start)
    following = cursor.peek()
    if not term or (following and following not in BLANKS + "-?"):
        raise cursor.error(_term_remedy(following))
    return term


def _term_remedy(char: str) -> str:
    if not char:
        return "Write a term after the operator."
    if char == '"':
        return "Put a blank before the quote."
    return "Put the term in double quotes: without them it has only letters, digits, '_' and '.'."
