"""The HTML page: self-contained, safe with any log, and readable on any screen."""

from __future__ import annotations

import json
import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch import Alarm, Detector, __version__
from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.replay.charts import chart
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.summary import summary
from flask_errwatch.simulation import LineKinds, Tally
from tests.chromium import browsed, evaluated, in_chromium
from tests.replay.replay_lines import Run, access, detector_set, event, judged, write_log

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def page(tmp_path: Path, run: Run) -> Path:
    """The page of a log with alarms and hostile names, paths and lines."""
    attack = [event(600 + second, path=HOSTILE, client_ip=HOSTILE) for second in range(40)]
    lines = [event(0, "Heartbeat"), *attack]
    lines += [f"bad {HOSTILE}\n", event(9000, "Client Error"), event(20_000, "Heartbeat")]
    log = write_log(tmp_path, lines, "<b>&amp;.log")
    path = tmp_path / "report.html"
    result = run(log, "--html", path, "--advise", "1")
    assert result.exit_code == 0, result.output
    assert result.stderr == f"The page is in {path}.\n"
    return path


class Attributes(HTMLParser):
    """Collects the names of all attributes on a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The parser calls it for each tag."""
        assert tag
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]


def test_the_page_is_self_contained(page: Path) -> None:
    """It loads nothing from elsewhere, and its policy forbids it."""
    text = page.read_text(encoding="utf-8")
    head = text[: text.index("<script>")]
    attributes = Attributes()
    attributes.feed(head)
    assert attributes.names.isdisjoint({"src", "srcset", "style", "onerror", "onload"})
    assert attributes.links
    assert all(link.startswith("#") for link in attributes.links)
    assert {"class", "id", "content"} <= attributes.names
    assert "default-src 'none'; script-src 'sha256-" in head
    assert "'unsafe-inline'" not in head.split("script-src", 1)[1].split(";", 1)[0]


def test_the_log_is_escaped(page: Path) -> None:
    """Every name, bad line and file name is text. The page has only our two scripts."""
    text = page.read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") == 2
    head = text[: text.index("<script>")]
    assert "<img" not in head
    assert "&lt;/script&gt;&lt;script&gt;document.title=&#39;owned&#39;" in head
    assert "<b>" not in head
    assert "{{7*7}}" in head


@in_chromium
def test_charts_are_drawn_and_no_script_of_the_log_runs(page: Path) -> None:
    """Each detector with lines has a chart with its threshold and alarms."""
    drawn = browsed(page, "--dump-dom", "--window-size=1200,900")
    assert "<title>Replay of " in drawn
    assert "<title>owned" not in drawn
    drawn_for = re.findall(r'<div class="chart[^"]*" id="chart-([a-z-]+)"', drawn)
    assert drawn_for == ["scan", "not-found-error", "failure-flood", "client-error"]
    assert drawn.count('class="main-svg"') >= 2 * len(drawn_for)
    assert 'data-index="0"' in drawn  # threshold and alarm are shapes


@in_chromium
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_fits_the_width(page: Path, width: int) -> None:
    """The page is not wider than the screen, on a phone or a desktop."""
    root = "d.documentElement"
    widths = evaluated(page, f"`${{{root}.scrollWidth}} ${{{root}.clientWidth}}`", width=width)
    needed, given = map(int, widths.split())
    assert needed <= given == width


@in_chromium
@pytest.mark.parametrize(("scheme", "ink"), [("0", "228, 232, 239"), ("1", "29, 36, 48")])
def test_the_page_follows_the_dark_mode(page: Path, scheme: str, ink: str) -> None:
    """The text of a chart has the colour of the preferred colour scheme."""
    drawn = browsed(page, "--dump-dom", f"--blink-settings=preferredColorScheme={scheme}")
    assert f"fill: rgb({ink})" in drawn


def figure_of(tally: Tally, detectors: DetectorSet, name: str, *, heartbeat: bool = True) -> Any:
    """The chart of a detector."""
    log = judged(tally, detectors, heartbeat=heartbeat)
    (row,) = [row for row in summary(log, (), frozenset()) if row.name == name]
    assert row.detector is not None
    return json.loads(chart(row, row.detector, log))


def test_an_alarm_that_ends_after_the_log_is_on_its_chart() -> None:
    """The chart extends to the end of its last alarm."""
    detectors = detector_set(*DEFAULT_DETECTORS)
    tally, kinds = Tally(), LineKinds(detectors.desired.resources)
    missing = kinds.of({"event": "Not Found Error", "status": 404})
    tally.add(600, missing, ["192.0.2.7"] * 11, ["/"] * 11)
    for heartbeat, end in ((True, 960_000), (False, 660_000)):
        figure = figure_of(tally, detectors, "not-found-error", heartbeat=heartbeat)
        assert figure["layout"]["xaxis"]["range"] == [600_000, end]


