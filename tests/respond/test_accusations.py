"""Nobody who mistypes is accused, and no success of a guess is hidden."""

from __future__ import annotations

import pytest

from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.ranking.summarize import TimedEvent
from tests.respond.rows import failed_login, probe, refusal, sign_in, summed

SCANNER = "203.0.113.66"
OTHER = "198.51.100.9"


def looks_like(*lines: TimedEvent) -> Verdict:
    """The verdict on lines, whose order does not matter."""
    found = verdict(summed(*lines))
    assert verdict(summed(*lines[::-1])) == found
    return found


def guesses(many: int, source: str = OTHER, user: str | None = "ann") -> list[TimedEvent]:
    """Failed logins, one a second."""
    return [failed_login(3700 + n, source, user) for n in range(many)]


def scan(many: int, source: str = SCANNER) -> list[TimedEvent]:
    """Probes of different paths."""
    return [probe(3700 + n, source, f"/{n}.php") for n in range(many)]


def browsing(at: float, user: str, source: str = OTHER) -> TimedEvent:
    """A broken link that a signed-in user followed."""
    own = {"path_class": "linked", "suspicion": 0, "referrer": "same", "user": user}
    return probe(at, source, "/products/x", **own)


def test_that_none_succeeded_takes_lines_that_would_show_it() -> None:
    """A line of any sign-in, or a detector of them. Failed logins alone show no success."""
    not_known = "Whether one succeeded is not known: the app writes no line of a sign-in."
    none = "None succeeded: no sign-in from there after the first failure."
    assert not_known in looks_like(*guesses(10)).sentence
    assert none in looks_like(*guesses(10), sign_in(3600, "192.0.2.1", "bob")).sentence
    found = verdict(summed(*guesses(10)), declares_sign_ins=True)
    assert none in found.sentence
    assert found.evidence["succeeded"] == 0


def test_a_scan_says_that_nobody_signed_in_only_where_it_is_known() -> None:
    """A failed login of somebody else shows nothing."""
    assert "sign-in" not in looks_like(*scan(20), failed_login(3700, OTHER)).sentence
    assert "No sign-in from there." in looks_like(*scan(20), sign_in(3700, OTHER)).sentence


def test_a_later_line_of_a_signed_in_user_shows_a_success() -> None:
    """Where the app writes no line of a sign-in. Who was there before shows none."""
    found = looks_like(*guesses(20), browsing(3800, "ann"))
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 1)
    assert "Later lines from there are of a signed-in user: 198.51.100.9 (ann)." in found.sentence
    before = browsing(100, "bob")
    assert looks_like(*guesses(20), before, browsing(3800, "bob")).succeeded == 0


def test_a_signed_in_user_who_is_refused_is_no_success() -> None:
    """A page that asks for the password again."""
    found = looks_like(*(refusal(3700 + n, OTHER, method="POST", user="ann") for n in range(12)))
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 0)


def test_a_sign_in_after_the_window_is_a_success() -> None:
    """The alarm fires on the failures, and the success follows."""
    found = looks_like(*guesses(20), sign_in(4250, OTHER, "ann"))
    assert found.succeeded == 1
    assert (
        "1 sign-in from there after the first failure, after the window: 198.51.100.9 (1)."
        in found.sentence
    )
    both = looks_like(*guesses(20), sign_in(4250, OTHER, "ann"), sign_in(4000, OTHER, "ann"))
    assert "after the first failure, 1 of them after the window: 198.51.100.9 (2)" in both.sentence


def test_guessing_that_is_spread_counts_all_sources() -> None:
    """Also those without a row, and whose guess succeeded is named first."""
    bots = [failed_login(3700 + n, f"10.0.{n % 200 // 100}.{n % 100}", "ann") for n in range(400)]
    found = looks_like(*bots, sign_in(4190, "10.0.1.50", "ann"))
    assert found.sentence == (
        "Guessing spread over 200 sources: 400 failed logins, all for ann, none with 10 or more: "
        "10.0.0.0 (2), 10.0.0.1 (2), 10.0.0.10 (2), 10.0.0.11 (2) and 196 more. Signed in after "
        "the first failure: 10.0.1.50 (ann)."
    )
    assert (found.sources[0], found.succeeded) == ("10.0.1.50", 1)
    assert found.evidence["failed_logins"] == 400


