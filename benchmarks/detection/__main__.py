"""`python -m benchmarks.detection FOLDER --truth FILE`: prints the tables of `docs/detection.md`.

FOLDER has a folder for each log, with `access.log.gz` in it. The truth file has the columns log,
start, end, client, kind, label, tier and errors. Without arguments both are those in `../shared`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.detection.rules import RULES
from benchmarks.detection.tables import mistakes, tables
from benchmarks.detection.truth import Truth, read_truth
from benchmarks.detection.verdicts import LabelledLog
from benchmarks.report import with_tables

SHARED = Path(__file__).parents[3] / "shared"
_FILE = "access.log.gz"


def labelled_logs(folder: Path, truth: Path) -> dict[str, LabelledLog]:
    """The logs of a folder with their labels, by their names."""
    labels = read_truth(truth)
    return {
        path.parent.name: LabelledLog(path, labels.get(path.parent.name, Truth(())))
        for path in sorted(folder.glob(f"*/{_FILE}"))
    }


def main(arguments: list[str]) -> int:
    """Prints the tables. Returns 2 when there is no log."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection")
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED / "data")
    parser.add_argument("--truth", type=Path, default=SHARED / "detection" / "truth.csv")
    parser.add_argument("--mistakes", action="store_true", help="List what each rule got wrong.")
    parser.add_argument("--update", type=Path, help="Write the tables into this page.")
    chosen = parser.parse_args(arguments)
    logs = labelled_logs(chosen.folder, chosen.truth)
    if not logs:
        print(f"There is no {_FILE} in the folders of {chosen.folder}.", file=sys.stderr)
        return 2
    console = Console(width=140)
    found = tables(logs)
    for table in found.values():
        table.show(console)
    if chosen.mistakes:
        for rule in RULES:
            print(f"\n{rule.name}", *mistakes(logs, rule), sep="\n  ")
    if chosen.update is not None:
        page = chosen.update.read_text("utf-8")
        chosen.update.write_text(with_tables(page, found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