def test_a_chart_of_lines_has_no_threshold_of_something_else() -> None:
    """An alarm that sums a field of the lines is compared with other numbers than the chart has."""
    sums = Detector(name="slow", event="Slow", value="$.seconds", alarm=Alarm(threshold=70))
    counts = Detector(name="slow", event="Slow", alarm=Alarm(threshold=1))
    for detector, labels in ((sums, []), (counts, ["threshold 1"])):
        detectors = detector_set(detector)
        tally, kinds = Tally(), LineKinds(detectors.desired.resources)
        line = kinds.of({"event": "Slow", "seconds": 50})
        tally.add(600, line, ["192.0.2.7"] * 2, ["/"] * 2)
        figure = figure_of(tally, detectors, "slow")
        notes = figure["layout"].get("annotations", [])
        assert [note["text"] for note in notes] == labels
        assert [shape["name"] for shape in figure["layout"]["shapes"]].count("alarm") == 1


def test_many_periods_are_drawn_together(tmp_path: Path, run: Run) -> None:
    """A chart has a limited number of steps. A note states that each shows several periods."""
    day = "".join(access(60 * minute) for minute in range(1440))
    log = write_log(tmp_path, [day.replace("25/Nov", f"{date}/Nov") for date in (11, 12, 13)])
    path = tmp_path / "report.html"
    assert run(log, "--html", path, "--set", "not-found-error.period=60").exit_code == 0
    assert "Each step shows the highest of 2 periods." in path.read_text(encoding="utf-8")


def bursts(hours: int) -> list[str]:
    """A burst of 404 each hour, each larger than the one before."""
    return [
        access(3600 * hour + n % 60, path="/a") for hour in range(hours) for n in range(12 + hour)
    ]


def rendered(run: Run, log: Path, *arguments: object) -> str:
    """The page of a log, without its two scripts."""
    path = log.parent / "report.html"
    assert run(log, "--html", path, *arguments).exit_code in {0, 1}
    text = path.read_text(encoding="utf-8")
    return text[: text.index("<script>")]


def test_the_page_begins_with_a_summary(tmp_path: Path, run: Run) -> None:
    """The most alarms first, each linked to its section, with the advice to paste."""
    text = rendered(run, write_log(tmp_path, bursts(3)), "--advise", "1")
    table = text[text.index('<section id="summary">') : text.index("</table>")]
    rows = re.findall(r'<th scope="row">(.*?)</th>', table)
    assert rows[0] == '<a href="#not-found-error">not-found-error</a>'
    assert rows[-1] == "client-error"
    assert '<section id="not-found-error">' in text
    first = table[table.index("<tbody>") : table.index("</tr>", table.index("<tbody>"))]
    cells = re.findall(r'data-label="([^"]*)"[^>]*>([^<]*)<', first)
    assert cells == [
        ("Lines", "39"),
        ("Alarms", "3"),
        ("Worst", "14"),
        ("When", "2026-11-25 01:56"),
        ("Threshold", "10"),
        ("Advised", "13"),
    ]
    assert "<pre><code>ERRWATCH_DETECTORS=&#39;{&#34;not-found-error&#34;: {&#34;thres" in text


def test_the_page_can_be_passed_on(tmp_path: Path, run: Run) -> None:
    """It has file names and no folder of this machine, the version, and UTC once."""
    log = write_log(tmp_path, [*bursts(1), "bad\n"])
    text = rendered(run, log)
    assert str(tmp_path) not in text
    assert "<title>Replay of access.log</title>" in text
    assert "<li>access.log, line 13: <code>bad</code></li>" in text
    assert re.search(
        rf"All times are UTC\. Created \d{{4}}-\d\d-\d\d \d\d:\d\d by flask-errwatch "
        rf"{re.escape(__version__)}\.",
        text,
    )
    assert text.count("UTC") == 1


