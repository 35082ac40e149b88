"""`make detection`: what the default alarms see of labelled logs, by the project's own judge."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.detection.__main__ import SHARED, labelled_logs, main
from benchmarks.detection.rules import RULES

SCAN, SITE = RULES[1], RULES[3]
HEAD = "log,start,end,client,kind,label,tier,confidence,requests,errors,distinct_paths,why"


def line(second: int, client: str, path: str, status: int = 404) -> str:
    """A line of an access log, so many seconds after midnight."""
    moment = datetime.fromtimestamp(1_795_564_800 + second, UTC)
    stamp = f"{moment:%d/%b/%Y:%H:%M:%S +0000}"
    return f'{client} - - [{stamp}] "GET {path} HTTP/1.1" {status} 9 "-" "a"\n'


def row(client: str, label: str, *, kind: str = "scan", tier: int = 1, start: int = 0) -> str:
    """A row of a truth file: twenty errors in half an hour."""
    times = (
        f"{datetime.fromtimestamp(1_795_564_800 + at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        for at in (start, start + 1800)
    )
    return f"site,{','.join(times)},{client},{kind},{label},{tier},high,20,20,20,"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log with a scan of one client, one of two, a benign client, and their labels."""
    lines = [line(n, "192.0.2.1", f"/{n}.php") for n in range(20)]
    for part in (1, 2):
        lines += [line(20_000 + n, f"198.51.100.{part}", f"/{n}.php") for n in range(10)]
    lines += [line(40_000 + n, "203.0.113.5", f"/office-{n}") for n in range(20)]
    (tmp_path / "site").mkdir()
    with gzip.open(tmp_path / "site" / "access.log.gz", "wt") as file:
        file.writelines([*lines, line(80_000, "192.0.2.9", "/", 200)])
    rows = [
        row("192.0.2.1", "attack"),
        row("2 addresses", "attack", kind="coordinated scan", start=20_000),
        *(
            row(f"198.51.100.{part}", "attack", kind="part of coordinated", tier=0, start=20_000)
            for part in (1, 2)
        ),
        row("203.0.113.5", "benign", kind="office user", tier=0, start=40_000),
    ]
    (tmp_path / "truth.csv").write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    return tmp_path


def test_attacks_are_seen_and_benign_alarms_are_false(folder: Path) -> None:
    """A coordinated attack is matched by its parts. A day counts as a week."""
    (log,) = labelled_logs(folder, folder / "truth.csv").values()
    verdict = log.verdict(SCAN)
    assert (len(verdict.seen), len(verdict.missed), len(verdict.firings)) == (2, 0, 4)
    assert (verdict.false_a_week, verdict.alarms_a_week) == (1.0, 4.0)
    assert verdict.messages_a_week == 4.0  # of an end, a source alarm says nothing
    # The first window that has nine probes ends at 00:01, and is read a minute later.
    assert (verdict.seen[0].seconds, verdict.seen[0].requests) == (120, 20)
    # Twenty unknown paths in 300 s are not above 20, twenty probes are.
    assert (len(log.verdict(SITE).firings), log.verdict(SITE).false_a_week) == (2, 0.0)


def test_the_tables_are_printed_and_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into the marked places of a page. What is no folder of logs is refused in one sentence."""
    page = folder / "page.md"
    page.write_text("a\n<!-- table: floods --><!-- end -->\nb\n", encoding="utf-8")
    truth = str(folder / "truth.csv")
    assert main([str(folder), "--truth", truth, "--update", str(page), "--mistakes"]) == 0
    assert "as a log alarm" in capsys.readouterr().out
    assert "| 4xx in 300 s above | seen | false a week |" in page.read_text(encoding="utf-8")
    assert main([str(folder / "site"), "--truth", truth]) == 2
    assert "There is no access.log.gz in the folders of" in capsys.readouterr().err


@pytest.mark.stress
@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the logs are not in ../shared/data, beside the project"
)
def test_the_scan_alarm_sees_the_scans_of_the_real_logs() -> None:
    """At least 103 of the 106 labelled scans, and no false alarm on any of the four logs."""
    logs = labelled_logs(SHARED / "data", SHARED / "detection" / "truth.csv")
    verdicts = [log.verdict(SCAN) for log in logs.values()]
    assert [verdict.false_a_week for verdict in verdicts] == [0, 0, 0, 0]
    assert sum(len(verdict.seen) + len(verdict.missed) for verdict in verdicts) == 106
    assert sum(len(verdict.seen) for verdict in verdicts) >= 103
