"""Composite alarms: the rule language, and its errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.provision.resources import CompositeAlarm
from flask_errwatch.simulation import CompositeCondition, Judge, StateValue
from tests.simulation.resources import composite_alarm, metric_alarm

STATES: dict[str, StateValue] = {
    "a": "ALARM",
    "b": "OK",
    "c": "INSUFFICIENT_DATA",
    "my alarm": "ALARM",
}


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ('ALARM("a")', "ALARM"),
        ("ALARM(a)", "ALARM"),
        ("OK(a)", "OK"),
        ('OK ( "b" )', "ALARM"),
        ("INSUFFICIENT_DATA(c)", "ALARM"),
        ("ALARM(my alarm)", "ALARM"),
        ("TRUE", "ALARM"),
        ("FALSE", "OK"),
        ("NOT FALSE", "ALARM"),
        ("NOT NOT FALSE", "OK"),
        ("ALARM(a) AND ALARM(b)", "OK"),
        ("ALARM(a) AND OK(b) AND TRUE", "ALARM"),
        ("ALARM(b) OR ALARM(a)", "ALARM"),
        ("ALARM(b) OR ALARM(c) OR FALSE", "OK"),
        ("TRUE OR TRUE AND FALSE", "ALARM"),
        ("(TRUE OR TRUE) AND FALSE", "OK"),
        ("NOT TRUE OR TRUE", "ALARM"),
        ("NOT (TRUE OR TRUE)", "OK"),
        ("(ALARM(a)\n OR ALARM(b)) AND NOT ALARM(c)", "ALARM"),
        ('ALARM("arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a")', "ALARM"),
        ("ALARM(arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:b)", "OK"),
        ("ALARM(gone)", "OK"),
    ],
)
def test_a_rule_has_the_state_of_its_expression(rule: str, state: str) -> None:
    """NOT binds closest, then AND, then OR. A name may be in quotes or be an ARN."""
    assert CompositeCondition("both", rule).state(STATES) == state


@pytest.mark.parametrize(
    ("rule", "position", "message"),
    [
        ("", 0, "a condition is missing here"),
        ("   ", 0, "a condition is missing here"),
        ("ALARM(a) AND", 12, "a condition is missing here"),
        ("AND ALARM(a)", 0, "a condition is missing here"),
        ("ALARM(a) ALARM(b)", 9, "put AND or OR between"),
        ("(ALARM(a)", 0, "never closed"),
        ("(ALARM(a) ALARM(b))", 10, "put AND or OR between"),
        ("ALARM(a))", 8, "closes nothing"),
        ("ALARM(a) && ALARM(b)", 9, "write ALARM"),
        ("alarm(a)", 0, "write ALARM"),
        ('ALARM("a)', 0, "write ALARM"),
        ('ALARM("")', 0, "name an alarm"),
        ("ALARM()", 0, "write ALARM"),
        ("ALARM(a) ANDALARM(b)", 9, "write ALARM"),
        ("()", 1, "a condition is missing here"),
    ],
)
def test_an_invalid_rule_is_refused_at_its_mistake(rule: str, position: int, message: str) -> None:
    """The error names the alarm, the character and what to write."""
    with pytest.raises(JudgeError, match=message) as raised:
        CompositeCondition("both", rule)
    assert f"At character {position}: " in str(raised.value)
    assert "rule of alarm 'both'" in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("(" * 9_000 + " " * 1_300, "at most 10240 characters"),
        ("(" * 501, "at most 500 alarms, constants"),
        (" OR ".join(f"OK(a{number})" for number in range(101)), "at most 100 different"),
    ],
)
def test_a_rule_larger_than_aws_accepts_is_refused(rule: str, message: str) -> None:
    """The judge has the limits of PutCompositeAlarm."""
    with pytest.raises(JudgeError, match=message):
        CompositeCondition("both", rule)


def test_a_rule_as_deep_as_aws_accepts_is_judged() -> None:
    """Neither parentheses nor NOT use the call stack."""
    deep = "(" * 249 + "ALARM(a)" + ")" * 249
    nested = "(OK(a) OR " * 160 + "ALARM(a)" + ")" * 160
    assert CompositeCondition("both", deep).state(STATES) == "ALARM"
    assert CompositeCondition("both", nested).state(STATES) == "ALARM"
    assert CompositeCondition("both", "NOT " * 2_500 + "OK(a)").state(STATES) == "OK"


@given(
    st.lists(
        st.sampled_from(
            [
                "ALARM(a)",
                'OK("b")',
                "TRUE",
                "FALSE",
                "AND",
                "OR",
                "NOT",
                "(",
                ")",
                '"',
                "ALARM",
                " ",
            ]
        )
    ).map(" ".join)
    | st.text(max_size=40)
)
def test_any_text_is_parsed_or_refused(rule: str) -> None:
    """Each text is refused with a JudgeError, or is a rule with a state."""
    try:
        condition = CompositeCondition("both", rule)
    except JudgeError:
        return
    assert condition.state(STATES) in {"ALARM", "OK"}
    assert str(condition) == rule


def test_a_composite_alarm_may_depend_on_another_in_any_order() -> None:
    """Each alarm is evaluated after those that it depends on, within the same minute."""
    judge = Judge(
        [
            metric_alarm("a"),
            composite_alarm("top", "ALARM(middle)"),
            composite_alarm("middle", "INSUFFICIENT_DATA(a)"),
        ],
    )
    assert [
        (transition.alarm, transition.at, transition.old, transition.new)
        for transition in judge.advance(60)
    ] == [
        ("middle", 60, "INSUFFICIENT_DATA", "ALARM"),
        ("top", 60, "INSUFFICIENT_DATA", "ALARM"),
    ]
    assert judge.states == {"a": "INSUFFICIENT_DATA", "top": "ALARM", "middle": "ALARM"}


def test_the_reason_has_the_states_that_decided() -> None:
    """The notification shows which alarms fired the composite alarm."""
    judge = Judge(
        [metric_alarm("a"), composite_alarm("top", "NOT ALARM(a)"), composite_alarm("on", "TRUE")]
    )
    assert [transition.reason for transition in judge.advance(60)] == [
        "NOT ALARM(a) is true: a is INSUFFICIENT_DATA.",
        "TRUE is true.",
    ]


@pytest.mark.parametrize(
    ("composites", "message"),
    [
        ([composite_alarm("top", "ALARM(gone)")], "'gone': There is no such alarm"),
        (
            [composite_alarm("x", "ALARM(y)"), composite_alarm("y", "ALARM(x)")],
            "'x, y': .* in a circle",
        ),
        ([composite_alarm("x", "ALARM(x)")], "in a circle"),
        ([composite_alarm("a", "TRUE")], "name of alarms = 'a': Two have it"),
    ],
)
def test_composite_alarms_that_cannot_be_evaluated_are_refused(
    composites: list[CompositeAlarm], message: str
) -> None:
    """Unknown names, circles and duplicates are refused before a line is judged."""
    with pytest.raises(JudgeError, match=message):
        Judge([metric_alarm("a"), *composites])
