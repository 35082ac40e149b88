"""The bounds that CloudWatch Logs sets on filter patterns, and what each refusal says.

Sources: PutMetricFilter, API reference (1,024 characters); Amazon CloudWatch Logs user guide,
"Filter pattern syntax" (3 wildcards a pattern, 1 a selector; 2 regular expressions a pattern, 5
filters with one a log group).
"""

from __future__ import annotations

CHARACTERS = 1024
REGEXES = 2
WILDCARDS = 3
REGEX_FILTERS_PER_GROUP = 5

TOO_LONG = f"Shorten the pattern: {CHARACTERS:,} characters is the most."
TOO_MANY_REGEXES = f"Write at most {REGEXES} regular expressions in a pattern."
TOO_MANY_WILDCARDS = f"Write at most {WILDCARDS} wildcard selectors in a pattern."
TWO_WILDCARDS = "Write one wildcard a selector: [*] or .* once."
TOO_MANY_REGEX_FILTERS = (
    f"Write this one without a regular expression: at most {REGEX_FILTERS_PER_GROUP} filters of "
    "a log group may hold one."
)
