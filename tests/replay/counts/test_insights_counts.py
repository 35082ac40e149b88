"""`--from-insights`: the counts of a query decide what the lines decide."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import DEFAULT_DETECTORS, ErrWatch
from flask_errwatch.cli import replay_input
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.replay.counts import insights_counts
from flask_errwatch.replay.counts.insights_counts import NoLinesError, gather_insights
from flask_errwatch.replay.run import run_gathered
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.reading.insights import Insights
from tests.doctor.scripted_aws import ScriptedAws
from tests.replay.replay_lines import detector_set, event, replay_of, write_log

#: 25 November 2026, 00:00 UTC.
MIDNIGHT = 1_795_564_800


def answered(aws: ScriptedAws, *rows: dict[str, str], scanned: float = 1e9) -> None:
    """Expects a query, which has these rows."""
    results = [[{"field": key, "value": value} for key, value in row.items()] for row in rows]
    aws.answers("logs", "start_query", {"queryId": "q"})
    response: dict[str, Any] = {"status": "Complete", "results": results}
    aws.answers("logs", "get_query_results", {**response, "statistics": {"bytesScanned": scanned}})


def received(aws: ScriptedAws, size: float) -> None:
    """Expects GetMetricData, by which the log group received so many bytes."""
    result = {
        "Id": "values",
        "Timestamps": [datetime.fromtimestamp(MIDNIGHT, UTC)],
        "Values": [size],
    }
    aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": [result]})


def counts_of(lines: list[str], fields: tuple[str, ...]) -> list[dict[str, str]]:
    """What a query of these lines returns, counted apart from the code under test."""
    rows: Counter[tuple[tuple[str, str], ...]] = Counter()
    for line in lines:
        found = json.loads(line)
        row = {"bin(1m)": found["timestamp"][:16].replace("T", " ") + ":00.000"}
        row["source"] = found.get("client_ip") or "peer " + found["peer_ip"]
        row |= {field: str(found[field]) for field in fields if field in found}
        rows[tuple(row.items())] += 1
    return [{**dict(row), "lines": str(lines)} for row, lines in rows.items()]


def test_the_counts_decide_what_the_lines_decide(tmp_path: Any) -> None:
    """Lines, alarms, worst periods, advice, and for whom an alarm fired are those of the lines."""
    detectors = detector_set(*DEFAULT_DETECTORS, TRUSTED_PROXIES=1)
    lines = [event(minute * 60, "Heartbeat") for minute in range(120)]
    lines += [event(600 + second, client_ip="203.0.113.9") for second in range(40)]
    lines += [event(3600 + second, "Critical Error", status=500, suspicion=0) for second in (0, 9)]
    peer = json.loads(event(5000)) | {"peer_ip": "10.0.0.9", "suspicion": 1.0}
    del peer["client_ip"]
    lines += [json.dumps(peer) + "\n"] * 30
    of_lines = replay_of(write_log(tmp_path, lines), detectors=detectors, form="json", advise=1)
    aws = ScriptedAws()
    fields = ("event", "method", "referrer", "status", "suspicion")
    answered(aws, *counts_of(lines, fields))
    answered(aws)  # the second day
    span = Window(start=MIDNIGHT, end=MIDNIGHT + 2 * 86_400)
    counts = gather_insights(Insights(aws, ("log",)), detectors, span)
    result = run_gathered([counts.name], counts.gathered, alarms_a_week=1)
    assert result.judged.lines == of_lines.judged.lines == 192
    for ours, theirs in zip(result.rows, of_lines.rows, strict=True):
        assert (ours.name, ours.lines, ours.worst, ours.advised) == (
            *(theirs.name, theirs.lines, theirs.worst, theirs.advised),
        )
        assert [one.span for one in ours.alarms] == [one.span for one in theirs.alarms]
        assert [one.offences for one in ours.alarms] == [one.offences for one in theirs.alarms]
    (scan,) = [row for row in result.rows if row.name == "scan"]
    assert {offence.source for alarm in scan.alarms for offence in alarm.offences} == {
        *("203.0.113.9", "peer 10.0.0.9")
    }
    assert counts.notes == ("Logs Insights scanned 2.00 GB: 0.01 USD.",)


def test_a_full_result_is_asked_again_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row is lost, and of a minute that has too many a note says so."""
    monkeypatch.setattr(insights_counts, "MOST_ROWS", 2)
    aws = ScriptedAws()
    first = {"bin(1m)": "2026-11-25 00:00:00.000", "source": "192.0.2.7", "lines": "3"}
    rows = [{**first, "event": name} for name in ("Not Found Error", "Client Error")]
    later = {**first, "bin(1m)": "2026-11-25 00:01:00.000", "event": "Client Error"}
    answered(aws, *rows)  # both minutes
    answered(aws, *rows)  # the first one
    answered(aws, later)
    detectors = detector_set()
    span = Window(start=MIDNIGHT, end=MIDNIGHT + 120)
    counts = gather_insights(Insights(aws, ("log",)), detectors, span)
    aws.assert_all_called()
    assert counts.gathered.tally.lines == 9
    assert counts.notes[1] == (
        "At 2026-11-25 00:00 UTC there were more than 2 different lines, the most that a result "
        "has: the others are not counted."
    )


def test_a_log_group_without_a_line_is_refused() -> None:
    """The sentence names the group."""
    aws = ScriptedAws()
    answered(aws)
    with pytest.raises(NoLinesError, match="log group = 'log': It has no line in that time"):
        gather_insights(
            Insights(aws, ("log",)), detector_set(), Window(start=MIDNIGHT, end=MIDNIGHT + 60)
        )


def replay(aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch, *args: str, answer: str) -> Result:
    """Runs the command in an app called `shop`, in which a person answers."""
    monkeypatch.setattr(replay_input, "aws_of", lambda _: aws)
    app = Flask("shop")
    ErrWatch(app)
    app.cli.add_command(errwatch)
    command = ["errwatch", "replay", "--from-insights", "--since", "1h", *args]
    return app.test_cli_runner().invoke(args=command, input=answer)


def test_the_price_is_told_and_agreed_to_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says no pays nothing."""
    aws = ScriptedAws()
    received(aws, 412e9)
    result = replay(aws, monkeypatch, answer="n\n")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Logs Insights will scan about 412.00 GB: 2.06 USD at the price of us-east-1.\n"
        "Query? [y/N]: "
    )
    aws.assert_all_called()


def test_nobody_to_ask_means_no_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe, for example."""
    aws = ScriptedAws()
    received(aws, 1e9)
    result = replay(aws, monkeypatch, answer="")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(
        "Error: No one answers the question: give --yes to query, or use --from-metrics.\n"
    )


def test_with_yes_it_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output is that of a log."""
    aws = ScriptedAws()
    received(aws, 1e9)
    row = {"bin(1m)": "2026-11-25 00:00:00.000", "source": "192.0.2.7", "lines": "12"}
    answered(aws, {**row, "event": "Not Found Error", "status": "404", "suspicion": "2"})
    result = replay(aws, monkeypatch, "--yes", "--json", answer="")
    assert result.exit_code == 0, result.output
    output = json.loads(result.stdout)
    assert output["logs"] == ["log group shop"]
    found = {row["name"]: (row["lines"], row["alarms"]) for row in output["summary"]}
    assert found["not-found-error"] == (12, 1)
    assert found["scan"] == (12, 1)
