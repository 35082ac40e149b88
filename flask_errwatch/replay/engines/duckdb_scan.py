"""What DuckDB is asked about an access log, as SQL. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from flask_errwatch.replay.engines.plain_lines import PLAIN_LINE
from flask_errwatch.replay.sources import LONGEST

#: The lines of a log, each as it is: DuckDB knows neither quotes nor fields in it. A line with the
#: delimiter, with a carriage return or that is too long is an error, and so are bytes that are not
#: UTF-8. An empty line is NULL.
_LINES: Final = f"""
    SELECT line FROM read_csv(
        $path, columns = {{'line': 'VARCHAR'}}, compression = $compression, header = false,
        auto_detect = false, delim = E'\\x01', quote = '', escape = '', new_line = '\\n',
        max_line_size = {LONGEST}
    )"""


class Counted(NamedTuple):
    """Lines of one log that are alike.

    Attributes:
        lines: How many.
        stamp: Their minute, as `25/Nov/2026:01:17`. None for lines that are not plain.
        zone: Its zone, as `+0000`.
        source: The client. None where the request did not fail, as all that follow.
        status: The status.
        request: The request, as `GET /a?b HTTP/1.1`.
        referrer: The referrer. None in the common format, as the agent.
        agent: The user agent.
    """

    lines: int
    stamp: str | None
    zone: str | None
    source: str | None
    status: str | None
    request: str | None
    referrer: str | None
    agent: str | None


_CHECKED: Final = f"""
WITH lines AS ({_LINES}),
checked AS (
    SELECT line, regexp_full_match(line, '{PLAIN_LINE}') IS TRUE AS is_plain FROM lines
)"""

#: The lines of a log as rows of `Counted`, those of one minute in succession.
COUNTED: Final = f"""{_CHECKED},
parted AS (
    SELECT is_plain, CASE WHEN is_plain THEN string_split(line, '"') END AS parts FROM checked
),
flagged AS (SELECT *, is_plain AND parts[3] >= ' 4' AS has_failed FROM parted)
SELECT
    count(*) AS lines,
    left(right(parts[1], 28), 17) AS stamp,
    left(right(parts[1], 7), 5) AS zone,
    CASE WHEN has_failed THEN split_part(parts[1], ' ', 1) END AS source,
    CASE WHEN has_failed THEN substr(parts[3], 2, 3) END AS status,
    CASE WHEN has_failed THEN parts[2] END AS request,
    CASE WHEN has_failed THEN parts[4] END AS referrer,
    CASE WHEN has_failed THEN parts[6] END AS agent
FROM flagged
GROUP BY ALL
ORDER BY stamp, zone, source, request
"""

#: The lines that are not plain, with their numbers from 1, in their order.
ODD: Final = f"""
WITH numbered AS (SELECT line, row_number() OVER () AS number FROM ({_LINES}))
SELECT number, line FROM numbered WHERE NOT regexp_full_match(line, '{PLAIN_LINE}')
"""

#: What shows the site of a log: request and referrer of each line that was answered with 2xx, with
#: the number of such lines, or a whole line that is not as simple. No other line is of use.
ANSWERED: Final = f"""
WITH lines AS ({_LINES}),
parted AS (SELECT line, string_split(line, '"') AS parts FROM lines WHERE contains(line, '" 2')),
flagged AS (
    SELECT line, parts, NOT contains(line, '\\')
        AND ends_with(parts[1], '] ')
        AND regexp_full_match(parts[3], ' 2[0-9][0-9] [0-9-]+ ?')
        AND (len(parts) = 3 OR len(parts) = 7 AND parts[5] = ' ' AND parts[7] = '') AS is_simple
    FROM parted
)
SELECT
    count(*) AS lines,
    CASE WHEN is_simple THEN parts[2] END AS request,
    CASE WHEN is_simple AND ends_with(parts[3], ' ') THEN parts[4] END AS referrer,
    CASE WHEN NOT is_simple THEN line END AS odd
FROM flagged
GROUP BY ALL
ORDER BY ALL
"""
