"""The verdicts as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median

from benchmarks.detection.looks import looks_table
from benchmarks.detection.rules import FLOODS, RULES, SCANS, Rule, flood_name
from benchmarks.detection.verdicts import LabelledLog, Verdict
from benchmarks.report import Table

Logs = Mapping[str, LabelledLog]


def tables(logs: Logs) -> dict[str, Table]:
    """Every table, by its name in the documentation."""
    labels = {log.path: log.truth for log in logs.values()}
    return {
        "rules": _rules(logs),
        "delays": _delays(logs),
        "floods": _floods(logs),
        "looks": looks_table(labels),
    }


def mistakes(logs: Logs, rule: Rule) -> Iterator[str]:
    """The attacks that a rule did not see, and its false alarms, a line each."""
    for name, log in logs.items():
        verdict = log.verdict(rule)
        for row in verdict.missed:
            yield f"missed: {name}, {row.kind} at {row.start} of {', '.join(sorted(row.clients))}"
        for firing in verdict.firings:
            if firing.is_false:
                sources = ", ".join(sorted({source for source, _ in firing.lines})[:3])
                yield f"false: {name}, at {firing.at}, {firing.lines.total()} lines of {sources}"


def _verdicts(logs: Logs, rule: Rule) -> list[Verdict]:
    return [log.verdict(rule) for log in logs.values()]


def _rules(logs: Logs) -> Table:
    rows = []
    for rule in RULES:
        verdicts = _verdicts(logs, rule)
        seen = sum(len(verdict.seen) for verdict in verdicts)
        wanted = sum(len(verdict.seen) + len(verdict.missed) for verdict in verdicts)
        cells = (
            f"{max(verdict.false_a_week for verdict in verdicts):.1f}",
            f"{max(verdict.alarms_a_week for verdict in verdicts):.1f}",
            f"{max(verdict.busiest_day[0] for verdict in verdicts)}",
            f"{max(verdict.messages_a_week for verdict in verdicts):.1f}",
            f"{max(verdict.busiest_day[1] for verdict in verdicts)}",
        )
        rows.append((rule.name, f"{seen} of {wanted}", *cells))
    head = ("rule", "seen", "false a week", "alarms a week", "a day", "messages a week", "a day")
    return Table(title="On the log where each is highest", head=head, rows=tuple(rows))


def _delays(logs: Logs) -> Table:
    rows = []
    for rule in SCANS:
        delays = [delay for verdict in _verdicts(logs, rule) for delay in verdict.seen]
        seconds = [delay.seconds for delay in delays] or [0]
        requests = [delay.requests for delay in delays] or [0]
        cells = (median(seconds), max(seconds), median(requests), max(requests))
        rows.append((rule.name, *(f"{cell:,.0f}" for cell in cells)))
    head = ("rule", "seconds, median", "worst", "requests by then, median", "worst")
    return Table(title="From an attack's first failure to the message", head=head, rows=tuple(rows))


def _floods(logs: Logs) -> Table:
    rows = []
    for threshold in FLOODS:
        verdicts = _verdicts(logs, Rule(name="", alarms=(flood_name(threshold),)))
        seen = sum(len(verdict.seen) for verdict in verdicts)
        false = max(verdict.false_a_week for verdict in verdicts)
        alarms = max(verdict.alarms_a_week for verdict in verdicts)
        rows.append((f"{threshold}", f"{seen}", f"{false:.1f}", f"{alarms:.1f}"))
    head = ("4xx in 300 s above", "seen", "false a week", "alarms a week")
    return Table(title="All client errors together", head=head, rows=tuple(rows))
