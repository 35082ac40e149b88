"""`--since` and `--until`: which times are judged."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from flask_errwatch.replay.sources import ALWAYS, TimeRange, WrongTimeError
from tests.replay.replay_lines import Run, access, write_log

#: 2023-11-14T22:13:20Z.
NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        (None, None, -math.inf, math.inf),
        ("14d", None, NOW - 14 * 86_400, math.inf),
        ("6h", "1h", NOW - 21_600, NOW - 3600),
        ("2010-05-17", "2010-05-18T00:00:00Z", 1_274_054_400, 1_274_140_800),
        ("2023-11-14T23:13:00+01:00", "2030-01-01", NOW - 20, 1_893_456_000),
        ("22:00", None, NOW - 800, math.inf),
    ],
)
def test_forms(since: str | None, until: str | None, start: float, end: float) -> None:
    """RFC 3339, a date, a time of day and how long ago; logs may be older than CloudWatch."""
    found = TimeRange.read(since, until, NOW)
    assert found == TimeRange(start=start, end=end)
    assert found.is_bounded == (found != ALWAYS)


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        ("yesterday", None, "--since = 'yesterday': Use a time such as"),
        (None, "14", "--until = '14': Use a time such as"),
        ("1h", "2h", "--since = '1h': It is not before the end."),
        ("2h", "2h", "--since = '2h': It is not before the end."),
        ("2030-01-01", None, "--since = '2030-01-01': It is in the future."),
    ],
)
def test_what_is_refused(since: str | None, until: str | None, sentence: str) -> None:
    """The sentence names the option."""
    with pytest.raises(WrongTimeError) as refused:
        TimeRange.read(since, until, NOW)
    assert str(refused.value).startswith(sentence)


def test_the_end_is_not_in_it() -> None:
    """The start is, as everywhere."""
    hour = TimeRange(start=3600, end=7200)
    assert [moment in hour for moment in (3599, 3600, 7199, 7200)] == [False, True, True, False]
    assert [
        hour.overlaps(*span) for span in ((0, 3599), (0, 3600), (7199, 9000), (7200, 9000))
    ] == [*(False, True, True, False)]


def test_a_wrong_option(tmp_path: Path, run: Run) -> None:
    """The command ends with 2 and one sentence, before anything is read."""
    result = run(write_log(tmp_path, access(0)), "--since", "tomorrow")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("Error: --since = 'tomorrow': Use a time such as")
