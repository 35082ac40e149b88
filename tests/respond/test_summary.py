"""A summary has the rows of a window's lines, and what the hour before says of them."""

from __future__ import annotations

from typing import Any

from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.ranking.lines import is_error
from flask_errwatch.respond.ranking.order import Least, offenders
from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
from flask_errwatch.respond.ranking.summary import (
    FingerprintRow,
    Guesses,
    PathRow,
    ReleaseRow,
    Unusual,
)
from flask_errwatch.respond.ranking.window import Window
from tests.respond.rows import (
    WINDOW,
    crash,
    failed_login,
    is_failure,
    probe,
    refusal,
    sign_in,
    summed,
)


def test_lines_count_in_their_window() -> None:
    """Those of the hour before only show what is usual, later ones that it goes on."""
    summary = summed(
        probe(-1), probe(100), probe(3600), probe(4199, path="/a.php"), probe(4200), probe(9000)
    )
    (row,) = summary.sources
    assert (summary.lines, summary.source_count, summary.last_line) == (2, 1, 9000)
    assert (row.lines, row.suspicion, row.paths, row.unrouted, row.before) == (2, 4, 2, 2, 1)
    assert (row.first, row.last, row.trust, row.answers) == (3600, 4199, "verified", None)
    assert summary.is_exact


def test_only_lines_that_the_alarm_counts_are_counted() -> None:
    """Who was signed in is known of all lines of a source."""
    browse = (3700.0, {"event": "Not Found Error", "client_ip": "192.0.2.1", "user": "7"})
    lines = [
        sign_in(100, "192.0.2.1"),
        browse,
        probe(3800, "192.0.2.1"),
        sign_in(3900, "192.0.2.1"),
    ]
    summary = summarize(lambda: lines, lambda event: "suspicion" in event, window=WINDOW)
    (row,) = summary.sources
    assert (row.lines, row.users, row.users_before) == (1, ("7",), ("7",))
    assert (row.sign_ins_before, row.sign_ins_after, row.sign_ins) == (2, 1, 3)


def test_the_order_of_lines_does_not_matter() -> None:
    """They come from several streams."""
    lines = [
        *(probe(3600 + n, path=f"/{n}.php") for n in range(8)),
        failed_login(3700),
        sign_in(3650),
        sign_in(3750, user="8"),
        crash(3800, release="2"),
        crash(200, release="1"),
    ]
    forward, backward = summed(*lines), summed(*lines[::-1])
    assert forward == backward
    (row,) = forward.sources
    # The line that counts is the failed login, since it has one.
    assert (row.users, row.users_before) == (("7", "8"), ("7",))
    assert (row.sign_ins_before, row.sign_ins_after) == (1, 1)


def test_a_collapsed_line_stands_for_all_of_its_failures() -> None:
    """Its count, its sum of suspicion, its beginning, and its paths as far as it shows them."""
    fields: dict[str, Any] = {"count": 5, "suspicion": 10, "first": "1970-01-01T01:00:30.000Z"}
    summary = summed(probe(3640, path="/c", paths=["/a", "/b", "/c"], **fields))
    (row,) = summary.sources
    assert (summary.lines, row.lines, row.suspicion, row.paths) == (5, 5, 10, 3)
    assert (row.first, row.last) == (3630, 3640)
    assert [(path.path, path.lines) for path in summary.paths] == [("/c", 3), ("/a", 1), ("/b", 1)]
    assert not summary.is_exact  # which path has how many is not known


def test_a_source_is_an_ipv6_customer_and_its_trust_is_the_lowest() -> None:
    """All addresses of a /64 are one source."""
    summary = summed(
        probe(3600, "2001:db8::1"),
        probe(3601, "2001:db8::2", client_ip_trust="counted"),
        probe(3602, "::ffff:192.0.2.1"),
    )
    rows = [(row.source, row.lines, row.trust) for row in summary.sources]
    assert rows == [("2001:db8::/64", 2, "counted"), ("192.0.2.1", 1, "verified")]


def test_lines_without_a_client_are_no_ones() -> None:
    """A peer is a proxy. Such lines come last, and no source is counted for them."""
    nobody = (3600.0, {"event": "Critical Error", "peer_ip": "10.0.0.1"})
    summary = summed(nobody, nobody, nobody, probe(3601))
    assert [(row.source, row.lines) for row in summary.sources] == [("203.0.113.66", 1), (None, 3)]
    assert summary.source_count == 1


