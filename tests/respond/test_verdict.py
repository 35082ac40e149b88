"""A verdict names what lines look like, with its figures, and accuses no one without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.ranking.summarize import TimedEvent, summarize
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


def looks_like(*lines: TimedEvent) -> Verdict:
    """The verdict on lines."""
    return verdict(summed(*lines))


def unknown_path(number: int, source: str = "203.0.113.66", **fields: Any) -> TimedEvent:
    """A request of a path that no route matches, and that is no probe."""
    unknown = {"path_class": "unknown", "suspicion": 1}
    return probe(3600 + number, source, f"/p{number}", **{**unknown, **fields})


def missing(number: int, source: str, path: str = "/old-page") -> TimedEvent:
    """A broken link of another site."""
    return probe(3600 + number, source, path, path_class="unknown", suspicion=0, agent="crawler")


def test_a_path_scan() -> None:
    """The source, its lines of all, its paths, and whether somebody signed in from there."""
    scan = [probe(3600 + n, path=f"/{n}.php") for n in range(41)]
    others = [missing(n, "198.51.100.17", "/products/earl-grey") for n in range(3)]
    found = looks_like(*scan, *others, sign_in(3700, "198.51.100.17"))
    assert found == Verdict(
        kind=Kind.PATH_SCAN,
        sentence=(
            "A path scan by 203.0.113.66: 41 of 44 lines, 41 paths that no route matches. "
            "No sign-in from there. No line of it in the hour before."
        ),
        sources=("203.0.113.66",),
        evidence={
            "lines": 41,
            "of": 44,
            "suspicion": 82,
            "threshold": 16,
            "unrouted_paths": 41,
            "sign_ins": 0,
            "before": 0,
        },
    )


def test_ten_unknown_paths_are_a_scan_and_nine_are_none() -> None:
    """Also where the sum of suspicion is below the threshold."""
    paths = [unknown_path(n) for n in range(10)]
    assert looks_like(*paths).kind is Kind.PATH_SCAN
    assert looks_like(*paths[:9]).kind is Kind.UNCLEAR


def test_a_suspicion_above_the_threshold_is_a_scan() -> None:
    """Whatever the number of paths. The threshold is that of the app's alarm."""
    lines = [probe(3600 + n) for n in range(9)]
    assert looks_like(*lines).sentence == (
        "A path scan by 203.0.113.66: 9 of 9 lines, a suspicion of 18 in 1 path. "
        "No line of it in the hour before."
    )
    assert looks_like(*lines[:8]).kind is Kind.UNCLEAR
    assert verdict(summed(*lines), threshold_of_suspicion=18).kind is Kind.UNCLEAR


def test_several_scanners_are_all_named() -> None:
    """The most suspicious first. What each did in the hour before is counted."""
    lines = [
        unknown_path(n, f"192.0.2.{source}") for source in range(1, 4) for n in range(9 + source)
    ]
    found = looks_like(probe(5, "192.0.2.1"), *lines)
    assert found.sources == ("192.0.2.3", "192.0.2.2", "192.0.2.1")
    assert found.sentence == (
        "A path scan by 192.0.2.3: 12 of 33 lines, 12 paths that no route matches. Others that "
        "scan: 192.0.2.2 (11 lines), 192.0.2.1 (10 lines). 1 line of them in the hour before."
    )


def test_a_signed_in_scanner_is_named_with_the_user() -> None:
    """It may be the owner who tests."""
    lines = [probe(3600 + n, path=f"/{n}.php") for n in range(10)]
    found = looks_like(sign_in(3500, user="a\x1b[31mb"), *lines)
    assert "1 line of a signed-in user (a?[31mb) from there." in found.sentence


@pytest.mark.parametrize(
    "excused",
    [
        {"path_class": "linked", "suspicion": 0, "referrer": "same"},
        {"suspicion": 0, "agent": "crawler"},
        {"path_class": "own", "suspicion": 0, "route": "/<slug>"},
        {"path_class": "asset", "suspicion": 0},
    ],
)
def test_who_follows_links_does_not_scan(excused: dict[str, Any]) -> None:
    """Nor does a crawler with a memory, nor somebody who asks for pages that a route lacks."""
    assert looks_like(*(unknown_path(n, **excused) for n in range(50))).kind is Kind.UNCLEAR


def test_password_guessing_without_success() -> None:
    """Ten failed logins of one source."""
    found = looks_like(*(failed_login(3600 + n) for n in range(10)), sign_in(3700, "192.0.2.1"))
    assert (found.kind, found.sources, found.succeeded) == (Kind.GUESSING, ("203.0.113.66",), 0)
    assert found.sentence == (
        "Password guessing by 203.0.113.66: 10 failed logins. None succeeded: no sign-in from "
        "there after the first failure. No line of it in the hour before."
    )