def test_the_worst_alarms_are_listed(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the first ones, and with what their lines look like."""
    monkeypatch.setattr("flask_errwatch.replay.page._LISTED", 2)
    text = rendered(run, write_log(tmp_path, bursts(4)))
    section = text[text.index('<section id="not-found-error">') :]
    section = section[: section.index("</section>")]
    assert "<summary>4 alarms: the worst 2, worst first</summary>" in section
    assert re.findall(r'data-label="Peak" class="number">(\d+)<', section) == ["15", "14"]
    assert section.count('data-label="Looks like">Unclear: 1') == 2


def test_the_page_of_advice_that_hides_critical_errors(tmp_path: Path, run: Run) -> None:
    """A caution in the summary and in the section of the detector."""
    sizes = ((0, 12), (7200, 40))
    crashes = [access(start + n, 500) for start, size in sizes for n in range(size)]
    log = write_log(tmp_path, crashes)
    text = rendered(run, log, "--advise", "1")
    caution = "Caution: with the advised threshold, 1 of 2 alarms of critical-error would not have"
    assert text.count(f'<p class="caution">{caution}') == 2
    assert "Caution" not in rendered(run, log, "--advise", "2")


def test_the_page_of_a_log_that_could_not_be_read(tmp_path: Path, run: Run) -> None:
    """A sentence with what was seen, and no empty table."""
    text = rendered(run, write_log(tmp_path, [f"{HOSTILE}\n"]))
    assert "<table>" not in text
    assert (
        '<p class="caution">Nothing could be read of access.log (1 line, none of them '
        "understood, the first is"
    ) in text
    assert "<img" not in text


@in_chromium
def test_charts_are_labelled_and_have_a_logarithmic_scale(tmp_path: Path, run: Run) -> None:
    """Axis titles, both thresholds, and a button: a threshold far below a peak becomes visible."""
    lines = [*bursts(1), *(access(7200 + n // 30, path="/b") for n in range(1259))]
    path = tmp_path / "report.html"
    assert run(write_log(tmp_path, lines), "--html", path, "--advise", "1").exit_code == 0
    height = (
        "(() => {const p = d.getElementById('chart-not-found-error')._fullLayout;"
        "const high = (v) => p.yaxis.l2p(p.yaxis.d2l(v));"
        "return Math.round(high(0.5) - high(10));})()"
    )
    seen = (
        "(() => {const c = d.getElementById('chart-not-found-error'); const before = HEIGHT;"
        "const text = c.textContent; d.querySelector('[data-chart=not-found-error]').click();"
        "return JSON.stringify({before, after: HEIGHT, titles: [...c.querySelectorAll("
        "'.xtitle, .ytitle')].map((t) => t.textContent), labels: [...c.querySelectorAll("
        "'.annotation-text')].map((t) => t.textContent), pressed: d.querySelector("
        "'[data-chart=not-found-error]').getAttribute('aria-pressed')});})()"
    ).replace("HEIGHT", height)
    found = json.loads(unescape(evaluated(path, seen)))
    assert found["titles"] == ["time", "lines in 300 s"]
    assert found["labels"] == ["threshold 10", "advised 12"]
    assert found["pressed"] == "true"
    assert found["before"] < 5
    assert found["after"] > 50


@in_chromium
@pytest.mark.parametrize("width", [360, 1200])
def test_no_label_covers_the_marker_of_an_alarm(tmp_path: Path, run: Run, width: int) -> None:
    """Small alarms at both ends of the log have their markers right at the threshold's line."""
    lines = [*(access(n) for n in range(11)), *(access(80_000 + n) for n in range(11))]
    path = tmp_path / "report.html"
    assert run(write_log(tmp_path, lines), "--html", path, "--advise", "1").exit_code == 0
    seen = (
        "(() => {const c = d.getElementById('chart-not-found-error');"
        "const boxes = (s) => [...c.querySelectorAll(s)].map((e) => e.getBoundingClientRect());"
        "const markers = boxes('.points path'), labels = boxes('.annotation');"
        "const meet = (a, b) => a.left < b.right && b.left < a.right"
        " && a.top < b.bottom && b.top < a.bottom;"
        "return JSON.stringify({markers: markers.length, labels: labels.length,"
        "covered: markers.filter((m) => labels.some((l) => meet(m, l))).length,"
        "both: labels.length > 1 && meet(labels[0], labels[1]),"
        "inside: labels.every((l) => l.top >= c.getBoundingClientRect().top)});})()"
    )
    assert json.loads(unescape(evaluated(path, seen, width=width))) == {
        "markers": 2,
        "labels": 2,
        "covered": 0,
        "both": False,
        "inside": True,
    }


@in_chromium
def test_tables_can_be_read_on_a_phone(page: Path) -> None:
    """At 390 pixels each row is a block with the names of its cells, and nothing is cut."""
    seen = (
        "(() => {const cell = d.querySelector('#summary td');"
        "const wide = [...d.querySelectorAll('td, th')].filter((c) => c.scrollWidth > "
        "c.clientWidth + 1 && c.clientWidth).length;"
        "return [getComputedStyle(d.querySelector('thead')).display, wide, "
        "d.defaultView.getComputedStyle(cell, '::before').content].join(' ');})()"
    )
    assert unescape(evaluated(page, seen, width=390)) == 'none 0 "Lines: "'


@in_chromium
def test_the_page_prints_in_light_colours_with_every_list(page: Path) -> None:
    """Also in dark mode. The charts are as wide as the paper."""
    seen = (
        "(() => {f.contentWindow.dispatchEvent(new Event('beforeprint'));"
        "const chart = d.querySelector('.chart')._fullLayout;"
        "return [chart.width, chart.paper_bgcolor, d.querySelectorAll('details:not([open])').length"
        "].join(' ');})()"
    )
    dark = "--blink-settings=preferredColorScheme=0"
    assert evaluated(page, seen, dark) == "680 #ffffff 0"


def test_without_the_charting_library(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra, before anything is read."""
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.delitem(sys.modules, "flask_errwatch.replay.page", raising=False)
    monkeypatch.delitem(sys.modules, "flask_errwatch.replay.charts", raising=False)
    result = run(write_log(tmp_path, [access(0)]), "--html", tmp_path / "report.html")
    assert result.exit_code == 1
    assert "pip install 'flask-errwatch[replay]'" in result.stderr
    assert not (tmp_path / "report.html").exists()
