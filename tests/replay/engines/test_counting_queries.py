"""Queries that count a log where it lies: they are run here, by DuckDB."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from flask_errwatch.cli.commands import errwatch
from flask_errwatch.replay.engines.counting_queries import (
    QUERIES,
    UnknownQueryError,
    counting_query,
)
from flask_errwatch.replay.gathering.sites import template_of
from tests.replay.replay_lines import access, write_log

duckdb = pytest.importorskip("duckdb", reason="the extra duckdb is not installed")

#: The functions of Athena's engine that DuckDB lacks or names differently.
ATHENA = r"""
CREATE MACRO try(value) AS value;
CREATE MACRO to_unixtime(moment) AS epoch(moment);
CREATE MACRO parse_datetime(text, form) AS try_strptime(text, '%d/%b/%Y:%H:%M:%S %z');
CREATE MACRO from_iso8601_timestamp(text) AS TRY_CAST(text AS TIMESTAMPTZ);
CREATE MACRO element_at(parts, number) AS parts[number];
"""
COLUMNS = {
    *("minute", "status", "client", "lines", "method", "path", "referrer", "agent", "own", "host")
}
MINUTE = 1_795_564_800  # 2026-11-25T00:00:00Z
#: An entry of https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
ALB = (
    "https 2026-11-25T00:00:{second:02d}.186641Z app/my-loadbalancer/50dc6c495c0c9188 "
    "{client}:2817 10.0.0.1:80 0.086 0.048 0.037 {status} {status} 0 57 "
    '"GET https://www.example.com:443{path} '
    'HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "
    '"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "-" 1 '
    '2026-11-25T00:00:00.186641Z "forward" "-" "-" "10.0.0.1:80" "{status}" "-" "-"\n'
)
#: An entry of https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be amzn-s3-demo-bucket1 "
    "[25/Nov/2026:00:00:{second:02d} +0000] {client} - 3E57427F3EXAMPLE REST.GET.OBJECT - "
    '"GET {path} HTTP/1.1" {status} - 113 - 7 - "-" "curl/7.46.0" - '
    "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4\n"
)
#: Fields of https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
CLOUDFRONT = (
    "2026-11-25\t00:00:{second:02d}\tFRA2\t392\t{client}\tGET\td1.cloudfront.net\t{path}\t{status}\t"
    "-\tcurl%2F7.46.0\t-\n"
)
#: The columns of each table of Athena that its query reads, and a row as the table has it.
TABLES = {
    "alb": (
        "alb_access_logs",
        "time, client_ip, elb_status_code, request_verb, request_url, user_agent",
        """'2026-11-25T00:00:09.18Z', '203.0.113.9', {}, 'GET', 'https://a.test:443{}', \
'curl/7.46.0'""",
    ),
    "cloudfront": (
        "cloudfront_standard_logs",
        """"date", time, c_ip, sc_status, cs_method, cs_uri_stem, cs_uri_query, cs_referrer, \
cs_user_agent""",
        """DATE '2026-11-25', '00:00:09', '203.0.113.9', {}, 'GET', '{}', '-', '-', \
'curl%2F7.46.0'""",
    ),
    "s3": (
        "mybucket_logs",
        "requestdatetime, remoteip, httpstatus, request_uri, referrer, useragent",
        """'25/Nov/2026:00:00:09 +0000', '203.0.113.9', '{}', '"GET {} HTTP/1.1"', '"-"', \
'"curl/7.46.0"'""",
    ),
    "combined": (
        "access_lines",
        "line",
        """'203.0.113.9 - - [25/Nov/2026:00:00:09 +0000] "GET {1} HTTP/1.1" {0} 9 "-" \
"curl/7.46.0"'""",
    ),
}
SHAPES = {"alb": ALB, "s3": S3, "cloudfront": CLOUDFRONT}


def rows_of(query: str, before: str = "") -> list[dict[str, object]]:
    """The rows of a query, ordered by minute, path and status."""
    with duckdb.connect() as connection:
        connection.execute(before or "SELECT 1")
        result = connection.execute(query)
        names = [column[0] for column in result.description]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return sorted(found, key=lambda row: (row["minute"], str(row["path"]), str(row["status"])))


def on_file(form: str, path: Path) -> list[dict[str, object]]:
    """The rows of DuckDB's query for a format, over one file."""
    query, changes = re.subn(
        r"read_csv\(\s*'[^']*'", f"read_csv('{path}'", counting_query("duckdb", form)
    )
    assert changes == 1
    return rows_of(query)


def lines_of(form: str) -> list[str]:
    """An answered request, two equal failures of one, and one that follows from the first."""
    requests = [("/orders/7", 200), ("/.env", 404), ("/.env", 404), ("/orders/8", 404)]
    return [
        SHAPES[form].format(second=second, client="203.0.113.9", path=path, status=status)
        for second, (path, status) in enumerate(requests)
    ]


