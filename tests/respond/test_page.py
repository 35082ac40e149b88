"""The page of a story: self-contained, without any script, and readable on any screen."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.ranking.summary import Minute, SourceRow
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.views.page import page
from flask_errwatch.respond.views.timeline import timeline
from tests.chromium import browsed, evaluated, in_chromium
from tests.respond.stories import MIDNIGHT, SCAN, SILENT, WIDE

ATTACKS = (
    "<script>document.title='owned'</script>",
    "</style></title><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "'-document.title='owned'-'",
    "javascript:document.title='owned'",
    "<svg onload=document.title='owned'>",
    "<style>body{display:none}</style>",
    "{{7*7}}{% raw %}",
    "\u2028\u2029\u202egpj.exe\u2066\x00\x1b[2J",
)
HOSTILE = " ".join(ATTACKS)


class Page(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The parser calls it for each tag."""
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def hostile() -> Story:
    """A story in which every text is hostile."""
    row = SourceRow(
        source=HOSTILE, trust="none", lines=1, users=(HOSTILE,), failed_users=(HOSTILE,)
    )
    fields = ("timestamp", "status", "method", "path", "user_agent", "request_id", "id")
    summary = replace(
        WIDE.summary,
        sources=(row,),
        paths=(replace(WIDE.summary.paths[0], path=HOSTILE),),
        fingerprints=(
            replace(WIDE.summary.fingerprints[0], type=HOSTILE, where=HOSTILE, fingerprint=HOSTILE),
        ),
        unusual=(replace(WIDE.summary.unusual[0], field=HOSTILE, value=HOSTILE),),
        samples=(dict.fromkeys(fields, HOSTILE),),
        minutes=(Minute(start=MIDNIGHT - 86_400, lines=3, suspicion=1),),
    )
    return replace(
        WIDE,
        alarm=HOSTILE,
        reason=HOSTILE,
        summary=summary,
        verdict=replace(
            WIDE.verdict, sentence=HOSTILE, sources=(HOSTILE,), evidence={HOSTILE: HOSTILE}
        ),
        unknown=(HOSTILE,),
        next_command=HOSTILE,
    )


def written(folder: Path, story: Story) -> Path:
    """The page of a story as a file."""
    path = folder / "why.html"
    path.write_text(page(story), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "story", [SCAN, SILENT, WIDE, hostile()], ids=lambda story: story.alarm[:9]
)
def test_the_page_is_self_contained(story: Story) -> None:
    """It has no script, loads nothing, links to nothing, and its policy forbids all of it."""
    text = page(story)
    parsed = Page(text)
    assert {"script", "link", "img", "iframe", "a", "object", "form", "base"}.isdisjoint(
        parsed.tags
    )
    assert parsed.attributes.isdisjoint({"src", "href", "srcset", "style", "onerror", "onload"})
    assert parsed.tags.count("style") == 1
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'",
        policy[1],
    )


def test_everything_of_the_story_is_on_the_page() -> None:
    """Verdict, figures, sources, paths, samples, what is not known and the next command."""
    text = page(SCAN)
    for part in (
        "<title>shop-scan: path scan</title>",
        '<html lang="en">',
        "A path scan by 203.0.113.66: 41 of 44 lines, 41 paths that no route matches. No sign-in",
        "lines: 41; of: 44; unrouted paths: 41.",
        "41 lines found, the metric counted 41. Still active: the last line 12 s ago.",
        "Lines of 203.0.113.66 per minute, at most 10.",
        "<title>2026-10-25 02:05:00 UTC: 9 lines, suspicion 18</title>",
        "<code>/products/earl-grey</code>",
        "<code>GET /wp-login.php</code>",
        "<code>01a21047-386f-7b4f-9870-0c6b5dd1a304</code>",
        "<li>successful requests (lines are of failures; --access-log adds them).</li>",
        "flask errwatch block 203.0.113.66 --reason &#34;path scan&#34;",
        "Read line by line, 48,112 bytes, 0.0000 USD. All figures are exact.",
    ):
        assert part in text, part


def test_requests_that_succeeded_are_on_the_page() -> None:
    """As far as access logs were read."""
    first = replace(SCAN.summary.sources[0], answers=12_345)
    story = replace(SCAN, summary=replace(SCAN.summary, sources=(first,)))
    assert '<td class="number">12,345</td>' in page(story)
    assert "by the access logs." in page(story)
    assert "by the access logs, of which none was read." in page(SCAN)


