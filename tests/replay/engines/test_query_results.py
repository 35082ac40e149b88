"""The results of the counting queries decide what the reader decides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flask_errwatch import DEFAULT_DETECTORS
from flask_errwatch.replay.engines.counting_queries import counting_query
from flask_errwatch.replay.result import ReplayResult
from tests.replay.counts.replayed import reasons, replayed
from tests.replay.engines.test_counting_queries import ALB
from tests.replay.replay_lines import access, detector_set, replay_of, write_log

duckdb = pytest.importorskip("duckdb", reason="the extra duckdb is not installed")

HIDDEN = {
    "authentication-error": "The input does not show referrer.",
    "scan-one-source": "The input does not show suspicion.",
}


def counted(log: Path, form: str = "combined") -> ReplayResult:
    """The result of the counts that DuckDB's query writes of a log."""
    query, counts = counting_query("duckdb", form), log.with_suffix(".csv")
    query = re.sub(r"read_csv\(\s*'[^']*'", f"read_csv('{log}'", query)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{counts}' (HEADER, DELIMITER ',')")
    return replayed(counts)


def read(log: Path) -> ReplayResult:
    """The result of the log itself."""
    return replay_of(log, detectors=detector_set(*DEFAULT_DETECTORS), advise=2)


def alarms(result: ReplayResult) -> dict[str, int]:
    """The alarms by the name of what fired."""
    return {row.alarm_name: len(row.alarms) for row in result.rows if row.alarms}


def common(second: int, status: int = 404) -> str:
    """A line of the common format."""
    return access(second, status).partition(' "-" ')[0] + "\n"


@pytest.mark.parametrize("combined", [0, 20])
def test_the_common_format_shows_no_headers(tmp_path: Path, combined: int) -> None:
    """What is not shown of one failed request is not judged, by the reader or by the counts."""
    lines = [common(second) for second in range(40)] + [access(50, 200)]
    log = write_log(tmp_path, lines + [access(second) for second in range(combined)])
    assert reasons(read(log)) == reasons(counted(log)) == HIDDEN
    assert read(log).judged.lines == counted(log).judged.lines == 41 + combined


def test_a_common_line_that_did_not_fail_hides_nothing(tmp_path: Path) -> None:
    """Nothing is derived of it."""
    lines = [access(second) for second in range(40)] + [common(41, 200), common(42, 302)]
    log = write_log(tmp_path, lines)
    assert reasons(read(log)) == reasons(counted(log)) == {}


def test_a_header_without_a_value_is_none(tmp_path: Path) -> None:
    """An empty header is shown: it is that of a request without one."""
    lines = [access(second).replace('"-" "curl"', '"" ""') for second in range(40)]
    log = write_log(tmp_path, lines)
    assert reasons(read(log)) == reasons(counted(log)) == {}
    assert alarms(read(log)) == alarms(counted(log)) == {"not-found-error": 1, "scan-one-source": 1}


def test_a_balancer_shows_no_referrer(tmp_path: Path) -> None:
    """A detector that reads it is not judged. Its log shows all else."""
    lines = [
        ALB.format(second=second, client="203.0.113.9", path="/.env", status=404)
        for second in range(40)
    ]
    unanswered = lines[0].replace(" 404 404 ", " - - ")
    nobody = lines[0].replace(" 203.0.113.9:2817 ", " - ")
    log = write_log(tmp_path, [*lines, unanswered, nobody])
    no_referrer = {"authentication-error": "The input does not show referrer."}
    assert reasons(read(log)) == reasons(counted(log, "alb")) == no_referrer
    assert (counted(log, "alb").bad_lines, counted(log, "alb").judged.lines) == (0, 42)


@pytest.mark.parametrize(
    ("change", "lines", "bad"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), 3, 0),
        (lambda data: data.replace(b"\n", b"\r\n", 1), 3, 0),
        (lambda data: data + b"x" * (1 << 21) + b"\n", 3, 0),
        (lambda data: data.replace(b"/.env", b"/\xe9", 1), 2, 0),
        (lambda data: data.replace(b"curl", b"a\x01b", 1), 3, 0),
        (lambda data: data.replace(b"\n", b" ", 1), 1, 1),
        (lambda data: data.replace(b" 404 9", b" - -", 1), 3, 0),
    ],
    ids=["crlf", "one crlf", "long", "latin-1", "control", "two records", "no status"],
)
def test_the_query_goes_on_behind_odd_lines(
    tmp_path: Path, change: object, lines: int, bad: int
) -> None:
    """It fails for none. What it leaves out is named in its comment."""
    data = "".join(access(second) for second in range(3)).encode()
    result = counted(write_log(tmp_path, change(data)))  # type: ignore[operator]  # a function
    assert (result.judged.lines, result.bad_lines) == (lines, bad)
    assert "longer than 1 MiB or not in UTF-8" in counting_query("duckdb", "combined")
