"""The saved queries: what they name exists in a line, and what they say is Logs Insights QL."""

from __future__ import annotations

import re

import pytest

from flask_errwatch.capture.events import KEYS
from flask_errwatch.delivery import Stats
from flask_errwatch.provision.export import queries_document, queries_text
from flask_errwatch.provision.queries import SAVED_QUERIES, SavedQuery
from tests.provision.export.shops import shop

#: Commands of Logs Insights QL that the queries use, and the words that are no fields.
COMMANDS = {"filter", "fields", "stats", "sort", "display", "limit"}
WORDS = {
    *("as", "by", "asc", "desc", "and", "in", "ispresent", "count", "count_distinct", "sum"),
    *("min", "max", "pct", "latest"),
}
#: What `data` holds in the two operational lines, and `exception` in every line.
INSIDE = {
    *(f"data.{name}" for name in Stats.__dataclass_fields__),
    *("data.count", "data.reason", "data.first", "data.last"),
    *("exception.type", "exception.message", "exception.where"),
}
#: The console's name for a query, LogGroup and text limits (API Reference, PutQueryDefinition).
NAME, TEXT = 255, 10_000


def commands(query: SavedQuery) -> list[str]:
    """The commands of a query, without its comments."""
    lines = [line for line in query.text.splitlines() if not line.startswith("#")]
    return [each.strip() for each in "\n".join(lines).split("|")]


@pytest.mark.parametrize("query", SAVED_QUERIES, ids=lambda each: each.name)
def test_every_field_is_one_of_a_line(query: SavedQuery) -> None:
    """A misspelt field would find nothing and say nothing."""
    known = {*KEYS, *INSIDE, "@timestamp"}
    for command in commands(query):
        word, _, rest = command.partition(" ")
        assert word in COMMANDS
        said = re.sub(r'"[^"]*"', "", rest)
        for name in re.findall(r"@?[A-Za-z_][\w.]*", said):
            assert name in known | WORDS or re.search(rf"\bas {name}\b", query.text), name
        if word == "stats":
            # After it only its own fields can be named.
            grouped = said.split(" by ")[1]
            known = {*re.findall(r"as (\w+)", said), *re.findall(r"[\w.@]+", grouped)}


@pytest.mark.parametrize("query", SAVED_QUERIES, ids=lambda each: each.name)
def test_it_ends_with_a_limit_and_fits(query: SavedQuery) -> None:
    """No query fetches ten thousand rows by default; names and texts are within the quotas."""
    assert re.fullmatch(r"limit \d+", commands(query)[-1])
    assert len(query.name_for("a" * 240)) <= NAME
    assert len(query.text) <= TEXT


def test_the_questions_are_those_of_a_first_look() -> None:
    """Sources, paths, criticals, gaps, slow routes, one source's story, the delivery."""
    assert [each.name for each in SAVED_QUERIES] == [
        *("top-sources", "top-paths", "criticals", "sequence-gaps"),
        *("slow-routes", "source-story", "delivery", "lost-lines"),
    ]


def test_as_text_each_has_its_name_above_it() -> None:
    """What is pasted runs as it is: the heading is a comment of the language."""
    text = queries_text(shop()[1])
    headings = [line for line in text.splitlines() if line.startswith("# shop/")]
    assert len(headings) == 8
    assert headings[3] == (
        "# shop/sequence-gaps: Lines that never arrived, by process (log group shop)"
    )


def test_as_json_they_are_what_apply_puts() -> None:
    """The same names and texts, with the line that tells whose they are."""
    document = queries_document(*shop(LOG_GROUP="lines"))
    assert len(document) == 8
    assert document[2] == {
        "name": "shop/criticals",
        "queryString": "# managed-by=flask-errwatch app=shop\n"
        'filter level = "critical"\n'
        "| fields @timestamp, event, method, path, exception.type, exception.message, "
        "exception.where, client_ip, id\n"
        "| sort @timestamp desc\n"
        "| limit 20",
        "logGroupNames": ["lines"],
    }