def failed(path: str, lines: int, *, own: bool) -> dict[str, object]:
    """The row of requests that were answered with 404."""
    return {
        "minute": MINUTE,
        "status": 404,
        "client": "203.0.113.9",
        "lines": lines,
        "method": "GET",
        "path": path,
        "agent": "curl/7.46.0",
        "own": own,
    }


def answered(row: dict[str, object]) -> tuple[object, ...]:
    """Minute, status, client, lines and path of a row."""
    return row["minute"], row["status"], row["client"], row["lines"], row["path"]


def test_an_access_log_is_counted_with_its_site(tmp_path: Path) -> None:
    """Own paths, the own host, a hostile request, a bad line: each line is in one row."""
    link = '"https://shop.test/a" "Mozilla/5.0"'
    lines = [
        access(1, 200, path="/orders/7").replace('"-" "curl"', link),
        access(2, 302, path="/b"),
        access(3, 404, path="/orders/4711?a=b", client="2001:db8::9"),
        access(4, 404, path="/.env"),
        access(5, 404, path="/.env"),
        access(6, 400).replace("GET /.env HTTP/1.1", r"\x16\x03\" a"),
        access(60, 404, path="/c").partition(' "-"')[0] + "\n",
        "the server starts\n",
        "x\t192.0.2.9\t25/Nov/2026:00:00:09 +0000\tGET / HTTP/1.1\t404\t-\t-\n",
        "\n",
    ]
    rows = on_file("combined", write_log(tmp_path, lines))
    assert {*rows[0]} == COLUMNS
    assert {row["host"] for row in rows} == {"shop.test"}
    assert [
        (row["minute"], row["status"], row["client"], row["lines"], row["method"], row["path"])
        for row in rows
    ] == [
        (0, None, None, 2, None, None),
        (MINUTE, 400, "192.0.2.7", 1, "?", "/"),
        (MINUTE, 404, "192.0.2.7", 2, "GET", "/.env"),
        (MINUTE, 404, "2001:db8::9", 1, "GET", "/orders/4711?a=b"),
        (MINUTE, 200, None, 1, None, None),
        (MINUTE, 302, None, 1, None, None),
        (MINUTE + 60, 404, "192.0.2.7", 1, "GET", "/c"),
    ]
    assert [row["own"] for row in rows] == [None, False, False, True, None, None, False]
    assert (rows[2]["referrer"], rows[2]["agent"], rows[6]["referrer"]) == ("-", "curl", None)


@pytest.mark.parametrize("form", ["alb", "s3", "cloudfront"])
def test_a_log_of_aws_is_counted(tmp_path: Path, form: str) -> None:
    """By the documented entry of each format. Header lines count for nothing."""
    header = "#Version: 1.0\n#Fields: date time\n" if form == "cloudfront" else ""
    rows = on_file(form, write_log(tmp_path, header + "".join(lines_of(form))))
    assert [answered(row) for row in rows if row["status"] == 200] == [(MINUTE, 200, None, 1, None)]
    shown = [
        {name: row[name] for name in failed("", 0, own=False)}
        for row in rows
        if row["status"] == 404
    ]
    assert shown == [failed("/.env", 2, own=False), failed("/orders/8", 1, own=True)]
    assert {*rows[0]} == COLUMNS - ({"referrer", "host"} if form == "alb" else set())


@pytest.mark.parametrize("form", ["alb", "s3", "cloudfront", "combined"])
def test_athena_counts_its_documented_tables(form: str) -> None:
    """The table of each format, one of its rows without what the query needs."""
    name, columns, row = TABLES[form]
    requests = [(200, "/orders/7"), (404, "/.env"), (404, "/.env"), (404, "/orders/8")]
    unread = "'starting'" if form == "combined" else ", ".join("NULL" for _ in columns.split(","))
    values = ", ".join(f"({row.format(*request)})" for request in requests)
    table = f"CREATE TABLE {name} AS SELECT * FROM (VALUES {values}, ({unread})) AS v({columns});"  # noqa: S608 - constants of this file
    # What stands for a function of Athena that DuckDB has by another syntax.
    query = re.sub(r"'\$(\d)'", r"'\\\1'", counting_query("athena", form))
    rows = rows_of(query.replace("regexp_replace(", "replaced("), ATHENA + REPLACED + table)
    assert [answered(row) for row in rows if row["status"] in {None, 200}] == [
        (0, None, None, 1, None),
        (MINUTE, 200, None, 1, None),
    ]
    assert [
        {name: row[name] for name in failed("", 0, own=False)}
        for row in rows
        if row["status"] == 404
    ] == [failed("/.env", 2, own=False), failed("/orders/8", 1, own=True)]


