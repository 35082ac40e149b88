"""The quotas of CloudWatch Logs on filter patterns, each with its error message.

Sources: PutMetricFilter, API reference (1,024 characters). Amazon CloudWatch Logs user guide,
"Filter pattern syntax" (3 wildcards per pattern, 1 per selector, 2 regular expressions per
pattern, 5 filters with a regular expression per log group).
"""

from __future__ import annotations

CHARACTERS = 1024
REGEXES = 2
WILDCARDS = 3
REGEX_FILTERS_PER_GROUP = 5

TOO_LONG = f"Shorten the pattern to at most {CHARACTERS:,} characters."
TOO_MANY_REGEXES = f"Write at most {REGEXES} regular expressions per pattern."
TOO_MANY_WILDCARDS = f"Write at most {WILDCARDS} wildcard selectors per pattern."
TWO_WILDCARDS = "Write only one wildcard per selector: [*] or .* once."
TOO_MANY_REGEX_FILTERS = (
    f"Write this pattern without a regular expression: at most {REGEX_FILTERS_PER_GROUP} filters "
    "of a log group may have one."
)