def test_guesses_at_a_password() -> None:
    """Failed logins, and refusals that no link of the own site explains. Others are unclear."""
    summary = summed(
        failed_login(3600, user="ann"),
        failed_login(3601),
        refusal(3602, method="POST"),
        refusal(3603, referrer="none"),
        refusal(3604, referrer="other"),
        refusal(3605, referrer="same"),
        refusal(3606),
        refusal(3607, method="HEAD"),
    )
    (row,) = summary.sources
    assert (row.lines, row.failed_logins, row.unclear_refusals) == (8, 5, 2)
    assert (row.failed_users, row.failed_unknown) == (("ann",), 4)
    assert row.users == ()  # the account of a failed login was not signed in
    assert summary.guesses == Guesses(lines=5, sources=1, users=("ann",), unknown=4)
    assert (summary.has_referrers, summary.has_logins) == (True, False)
    assert summed(sign_in(9000)).has_logins  # also one of somebody else, after the window
    without = summed(refusal(3600), refusal(3601))
    assert (without.has_referrers, without.has_logins) == (False, False)


def test_unrouted_paths_are_a_clients_own_ideas() -> None:
    """Not those that the site links, that browsers ask for, or that a crawler remembers."""
    lines = [
        probe(3600, path="/a.php"),
        probe(3601, path="/b", path_class="unknown", suspicion=1),
        probe(3602, path="/c", path_class="unknown", suspicion=0, agent="crawler"),
        probe(3603, path="/d", path_class="linked", suspicion=0),
        probe(3604, path="/favicon.ico", path_class="asset", suspicion=0),
        probe(3605, path="/e", path_class="own", suspicion=0, route="/<name>"),
        probe(3606, path="/f", path_class="injection", route="/<name>"),
        probe(3607, path="/g", path_class="injection"),
    ]
    (row,) = summed(*lines).sources
    assert (row.paths, row.unrouted) == (8, 3)
    old = [(at, {key: event[key] for key in ("event", "status", "path")}) for at, event in lines]
    assert summed(*old).sources[0].unrouted == 8  # lines of version 0.1 show less


def test_answers_are_known_where_an_access_log_was_read() -> None:
    """Requests of an access log that succeeded have no event. Redirects are no answers."""
    answers = [
        (3600.0 + status, {"status": status, "client_ip": "203.0.113.66", "path": "/"})
        for status in (200, 204, 302, 304)
    ]
    summary = summed(probe(3601), *answers)
    assert [(row.lines, row.answers) for row in summary.sources] == [(1, 3)]


def test_failures_releases_and_paths() -> None:
    """The most frequent first, with what the hour before has of them."""
    heartbeat = (100.0, {"event": "Heartbeat", "release": "1"})
    new: dict[str, Any] = {
        "exception": {"type": "ValueError", "where": "x.py:1", "fingerprint": "f2", "new": True}
    }
    summary = summed(
        heartbeat,
        crash(3600, "192.0.2.1", release="2"),
        crash(3601, "192.0.2.2", release="2"),
        crash(3602, "192.0.2.1", path="/b", release="1", **new),
    )
    assert summary.fingerprints == (
        FingerprintRow(
            fingerprint="f1", type="KeyError", where="shop/cart.py:7 in add", lines=2, is_new=False
        ),
        FingerprintRow(fingerprint="f2", type="ValueError", where="x.py:1", lines=1, is_new=True),
    )
    assert summary.releases == (
        ReleaseRow(release="2", lines=2, before=0),
        ReleaseRow(release="1", lines=1, before=1),
    )
    assert summary.paths == (
        PathRow(path="/cart", lines=2, sources=2, broken=0),
        PathRow(path="/b", lines=1, sources=1, broken=0),
    )


def test_what_is_unusual_has_risen_most() -> None:
    """One value of each field. A release is compared with lines of any kind."""
    before = [probe(n, "192.0.2.1", path="/old", user_agent="a", release="1") for n in range(10)]
    within = [probe(3600 + n, path=f"/{n}", user_agent="curl", release="1") for n in range(9)]
    usual = probe(3700, "192.0.2.1", path="/old", user_agent="a", release="1")
    assert summed(*before, *within, usual).unusual == (
        Unusual(field="client_ip", value="203.0.113.66", share=0.9, before=0),
        Unusual(field="user_agent", value="curl", share=0.9, before=0),
    )


