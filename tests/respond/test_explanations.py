"""What a story has beside its figures."""

from __future__ import annotations

from typing import Any

import pytest

from flask_errwatch.respond.alarm.firing import Firing
from flask_errwatch.respond.alarm.subject import Subject, find_subject
from flask_errwatch.respond.answer.verdict import Kind, Verdict
from flask_errwatch.respond.explanations import next_command, reason_of, state_of, unknown_of
from flask_errwatch.respond.ranking.summary import SourceRow, Summary
from flask_errwatch.respond.ranking.window import Window
from tests.doctor.scripted_aws import ScriptedAws, shop
from tests.respond.scripts import (
    FIRED,
    composite_entry,
    filter_entry,
    filters,
    knows,
    log_entry,
    metric_entry,
    subject_of,
)

WINDOW = Window(start=0, end=600)
OFFENDERS = "flask errwatch offenders --detector shop-not-found-error"
ATTACKER = SourceRow(source="203.0.113.66", lines=41, suspicion=79, trust="verified")


def summary(*sources: SourceRow, **more: Any) -> Summary:
    """The lines of some sources."""
    return Summary(window=WINDOW, lines=41, sources=sources, has_logins=True, **more)


def firing(value: float | None = None, contributor: str | None = None) -> Firing:
    """One time that an alarm fired."""
    return Firing(alarms=("shop-scan",), window=WINDOW, value=value, contributor=contributor)


def unknown(subject: Subject, found: Summary, **more: Any) -> tuple[str, ...]:
    """What is not known where everything is, but for what is given."""
    known: dict[str, Any] = {
        "skipped": 0,
        "accused": (),
        "gaps": (),
        "declares_sign_ins": True,
        "denied": None,
        "later": None,
    }
    return unknown_of(subject, found, **{**known, **more})


@pytest.fixture
def scan() -> Subject:
    """A log alarm on a scan."""
    return subject_of(ScriptedAws(), log_entry())


@pytest.fixture
def errors() -> Subject:
    """An alarm on a metric."""
    return subject_of(ScriptedAws(), metric_entry())


def test_a_log_alarm_has_its_contributor_and_what_that_added_up_to(scan: Subject) -> None:
    """By the lines, since AWS returns no value. Without them the threshold is left."""
    named = firing(contributor="203.0.113.66")
    expected = "203.0.113.66: suspicion 79 in 600 s, threshold 16"
    assert reason_of(scan, named, summary(ATTACKER)) == expected
    other = "203.0.113.66: threshold suspicion 16 in 600 s"
    assert reason_of(scan, named, summary()) == other
    assert reason_of(scan, firing(), summary(ATTACKER)) == "threshold suspicion 16 in 600 s"


def test_an_alarm_on_a_metric_has_its_value(errors: Subject) -> None:
    """Or its threshold alone."""
    assert reason_of(errors, firing(value=1.0), summary()) == "1 line in 300 s, threshold 10"
    assert reason_of(errors, firing(), summary()) == "threshold 10 lines in 300 s"


def test_a_band_has_no_threshold() -> None:
    """Only CloudWatch has its model."""
    entry = metric_entry(ThresholdMetricId="band")
    del entry["Threshold"]
    subject = subject_of(ScriptedAws(), entry)
    assert reason_of(subject, firing(value=7.0), summary()) == "outside its usual band"


def test_a_composite_alarm_names_a_few_of_its_alarms() -> None:
    """And says how many more there are."""
    aws = ScriptedAws()
    names = [f"shop-{letter}" for letter in "abcde"]
    rule = " OR ".join(f'ALARM("{name}")' for name in names)
    knows(aws, composite=[composite_entry("shop", rule)])
    knows(aws, metric=map(metric_entry, names))
    filters(aws, *map(filter_entry, names))
    subject = find_subject(aws, "shop", *shop())
    expected = "by shop-a, shop-b, shop-c and 2 more"
    assert reason_of(subject, firing(), summary()) == expected
    assert state_of(subject) == ("ALARM", FIRED.timestamp())


