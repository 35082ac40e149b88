"""Real logs: the counts equal a published count, and the alarms equal those of a direct count."""

from __future__ import annotations

import csv
import functools
import gzip
import re
from calendar import timegm
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from flask_errwatch.detectors import DEFAULT_DETECTORS, Alarm, Detector
from flask_errwatch.replay.gathering.detector_set import DetectorSet
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import open_logs
from flask_errwatch.simulation import Tally, advise
from tests.replay.replay_lines import detector_set, judged

DATA = Path(__file__).parents[3] / "shared" / "data"
LOGS = ("farmer_farmwork", "farmer_meatlabel", "farmer_saunathinker", "talemul_erp")
STATUSES: dict[str, Callable[[int], bool]] = {
    "critical-error": lambda status: status >= 500,
    "authentication-error": lambda status: status in (401, 403),
    "bad-request-error": lambda status: status in (400, 422),
    "not-found-error": lambda status: status in (404, 410),
    "method-not-allowed-error": lambda status: status == 405,
    "rate-limit-error": lambda status: status == 429,
    "failure-flood": lambda status: 400 <= status < 500,
}
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the logs are not in ../shared/data, beside the project"
)


def tallied(name: str, detectors: DetectorSet) -> Tally:
    with open_logs([str(DATA / name / "access.log.gz")]) as logs:
        session = Session(logs, detectors)
        for _ in session.read():
            pass
    assert session.gathered.bad_lines == 0
    assert session.gathered.shows_requests
    return session.gathered.tally


@functools.cache
def tallied_by_default(name: str) -> tuple[Tally, DetectorSet]:
    """The tally of a log by the default detectors, cached as reading a log takes seconds."""
    detectors = detector_set(*DEFAULT_DETECTORS)
    return tallied(name, detectors), detectors


@functools.cache
def read_directly(name: str) -> list[tuple[int, int]]:
    """Minute and status of each line, parsed differently: by its brackets and its quotes."""
    rows = []
    with gzip.open(DATA / name / "access.log.gz", "rt", encoding="latin-1") as file:
        for line in file:
            stamp = line[line.index("[") + 1 :][:26]
            status = re.search(r'" (\d{3}) (\d+|-) "', line)
            assert status is not None
            assert stamp.endswith("+0000")
            month = MONTHS.index(stamp[3:6]) // 3 + 1
            day, year, clock = int(stamp[:2]), int(stamp[7:11]), stamp[12:17].split(":")
            minute = timegm((year, month, day, int(clock[0]), int(clock[1]), 0)) // 60
            rows.append((minute, int(status[1])))
    return rows


def counted_directly(lines: Counter[int], seen: set[int], threshold: int) -> int:
    """How often the sum over the last five minutes rises above the threshold.

    A minute without a line counts as zero.
    """
    alarms = total = 0
    is_alarm = False
    for minute in range(min(seen), max(seen) + 1):
        total += lines[minute] - lines[minute - 5]
        alarms += total > threshold and not is_alarm
        is_alarm = total > threshold
    return alarms


def counted_without_heartbeat(lines: Counter[int], seen: set[int], threshold: int) -> int:
    """The same number where a minute without a line is missing data.

    The newest of three consecutive periods that has a line decides. Without any line the alarm
    is OK.
    """
    alarms = 0
    is_alarm = False
    for minute in range(min(seen) + 1, max(seen) + 2):
        breaches = False
        for end in (minute, minute - 5, minute - 10):
            period = range(end - 5, end)
            if any(past in seen for past in period):
                breaches = sum(lines[past] for past in period) > threshold
                break
        alarms += breaches and not is_alarm
        is_alarm = breaches
    return alarms