#: Athena replaces all matches, DuckDB only the first.
REPLACED = """
CREATE MACRO replaced(line, regex, other) AS regexp_replace(line, regex, other, 'g');
"""


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/orders/4711/items/0b1c2d3e4f",
            "/v2/about",
            "/1/2/3",
            "/",
            "//1//",
            "12/34",
            "/a?b=/1/2",
        ),
        *("/0b1c2d3e/1234567", "/a-1/12a", "/7f3e2a10-1111-2222-3333-444455556666/x", "/1.php"),
    ],
)
def test_a_template_is_that_of_the_reader(tmp_path: Path, path: str) -> None:
    """A failed request is `own` where a path of the same template was answered."""
    other = path.replace("4711", "4712").replace("/1", "/5").replace("34", "35")
    rows = on_file(
        "combined", write_log(tmp_path, [access(1, 200, path=other), access(2, path=path)])
    )
    is_own = template_of(path.partition("?")[0]) == template_of(other.partition("?")[0])
    assert [row["own"] for row in rows if row["status"] == 404] == [is_own]


def test_the_parts_that_logs_insights_parses() -> None:
    """Its regular expressions find the parts of a failure, and of any other only the status."""
    regexes = [
        re.compile(regex.replace("(?<", "(?P<"))
        for regex in re.findall(
            r"^\| parse @message /(.*)/$", counting_query("insights", "combined"), re.MULTILINE
        )
    ]
    assert len(regexes) == 3

    def parsed(line: str) -> dict[str, str]:
        matches = [match for regex in regexes if (match := regex.search(line))]
        return {name: part for match in matches for name, part in match.groupdict().items()}

    assert parsed(access(1, 302)) == {"status": "302"}
    assert parsed(access(1, 404, path="/a?b")) == {
        "status": "404",
        "client": "192.0.2.7",
        "method": "GET",
        "path": "/a?b",
        "referrer": "-",
        "agent": "curl",
    }
    assert (
        parsed('192.0.2.7 - - [25/Nov/2026:00:00:01 +0000] "GET / HTTP/1.1" 404 9')["path"] == "/"
    )
    assert parsed("the server starts") == {}


def test_logs_insights_returns_columns_of_counts() -> None:
    """For lines of flask-errwatch those by which alarms on one source are judged."""
    query = counting_query("insights", "own")
    assert re.findall(r"^\| display (.*)$", query, re.MULTILINE) == [
        "minute, detector, client, lines, paths, suspicion"
    ]
    by = counting_query("insights", "combined").split(" by ")[1].split("\n", maxsplit=1)[0]
    assert {*by.split(", "), "lines"} == COLUMNS - {"own", "host"}


def test_an_engine_or_a_format_without_a_query_is_refused_with_those_that_have_one() -> None:
    """One sentence, whose end is what there is."""
    with pytest.raises(UnknownQueryError, match="Use alb, cloudfront, s3, combined"):
        counting_query("athena", "own")
    with pytest.raises(UnknownQueryError, match="cloudfront"):
        counting_query("duckdb", "cloudfrnt")
    with pytest.raises(UnknownQueryError, match="Use duckdb, athena, insights"):
        counting_query("presto", "alb")
    assert {engine: [*queries] for engine, queries in QUERIES.items()} == {
        "duckdb": ["combined", "alb", "cloudfront", "s3"],
        "athena": ["alb", "cloudfront", "s3", "combined"],
        "insights": ["own", "combined"],
    }


def test_a_format_has_other_names() -> None:
    """The query of the combined format reads the common one. Case does not matter."""
    for engine in QUERIES:
        assert counting_query(engine, "common") == counting_query(engine, "Combined")
    assert counting_query("duckdb", "ALB") == counting_query("duckdb", "alb")


def test_the_command_prints_a_query_or_writes_it(tmp_path: Path) -> None:
    """A format that the engine lacks is a usage error."""
    app = Flask("corner")
    app.cli.add_command(errwatch)

    def run(*arguments: str) -> tuple[int, str, str]:
        result = app.test_cli_runner().invoke(
            args=["errwatch", "export", "counting-query", *arguments]
        )
        return result.exit_code, result.stdout, result.stderr

    query = counting_query("athena", "alb")
    assert run("athena", "--format", "alb") == (0, query, "")
    output = tmp_path / "query.sql"
    assert run("athena", "--format", "alb", "-o", str(output))[0] == 0
    assert output.read_text(encoding="utf-8") == query
    code, _, message = run("insights", "--format", "alb")
    assert code == 2
    assert "Use own, combined" in message
