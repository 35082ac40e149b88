"""The text of a story: what it looks like, and that nothing in it moves a terminal."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.respond.answer.story import Counted, Story
from flask_errwatch.respond.ranking.summary import SourceRow, Unusual
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.views.columns import columns, fitted, shown, table, wrapped
from flask_errwatch.respond.views.page import page
from flask_errwatch.respond.views.phrases import trust_phrase
from flask_errwatch.respond.views.text import story_lines
from tests.respond.stories import HOSTILE, MIDNIGHT, SCAN, SILENT, WIDE, at

PATH_SCAN = """\
shop-scan   ALARM since 02:06 UTC
203.0.113.66: suspicion 79 in 600 s, threshold 16
41 lines found, the metric counted 41. Still active: the last line 12 s ago.
Window: 02:00 to 02:10 UTC.

A path scan by 203.0.113.66: 41 of 44 lines, 41 paths that no route matches.
No sign-in from there. No line of it in the hour before.

SOURCE         lines  paths  unrouted  users  sign-ins     first      last
203.0.113.66      41     41        41      0         0  02:05:04  02:09:10
198.51.100.17      2      1         0      1         1  02:06:12  02:08:40
PATH                 lines  sources
/products/earl-grey      2        1
USERS     signed in: ann
UNUSUAL   client_ip 203.0.113.66: 93 % of lines, 0 % before
02:05:04  404 GET /.env  "curl/8.7"
          request -  id 01a21047-386f-7b4f-9870-0c6b5dd1a304
02:05:07  404 GET /wp-login.php  "curl/8.7"
          request -  id 01a21047-386f-7b4f-9870-0c6b5dd1a307
02:05:11  404 GET /backup.zip  "curl/8.7"
          request -  id 01a21047-386f-7b4f-9870-0c6b5dd1a311
Not known: successful requests (lines are of failures; --access-log adds them).
Next: flask errwatch block 203.0.113.66 --reason "path scan"
"""

SILENCE = """\
shop-silence   ALARM since 02:06 UTC   no line for 900 s
No line found, the metric counted 0. The last line was 57 min ago, at 01:12 UTC.
Window: 02:00 to 02:10 UTC.

Unclear: there is no line in the window.
"""


def sources_of(story: Story, *rows: SourceRow, window: Window | None = None) -> list[str]:
    """The lines of the text from the heading of its table of sources, with these rows."""
    summary = replace(
        story.summary,
        sources=rows,
        source_count=len(rows),
        window=window or story.summary.window,
        paths=(),
        unusual=(),
        samples=(),
    )
    lines = story_lines(replace(story, summary=summary, unknown=(), next_command=None))
    return lines[lines.index(next(line for line in lines if line.startswith("SOURCE"))) :]


def test_a_path_scan() -> None:
    """Who, how much, since when, with samples, what is not known, and the next command."""
    assert "".join(f"{line}\n" for line in story_lines(SCAN)) == PATH_SCAN


def test_samples_are_on_one_line_each_if_all_fit() -> None:
    """As with a short path. Then the id is cut to what identifies a line."""
    story = replace(SCAN, summary=replace(SCAN.summary, samples=SCAN.summary.samples[:1]))
    (sample,) = [line for line in story_lines(story) if line.startswith("02:05:04")]
    assert sample == '02:05:04  404 GET /.env  "curl/8.7"  request -  id 01a21047-386f-7b4f-9870-…'


def test_silence() -> None:
    """Without a line there is no table. What is known is when the last one was."""
    assert "".join(f"{line}\n" for line in story_lines(SILENT)) == SILENCE


def test_a_short_reason_is_on_the_first_line() -> None:
    """Where alarm, state and reason fit into 80 columns."""
    story = replace(SCAN, reason="12 in 300 s, threshold 10")
    assert story_lines(story)[0] == "shop-scan   ALARM since 02:06 UTC   12 in 300 s, threshold 10"


def test_a_detector_has_no_state() -> None:
    """The window is in its place."""
    story = replace(SCAN, state=None, since=None, reason="")
    assert story_lines(story)[:2] == [
        "shop-scan   02:00 to 02:10 UTC",
        "41 lines found, the metric counted 41. Still active: the last line 12 s ago.",
    ]


def test_dates_of_another_day() -> None:
    """A window that is not of today has its date, and one of several days has it in each row."""
    later = replace(SCAN, now=at("02:09:22") + 2 * 86_400)
    assert story_lines(later)[:4] == [
        "shop-scan   ALARM since 2026-10-25 02:06 UTC",
        "203.0.113.66: suspicion 79 in 600 s, threshold 16",
        "41 lines found, the metric counted 41. The last line was 2 days ago, at",
        "2026-10-25 02:09 UTC.",
    ]
    assert story_lines(later)[4] == "Window: 2026-10-25 02:00 to 02:10 UTC."
    days = Window(start=MIDNIGHT - 86_400, end=MIDNIGHT + 3600)
    (row,) = sources_of(
        SCAN, SourceRow(source="192.0.2.7", first=MIDNIGHT - 60, last=MIDNIGHT + 60), window=days
    )[1:]
    assert row.endswith("10-24 23:59  10-25 00:01")


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (at("02:00:00"), at("02:10:00"), "02:00 to 02:10 UTC"),
        (at("02:00:10"), at("02:00:13"), "02:00:10 to 02:00:13 UTC"),
        (MIDNIGHT - 600, MIDNIGHT, "2026-10-24 23:50 to 00:00 UTC"),
        (MIDNIGHT - 600, MIDNIGHT + 600, "2026-10-24 23:50 to 00:10 UTC"),
        (MIDNIGHT - 86_400, MIDNIGHT - 3600, "2026-10-24 00:00 to 23:00 UTC"),
        (MIDNIGHT - 2 * 86_400, MIDNIGHT - 60, "2026-10-23 00:00 to 2026-10-24 23:59 UTC"),
    ],
)
def test_the_window(start: int, end: int, text: str) -> None:
    """With dates that are not today's, and with seconds where it is shorter than two minutes."""
    story = replace(SCAN, summary=replace(SCAN.summary, window=Window(start=start, end=end)))
    assert f"Window: {text}." in story_lines(story)


