"""CloudWatch's filter-pattern language, offline and without side effects.

`parse` parses a pattern and `field` builds one. Both return a `Pattern` that matches lines.

Example:
    >>> from flask_errwatch.patterns import field, parse
    >>> parse('{ $.status >= 500 }').matches('{"status": 503}')
    True
    >>> (field("$.status") >= 500) == parse("{$.status>=500}")
    True
"""

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns.builders import Field, field
from flask_errwatch.patterns.json_events import JsonEvent, read_event
from flask_errwatch.patterns.parser import parse, parse_json_condition
from flask_errwatch.patterns.pattern_set import PatternSet, check_group
from flask_errwatch.patterns.pattern_types import (
    DelimitedPattern,
    JsonPattern,
    Pattern,
    RegexPattern,
    TermsPattern,
)
from flask_errwatch.patterns.regex import Regex

#: Its name in version 0.1.
Event = JsonEvent

__all__ = [
    "DelimitedPattern",
    "Event",
    "Field",
    "JsonEvent",
    "JsonPattern",
    "Pattern",
    "PatternSet",
    "PatternSyntaxError",
    "Regex",
    "RegexPattern",
    "TermsPattern",
    "check_group",
    "field",
    "parse",
    "parse_json_condition",
    "read_event",
]
