"""What queries add up to where they cannot return every line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from flask_errwatch.respond.alarm.counted_lines import Counting
from flask_errwatch.respond.ranking.summary import SourceRow, Summary
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.insights import MOST_ROWS, Insights, Row
from flask_errwatch.respond.reading.insights_summary import summarize_by_insights
from tests.doctor.scripted_aws import ScriptedAws

AT = 1_795_917_960.0
WINDOW = Window(start=AT - 300, end=AT)
GUESSER, NOISY = "203.0.113.66", "198.51.100.17"


class Answers(Insights):
    """Queries with prepared rows, by what they look for, cut as AWS cuts them."""

    def __init__(self, **rows: Iterable[Row]) -> None:
        super().__init__(ScriptedAws(), ("shop",))
        self._rows = {name.replace("_", " "): [*found] for name, found in rows.items()}
        self.asked: dict[str, tuple[str, Window]] = {}

    def rows(self, query: str, span: Window, *, about: str) -> list[Row]:
        """The rows of a query."""
        self.asked[about] = query, span
        return self._rows.get(about.replace("-", " "), [])[:MOST_ROWS]


def login(at: float, client: str = GUESSER, event: str = "Login Failed") -> tuple[float, str]:
    """A line about a login."""
    line: dict[str, Any] = {"event": event, "client_ip": client, "method": "POST", "user": "ann"}
    line["detector"] = event.lower().replace(" ", "-")
    line["status"] = 401 if event == "Login Failed" else 302
    return at, json.dumps(line)


def listed(*lines: tuple[float, str]) -> list[Row]:
    """Lines as a query lists them: the newest first."""
    return [{"@timestamp": f"{at * 1000:.0f}", "@message": text} for at, text in lines[::-1]]


def ends(first: tuple[float, str], last: tuple[float, str]) -> Row:
    """The first and the last line of an address."""
    return {
        "first": f"{first[0] * 1000:.0f}",
        "first_line": first[1],
        "last": f"{last[0] * 1000:.0f}",
        "last_line": last[1],
    }


def summary_of(insights: Insights) -> Summary:
    """The summary of the lines with a status of 401 or 404."""
    counting = Counting(
        log_groups=("shop",), counts=lambda event: event.get("status") != 302, query="filter x"
    )
    return summarize_by_insights(insights, counting, "filter x", WINDOW, AT + 120)


def row_of(summary: Summary, source: str) -> SourceRow:
    """The row of a source."""
    (row,) = (row for row in summary.sources if row.source == source)
    return row


def noise(number: int) -> tuple[float, str]:
    """A line of a client that asks for what is not there."""
    line = {"event": "Not Found Error", "status": 404, "client_ip": NOISY, "path": "/img.png"}
    return AT - 150 + number * 0.01, json.dumps(line)


def test_a_sign_in_before_the_newest_lines_is_known() -> None:
    """So are the guesses and the row of a source whose lines a louder one pushed out."""
    guesses = [login(AT - 290 + number * 0.2) for number in range(300)]
    insights = Answers(
        lines=[{"lines": "12300", "sources": "2"}],
        sources=[{"client_ip": NOISY, "lines": "12000"}, {"client_ip": GUESSER, "lines": "300"}],
        failed_logins=[{"lines": "300", "sources": "1"}],
        failed_logins_of_sources=[{"client_ip": GUESSER, "lines": "300"}],
        failed_logins_of_accounts=[{"detector": "login-failed", "user": "ann", "lines": "300"}],
        first_and_last_lines=[ends(noise(0), noise(11_999)), ends(guesses[0], guesses[-1])],
        first_suspicious_lines=[ends(guesses[0], guesses[0])],
        sign_ins=listed(login(AT - 200, event="Login Succeeded")),
        lines_of_the_first_sources=listed(*map(noise, range(12_000))),
        the_hour_before=[{"client_ip": GUESSER, "lines": "1"}],
    )
    found = summary_of(insights)
    row = row_of(found, GUESSER)
    assert (row.lines, row.failed_logins, row.before) == (300, 300, 1)
    assert (row.sign_ins_before, row.sign_ins_after) == (0, 1)
    assert (row.first, row.last) == (guesses[0][0], guesses[-1][0])
    assert (found.lines, found.guesses.lines, found.guesses.users) == (12_300, 300, ("ann",))
    assert found.has_all_sign_ins


def test_a_sign_in_before_the_first_guess_is_no_success() -> None:
    """The first guess is asked for, also in the hour before."""
    guess = login(AT - 200)
    insights = Answers(
        lines=[{"lines": "12000", "sources": "1"}],
        sources=[{"client_ip": GUESSER, "lines": "12000"}],
        failed_logins=[{"lines": "12000", "sources": "1"}],
        failed_logins_of_sources=[{"client_ip": GUESSER, "lines": "12000"}],
        first_and_last_lines=[ends(guess, guess)],
        first_suspicious_lines=[ends(guess, guess)],
        sign_ins=listed(login(AT - 210, event="Login Succeeded")),
    )
    row = row_of(summary_of(insights), GUESSER)
    assert (row.sign_ins_before, row.sign_ins_after) == (1, 0)
    assert insights.asked["first suspicious lines"][1] == Window(start=AT - 3900, end=AT)
    # A success after the window is one.
    assert insights.asked["sign-ins"][1] == Window(start=AT - 3900, end=AT + 120)


def test_sign_ins_that_were_cut_are_marked() -> None:
    """Their number is not known."""
    sign_ins = [login(AT - 200 + n * 0.01, event="Login Succeeded") for n in range(10_001)]
    insights = Answers(
        lines=[{"lines": "3", "sources": "1"}],
        sources=[{"client_ip": GUESSER, "lines": "3"}],
        first_and_last_lines=[ends(login(AT - 9), login(AT - 8))],
        sign_ins=listed(*sign_ins),
    )
    assert not summary_of(insights).has_all_sign_ins


def test_totals_are_those_of_all_addresses() -> None:
    """A result has 10,000 rows, and there are 80,000 addresses."""
    addresses = [str(ip_address(0x0B000000 + number)) for number in range(MOST_ROWS)]
    insights = Answers(
        lines=[{"lines": "240000", "sources": "80123"}],
        sources=[{"client_ip": address, "lines": "3"} for address in addresses],
    )
    found = summary_of(insights)
    assert (found.lines, found.source_count, found.is_exact) == (240_000, 80_123, False)
    query, span = insights.asked["lines"]
    assert query == (
        "filter x | fields coalesce(count, 1) as weight | stats sum(weight) as lines, "
        "count_distinct(client_ip) as sources"
    )
    assert span == WINDOW


def test_a_network_is_one_source() -> None:
    """However many of its addresses ask. A sum of suspicion may have a fraction."""
    line = login(AT - 100, "2001:db8::1")
    insights = Answers(
        lines=[{"lines": "300", "sources": "300"}],
        sources=[{"client_ip": f"2001:db8::{n:x}", "suspicion": "0.5"} for n in range(33)],
        first_and_last_lines=[ends(line, line)],
    )
    row = row_of(summary_of(insights), "2001:db8::/64")
    assert row.suspicion == 16.5
    query, _ = insights.asked["sign-ins"]
    assert query.startswith('filter (isIpv6InSubnet(client_ip, "2001:db8::/64")) | filter')