def test_samples_and_minutes_are_of_the_first_source() -> None:
    """The earliest lines, with texts that are cut and no nested values."""
    lines = [probe(3600 + 10 * n, path=f"/{n}", user_agent="x" * 999, data=[{}]) for n in range(9)]
    summary = summed(*lines[::-1], probe(3600, "192.0.2.1"))
    assert [event["path"] for event in summary.samples] == ["/0", "/1", "/2", "/3", "/4"]
    assert summary.samples[0]["user_agent"] == "x" * 256
    assert "data" not in summary.samples[0]
    minutes = [(minute.start, minute.lines, minute.suspicion) for minute in summary.minutes]
    assert minutes == [(3600, 6, 12), (3660, 3, 6)]


def test_a_number_of_paths_beyond_a_thousand_is_an_estimate() -> None:
    """It errs by less than 1 %, and the summary says so."""
    summary = summed(*(probe(3600, path=f"/{n}.php") for n in range(20_000)))
    assert 19_800 < summary.sources[0].paths < 20_200
    assert not summary.is_exact
    assert summed(*(probe(3600, path=f"/{n}.php") for n in range(1_000))).is_exact


def test_offenders_are_ranked_and_reach_all_minimums() -> None:
    """By suspicion and failed logins together. Lines without an address are not listed."""
    nobody = (3600.0, {"event": "Critical Error"})
    rows = summed(
        *(probe(3600 + n, "192.0.2.1", path=f"/{n}") for n in range(4)),
        *(failed_login(3600 + n, "192.0.2.2") for n in range(9)),
        *(probe(3600 + n, "192.0.2.3") for n in range(6)),
        nobody,
    ).sources

    def named(least: Least) -> list[str | None]:
        return [row.source for row in offenders(rows, least)]

    assert named(Least()) == ["192.0.2.3", "192.0.2.2", "192.0.2.1"]
    assert named(Least(suspicion=1)) == ["192.0.2.3", "192.0.2.1"]
    assert named(Least(paths=4)) == ["192.0.2.1"]
    assert named(Least(lines=7)) == ["192.0.2.2"]


def test_what_is_asked_for_is_looked_for_before_sources_are_cut() -> None:
    """A source of many lines is found among louder ones. How many have no row is known."""
    scanners = [probe(3600 + n % 9, f"10.0.0.{n % 30}", f"/{n}") for n in range(150)]
    linked = {"path_class": "linked", "suspicion": 0}
    visitors = [probe(3700 + n, f"10.0.1.{n % 4}", f"/{n % 2}", **linked) for n in range(36)]

    def asked(least: Least) -> tuple[int, int]:
        lines = [*scanners, *visitors]
        found = summarize(lambda: lines, is_failure, window=WINDOW, sources=2, least=least)
        return len(offenders(found.sources, least)), found.left_out

    assert asked(Least(lines=9)) == (2, 2)
    assert asked(Least(suspicion=10)) == (2, 28)
    assert asked(Least(lines=6, paths=3)) == (0, 2)  # nobody, though two were not looked at
    assert asked(Least(paths=3)) == (2, 30)


def test_a_failure_is_new_if_its_first_line_says_so() -> None:
    """Also in the hour before. Where a handler answered all of them no line can."""
    known = {"type": "KeyError", "where": "a.py:1", "fingerprint": "f1"}

    def is_new(*lines: TimedEvent) -> bool | None:
        return summed(*lines).fingerprints[0].is_new

    assert is_new(crash(3590, exception={**known, "new": True}), crash(3600)) is True
    assert is_new(crash(3590), crash(3600)) is False
    handled = crash(3600, exception={**known, "handled": True})
    assert is_new(handled) is None
    assert verdict(summed(handled)).sentence.endswith("Whether it is new is not known.")


def test_errors_are_failures_of_requests() -> None:
    """Neither sign-ins nor pages that ask for one. A failed login is answered with 200."""
    denied = {"event": "Access Denied", "status": 302, "client_ip": "192.0.2.1"}
    lines = [sign_in(3600)[1], denied, failed_login(3600)[1], probe(3600)[1], {"status": 500}]
    assert [is_error(line) for line in lines] == [False, False, True, True, False]
    assert is_error({"event": "Payment Refused", "client_ip": "192.0.2.1"})


def test_a_share_of_no_line_is_not_known() -> None:
    """Nothing is rarer in an hour without lines."""
    assert {one.before for one in summed(probe(3600)).unusual} == {None}
    assert {one.before for one in summed(probe(3600), probe(5, "192.0.2.1", "/b")).unusual} == {0}


def test_a_window_without_lines() -> None:
    """Has no rows."""
    summary = summed(window=Window(start=0, end=1))
    assert (summary.lines, summary.sources, summary.last_line) == (0, (), None)