def test_wide_rows_have_their_source_on_a_line_of_its_own() -> None:
    """An IPv6 source with a million lines: nothing is cut, and the numbers are aligned."""
    wide = replace(WIDE.summary.sources[0], trust="none", first=at("02:00:01"), last=at("02:09:59"))
    assert sources_of(SCAN, wide, SourceRow(source=None, lines=12, last=MIDNIGHT)) == [
        "SOURCE      lines    paths  unrouted  users  sign-ins     first      last",
        "2001:db8:1234:5678::/64",
        "        1,000,000  200,000   200,000     40    12,345  02:00:01  02:09:59",
        "(no address)",
        "               12        0         0      0         0  00:00:00  00:00:00",
        "Trust in the addresses: none.",
        "USERS     signed in: user-0, user-1, user-2, user-3, user-4 and 35 more",
        "          failed logins of: 茶茶茶茶茶茶茶茶茶茶茶…, ann?",
    ]


def test_a_network_of_usual_size_fits_on_one_line() -> None:
    """The longest source has 24 characters."""
    row = SourceRow(
        source="2001:db8:1234:5678::/64", trust="verified", lines=1234, paths=1234, unrouted=1234
    )
    assert sources_of(SCAN, row) == [
        "SOURCE                  lines paths unrouted users sign-ins    first     last",
        "2001:db8:1234:5678::/64 1,234 1,234    1,234     0        0 00:00:00 00:00:00",
    ]


def test_the_trust_in_an_address() -> None:
    """It is stated where an address could be invented, by source where it differs."""
    counted, verified = (
        SourceRow(source="192.0.2.7", trust="counted"),
        SourceRow(source="192.0.2.8", trust="verified"),
    )
    without = SourceRow(source=None, trust="none")
    assert trust_phrase([verified, without, SourceRow(source="192.0.2.9")]) == ""
    assert trust_phrase([counted, without]) == "Trust in the addresses: counted."
    assert trust_phrase([counted, verified]) == (
        "Trust in the addresses: counted (192.0.2.7), verified (192.0.2.8)."
    )
    assert sources_of(SCAN, counted)[2] == "Trust in the addresses: counted."


def test_failures_and_releases() -> None:
    """A failure with its place and whether it is new. A release with its lines before."""
    lines = story_lines(WIDE)
    at_failure = lines.index(
        "FAILURE   PaymentError in shop/payment.py:31 in charge: 12 lines, new"
    )
    assert lines[at_failure + 1] == "          (b3a2f6d1c4e59870)"
    assert lines[at_failure + 2].endswith("…: 12 lines, none before")


def test_a_short_verdict_is_on_one_line() -> None:
    """A longer one has its first sentence on lines of its own."""
    story = replace(SCAN, verdict=replace(SCAN.verdict, sentence="Unclear. There is no source."))
    assert "Unclear. There is no source." in story_lines(story)


