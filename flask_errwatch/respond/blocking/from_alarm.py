"""The sources that the verdict about an alarm accuses, with what is known of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_errwatch._parsers import Network
from flask_errwatch.errors import Problem
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.answer.verdict import Kind
from flask_errwatch.respond.blocking.errors import BlockingError
from flask_errwatch.respond.blocking.networks import read_network
from flask_errwatch.respond.blocking.seen import evidence

#: What single sources do, so that a block ends it.
BLOCKABLE: Final = frozenset({Kind.PATH_SCAN, Kind.GUESSING})


def accused(story: Story) -> Mapping[Network, Mapping[str, object]]:
    """The networks of the sources that scanned or guessed, each with its figures.

    Args:
        story: Of an alarm or a detector.

    Raises:
        BlockingError: When it looks like something else, with what it looks like.
    """
    if story.verdict.kind not in BLOCKABLE or not story.verdict.sources:
        remedy = f"No source is to be blocked for it. {story.verdict.sentence}"
        raise BlockingError(Problem(key="alarm", value=story.alarm, remedy=remedy))
    rows = {row.source: row for row in story.summary.sources}
    return {
        read_network(source): evidence([rows[source]])
        for source in story.verdict.sources
        if source in rows
    }
