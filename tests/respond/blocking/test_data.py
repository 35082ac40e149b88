"""Real logs: which sources `block --from-alarm` proposes, by periods of ten minutes."""

from __future__ import annotations

import csv
import gzip
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from flask_errwatch.capture.suspicion import Match, Site, classify, split_target
from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.formats.record import AccessRecord
from flask_errwatch.replay.formats.requests import ANSWERED_REQUEST, Request, split_request
from flask_errwatch.replay.gathering.sites import SeenSite, Survey, template_of
from flask_errwatch.respond.answer.rules import verdict
from flask_errwatch.respond.blocking.brakes import ANSWERS_PER_ERROR, Brake, Facts, decide
from flask_errwatch.respond.blocking.from_alarm import BLOCKABLE
from flask_errwatch.respond.blocking.networks import read_network
from flask_errwatch.respond.blocking.seen import seen_by_network
from flask_errwatch.respond.ranking.summarize import Answer, TimedEvent, summarize
from flask_errwatch.respond.ranking.window import Window

SHARED = Path(__file__).parents[4] / "shared"
LOGS = (
    *("farmer_farmwork", "farmer_meatlabel", "farmer_saunathinker"),
    pytest.param("talemul_erp", marks=pytest.mark.stress),  # the largest
)
PERIOD, DAY = 600, 86_400
#: The logs have pseudonyms of a range that no client has, and do not show who is trusted.
OF_THE_LOGS = frozenset({Brake.INTERNAL, Brake.UNTRUSTED})

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the logs are not in ../shared, beside the project"
)


@dataclass(frozen=True, kw_only=True)
class Log:
    """An access log: the lines that an app would write, its answers, and all its requests."""

    lines: list[TimedEvent]
    answers: list[Answer]
    requests: list[Answer]

    def within(self, start: float, end: float) -> list[TimedEvent]:
        """The lines of a time."""
        first, last = (bisect_left(self.lines, at, key=lambda line: line[0]) for at in (start, end))
        return self.lines[first:last]


@pytest.fixture(name="log", params=LOGS, scope="module")
def _log(request: pytest.FixtureRequest) -> tuple[str, Log]:
    name = str(request.param)
    with gzip.open(SHARED / "data" / name / "access.log.gz", "rt", encoding="latin-1") as file:
        text = file.read()
    survey = Survey()
    survey.add(ANSWERED_REQUEST.findall(text))
    site, lines, answers = survey.site(), [], []
    requests: list[Answer] = []
    for at, found in _requests(text):
        status = int(found.status)
        requests.append((at, found.source, status))
        if 200 <= status < 300 or status == 304:
            answers.append((at, found.source, status))
        elif status >= 400:
            lines.append((at, _event(found, site)))
    return name, Log(
        lines=sorted(lines, key=lambda line: line[0]), answers=answers, requests=requests
    )


def _requests(text: str) -> Iterator[tuple[float, Request]]:
    parse = COMBINED.parser()
    for line in text.splitlines():
        record = parse(line)
        assert isinstance(record, AccessRecord)
        assert record.at is not None
        yield record.at, record.request


def _event(found: Request, site: SeenSite) -> dict[str, object]:
    method, target = split_request(found.line)
    path, query = split_target(target)
    match = Match.ROUTE if template_of(target.partition("?")[0]) in site.answered else Match.NONE
    classes = classify(
        *(Site(), int(found.status), method, path, query, site.host),
        *(found.referrer or "", found.agent or "", match),
    )
    line = {"event": "Not Found Error", "status": int(found.status), "method": method}
    who = {"client_ip": found.source, "client_ip_trust": "verified", "user_agent": found.agent}
    return {**line, **who, "path": target.partition("?")[0], **classes._asdict()}


def proposed(
    log: Log, overrides: frozenset[Brake] = OF_THE_LOGS
) -> Iterator[tuple[int, str, float]]:
    """Each source that passes the brakes: the period's start, and its answers per error."""
    periods = Counter(int(at // PERIOD) * PERIOD for at, _ in log.lines)
    for start in sorted(start for start, number in periods.items() if number >= 10):
        end = start + PERIOD
        lines = log.within(start - 3600, end)
        window = Window(start=start, end=end)
        found = verdict(summarize(lambda: lines, lambda _: True, window=window))  # noqa: B023
        if found.kind not in BLOCKABLE:
            continue
        day = Window(start=end - DAY, end=end)
        of_day = log.within(day.start, end)
        networks = [read_network(source) for source in found.sources]
        facts = Facts(
            seen=seen_by_network(
                lambda: of_day,  # noqa: B023 - it is called at once
                networks,
                day,
                lambda span: (one for one in log.requests if one[0] in span),
            )
        )
        for network in decide(networks, facts, overrides).allowed:
            (source,) = [one for one in found.sources if read_network(one) == network]
            errors = sum(line["client_ip"] == source for _, line in of_day)
            answers = sum(by == source and at in day for at, by, _ in log.answers)
            yield start, source, answers / errors


def benign(name: str) -> list[tuple[str, float, float]]:
    """The clients that are labelled benign, with the time of each label."""
    with (SHARED / "detection" / "truth.csv").open(encoding="utf-8", newline="") as file:
        return [
            (row["client"], _second(row["start"]), _second(row["end"]))
            for row in csv.DictReader(file)
            if row["log"] == name and row["label"] == "benign"
        ]


def _second(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_nobody_who_looks_like_a_person_is_proposed(log: tuple[str, Log]) -> None:
    """No source with two answers per error or more, and no benign row of the labels."""
    name, read = log
    found = [*proposed(read)]
    assert [one for one in found if one[2] >= ANSWERS_PER_ERROR] == []
    labelled = benign(name)
    wrong = [
        (client, start)
        for start, source, _ in found
        for client, begin, end in labelled
        if client == source and begin < start + PERIOD and end >= start
    ]
    assert wrong == []
    least = {"farmer_meatlabel": 30, "talemul_erp": 50}
    assert len({source for _, source, _ in found}) >= least.get(name, 0)


@pytest.mark.stress
def test_whom_the_answers_save(log: tuple[str, Log]) -> None:
    """Without the brake, the owner of one site would be blocked, and no others."""
    name, read = log
    with_all = {source for _, source, _ in proposed(read, OF_THE_LOGS | {Brake.SHARED})}
    saved = with_all - {source for _, source, _ in proposed(read)}
    assert saved == ({"198.18.152.123"} if name == "farmer_meatlabel" else set())
