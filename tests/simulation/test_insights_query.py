"""The queries of log alarms: which lines count, for whom, and how much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.errors import JudgeError
from flask_errwatch.patterns import JsonEvent
from flask_errwatch.simulation.insights_query import LogQuery

SUMMED = "sum(suspicion) by client_ip | sort desc"
SCAN: JsonEvent = {
    "event": "Not Found Error",
    "suspicion": 2,
    "client_ip": "192.0.2.7",
    "agent": "browser",
    "data": {"user": "ann"},
}


@pytest.mark.parametrize(
    ("condition", "counts"),
    [
        ("suspicion > 0", True),
        ("suspicion > 2", False),
        ("suspicion >= 2", True),
        ("suspicion < 2.5", True),
        ("suspicion <= 1", False),
        ("suspicion = 2", True),
        ("suspicion != 2", False),
        ("suspicion > -1", True),
        ('event = "Not Found Error"', True),
        ('event="Not Found Error"', True),
        ('event != "Not Found Error"', False),
        ('agent != "scanner"', True),
        ('data.user = "ann"', True),
        ("missing > 0", False),
        ("missing != 1", False),
        ('missing != "x"', False),
        ("event > 0", False),
        ("ispresent(agent)", True),
        ("not ispresent(referrer)", True),
        ("not suspicion > 0", False),
        ('suspicion > 2 or agent = "browser"', True),
        ('suspicion > 2 and agent = "browser" or suspicion = 2', True),
        ('suspicion > 2 and (agent = "browser" or suspicion = 2)', False),
        ("((suspicion > 0))", True),
        ('suspicion > 0 | filter agent = "browser"', True),
        ('suspicion > 0 | filter agent = "scanner"', False),
    ],
)
def test_a_line_counts_when_it_fulfils_the_condition(condition: str, counts: bool) -> None:  # noqa: FBT001 - a result
    """`and` binds closer than `or`. A comparison with a missing field never holds."""
    query = LogQuery("scan", f"filter {condition}", SUMMED)
    assert query.contributor(SCAN) == ("192.0.2.7" if counts else None)


def test_a_quotation_mark_in_a_text_is_escaped() -> None:
    """A backslash keeps the quotation mark that follows it, and itself."""
    query = LogQuery("scan", r'filter event = "a\"b\\c"', SUMMED)
    assert query.contributor({"event": 'a"b\\c', "client_ip": "192.0.2.7"}) == "192.0.2.7"
    assert query.contributor({"event": "a", "client_ip": "192.0.2.7"}) is None


@pytest.mark.parametrize(
    ("aggregation", "event", "value"),
    [
        ("sum(suspicion) by client_ip", SCAN, 2),
        ("count(*) by client_ip | sort asc", SCAN, 1),
        ("sum(count) by client_ip", {**SCAN, "count": 40}, 40),
        ("sum(count) by client_ip", SCAN, 0),
        ("sum(suspicion) by client_ip", {**SCAN, "suspicion": 2.5}, 2.5),
    ],
)
def test_a_line_adds_one_or_the_number_of_the_field(
    aggregation: str, event: JsonEvent, value: float
) -> None:
    """`count(*)` counts lines, `sum` adds numbers. A line without the number adds nothing."""
    query = LogQuery("scan", "filter suspicion > 0", aggregation)
    assert query.contributor(event) == "192.0.2.7"
    assert query.contribution(event) == value


def test_a_line_without_a_client_counts_for_its_peer_with_a_mark() -> None:
    """Behind a proxy `client_ip` may be missing. The address of the peer is then marked as such."""
    query = LogQuery(
        "scan",
        'fields coalesce(client_ip, concat("peer ", peer_ip)) as source | filter suspicion > 0',
        "sum(suspicion) by source | sort desc",
    )
    assert query.contributor({**SCAN, "peer_ip": "10.0.0.1"}) == "192.0.2.7"
    assert query.contributor({"suspicion": 1, "peer_ip": "10.0.0.1"}) == "peer 10.0.0.1"
    assert query.contributor({"suspicion": 1}) is None
    assert (query.by, query.order, str(query)) == ("source", "desc", "sum(suspicion) by source")


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("", 0),
        ("suspicion > 0", 0),
        ("filter", 6),
        ("filter suspicion", 16),
        ("filter suspicion > ", 19),
        ('filter suspicion > "1"', 19),
        ("filter suspicion > other", 19),
        ("filter event like", 17),
        ("filter event like /(x)/", 18),
        ("filter event not = 1", 17),
        ('filter event like "x"', 18),
        ('filter event in ["x"]', 13),
        ("filter suspicion > 0 and", 24),
        ("filter (suspicion > 0", 21),
        ("filter suspicion > 0)", 20),
        ("filter suspicion > 0 | limit 5", 23),
        ("filter suspicion > 0 | stats count(*) by client_ip", 23),
        ("fields @timestamp | filter suspicion > 0", 0),
        ("filter " + "(" * 60 + "suspicion > 0" + ")" * 60, 57),
        ('filter event = "x', 15),
    ],
)
def test_a_query_of_another_form_is_refused_at_its_position(query: str, position: int) -> None:
    """The sentence has the alarm, what can be read, and where reading ended."""
    with pytest.raises(
        JudgeError, match=r"query of log alarm 'scan' = .*The judge reads `filter"
    ) as e:
        LogQuery("scan", query, SUMMED)
    assert str(e.value).endswith(f"cannot read is at character {position}.")


@pytest.mark.parametrize(
    "aggregation",
    [
        "",
        "sum(suspicion)",
        "avg(suspicion) by client_ip",
        "count(*) by client_ip, path",
        "count(*) by bin(5m)",
        "count_distinct(path) by client_ip",
        "sum(suspicion) by client_ip | sort down",
        "sum(suspicion) by client_ip | limit 5",
    ],
)
def test_an_aggregation_of_another_form_is_refused(aggregation: str) -> None:
    """The judge sums or counts by one field."""
    with pytest.raises(JudgeError, match=r"aggregation of log alarm 'scan' = .*The judge reads"):
        LogQuery("scan", "filter suspicion > 0", aggregation)


@given(
    st.lists(
        st.sampled_from(
            ["filter", "suspicion", ">", "0", "and", "or", "not", "(", ")", "|", '"', '"x"', "="]
        )
    ).map(" ".join)
    | st.text(max_size=40)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises anything but a JudgeError."""
    for query in (text, f"filter {text}"):
        try:
            LogQuery("scan", query, SUMMED).contributor(SCAN)
        except JudgeError:
            continue
