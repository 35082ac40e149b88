"""The benchmarks run, and the documentation has their figures. No time is asserted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import addresses_redaction, fields, overhead, report
from benchmarks.app import PATHS, serve
from benchmarks.stage import settings
from benchmarks.variants import BY_NAME, VARIANTS
from flask_errwatch import event_recorded
from tests.fake_logs import FakeLogs

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"

CASES = ["200", "404", "403", "500"]
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The results folder and the output of `--quick`."""
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--output", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def committed() -> dict[str, Any]:
    """The results in the repository."""
    results: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results.json").read_text("utf-8"))
    return results


@pytest.mark.stress
def test_the_quick_run_fills_every_table(quick: tuple[Path, str]) -> None:
    """Every row has every cell, or the reason why it cannot be measured here."""
    results = json.loads((quick[0] / "results.json").read_text("utf-8"))
    assert [*results["overhead"]] == [variant.name for variant in VARIANTS]
    for variant in VARIANTS:
        cells = results["overhead"][variant.name]
        if variant.missing:
            assert cells["skipped"].startswith("skipped: needs ")
        else:
            assert [*cells] == CASES
            assert all(cell["ratio"] > 0 and cell["bare_us"] > 0 for cell in cells.values())
    for name, table in report.tables(results).items():
        assert table.rows, name
        for row in table.rows:
            assert len(row) == len(table.head), (name, row)
            assert all(row), (name, row)


@pytest.mark.stress
def test_the_quick_run_prints_its_tables_and_draws_the_chart(quick: tuple[Path, str]) -> None:
    """Each table is printed with its title. Without matplotlib the reason is printed."""
    folder, printed = quick
    for title in ("A request's cost", "Memory of a process", "A million lines", "ErrWatch(app)"):
        assert title in printed
    chart = folder / "overhead.svg"
    if "chart skipped: needs matplotlib" not in printed:
        assert "<svg" in chart.read_text("utf-8")


#: The events of one request of each case. The successful one has no event.
RECORDED = ["Not Found Error", "Authentication Error", "Critical Error"]


_SERVED = """
from benchmarks.app import PATHS, serve
from benchmarks.variants import BY_NAME
app, settle = BY_NAME["flask-errwatch"].make()
for path in PATHS.values():
    serve(app, path)
settle()
"""


def test_the_measured_flask_errwatch_delivers_every_line() -> None:
    """The line of each failing request passes a journal on disk and a shipper."""
    with FakeLogs() as fake, settings(fake.url) as environment:
        subprocess.run(
            [sys.executable, "-c", _SERVED], env=environment, cwd=ROOT, check=True, timeout=60
        )
        lines = [json.loads(line.message) for line in fake.lines()]
        (segment,) = Path(environment["ERRWATCH_JOURNAL_DIR"]).glob("*/*.log")
        assert segment.read_bytes().count(b"\n") == 2 * len(lines)
    events = [line for line in lines if line["event"] != "Heartbeat"]
    assert [line["event"] for line in events] == RECORDED
    assert [line["path"] for line in events] == [PATHS[case] for case in CASES[1:]]
    assert len([*events[2]["exception"]["frames"]]) == 5


