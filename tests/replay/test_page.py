"""The HTML page: self-contained, safe with any log, and readable on any screen."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.replay.charts import chart
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
    """Collects the names of all attributes on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The parser calls it for each tag."""
        assert tag
        self.names |= {name for name, _ in attrs}


def test_the_page_is_self_contained(page: Path) -> None:
    """It loads nothing from elsewhere, and its policy forbids it."""
    text = page.read_text(encoding="utf-8")
    head = text[: text.index("<script>")]
    attributes = Attributes()
    attributes.feed(head)
    assert attributes.names.isdisjoint({"src", "href", "srcset", "style", "onerror", "onload"})
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
    assert drawn_for == ["not-found-error", "client-error", "scan", "failure-flood"]
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


def test_an_alarm_that_ends_after_the_log_is_on_its_chart() -> None:
    """The chart extends to the end of its last alarm."""
    detectors = detector_set(*DEFAULT_DETECTORS)
    tally, kinds = Tally(), LineKinds(detectors.desired.resources)
    names = [detector.name for detector in DEFAULT_DETECTORS]
    index = names.index("not-found-error")
    missing = kinds.of({"event": "Not Found Error", "status": 404})
    tally.add(600, missing, ["192.0.2.7"] * 11, ["/"] * 11)
    for heartbeat, end in ((True, 960_000), (False, 660_000)):
        log = judged(tally, detectors, heartbeat=heartbeat)
        figure = json.loads(chart(log.detectors[index], log))
        assert figure["layout"]["xaxis"]["range"] == [600_000, end]


def test_many_periods_are_drawn_together(tmp_path: Path, run: Run) -> None:
    """A chart has a limited number of steps. A note states that each shows several periods."""
    day = "".join(access(60 * minute) for minute in range(1440))
    log = write_log(tmp_path, [day.replace("25/Nov", f"{date}/Nov") for date in (11, 12, 13)])
    path = tmp_path / "report.html"
    assert run(log, "--html", path, "--set", "not-found-error.period=60").exit_code == 0
    assert "Each step shows the highest of 2 periods." in path.read_text(encoding="utf-8")


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
