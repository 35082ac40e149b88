"""Writes files of counts, and replays them."""

from __future__ import annotations

from pathlib import Path

from flask_errwatch import DEFAULT_DETECTORS
from flask_errwatch.replay.result import ReplayResult
from tests.replay.replay_lines import detector_set, replay_of, write_log


def replayed(log: Path, form: str = "counts", **settings: object) -> ReplayResult:
    """The result of a replay by the default detectors, without an app."""
    detectors = detector_set(*DEFAULT_DETECTORS, **settings)
    return replay_of(log, detectors=detectors, form=form, advise=2)


def rows_of(folder: Path, *rows: str) -> Path:
    """A file of these rows."""
    return write_log(folder, "".join(f"{row}\n" for row in rows), "counts.csv")


def reasons(result: ReplayResult) -> dict[str, str]:
    """Why each alarm is not judged."""
    return {one.alarm: one.reason for one in result.judged.unjudged}
