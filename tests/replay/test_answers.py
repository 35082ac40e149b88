"""The successful requests of access logs."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flask_errwatch.replay.answers import count_answers
from flask_errwatch.respond.ranking.access_logs import Answered
from flask_errwatch.respond.ranking.summary import SourceRow
from flask_errwatch.respond.ranking.window import Window

AT = datetime(2026, 11, 29, 2, 6, 12, tzinfo=UTC).timestamp()
WINDOW = Window(start=AT, end=AT + 60)
ATTACKER, NEIGHBOUR, VISITOR = "203.0.113.66", "2001:db8::/64", "198.51.100.17"
LOG = r"""203.0.113.66 - - [29/Nov/2026:02:06:12 +0000] "GET /a?b HTTP/1.1" 200 9 "-" "curl"
203.0.113.66 - - [29/Nov/2026:02:06:13 +0000] "GET /x\"y HTTP/1.1" 304 9
203.0.113.66 - - [29/Nov/2026:02:06:14 +0000] "GET /a?b HTTP/1.1" 404 9 "-" "curl"
2001:db8::1 - ann [29/Nov/2026:03:06:15 +0100] "POST /login HTTP/1.1" 201 9 "-" "curl"
203.0.113.66 - - [29/Nov/2026:02:06:16 +0000] "GET / HTTP/1.1" 2000 9
203.0.113.66 - - [39/Nov/2026:02:06:16 +0000] "GET / HTTP/1.1" 200 9
no access line
203.0.113.66 - - [29/Nov/2026:02:07:12 +0000] "GET / HTTP/1.1" 200 9
"""


#: What is said of a log in no format that is known.
UNDERSTOOD = (
    "it has no requests that are understood. Give its format with --format, --log-format or "
    "--fields"
)


def row(source: str | None, first: float = AT, last: float = AT + 59) -> SourceRow:
    """A source, with the time of its lines."""
    return SourceRow(source=source, first=first, last=last)


def counted(log: Path, *rows: SourceRow) -> Answered:
    """What a log shows of some sources."""
    return count_answers([str(log)], WINDOW, rows)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An access log of the minute."""
    path = tmp_path / "access.log"
    path.write_text(LOG, encoding="utf-8")
    return path


@pytest.mark.parametrize("is_compressed", [False, True])
def test_requests_that_succeeded_are_counted(log: Path, is_compressed: bool) -> None:  # noqa: FBT001
    """2xx and 304 in the time, from either format, plain or compressed."""
    if is_compressed:
        log.write_bytes(gzip.compress(LOG.encode()))
    found = counted(log, row(ATTACKER), row(NEIGHBOUR), row(None))
    assert found == Answered(counts={ATTACKER: 2, NEIGHBOUR: 1})


def test_a_source_that_no_log_shows_is_not_known(log: Path) -> None:
    """A server behind a proxy logs the proxy: no request of it is no sign that none succeeded."""
    found = counted(log, row(ATTACKER), row(VISITOR))
    assert found.counts == {ATTACKER: 2}
    reason = "the access logs have no request of it, or not all of its time"
    assert found.gaps == (f"successful requests of {VISITOR} ({reason}).",)


def test_a_log_that_begins_later_does_not_cover_a_source(log: Path) -> None:
    """A minute late is what a slow request may be."""
    assert counted(log, row(ATTACKER, first=AT - 60)).gaps == ()
    (gap,) = counted(log, row(ATTACKER, first=AT - 61)).gaps
    assert gap.startswith(f"successful requests of {ATTACKER} (")


def test_a_log_of_another_day_is_named_with_its_time(tmp_path: Path) -> None:
    """It shows nothing of the window."""
    log = tmp_path / "yesterday.log"
    log.write_text(LOG.splitlines()[0].replace("29/Nov", "28/Nov") + "\n", encoding="utf-8")
    moment = "2026-11-28 02:06:12 UTC"
    reason = f"the access logs are from {moment} to {moment}, and the window is not in them"
    assert counted(log, row(ATTACKER)) == Answered(gaps=(f"successful requests ({reason}).",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("the server starts\n", UNDERSTOOD),
    ],
    ids=["empty", "another format"],
)
def test_a_log_that_shows_no_client_is_named(tmp_path: Path, content: str, reason: str) -> None:
    """Silence would read as "nothing succeeded". The other logs are read."""
    log = tmp_path / "app.log"
    log.write_text(content, encoding="utf-8")
    assert counted(log, row(ATTACKER)) == Answered(
        gaps=(f"successful requests in {log} ({reason}).",)
    )


@pytest.mark.parametrize(
    ("line", "trusted"),
    [
        ("shop.example:443 {client} - - {answer}", 0),
        ("Nov 29 02:06:12 web-1 nginx: {client} - - {answer}", 0),
        ('10.0.3.114 - - {answer} "-" "curl" "6.6.6.6, {client}"', 1),
    ],
    ids=["virtual host first", "syslog", "behind a proxy"],
)
def test_every_format_of_replay_is_read(tmp_path: Path, line: str, trusted: int) -> None:
    """The client is found behind what others write around it, and behind a trusted proxy."""
    answer = '[29/Nov/2026:02:06:12 +0000] "GET / HTTP/1.1" 200 9'
    log = tmp_path / "access.log"
    log.write_text(line.format(client=ATTACKER, answer=answer) + "\n", encoding="utf-8")
    found = count_answers([str(log)], WINDOW, [row(ATTACKER, last=AT)], trusted)
    assert found == Answered(counts={ATTACKER: 1})