def test_a_detector_has_neither_state_nor_reason() -> None:
    """It has no alarm. That AWS does not count its lines is not to be overlooked."""
    aws = ScriptedAws()
    knows(aws)
    filters(aws)
    subject = find_subject(aws, "client-error", *shop())
    assert state_of(subject) == (None, None)
    assert reason_of(subject, firing(), summary()) == ""
    assert unknown(subject, summary()) == (
        "what AWS counts (it has no such metric filter: run flask errwatch apply).",
    )


def test_what_is_not_known_is_a_sentence_each(errors: Subject) -> None:
    """Nothing, where everything is known."""
    assert unknown(errors, summary(ATTACKER)) == ()
    sentences = unknown(
        errors,
        Summary(window=WINDOW, lines=1, sources=(SourceRow(source=None),), has_referrers=False),
        gaps=None,
        declares_sign_ins=False,
        denied="cloudwatch:GetMetricData",
        later="02:01:00",
    )
    assert sentences == (
        "successful requests (lines are of failures; --access-log adds them).",
        "whether refused GETs were guesses at a password (no referrers are known).",
        "sign-ins (no line is of one: SECURITY_DETECTORS add them).",
        "who it was (no line shows an address).",
        "what the metric counted (cloudwatch:GetMetricData is not allowed).",
        "what followed the window (--since 02:01:00 shows it).",
    )


def test_an_address_that_anybody_may_claim_is_said_to_be_so(errors: Subject) -> None:
    """A block of it could hit somebody else."""
    claimed = SourceRow(source="203.0.113.66", trust="none")
    sentence = (
        "whether 203.0.113.66 is right (any client may claim it: set ERRWATCH_TRUSTED_PROXIES)."
    )
    assert unknown(errors, summary(claimed)) == (sentence,)
    assert unknown(errors, summary(SourceRow(source="192.0.2.7"), claimed)) == ()
    accused = unknown(errors, summary(ATTACKER, claimed), accused=["203.0.113.66"])
    assert accused == (sentence,)
    scan = Verdict(kind=Kind.PATH_SCAN, sentence="", sources=("203.0.113.66",))
    assert next_command(errors, summary(claimed), scan, now=900) is None


def test_gaps_of_access_logs_are_not_known(errors: Subject) -> None:
    """In place of the hint at them."""
    assert unknown(errors, summary(ATTACKER), gaps=("x.",)) == ("x.",)


def test_the_next_command_can_be_given_to_a_shell_at_any_time() -> None:
    """With the window, and the name quoted."""
    aws = ScriptedAws()
    subject = subject_of(aws, metric_entry("shop; rm -r"))
    spread = Verdict(kind=Kind.SPREAD, sentence="", sources=("192.0.2.7",))
    command = next_command(subject, summary(), spread, now=90_000)
    assert command == (
        "flask errwatch offenders --detector 'shop; rm -r' --since 1970-01-01T00:00:00Z "
        "--until 1970-01-01T00:10:00Z"
    )


def test_lines_of_other_programs_are_counted_where_they_matter() -> None:
    """Only a filter on text can count them."""
    aws = ScriptedAws()
    knows(aws, metric=[metric_entry()])
    filters(aws, filter_entry(pattern='"Not Found"'))
    subject = find_subject(aws, "not-found-error", *shop())
    assert unknown(subject, summary(ATTACKER), skipped=2) == (
        "what 2 lines of other programs meant.",
    )


@pytest.mark.parametrize(
    ("kind", "sources", "command"),
    [
        (Kind.PATH_SCAN, ("192.0.2.7",), 'flask errwatch block 192.0.2.7 --reason "path scan"'),
        (
            *(Kind.GUESSING, ("2001:db8::/64", "192.0.2.7")),
            'flask errwatch block 2001:db8::/64 --reason "password guessing"',
        ),
        (
            *(Kind.SPREAD, ("192.0.2.7", "192.0.2.8")),
            f"{OFFENDERS} --since 00:00:00 --until 00:10:00",
        ),
        (Kind.STALE, ("192.0.2.7",), None),
        (Kind.PATH_SCAN, (), None),
        (Kind.UNCLEAR, (), None),
    ],
)
def test_what_to_do_next_depends_on_the_kind(
    errors: Subject, kind: Kind, sources: tuple[str, ...], command: str | None
) -> None:
    """Only what one source did is ended by a block."""
    found = Verdict(kind=kind, sentence="", sources=sources)
    assert next_command(errors, summary(), found, now=900) == command
