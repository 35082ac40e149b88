"""Queries that count a log where it lies, for `replay --format counts`. Pure: text out.

Their columns are those of `CountRow`. A request that failed is counted by its client, method, path
and headers, all others by minute and status alone. Every line is in exactly one row: a row without
a status has the lines that the query could not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_errwatch._text import did_you_mean
from flask_errwatch.errors import ErrWatchError, Problem
from flask_errwatch.replay.engines.insights_queries import ACCESS_LINES, OWN_LINES
from flask_errwatch.replay.engines.sql_dialects import ATHENA, DUCKDB, Dialect
from flask_errwatch.replay.engines.sql_logs import ATHENA_LOGS, DUCKDB_LOGS, SqlLog
from flask_errwatch.replay.formats.requests import LINKED_HOST


class UnknownQueryError(ErrWatchError):
    """An engine or a format that has no counting query."""


def counting_query(engine: str, form: str) -> str:
    """The query with which an engine counts logs of a format.

    Args:
        engine: A key of `QUERIES`.
        form: A name of a format that it has for this engine, in any case. `common` is `combined`.

    Raises:
        UnknownQueryError: The engine or the format has none. It lists those that have one.

    Example:
        >>> print(counting_query("insights", "own").splitlines()[-1])
        | limit 10000
    """
    queries = QUERIES.get(engine)
    if queries is None:
        raise _unknown("engine", engine, [*QUERIES])
    query = queries.get(_SAME.get(form.lower(), form.lower()))
    if query is None:
        raise _unknown("--format", form, [*queries])
    return query


def _unknown(key: str, value: str, known: list[str]) -> UnknownQueryError:
    remedy = did_you_mean(value, known) or f"Use {', '.join(known)}."
    return UnknownQueryError(Problem(key=key, value=value, remedy=remedy))


def _sql(dialect: Dialect, log: SqlLog) -> str:
    """The query of an engine that speaks SQL."""
    columns = ["method", "path", *(["referrer"] if log.has_referrer else []), "agent"]
    shown = "".join(f"\n    CASE WHEN has_failed THEN {name} END AS {name}," for name in columns)
    keys = ["1", "2", "3", *map(str, range(5, 6 + len(columns)))]
    return f"""\
{_comments(log.about)}
-- A row without a status has the lines that could not be read.
WITH {log.lines}
requests AS ({log.requests}
),
flagged AS (
    SELECT *, coalesce(status >= 400 AND second IS NOT NULL, false) AS has_failed,
        {dialect.template("path")} AS template
    FROM requests
),
answered AS (SELECT DISTINCT template FROM flagged WHERE status BETWEEN 200 AND 299){
        _hosts(dialect) if log.has_referrer else ""
    }
SELECT
    coalesce(CAST(floor(second / 60) AS bigint) * 60, 0) AS minute,
    CASE WHEN second IS NOT NULL THEN status END AS status,
    CASE WHEN has_failed THEN client END AS client,
    count(*) AS lines,{shown}
    CASE WHEN has_failed THEN answered.template IS NOT NULL END AS own{
        _HOST if log.has_referrer else ""
    }
FROM flagged LEFT JOIN answered ON answered.template = flagged.template
GROUP BY {", ".join(keys)}
"""


def _hosts(dialect: Dialect) -> str:
    """The hosts from which requests were linked that were answered with 2xx."""
    return f""",
hosts AS (
    SELECT {dialect.extracted("referrer", _LINKED, 1)} AS host, count(*) AS links
    FROM flagged WHERE status BETWEEN 200 AND 299 GROUP BY 1
)"""


def _comments(text: str) -> str:
    return "\n".join(f"-- {line}" for line in text.splitlines())


#: Formats that a query of another one reads too.
_SAME: Final = {"common": "combined"}
_LINKED: Final = f"^{LINKED_HOST}"
_HOST: Final = """,
    coalesce((
        SELECT host FROM hosts WHERE host IS NOT NULL ORDER BY links DESC, host LIMIT 1
    ), '') AS host"""

#: The queries, by engine and format.
QUERIES: Final[Mapping[str, Mapping[str, str]]] = {
    "duckdb": {form: _sql(DUCKDB, log) for form, log in DUCKDB_LOGS.items()},
    "athena": {form: _sql(ATHENA, log) for form, log in ATHENA_LOGS.items()},
    "insights": {"own": OWN_LINES, "combined": ACCESS_LINES},
}
