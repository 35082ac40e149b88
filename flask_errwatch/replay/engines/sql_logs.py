"""How SQL finds the requests in logs of a format. Pure.

`requests` has a row for each line that is not empty, with the columns `second` (since the epoch),
`status`, `client`, `method`, `path`, `referrer` and `agent`. Of a line that it cannot read,
`second` or `status` is NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask_errwatch.replay.engines.sql_dialects import ATHENA, DUCKDB, Dialect
from flask_errwatch.replay.sources import LONGEST


@dataclass(frozen=True, kw_only=True, slots=True)
class SqlLog:
    """Logs of a format, as an engine has them.

    Attributes:
        about: What to do with the query, and what it reads.
        requests: The query of `requests`.
        lines: What precedes it in `WITH`.
        has_referrer: Whether the format shows the referrer.
    """

    about: str
    requests: str
    lines: str = ""
    has_referrer: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class _LineFormat:
    """A format that a regular expression takes apart.

    Attributes:
        regex: It matches a whole line.
        groups: The names of its groups: time, client, request, status, headers, agent, and referrer
            where the format shows it. Headers is what a line has that shows them.
        is_joined: Whether something joined records to a line, which cannot be read then, as SQL.
        is_iso: Whether its time is in ISO 8601.
    """

    regex: str
    groups: tuple[str, ...]
    is_joined: str = "strpos(line, chr(9)) > 0"
    is_iso: bool = False


_QUOTED: Final = r'"((?:[^"\\]|\\.)*)"'
_COMBINED: Final = _LineFormat(
    regex=(
        r"^([0-9A-Za-z.:_-]+) - [^ \x22]+ \[([^\]\x22]+)\] "
        rf"{_QUOTED} ([1-9][0-9][0-9]|-|-1|000)(?: [^ \x22]+( {_QUOTED} {_QUOTED})?.*)?$"
    ),
    groups=("client", "time", "request", "status", "headers", "referrer", "agent"),
    # Only the time ends so: in a value a quote is escaped.
    is_joined="""length(line) - length(replace(line, '] "', '')) > 3""",
)
# The fields: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
_ALB: Final = _LineFormat(
    regex=(
        r"^[a-z0-9]+ ([0-9T:.-]+Z) [^ ]+ "
        r"(?:\[?([0-9a-fA-F.:]+)\]?:[0-9]+|-) [^ ]+ [^ ]+ [^ ]+ [^ ]+ "
        rf"([1-9][0-9][0-9]|-|000) [^ ]+ [^ ]+ [^ ]+ {_QUOTED}( {_QUOTED}).*$"
    ),
    groups=("time", "client", "status", "request", "headers", "agent"),
    is_iso=True,
)
# The fields: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
_S3: Final = _LineFormat(
    regex=(
        r"^[^ ]+ [^ ]+ \[([^\]]+)\] ([^ ]+) [^ ]+ [^ ]+ [^ ]+ [^ ]+ "
        rf"{_QUOTED} ([1-9][0-9][0-9]|-) [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+( {_QUOTED} {_QUOTED}).*$"
    ),
    groups=("time", "client", "request", "status", "headers", "referrer", "agent"),
)
_REQUEST: Final = "^([^ ]+) ([^ ]+) HTTP/[^ ]+$"


def _of_lines(dialect: Dialect, form: _LineFormat) -> str:
    """The requests of `lines`, each with its text in `line`."""
    of = {name: dialect.group_of("parts", number) for number, name in enumerate(form.groups, 1)}
    second = (dialect.iso if form.is_iso else dialect.clock).format(of["time"])
    headers = [_header(of, name) for name in ("referrer", "agent") if name in of]
    target = f"coalesce({dialect.extracted(of['request'], _REQUEST, 2)}, '/')"
    text = f"CASE WHEN {form.is_joined} THEN '' ELSE line END"
    return f"""
    SELECT
        {second} AS second,
        {_status(of["status"])} AS status,
        {of["client"]} AS client,
        coalesce({dialect.extracted(of["request"], _REQUEST, 1)}, '?') AS method,
        {_path(dialect, target)} AS path,
        {", ".join(headers)}
    FROM (
        SELECT {dialect.parted(text, form.regex, len(form.groups))} AS parts
        FROM lines
    ) AS parted"""


def _status(text: str) -> str:
    """The status of a request, 0 where it got no response."""
    return f"CASE WHEN {text} IN ('-', '-1') THEN 0 ELSE TRY_CAST({text} AS integer) END"


def _header(of: Mapping[str, str], name: str) -> str:
    """A header, `-` where the request had none. NULL where the line does not show headers."""
    return f"CASE WHEN {of['headers']} IS NOT NULL THEN coalesce({of[name]}, '-') END AS {name}"


def _path(dialect: Dialect, target: str) -> str:
    """The target without scheme and host, which a proxy logs."""
    bare = dialect.replaced(target, "^[a-z]+://[^/]*", "")
    return f"coalesce(nullif({bare}, ''), '/')"


def _joined(stem: str, query: str) -> str:
    """The target of a format that has path and query apart."""
    return f"{stem} || coalesce('?' || nullif({query}, '-'), '')"


_FILES: Final = """\
Put your files in place of the name, then:  duckdb -csv < query.sql > counts.csv
DuckDB reads gzip, wildcards and, with its extension httpfs, s3:// too. It leaves out lines that are
longer than 1 MiB or not in UTF-8: replay reads files with such lines itself."""
_READ_CSV: Final = f"""\
read_csv(
        '{{}}',
        columns = {{{{'line': 'VARCHAR', 'more': 'VARCHAR'}}}}, header = false, auto_detect = false,
        delim = E'\\x01', quote = '', escape = '', new_line = '\\n', max_line_size = {LONGEST},
        null_padding = true, strict_mode = false, ignore_errors = true
    )"""
# A line may have what separates columns.
_LINE: Final = "concat_ws(E'\\x01', line, more)"
_DUCKDB_LINES: Final = f"""\
lines AS (
    SELECT {_LINE} AS line FROM {_READ_CSV} WHERE line <> ''
),"""
# The fields: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
_CLOUDFRONT_FIELDS: Final = (
    *("date", "time", "x_edge_location", "sc_bytes", "c_ip", "cs_method", "cs_host", "cs_uri_stem"),
    *("sc_status", "cs_referrer", "cs_user_agent", "cs_uri_query"),
)
_CLOUDFRONT_COLUMNS: Final = f"""\
lines AS (
    SELECT string_split(line, chr(9)) AS fields FROM {_READ_CSV.format("cloudfront/*.gz")}
    WHERE line <> '' AND line NOT LIKE '#%'
),
named AS (
    SELECT {", ".join(f"fields[{n}] AS {name}" for n, name in enumerate(_CLOUDFRONT_FIELDS, 1))}
    FROM lines
),"""


def _of_cloudfront(dialect: Dialect, table: str, date: str, *, status: str, decode: str) -> str:
    """The requests of CloudFront's standard logs, whose user agents are percent-encoded."""
    second = dialect.iso.format(f"{date} || 'T' || time || 'Z'")
    return f"""
    SELECT
        {second} AS second, {status} AS status, c_ip AS client,
        cs_method AS method, {_joined("cs_uri_stem", "cs_uri_query")} AS path,
        cs_referrer AS referrer, {decode.format("cs_user_agent")} AS agent
    FROM {table}"""


