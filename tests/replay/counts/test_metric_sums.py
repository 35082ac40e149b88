"""`--from-metrics`: the sums of the app's metrics, read from an account in moto, are judged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import Alarm, Detector, ErrWatch
from flask_errwatch._aws import Aws
from flask_errwatch.cli import replay_input
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.replay.counts.metric_sums import gather_metrics
from flask_errwatch.replay.run import run_gathered
from flask_errwatch.respond.ranking.window import Window
from tests.doctor.scripted_aws import ScriptedAws
from tests.replay.replay_lines import detector_set

NAMESPACE = "Application Logs"
DAY = 86_400
#: A whole hour, so that periods begin where the tests say.
NOW = int(time.time()) // 3600 * 3600

Put = Callable[[str, dict[int, float]], None]


@pytest.fixture
def put(aws: Aws) -> Put:
    """Publishes the sums of a metric, by their minutes."""

    def publish(metric: str, sums: dict[int, float]) -> None:
        data = [
            {
                "MetricName": metric,
                "Timestamp": datetime.fromtimestamp(at, UTC),
                "Value": value,
                "Unit": "Count",
            }
            for at, value in sums.items()
        ]
        for first in range(0, len(data), 1000):
            part = data[first : first + 1000]
            aws.call("cloudwatch", "put_metric_data", Namespace=NAMESPACE, MetricData=part)

    return publish


def replay(*arguments: str) -> Result:
    """Runs the command in an app called `shop`."""
    app = Flask("shop")
    ErrWatch(app)
    app.cli.add_command(errwatch)
    return app.test_cli_runner().invoke(args=["errwatch", "replay", *arguments])


def test_fifteen_days_are_judged(put: Put) -> None:
    """Sums of a minute of 15 days give the alarms, the worst period and the advice of a log."""
    start = NOW - 15 * DAY + 3600
    burst, worse = start + 5 * DAY, start + 10 * DAY
    quiet = dict.fromkeys(range(start, NOW, 3600), 0.0)
    for at in (burst, worse):  # a heartbeat each minute, of which the rest of the days has fewer
        quiet |= dict.fromkeys(range(at - 1800, at + 1800, 60), 0.0)
    put("shop-not-found-error", {**quiet, burst: 7.0, burst + 60: 5.0, worse: 40.0})
    put("shop-critical-error", quiet)
    result = replay("--from-metrics", "--since", "15d", "--advise", "1", "--json")
    assert result.exit_code == 0, result.output
    output = json.loads(result.stdout)
    assert output["logs"] == ["metrics of shop"]
    assert output["heartbeat"] is False
    (row,) = [row for row in output["detectors"] if row["detector"] == "not-found-error"]
    assert row["lines"] == 52
    assert [(alarm["from"], alarm["peak"]) for alarm in row["alarms"]] == [
        (rfc3339(burst + 120), 12.0),
        (rfc3339(worse + 60), 40.0),
    ]
    assert row["worst"]["value"] == 40.0
    (advice,) = [one for one in output["advice"] if one["detector"] == "not-found-error"]
    assert (advice["threshold"], advice["alarms"]) == (0, 2)
    (source,) = [one for one in output["not_judged"] if one["alarm"] == "scan-one-source"]
    assert source["reason"] == "The input does not show the sources."


def rfc3339(second: int) -> str:
    """The time as JSON output has it."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_an_account_without_these_metrics_is_a_sentence(account: None) -> None:  # noqa: ARG001 - a fixture
    """Nothing is judged, no advice is given, and the exit code is that of an unread log."""
    result = replay("--from-metrics", "--advise", "1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "metrics of 'shop' in Application Logs = " in result.stderr
    assert "None has a value from " in result.stderr


def test_a_denied_call_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the IAM action."""
    aws = ScriptedAws()
    aws.refuses("cloudwatch", "get_metric_data", "AccessDenied")
    monkeypatch.setattr(replay_input, "aws_of", lambda _: aws)
    result = replay("--from-metrics")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: cloudwatch:GetMetricData failed with AccessDenied (said so): Allow "
        "cloudwatch:GetMetricData in the IAM policy of this process's role.\n"
    )


def test_more_than_is_kept_is_left_out_with_a_note(put: Put) -> None:
    """CloudWatch keeps the sums of a minute for 15 days."""
    put("shop-not-found-error", {NOW - DAY: 3.0})
    result = replay("--from-metrics", "--since", "30d")
    assert result.exit_code == 0, result.output
    assert "CloudWatch keeps the sums of a minute for 15 days: judged from " in result.stderr


def test_the_end_is_before_the_days_that_are_kept(account: None) -> None:  # noqa: ARG001 - a fixture
    """Without `--since` it is 14 days before `--until`, and the sentence names what is wrong."""
    result = replay("--from-metrics", "--until", "20d")
    assert result.exit_code == 1
    assert "CloudWatch keeps the sums of a minute for 15 days: give a later --until." in (
        result.stderr
    )


def test_the_days_before_an_end_are_judged(put: Put) -> None:
    """`--until` alone is no error, however long ago within the 15 days."""
    put("shop-not-found-error", {NOW - 15 * DAY + 3_600: 3.0})
    result = replay("--from-metrics", "--until", "14d")
    assert result.exit_code == 0, result.output


def test_a_source_excludes_files_and_the_other_one() -> None:
    """One sentence names both, and nothing is read."""
    for arguments, message in (
        (["access.log", "--from-metrics"], "Give FILE or --from-metrics, not both."),
        (
            ["--from-metrics", "--from-insights"],
            "Give --from-metrics or --from-insights, not both.",
        ),
        ([], "Give a FILE, --from-metrics or --from-insights."),
        (["--from-metrics", "--format", "json"], "--format is for files: --from-metrics has none."),
        (
            ["--from-metrics", "--engine", "duckdb"],
            "--engine is for files: --from-metrics has none.",
        ),
        (
            ["--from-insights", "--trusted-proxies", "1"],
            "--trusted-proxies is for logs: counts name the clients.",
        ),
        (
            ["counts.csv", "--format", "counts", "--trusted-proxies", "1"],
            "--trusted-proxies is for logs: counts name the clients.",
        ),
    ):
        result = replay(*arguments)
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == f"Error: {message}"


def sums(aws: ScriptedAws, **values: list[tuple[int, float]]) -> None:
    """Expects GetMetricData, which answers with the values of metrics by their ids."""
    results = [
        {
            "Id": name,
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in pairs],
            "Values": [value for _, value in pairs],
        }
        for name, pairs in values.items()
    ]
    aws.answers("cloudwatch", "get_metric_data", {"MetricDataResults": results})


def test_a_minute_without_a_value_is_missing_and_a_zero_is_one() -> None:
    """The silence alarm fires where minutes have no value, and not where they have a heartbeat."""
    detectors = detector_set(SILENCE_ALARM=True)
    start = NOW - 7200
    beats = [(start + 60 * minute, 1.0) for minute in range(60)]
    later = [(start + 6000 + 60 * minute, 1.0) for minute in range(10)]
    aws = ScriptedAws()
    sums(aws, m0=[*beats, *later])
    counts = gather_metrics(aws, detectors, Window(start=start, end=NOW), now=NOW)
    result = run_gathered(
        [counts.name], counts.gathered, alarms_a_week=None, heartbeat=counts.heartbeat
    )
    (silence,) = result.judged.others
    assert silence.name == "silent"
    (alarm,) = silence.alarms
    assert start + 3600 < alarm.span.start <= start + 6000


def test_a_sum_with_a_fraction_is_exact() -> None:
    """Lines of a detector that sums a field add up to what its metric has."""
    slow = Detector(
        name="slow",
        where="$.duration_ms > 0",
        value="$.duration_ms",
        alarm=Alarm(threshold=12, period=60),
    )
    detectors = detector_set(slow)
    aws = ScriptedAws()
    sums(aws, m0=[(NOW - 600, 12.25), (NOW - 300, 12.0)])
    counts = gather_metrics(aws, detectors, Window(start=NOW - 3600, end=NOW), now=NOW)
    result = run_gathered([counts.name], counts.gathered, alarms_a_week=None, heartbeat=False)
    (judged,) = result.judged.detectors
    assert judged.worst is not None
    assert judged.worst.value == 12.25
    assert [alarm.span.peak for alarm in judged.alarms] == [12.25]


def test_another_statistic_than_the_sum_is_not_judged() -> None:
    """An average does not follow from sums."""
    detectors = detector_set(
        Detector(
            name="slow",
            where="$.duration_ms > 0",
            value="$.duration_ms",
            alarm=Alarm(threshold=12, period=60, statistic="Average"),
        )
    )
    aws = ScriptedAws()
    sums(aws, m0=[(NOW - 600, 900.0)])
    counts = gather_metrics(aws, detectors, Window(start=NOW - 3600, end=NOW), now=NOW)
    result = run_gathered([counts.name], counts.gathered, alarms_a_week=None, heartbeat=False)
    assert [(one.alarm, one.reason) for one in result.judged.unjudged] == [
        ("slow", "Sums do not show its Average.")
    ]