def test_password_guessing_that_succeeded() -> None:
    """The sign-ins after its first failed login are counted, also those of a collapsed line."""
    found = looks_like(*(failed_login(3600 + n) for n in range(12)), sign_in(3700, user="7"))
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 1)
    assert "1 sign-in from there after the first failure: 203.0.113.66 (1)." in found.sentence
    assert found.evidence["succeeded"] == 1


def test_guessing_that_began_before_the_window() -> None:
    """A sign-in after guesses of the hour before is a success, not somebody who was known."""
    early = [failed_login(n) for n in range(5)]
    found = looks_like(*early, sign_in(10), *(failed_login(3600 + n) for n in range(12)))
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 1)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"method": "POST"}, Kind.GUESSING),
        ({"method": "POST", "referrer": "same"}, Kind.GUESSING),
        ({"referrer": "none"}, Kind.GUESSING),
        ({"referrer": "other"}, Kind.GUESSING),
        ({"referrer": "same"}, Kind.UNCLEAR),
        ({"method": "HEAD", "referrer": "same"}, Kind.UNCLEAR),
        ({}, Kind.UNCLEAR),
    ],
)
def test_refusals_that_are_guesses(fields: dict[str, Any], kind: Kind) -> None:
    """A GET or HEAD counts where its referrer is known, and is not the own site."""
    found = looks_like(*(refusal(3600 + n, **fields) for n in range(10)))
    assert found.kind is kind
    if kind is Kind.GUESSING:
        assert "Whether one succeeded is not known" in found.sentence


def test_guessing_spread_over_sources() -> None:
    """At least three, more than ten failed logins, none with ten. One account is named."""
    each = {"192.0.2.1": 8, "192.0.2.2": 4, "192.0.2.3": 3}
    lines = [
        failed_login(3600 + n, source, "ann") for source, many in each.items() for n in range(many)
    ]
    found = looks_like(*lines, sign_in(3600, "198.51.100.1", "bob"))
    assert (found.kind, found.sources) == (Kind.SPREAD, tuple(each))
    assert found.sentence == (
        "Guessing spread over 3 sources: 15 failed logins, all for ann, none with 10 or more: "
        "192.0.2.1 (8), 192.0.2.2 (4), 192.0.2.3 (3). None succeeded: no sign-in from there after "
        "the first failure."
    )
    assert looks_like(*lines, failed_login(3700, "192.0.2.1")).evidence["account"] is None
    assert looks_like(*lines[:10]).kind is Kind.UNCLEAR
    assert looks_like(*lines[:12]).kind is Kind.UNCLEAR  # two sources


def test_somebody_who_mistypes_is_not_accused() -> None:
    """Neither who had signed in before, nor who does after a failure or two."""
    each = {"192.0.2.1": 5, "192.0.2.2": 5, "192.0.2.3": 5, "198.51.100.1": 2, "198.51.100.2": 4}
    lines = [failed_login(3600 + n, source) for source, many in each.items() for n in range(many)]
    found = looks_like(*lines, sign_in(3700, "198.51.100.1"), sign_in(100, "198.51.100.2"))
    assert found.sources == ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert found.succeeded == 0


def test_people_who_all_had_signed_in_do_not_guess() -> None:
    """A site on which many mistype has no attacker."""
    lines = [failed_login(3600 + n, f"192.0.2.{n}") for n in range(12)]
    signed_in = [sign_in(100, f"192.0.2.{n}", user=str(n)) for n in range(12)]
    assert looks_like(*lines).kind is Kind.SPREAD
    assert looks_like(*signed_in, *lines).kind is Kind.UNCLEAR


@pytest.mark.parametrize("account", ["7", None])
def test_a_stale_password(account: str | None) -> None:
    """One user who had signed in from there, and no other account is tried."""
    lines = [failed_login(3600 + n, user=account) for n in range(40)]
    found = looks_like(sign_in(100), *lines)
    assert (found.kind, found.evidence["user"]) == (Kind.STALE, "7")
    assert found.sentence == (
        "A stale password: 40 failed logins from 203.0.113.66, from where 7 had signed in before, "
        "and not signed in again since."
    )


def test_an_own_account_excuses_no_guessing() -> None:
    """Who signs in and then tries another account, or one that does not exist, guesses."""
    own = [failed_login(3600 + n, user="7") for n in range(10)]
    assert looks_like(sign_in(100), *own, failed_login(3700, user="8")).kind is Kind.GUESSING
    assert looks_like(sign_in(100), *own, failed_login(3700)).kind is Kind.GUESSING
    success = sign_in(3700, user="8")
    found = looks_like(sign_in(100), *(failed_login(3600 + n) for n in range(10)), success)
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 1)