def test_the_measured_floor_writes_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each failing request writes 15 keys, and a crash also its frames."""
    app, _settle = BY_NAME["floor of the job"].make()
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(os, "write", lambda _descriptor, line: written.append(json.loads(line)))
    for case in CASES:
        serve(app, PATHS[case])
    assert [line["path"] for line in written] == [PATHS[case] for case in CASES[1:]]
    assert [len(line) for line in written] == [15, 15, 16]


def test_the_page_has_the_committed_results() -> None:
    """Each table of the page equals the table of the committed results."""
    text = PAGE.read_text("utf-8")
    assert set(re.findall(r"<!-- table: (\w+) -->", text)) == {*report.tables(committed())}
    assert report.written_into(text, committed()) == text


def test_the_overhead_table_has_the_raw_medians() -> None:
    """The first figure of a cell is the median, checked without the code that writes it."""
    lines = PAGE.read_text("utf-8").splitlines()
    for name, cells in committed()["overhead"].items():
        row = next(line for line in lines if line.startswith(f"| {name} | ") and "(" in line[-20:])
        shown = [float(NUMBER.findall(cell)[0]) for cell in row.split(" | ")[1:]]
        assert shown == [pytest.approx(cells[case]["ratio"], abs=0.0051) for case in CASES]


def test_runs_on_other_machines_have_their_raw_files() -> None:
    """The row of each date has the medians of the file of that date."""
    text = PAGE.read_text("utf-8")
    files = [*(ROOT / "benchmarks" / "elsewhere").glob("*.json"), ROOT / "benchmarks/results.json"]
    assert len(files) == len(re.findall(r"^\| [\d-]{10}, flask-errwatch \|", text, re.MULTILINE))
    for run in (json.loads(file.read_text("utf-8")) for file in files):
        medians = [run["overhead"]["flask-errwatch"][case]["ratio"] for case in CASES]
        cells = " | ".join(f"{median:.2f}" for median in medians)
        bare = round(run["overhead"]["flask-errwatch"]["404"]["bare_us"])
        assert f"| {run['date']}, flask-errwatch | {cells} | {bare} |" in text


def test_no_figure_is_outside_the_tables() -> None:
    """The sentences of the page have neither fractions nor times, so no measured figures."""
    prose = re.sub(r"<!-- table.*?<!-- end -->", "", PAGE.read_text("utf-8"), flags=re.DOTALL)
    fractions = re.findall(r"\d+\.\d+", prose)
    assert fractions == ["0.97", "1.03"]  # the bounds of the control
    assert re.findall(r"\d+ (?:µs|ms)\b", prose) == ["4 ms"]  # the length of a slice


def test_the_committed_run_is_valid() -> None:
    """Its control is within its bounds, no peer is missing, and flask-errwatch is compiled."""
    variants = committed()["overhead"]
    assert overhead.doubts(variants["bare Flask again (control)"]) == []
    assert [name for name, cells in variants.items() if "skipped" in cells] == []
    assert committed()["machine"]["flask-errwatch"] == "compiled"


def test_a_busy_machine_is_reported() -> None:
    """A control beyond its bounds is reported with its figure."""
    control = {case: {"ratio": 1.0} for case in CASES} | {"404": {"ratio": 1.031}}
    assert overhead.doubts(control) == ["the control of 404 reads 1.031, not 0.97 to 1.03"]


def test_an_absent_peer_is_named() -> None:
    """A variant whose library is missing names it, and the extra that installs it."""
    absent = replace(BY_NAME["sentry-sdk, defaults"], needs=("no_such_peer.at_all", "json"))
    assert absent.missing == "skipped: needs no_such_peer.at_all (extra `bench`)"
    assert BY_NAME["flask-errwatch"].missing == ""


def test_the_share_of_addresses_and_redaction_has_its_aim() -> None:
    """The committed share of each failing response is at most what the page names as the aim."""
    assert [*committed()["addresses_redaction"]] == CASES[1:]
    assert max(committed()["addresses_redaction"].values()) <= 0.15


def test_the_app_without_addresses_and_redaction_has_the_same_lines() -> None:
    """What is compared differs in nothing else: both apps record the three failing requests."""
    for app in addresses_redaction.apps()[1:]:
        recorded: list[dict[str, Any]] = []

        def take(
            _app: object, event: dict[str, Any], into: list[dict[str, Any]] = recorded
        ) -> None:
            into.append(event)

        with event_recorded.connected_to(take, sender=app):
            for path in PATHS.values():
                serve(app, path)
        assert [event["event"] for event in recorded] == RECORDED
        assert [event["client_ip"] for event in recorded] == ["192.0.2.7"] * 3


def test_the_fields_of_a_new_path_have_their_aim() -> None:
    """The committed cost is at most 8 % of a 404, but for encoded and hostile texts."""
    costs = committed()["fields"]
    assert [*costs] == [*fields.KINDS]
    assert [kind for kind, cost in costs.items() if cost["dearer"] > 0.08] == [*fields.KINDS][3:]


def test_the_app_without_a_classification_has_the_same_lines() -> None:
    """What is compared differs in nothing but the values of the four fields."""
    told = []
    for app in fields.apps():
        serve(app, "/.env")
        line = json.loads(app.extensions["errwatch"].delivery.memory.lines[-1])
        told.append((line["event"], line["path_class"], line["suspicion"], sorted(line)))
    assert told[0][:3] == ("Not Found Error", "probe", 2)
    assert told[1] == ("Not Found Error", "unknown", 1, told[0][3])