def test_headings_and_captions() -> None:
    """Each table has a caption and headings of rows and columns. The chart has a text."""
    parsed = Page(page(WIDE))
    assert parsed.tags.count("table") == parsed.tags.count("caption") == 6
    assert parsed.tags.count("h1") == parsed.tags.count("main") == 1
    text = page(SCAN)
    assert text.count("<tr>") == text.count('<tr><th scope="')
    assert 'role="img" aria-label="Bars of the lines over time, 5 bars"' in text


def test_figures_of_several_sources() -> None:
    """Each source has its own. What is not known is not there."""
    assert "failed logins: 22; by source: 192.0.2.7 12,345." in page(WIDE)


def test_a_story_without_lines() -> None:
    """No empty table, and no empty chart."""
    assert {"table", "svg"}.isdisjoint(Page(page(SILENT)).tags)


@in_chromium
def test_no_script_of_a_line_runs(tmp_path: Path) -> None:
    """Whatever a stranger wrote is text, and the page's style applies."""
    path = written(tmp_path, hostile())
    expression = "[d.title, d.scripts.length, d.images.length, getComputedStyle(d.body).display]"
    title, scripts, images, display = evaluated(path, f"{expression}.join('|')").rsplit("|", 3)
    assert title.startswith("&lt;script&gt;document.title='owned'&lt;/script&gt;")
    assert (scripts, images, display) == ("0", "0", "block")
    shown = evaluated(path, "d.body.innerText.match(/49|[\\u2028\\u202e\\u2066\\x1b]/) ?? 'none'")
    assert shown == "none"


@in_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("story", [SCAN, WIDE, hostile()], ids=["scan", "wide", "hostile"])
def test_the_page_fits_the_width(tmp_path: Path, story: Story, width: int) -> None:
    """The page is not wider than the screen, on a phone or a desktop: wide tables scroll."""
    root = "d.documentElement"
    widths = evaluated(
        written(tmp_path, story), f"`${{{root}.scrollWidth}} ${{{root}.clientWidth}}`", width=width
    )
    needed, given = map(int, widths.split())
    assert needed <= given == width


@in_chromium
@pytest.mark.parametrize(
    ("scheme", "colours"),
    [
        ("0", "rgb(228, 232, 239) rgb(16, 20, 26) rgb(255, 140, 140)"),
        ("1", "rgb(29, 36, 48) rgb(243, 245, 248) rgb(180, 32, 32)"),
    ],
)
def test_the_page_follows_the_dark_mode(tmp_path: Path, scheme: str, colours: str) -> None:
    """Text, background and bars have the colours of the preferred scheme."""
    body, bar = "getComputedStyle(d.body)", "getComputedStyle(d.querySelector('rect'))"
    seen = evaluated(
        written(tmp_path, SCAN),
        f"[{body}.color, {body}.backgroundColor, {bar}.fill].join(' ')",
        f"--blink-settings=preferredColorScheme={scheme}",
    )
    assert seen == colours


@in_chromium
def test_the_page_prints(tmp_path: Path) -> None:
    """As a PDF, also with everything that is wide."""
    pdf = tmp_path / "why.pdf"
    browsed(written(tmp_path, WIDE), f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF")


def test_a_timeline() -> None:
    """A bar for each minute with lines, at its place in the window."""
    drawn = timeline(SCAN.summary)
    assert (drawn.start, drawn.end, drawn.step) == (MIDNIGHT + 7200, MIDNIGHT + 7800, 60)
    assert [(bar.place, bar.lines, bar.height) for bar in drawn.bars] == [
        (50, 9, 90),
        (60, 10, 100),
        (70, 10, 100),
        (80, 10, 100),
        (90, 2, 20),
    ]
    assert (drawn.width, drawn.highest) == (10, 10)


def test_a_timeline_of_days() -> None:
    """A bar then stands for several minutes, and there are at most 120."""
    minutes = tuple(
        Minute(start=MIDNIGHT + 60 * minute, lines=1, suspicion=0) for minute in range(2880)
    )
    window = Window(start=MIDNIGHT + 30, end=MIDNIGHT + 2 * 86_400)
    drawn = timeline(replace(SCAN.summary, minutes=minutes, window=window))
    assert (drawn.step, len(drawn.bars)) == (24 * 60, 120)
    assert sum(bar.lines for bar in drawn.bars) == 2880
    assert drawn.bars[-1].place + drawn.width == pytest.approx(100)
    assert timeline(SILENT.summary).bars == ()