def test_a_guessed_account_may_be_used_from_elsewhere() -> None:
    """Who guesses need not be who signs in. Who was there before the first guess is its owner."""
    bots = [failed_login(3700 + n, f"192.0.2.{n % 3}", "ann") for n in range(27)]
    found = looks_like(*bots, sign_in(4300, "198.51.100.200", "ann"))
    assert (found.kind, found.succeeded) == (Kind.SPREAD, 1)
    assert "198.51.100.200 (ann, after the window)." in found.sentence
    assert "198.51.100.200" not in found.sources
    owner = "198.51.100.201"
    assert looks_like(*bots, sign_in(50, owner, "ann"), sign_in(4000, owner, "ann")).succeeded == 0
    assert looks_like(*bots, sign_in(4000, owner, "bob")).succeeded == 0


def test_many_loud_sources_are_all_counted() -> None:
    """Only the first have rows."""
    loud = [failed_login(3600 + n / 4, f"10.0.0.{n % 100}", f"u{n}") for n in range(1_200)]
    found = looks_like(*loud)
    assert found.kind is Kind.GUESSING
    assert found.sentence.startswith(
        "Password guessing by 100 sources: 1,200 failed logins, 10.0.0.0 (12), 10.0.0.1 (12), "
        "10.0.0.10 (12), 10.0.0.11 (12) and 96 more. "
    )


def test_an_office_whose_people_mistype_is_not_accused() -> None:
    """One to three failures of an account, and then it signs in from there."""
    office = [
        line
        for n in range(10)
        for line in (
            *(failed_login(3700 + 20 * n + k, OTHER, f"u{n}") for k in range(1 + n % 3)),
            sign_in(3710 + 20 * n, OTHER, f"u{n}"),
        )
    ]
    assert looks_like(*office).kind is Kind.UNCLEAR
    # Ten more without a sign-in are guesses, and only these are counted.
    found = looks_like(*office, *(failed_login(4000 + n, OTHER, f"x{n}") for n in range(10)))
    assert found.kind is Kind.GUESSING
    assert found.evidence["failed_logins"] == 10


def test_four_failures_in_a_row_are_not_mistyped() -> None:
    """Nor what was guessed before the account got in: a success is no excuse."""
    typos = [failed_login(3700 + n, OTHER, "ann") for n in range(4)]
    assert summed(*typos, sign_in(3710, OTHER, "ann")).sources[0].mistyped == 0
    found = looks_like(*guesses(12), sign_in(3800, OTHER, "ann"), sign_in(3900, OTHER, "ann"))
    assert (found.kind, found.succeeded) == (Kind.GUESSING, 2)


def test_people_at_many_addresses_who_mistype_are_not_accused() -> None:
    """Monday morning. Beside bots they are not in the figures."""
    people = [
        line
        for n in range(20)
        for line in (
            *(failed_login(3700 + n + k, f"198.51.100.{n}", f"u{n}") for k in range(3)),
            sign_in(3720 + n, f"198.51.100.{n}", f"u{n}"),
        )
    ]
    assert looks_like(*people).kind is Kind.UNCLEAR
    bots = [failed_login(3700 + n, f"203.0.113.{n % 3}", "ann") for n in range(12)]
    found = looks_like(*bots, *people)
    assert found.sources == ("203.0.113.0", "203.0.113.1", "203.0.113.2")
    assert (found.evidence["failed_logins"], found.evidence["sources"]) == (12, 3)
    assert found.succeeded == 0


