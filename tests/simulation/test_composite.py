"""Composite alarms: their language, and its mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.provision.resources import CompositeAlarm
from flask_errwatch.simulation import CompositeCondition, Judge, StateValue
from tests.simulation.resources import composite_alarm, metric_alarm

SEEN: dict[str, StateValue] = {
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
def test_a_rule_has_the_state_its_expression_says(rule: str, state: str) -> None:
    """NOT binds closest, then AND, then OR; a name may stand in quotes or be an ARN."""
    assert CompositeCondition("both", rule).state(SEEN) == state


@pytest.mark.parametrize(
    ("rule", "position", "said"),
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
def test_a_mistake_is_shown_where_it_stands(rule: str, position: int, said: str) -> None:
    """The message names the alarm, the character and what to write."""
    with pytest.raises(JudgeError, match=said) as raised:
        CompositeCondition("both", rule)
    assert f"At character {position}: " in str(raised.value)
    assert "rule of alarm 'both'" in str(raised.value)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("(" * 9_000 + " " * 1_300, "at most 10240 characters"),
        ("(" * 501, "at most 500 alarms, constants"),
        (" OR ".join(f"OK(a{number})" for number in range(101)), "at most 100 different"),
    ],
)
def test_a_rule_larger_than_aws_takes_is_refused(rule: str, said: str) -> None:
    """The limits of PutCompositeAlarm."""
    with pytest.raises(JudgeError, match=said):
        CompositeCondition("both", rule)


def test_a_rule_as_deep_as_aws_takes_is_judged() -> None:
    """Its depth costs no call stack, neither of parentheses nor of NOT."""
    deep = "(" * 249 + "ALARM(a)" + ")" * 249
    nested = "(OK(a) OR " * 160 + "ALARM(a)" + ")" * 160
    assert CompositeCondition("both", deep).state(SEEN) == "ALARM"
    assert CompositeCondition("both", nested).state(SEEN) == "ALARM"
    assert CompositeCondition("both", "NOT " * 2_500 + "OK(a)").state(SEEN) == "OK"


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
def test_any_text_is_read_or_refused(rule: str) -> None:
    """No text breaks the parser, and a rule that was read has a state."""
    try:
        made = CompositeCondition("both", rule)
    except JudgeError:
        return
    assert made.state(SEEN) in {"ALARM", "OK"}
    assert str(made) == rule


def test_a_composite_alarm_may_depend_on_another_in_any_order() -> None:
    """Each is evaluated after those that it depends on, within the same minute."""
    judge = Judge(
        [
            metric_alarm("a"),
            composite_alarm("top", "ALARM(middle)"),
            composite_alarm("middle", "INSUFFICIENT_DATA(a)"),
        ],
    )
    assert [(each.alarm, each.at, each.old, each.new) for each in judge.advance(60)] == [
        ("middle", 60, "INSUFFICIENT_DATA", "ALARM"),
        ("top", 60, "INSUFFICIENT_DATA", "ALARM"),
    ]
    assert judge.states == {"a": "INSUFFICIENT_DATA", "top": "ALARM", "middle": "ALARM"}


def test_the_reason_names_the_states_it_rests_on() -> None:
    """Whoever is called sees which alarms made it."""
    judge = Judge(
        [metric_alarm("a"), composite_alarm("top", "NOT ALARM(a)"), composite_alarm("on", "TRUE")]
    )
    assert [each.reason for each in judge.advance(60)] == [
        "NOT ALARM(a) is true: a is INSUFFICIENT_DATA.",
        "TRUE is true.",
    ]


@pytest.mark.parametrize(
    ("composites", "said"),
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
    composites: list[CompositeAlarm], said: str
) -> None:
    """A name that leads nowhere or back to itself is found before anything is judged."""
    with pytest.raises(JudgeError, match=said):
        Judge([metric_alarm("a"), *composites])
