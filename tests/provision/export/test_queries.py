"""The saved queries: their fields exist in lines, and their commands in Logs Insights QL."""

from __future__ import annotations

import re

import pytest

from flask_errwatch.capture.events import KEYS
from flask_errwatch.delivery import Stats
from flask_errwatch.provision.export import queries_document, queries_text
from flask_errwatch.provision.queries import SAVED_QUERIES, SavedQuery
from tests.provision.export.shops import shop

#: Commands of Logs Insights QL that the queries use, and words that are not fields.
COMMANDS = {"filter", "fields", "stats", "sort", "display", "limit"}
WORDS = {
    *("as", "by", "asc", "desc", "and", "in", "ispresent", "count", "count_distinct", "sum"),
    *("min", "max", "pct", "latest"),
}
#: The members of `data` in the two operational lines, and of `exception` in every line.
INSIDE = {
    *(f"data.{name}" for name in Stats.__dataclass_fields__),
    *("data.count", "data.reason", "data.first", "data.last"),
    *("exception.type", "exception.message", "exception.where"),
    *("exception.fingerprint", "exception.new"),
}
#: Limits of a query's name and text (API Reference, PutQueryDefinition).
NAME, TEXT = 255, 10_000


def commands(query: SavedQuery) -> list[str]:
    """The commands of a query, without its comments."""
    lines = [line for line in query.text.splitlines() if not line.startswith("#")]
    return [command.strip() for command in "\n".join(lines).split("|")]


@pytest.mark.parametrize("query", SAVED_QUERIES, ids=lambda query: query.name)
def test_every_field_exists_in_a_line(query: SavedQuery) -> None:
    """A misspelt field would find nothing, without an error."""
    known = {*KEYS, *INSIDE, "@timestamp"}
    for command in commands(query):
        word, _, arguments = command.partition(" ")
        assert word in COMMANDS
        arguments = re.sub(r'"[^"]*"', "", arguments)
        for name in re.findall(r"@?[A-Za-z_][\w.]*", arguments):
            assert name in known | WORDS or re.search(rf"\bas {name}\b", query.text), name
        if word == "stats":
            # Later commands can name only the fields that `stats` defines.
            grouped = arguments.split(" by ")[1]
            known = {*re.findall(r"as (\w+)", arguments), *re.findall(r"[\w.@]+", grouped)}


@pytest.mark.parametrize("query", SAVED_QUERIES, ids=lambda query: query.name)
def test_it_ends_with_a_limit_and_is_within_the_quotas(query: SavedQuery) -> None:
    """No query fetches the default of ten thousand rows. Names and texts are within the quotas."""
    assert re.fullmatch(r"limit \d+", commands(query)[-1])
    assert len(query.name_for("a" * 240)) <= NAME
    assert len(query.text) <= TEXT


def test_the_queries_answer_the_first_questions() -> None:
    """Sources, paths, criticals and new ones, gaps, slow routes, one source, the delivery."""
    assert [query.name for query in SAVED_QUERIES] == [
        *("top-sources", "top-paths", "criticals", "new-failures", "sequence-gaps"),
        *("slow-routes", "source-story", "delivery", "lost-lines"),
    ]


def test_as_text_each_query_follows_its_name() -> None:
    """The heading is a comment of the language, so that the text can be pasted and run."""
    text = queries_text(shop()[1])
    headings = [line for line in text.splitlines() if line.startswith("# shop/")]
    assert len(headings) == 9
    assert headings[4] == (
        "# shop/sequence-gaps: Lines that never arrived, by process (log group shop)"
    )


def test_as_json_they_are_what_apply_puts() -> None:
    """Names and texts are those of `apply`, including the line with the owner."""
    document = queries_document(*shop(LOG_GROUP="lines"))
    assert len(document) == 9
    assert document[2] == {
        "name": "shop/criticals",
        "queryString": "# managed-by=flask-errwatch app=shop\n"
        'filter level in ["critical", "FATAL"]\n'
        "| fields @timestamp, event, method, path, exception.type, exception.message, "
        "exception.where, client_ip, id\n"
        "| sort @timestamp desc\n"
        "| limit 20",
        "logGroupNames": ["lines"],
    }