def test_estimates_are_marked() -> None:
    """What may be an estimate is called "about"."""
    lines = story_lines(WIDE)
    assert "and about 199,998 more sources" in lines
    assert "The numbers of paths and sources are about right, not exact." in lines
    assert any(line.startswith("About 999,999 lines found, the metric counted") for line in lines)
    assert not any("bout" in line for line in story_lines(SCAN))


def test_a_share_is_not_rounded_to_nothing_or_all() -> None:
    """0 % is none, and 100 % is all."""
    rows = [(0.9999, 0.001, "> 99 % of lines, < 1 % before"), (1, 0, "100 % of lines, 0 % before")]
    for share, before, text in rows:
        unusual = Unusual(field="path", value="/a", share=share, before=before)
        story = replace(SCAN, summary=replace(SCAN.summary, unusual=(unusual,)))
        assert f"UNUSUAL   path /a: {text}" in story_lines(story)


def test_requests_that_succeeded_are_shown() -> None:
    """What the access logs have of the sources of the table."""
    first, second = SCAN.summary.sources
    lines = sources_of(SCAN, replace(first, answers=7), replace(second, answers=0))
    assert lines[3:5] == [
        "Answered with 2xx or 304, by the access logs: 7 requests from 203.0.113.66, 0",
        "requests from 198.51.100.17.",
    ]


def test_an_hour_without_lines_is_no_share() -> None:
    """Nothing is said of it but that."""
    (row,) = SCAN.summary.unusual
    story = replace(SCAN, summary=replace(SCAN.summary, unusual=(replace(row, before=None),)))
    line = "UNUSUAL   client_ip 203.0.113.66: 93 % of lines, the hour before has no line"
    assert line in story_lines(story)


def test_the_end_of_a_long_verdict_is_shown() -> None:
    """It says whether they got in."""
    sentence = f"{'A path scan. ' * 80}Nobody got in."
    story = replace(SCAN, verdict=replace(SCAN.verdict, sentence=sentence))
    assert " ".join(story_lines(story)).count("Nobody got in.") == 1
    assert "Nobody got in." in page(story)


def test_a_long_command_can_be_copied() -> None:
    """A shell joins its lines."""
    lines = story_lines(WIDE)
    assert lines[-2:] == [
        "Next: flask errwatch block 2001:db8:1234:5678::/64 \\",
        '--reason "password guessing, seen by the person on call" --for 24h',
    ]


@pytest.mark.parametrize("story", [SCAN, SILENT, WIDE], ids=lambda story: story.alarm[:12])
def test_every_line_fits_and_is_harmless(story: Story) -> None:
    """At most 80 columns, and no character that a terminal obeys or does not show."""
    for line in story_lines(story):
        assert columns(line) <= 80
        assert line.isprintable()
        assert {unicodedata.category(char) for char in line}.isdisjoint(
            {"Cc", "Cf", "Co", "Cs", "Mn", "Me", "Zl", "Zp"}
        )


@given(st.text(max_size=300), st.integers(0, 10**9))
def test_any_text_and_number_fits(text: str, number: int) -> None:
    """Whatever strangers write, in every place of it."""
    row = SourceRow(
        source=text,
        trust="none",
        lines=number,
        paths=number,
        unrouted=number,
        users=(text,),
        sign_ins_after=number,
        first=number,
        last=number,
    )
    summary = replace(
        WIDE.summary,
        sources=(row,),
        paths=(replace(WIDE.summary.paths[0], path=text, lines=number),),
        fingerprints=(replace(WIDE.summary.fingerprints[0], where=text, fingerprint=text),),
        samples=(dict.fromkeys(("path", "method", "id", "user_agent", "timestamp"), text),),
    )
    story = replace(
        WIDE,
        alarm=text,
        reason=text,
        summary=summary,
        verdict=replace(WIDE.verdict, sentence=text, sources=(text,)),
        counted=Counted(metric=number, lines=number, threshold=None),
        unknown=(text,),
        next_command=text,
    )
    for line in story_lines(story):
        assert columns(line) <= 80, line
        assert line.isprintable()


def test_columns() -> None:
    """Wide characters are two columns, and what combines is shown."""
    assert (
        fitted("\N{CJK UNIFIED IDEOGRAPH-8336}" * 4, 5)
        == "\N{CJK UNIFIED IDEOGRAPH-8336}" * 2 + "…"
    )
    assert columns("\N{GRINNING FACE}é") == 3
    assert shown("e\N{COMBINING ACUTE ACCENT}") == "é"
    assert shown("x\N{COMBINING ACUTE ACCENT}" + HOSTILE[-6:]).startswith("x?")
    assert wrapped("a " * 50, "Next: ")[1] == "      " + "a " * 12 + "a"
    assert table(["A", "b"], [("x", "1")]) == ["A  b", "x  1"]