def test_the_attack_with_most_lines_explains_the_alarm() -> None:
    """A scan and guessing at the same time."""
    scan = [probe(3600 + n, "192.0.2.1", f"/{n}.php") for n in range(20)]
    guesses = [failed_login(3600 + n, "192.0.2.2") for n in range(30)]
    assert looks_like(*scan, *guesses).kind is Kind.GUESSING
    assert looks_like(*scan, *guesses[:12]).kind is Kind.PATH_SCAN


def test_a_broken_link() -> None:
    """Half of the lines ask for one path, from three sources."""
    lines = [missing(n, f"192.0.2.{n % 3}") for n in range(6)]
    others = [missing(n, "192.0.2.9", f"/{n}") for n in range(6)]
    assert looks_like(*lines, *others).sentence == (
        "A broken link: 6 of 12 lines ask for /old-page, from 3 sources."
    )
    assert looks_like(*lines, *others, others[0]).kind is Kind.UNCLEAR
    assert looks_like(*(missing(n, f"192.0.2.{n % 2}") for n in range(6))).kind is Kind.UNCLEAR


def test_probes_and_refusals_of_one_path_are_no_broken_link() -> None:
    """A botnet asks for one path, too, and so does a page that needs a login."""
    probes = [probe(3600 + n, f"192.0.2.{n % 3}", "/wp-login.php") for n in range(6)]
    assert looks_like(*probes).kind is Kind.UNCLEAR
    refusals = [refusal(3600 + n, f"192.0.2.{n % 3}", referrer="same") for n in range(6)]
    assert looks_like(*refusals).kind is Kind.UNCLEAR


def test_a_failing_release() -> None:
    """Four of five lines are of a release that the hour before lacked."""
    lines = [crash(3600 + n, f"192.0.2.{n}", f"f{n}", release="2.0") for n in range(8)]
    old = [crash(3700 + n, release="1.9") for n in range(2)]
    heartbeat = (100.0, {"event": "Heartbeat", "release": "1.9"})
    assert looks_like(heartbeat, *lines, *old).sentence == (
        "A failing release: 8 of 10 lines are of 2.0, of which the hour before has none."
    )
    assert looks_like(heartbeat, *lines[1:], *old).kind is Kind.UNCLEAR
    # A release that was there before did not change anything.
    beat = (100.0, {"event": "Heartbeat", "release": "2.0"})
    assert looks_like(heartbeat, beat, *lines, *old).kind is Kind.UNCLEAR


def test_a_failing_release_after_a_quiet_hour() -> None:
    """The hour before lacked it too. What is one failure or a broken link is called that."""
    lines = [crash(3600 + n, fingerprint=f"f{n % 5}", release="2.0") for n in range(10)]
    assert looks_like(*lines).sentence == (
        "A failing release: 10 of 10 lines are of 2.0, and the hour before has no line of any "
        "release."
    )
    assert looks_like(*(crash(3600 + n, release="2.0") for n in range(10))).kind is Kind.ONE_FAILURE


def test_one_failure() -> None:
    """Four of five lines are one fingerprint, on whatever paths."""
    lines = [crash(3600 + n, path=f"/{n}") for n in range(8)]
    others = [crash(3700 + n, fingerprint=f"o{n}") for n in range(2)]
    assert looks_like(*lines, *others).sentence == (
        "One failure: 8 of 10 lines are KeyError in shop/cart.py:7 in add. It is not new."
    )
    assert looks_like(*lines[1:], *others).kind is Kind.UNCLEAR


def test_unclear_has_its_figures_too() -> None:
    """Who has most lines is no accusation."""
    found = looks_like(
        missing(0, "192.0.2.1"), missing(1, "192.0.2.1", "/b"), missing(2, "192.0.2.2", "/c")
    )
    assert (found.kind, found.sources) == (Kind.UNCLEAR, ())
    assert found.sentence == ("Unclear: 3 lines of 2 sources, the most by 192.0.2.1: 2 of 3 lines.")
    assert looks_like().sentence == "Unclear: there are no lines."


@pytest.mark.parametrize("attack", [probe, failed_login])
def test_lines_without_an_address_accuse_no_one(attack: Callable[[float], TimedEvent]) -> None:
    """There is nobody to name."""
    lines = [(at, {**event, "client_ip": None}) for at, event in map(attack, range(3600, 3650))]
    found = verdict(summarize(lambda: lines, is_failure, window=WINDOW))
    assert (found.kind, found.sources) == (Kind.UNCLEAR, ())
    assert found.sentence == "Unclear: 50 lines of 0 sources."


def test_hostile_texts_are_shown_and_not_obeyed() -> None:
    """Of paths, users, releases and exceptions."""
    lines = [missing(n, f"192.0.2.{n}", "/a\x1b[2J\u202eb\n") for n in range(3)]
    assert "ask for /a?[2J?b?, from" in looks_like(*lines).sentence