def test_a_break_in_is_not_hidden_by_a_larger_scan() -> None:
    """It comes first, and the scanner is named as well."""
    found = looks_like(*scan(60), *guesses(50), sign_in(3760, OTHER, "ann"))
    assert (found.kind, found.sources) == (Kind.GUESSING, (OTHER, SCANNER))
    assert found.succeeded == 1
    assert (
        "Also: a path scan by 203.0.113.66: 60 of 110 lines, 60 paths that no route matches."
        in found.sentence
    )
    without = looks_like(*scan(60), *guesses(50))
    assert (without.kind, without.sources) == (Kind.PATH_SCAN, (SCANNER, OTHER))
    assert "Also: password guessing by 198.51.100.9: 50 failed logins." in without.sentence


def test_a_break_in_is_not_hidden_by_a_stale_password() -> None:
    """However many lines that has."""
    stale = [sign_in(100, "198.51.100.1", "7"), *guesses(60, "198.51.100.1", "7")]
    found = looks_like(*stale, *guesses(12, user="9"), sign_in(3800, OTHER, "9"))
    assert (found.kind, found.sources, found.succeeded) == (Kind.GUESSING, (OTHER,), 1)
    assert looks_like(*stale, *guesses(12, user="9")).kind is Kind.GUESSING


def test_a_break_in_is_not_hidden_by_a_loud_source() -> None:
    """Guessing that is spread is looked for beside it."""
    quiet = [failed_login(3700 + n, f"192.0.2.{n % 4}", "ann") for n in range(20)]
    found = looks_like(*guesses(50, user="bob"), *quiet, sign_in(4000, "192.0.2.3", "ann"))
    assert (found.kind, found.succeeded) == (Kind.SPREAD, 1)
    assert "Also: password guessing by 198.51.100.9: 50 failed logins." in found.sentence


def test_a_scan_names_the_guesses_of_its_source() -> None:
    """Also fewer than ten, and whether one succeeded."""
    few = [failed_login(3800 + n, SCANNER, "ann") for n in range(5)]
    found = looks_like(*scan(20), *few, sign_in(3900, SCANNER, "ann"))
    assert (found.kind, found.succeeded) == (Kind.PATH_SCAN, 1)
    assert (
        "5 failed logins from there, too. 1 sign-in from there after the first failure"
        in found.sentence
    )


def test_a_scan_from_a_shared_address_says_so() -> None:
    """A block would also stop those who are signed in."""
    people = [browsing(3700 + n, f"u{n % 6}") for n in range(40)]
    found = looks_like(*scan(12, OTHER), *people)
    assert found.kind is Kind.PATH_SCAN
    assert (
        "12 of 52 lines of 198.51.100.9 are probes; 40 lines of 6 signed-in users "
        "(u0, u1, u2, u3 and 2 more) come from there." in found.sentence
    )
    assert (found.evidence["probes"], found.evidence["user_lines"]) == (12, 40)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"agent": "crawler", "referrer": "none"}, Kind.UNCLEAR),
        ({"agent": "crawler", "referrer": "none", "method": "POST"}, Kind.GUESSING),
        ({"agent": "browser", "referrer": "none"}, Kind.GUESSING),
    ],
)
def test_a_declared_crawler_that_is_refused_does_not_guess(
    fields: dict[str, str], kind: Kind
) -> None:
    """A monitor of a page that needs a login."""
    assert looks_like(*(refusal(3700 + n, OTHER, **fields) for n in range(20))).kind is kind


def test_long_names_do_not_cut_the_sentence() -> None:
    """Its end says whether they got in."""
    lines = [
        line
        for n in range(6)
        for line in (
            *scan(12, f"2001:db8:aaaa:bbb{n}::1"),
            browsing(3800, "x" * 200 + str(n), f"2001:db8:aaaa:bbb{n}::1"),
        )
    ]
    found = looks_like(*lines)
    assert found.sentence.endswith("No line of them in the hour before.")
    assert "x" * 41 not in found.sentence
