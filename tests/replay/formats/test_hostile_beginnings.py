"""What precedes the time of an access line is read alike by each of its readers."""

from __future__ import annotations

import json
import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from flask_errwatch.replay.engines.plain_lines import PLAIN_LINE as PLAIN
from flask_errwatch.replay.formats.clients import client_of
from flask_errwatch.replay.formats.ncsa import COMBINED
from flask_errwatch.replay.formats.record import AccessRecord
from flask_errwatch.replay.formats.requests import REQUEST
from tests.replay.replay_lines import Run, write_log

REST = '[25/Nov/2026:01:17:12 +0000] "GET /a HTTP/1.1" 404 9'
WORDS = st.sampled_from(
    ["-", "203.0.113.9", "198.51.100.6,", "::1", "shop.example", "unix:", "x,", ",", "[x]", "", "é"]
)


@example("198.51.100.6 - x, 203.0.113.9, 10.0.3.114 - - ")
@example("198.51.100.6 - - [y], 203.0.113.9, 10.0.3.114 - - ")
@example("shop.example - - - ")
@example("203.0.113.9 - ")
@given(st.lists(WORDS, max_size=8).map(lambda words: f"{' '.join(words)} "))
def test_no_faster_reader_has_another_source(beginning: str) -> None:
    """A line that a sweep or DuckDB takes has the source there that the parser gives it."""
    line = beginning + REST
    parsed = COMBINED.parser()(line)
    source = parsed.request.source if isinstance(parsed, AccessRecord) else None
    match = REQUEST.match(line)
    # Where the source is no client, the sweep leaves the line to the parser.
    if match is not None and client_of(match[1]) is not None:
        assert client_of(match[1]) == source
    if re.fullmatch(PLAIN, line, re.ASCII):
        assert match is not None
        assert beginning.partition(" ")[0] == source


def test_a_usual_line_is_swept() -> None:
    """Any of these users is left to the sweep: it is faster than the parser."""
    for user in ("-", "ann", "ann lee", "ann-lee", "a, b", "", r"a\"b"):
        match = REQUEST.match(f"203.0.113.9 - {user} {REST}")
        assert match is not None
        assert match[1] == "203.0.113.9"


def test_a_forged_beginning_has_no_source_in_a_swept_block(tmp_path: Path, run: Run) -> None:
    """One odd line among plain ones leaves its block to the parser."""
    beginning = "198.51.100.6 - x, 203.0.113.9, 10.0.3.114 - -"
    lines = [f"203.0.113.9 - - {REST}\n"] * 30 + [f"{beginning} {REST}\n"] * 30
    output = json.loads(run(write_log(tmp_path, lines), "--json").stdout)
    (missing,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    (alarm,) = missing["alarms"]
    assert alarm["peak"] == 60
    assert alarm["sources"] == [{"source": "203.0.113.9", "lines": 30}]