@pytest.mark.parametrize("name", LOGS)
def test_counts_equal_those_of_the_bins(name: str) -> None:
    """`bins.csv` has the same counts of each status and of all lines, in each five minutes."""
    exact = (400, 401, 403, 404, 405, 500)
    detectors = [
        Detector(name=f"s{status}", event=f"S {status}", statuses=(status,)) for status in exact
    ]
    detectors += [
        Detector(name="s4xx", event="S 4xx", statuses=("4xx",)),
        Detector(name="s5xx", event="S 5xx", statuses=("5xx",)),
    ]
    detectors_of_bins = detector_set(*detectors)
    tally = tallied(name, detectors_of_bins)
    periods_of = {
        judgement.detector.name: judgement.periods
        for judgement in judged(tally, detectors_of_bins).detectors
    }
    totals: Counter[int] = Counter()
    for minute, counted in tally.rows():
        totals[minute - minute % 300] += sum(lines for _, lines in counted)
    with (DATA / name / "bins.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(totals)
    for row in rows:
        start = int(datetime.fromisoformat(row["bin_start_utc"]).timestamp())
        bins = {key: int(value) for key, value in row.items() if key.startswith("s")}
        ours = {key: periods.get(start, 0) for key, periods in periods_of.items()}
        # Our class has the statuses without an exact detector, `bins.csv` counts all hundred.
        ours["s4xx"] += sum(ours[f"s{status}"] for status in exact if status < 500)
        ours["s5xx"] += ours["s500"]
        assert (row["bin_start_utc"], totals[start], ours) == (
            row["bin_start_utc"],
            int(row["total"]),
            bins,
        )


@pytest.mark.parametrize("heartbeat", [True, False])
@pytest.mark.parametrize("name", LOGS)
def test_alarms_equal_those_of_a_direct_count(name: str, heartbeat: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """Every default detector has as many alarms as a count without the judge.

    With a heartbeat, quiet minutes are zeros. Without one they are missing data.
    """
    tally, detectors = tallied_by_default(name)
    log = judged(tally, detectors, heartbeat=heartbeat)
    count = counted_directly if heartbeat else counted_without_heartbeat
    rows = read_directly(name)
    seen = {minute for minute, _ in rows}
    for judgement in log.detectors:
        claims = STATUSES.get(judgement.detector.name)
        if claims is None:
            assert judgement.alarms == ()
            continue
        lines = Counter(minute for minute, status in rows if claims(status))
        assert judgement.lines == lines.total()
        alarm = judgement.detector.alarm
        assert isinstance(alarm, Alarm)
        assert alarm.threshold is not None
        threshold = int(alarm.threshold)
        assert len(judgement.alarms) == count(lines, seen, threshold), judgement.detector.name


@pytest.mark.stress
@pytest.mark.parametrize("a_week", [1, 3])
@pytest.mark.parametrize("name", ["farmer_meatlabel", "talemul_erp"])
def test_advice_is_the_lowest_threshold_for_that_many_alarms(name: str, a_week: int) -> None:
    """The proposed threshold gives at most that many alarms, and no lower one does."""
    tally, detectors = tallied_by_default(name)
    advice = {
        proposal.detector.name: proposal
        for proposal in advise(
            tally,
            detectors.catalogue,
            detectors.desired,
            judged(tally, detectors),
            alarms_a_week=a_week,
        )
    }
    rows = read_directly(name)
    seen = {minute for minute, _ in rows}
    days = {"farmer_meatlabel": 30, "talemul_erp": 14}[name]
    allowed = a_week * days // 7
    for detector in ("critical-error", "authentication-error", "not-found-error"):
        lines = Counter(minute for minute, status in rows if STATUSES[detector](status))
        proposed = advice[detector].threshold
        assert proposed is not None
        assert counted_directly(lines, seen, proposed) == advice[detector].alarms <= allowed
        lower = [*range(max(0, proposed - 12), proposed)]
        assert all(counted_directly(lines, seen, threshold) > allowed for threshold in lower)


@pytest.mark.parametrize("name", LOGS)
def test_every_alarm_names_its_sources_and_paths(name: str) -> None:
    """In a log of this size, no alarm loses its sources and paths."""
    log = judged(*tallied_by_default(name))
    alarms = [alarm for judgement in log.detectors for alarm in judgement.alarms]
    assert all(alarm.sources and alarm.paths for alarm in alarms)