#: By the name of the format.
DUCKDB_LOGS: Final[Mapping[str, SqlLog]] = {
    "combined": SqlLog(
        about=f"An access log in the common or combined format.\n{_FILES}",
        lines=_DUCKDB_LINES.format("access.log*"),
        requests=_of_lines(DUCKDB, _COMBINED),
    ),
    "alb": SqlLog(
        about=f"Access logs of an Application Load Balancer.\n{_FILES}",
        lines=_DUCKDB_LINES.format("alb/**/*.log.gz"),
        requests=_of_lines(DUCKDB, _ALB),
        has_referrer=False,
    ),
    "cloudfront": SqlLog(
        about=f"Standard logs (legacy) of CloudFront, with their fields by default.\n{_FILES}",
        lines=_CLOUDFRONT_COLUMNS,
        requests=_of_cloudfront(
            DUCKDB, "named", "date", status=_status("sc_status"), decode="url_decode({})"
        ),
    ),
    "s3": SqlLog(
        about=f"Server access logs of S3.\n{_FILES}",
        lines=_DUCKDB_LINES.format("s3-access/*"),
        requests=_of_lines(DUCKDB, _S3),
    ),
}

_RESULT: Final = (
    "Add a WHERE for your partitions. Download the result as CSV: it is what replay reads."
)
_BARE: Final = "trim(BOTH '\"' FROM {})"

#: By the name of the format.
ATHENA_LOGS: Final[Mapping[str, SqlLog]] = {
    "alb": SqlLog(
        about=(
            "Access logs of an Application Load Balancer, in the table of\n"
            "https://docs.aws.amazon.com/athena/latest/ug/create-alb-access-logs-table.html\n"
            f"{_RESULT}"
        ),
        requests=f"""
    SELECT
        {ATHENA.iso.format("time")} AS second, coalesce(elb_status_code, 0) AS status,
        client_ip AS client, request_verb AS method,
        {_path(ATHENA, "request_url")} AS path, user_agent AS agent
    FROM alb_access_logs""",
        has_referrer=False,
    ),
    "cloudfront": SqlLog(
        about=(
            "Standard logs (legacy) of CloudFront, in the table of\n"
            "https://docs.aws.amazon.com/athena/latest/ug/create-cloudfront-table-standard-logs.html\n"
            f"{_RESULT}"
        ),
        requests=_of_cloudfront(
            ATHENA,
            "cloudfront_standard_logs",
            'CAST("date" AS varchar)',
            status="sc_status",
            decode="url_decode({})",
        ),
    ),
    "s3": SqlLog(
        about=(
            "Server access logs of S3, in the table of\n"
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
            "using-s3-access-logs-to-identify-requests.html\n"
            f"{_RESULT}"
        ),
        requests=f"""
    SELECT
        {ATHENA.clock.format("requestdatetime")} AS second,
        {_status("httpstatus")} AS status, remoteip AS client,
        coalesce({ATHENA.extracted(_BARE.format("request_uri"), _REQUEST, 1)}, '?') AS method,
        coalesce({ATHENA.extracted(_BARE.format("request_uri"), _REQUEST, 2)}, '/') AS path,
        {_BARE.format("referrer")} AS referrer, {_BARE.format("useragent")} AS agent
    FROM mybucket_logs""",
    ),
    "combined": SqlLog(
        about=(
            "An access log in the common or combined format, in a table of its lines:\n"
            "CREATE EXTERNAL TABLE access_lines (line string) LOCATION 's3://bucket/prefix/'\n"
            "https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html\n"
            f"{_RESULT}"
        ),
        lines="lines AS (SELECT line FROM access_lines WHERE line <> ''),",
        requests=_of_lines(ATHENA, _COMBINED),
    ),
}
