"""Many patterns match one line with one parse and the same results."""

from __future__ import annotations

import json

import orjson
import pytest

from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.patterns import PatternSet, json_events, parse, read_event

LINES = [
    '{"event": "Not Found Error", "status": 404}',
    '{"event": "Client Error"}',
    '{"event": 404}',
    '{"event": 1e3, "status": 404}',
    '{"event": 18446744073709551617}',
    '{"event": 1e300}',
    '{"event": null}',
    '{"event": true}',
    '{"event": ["Client Error"]}',
    '{"other": {"event": "Client Error"}}',
    '{"event": "\\ud800"}',
    "{}",
    "[]",
    "Client Error",
    "",
]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that either JSON decoder read, in order."""
    recorded: list[str] = []
    fast, exact = orjson.loads, json_events._EXACT.decode

    def recording_fast(line: str) -> object:
        recorded.append(line)
        return fast(line)

    def recording_exact(line: str) -> object:
        recorded.append(line)
        return exact(line)

    monkeypatch.setattr(orjson, "loads", recording_fast)
    monkeypatch.setattr(json_events._EXACT, "decode", recording_exact)
    return recorded


def test_a_line_is_read_once_for_all_default_patterns(reads: list[str]) -> None:
    """Nine patterns cost one parse of the line, not nine."""
    patterns = PatternSet(parse(detector.pattern) for detector in DEFAULT_DETECTORS)
    assert len(patterns.patterns) == 9
    results = patterns.matching(LINES[0])
    assert [
        detector.name
        for detector, is_match in zip(DEFAULT_DETECTORS, results, strict=True)
        if is_match
    ] == ["not-found-error", "failure-flood"]
    assert reads == [LINES[0]]


def test_a_line_is_read_once_for_patterns_of_every_kind(reads: list[str]) -> None:
    """Other conditions and other kinds of pattern cost no second parse."""
    together = PatternSet(
        map(parse, ['{ $.event = "A" }', "{ $.n > 1 }", "[a, b]", "A", "%A%", "{ $.b[*] = 1 }"])
    )
    line = '{"event": "A", "n": 2}'
    assert together.matching(line) == (True, True, True, True, True, False)
    assert reads == [line]


def test_lines_that_are_not_json_are_not_decoded(reads: list[str]) -> None:
    """An access log costs no failed parse. A set without JSON patterns costs no parse."""
    assert PatternSet([parse("{ $.a = 1 }")]).matching("GET / HTTP/1.1") == (False,)
    assert PatternSet([parse("ERROR")]).matching('{"a": "ERROR"}') == (True,)
    assert reads == []


@pytest.mark.parametrize("line", LINES)
def test_a_set_gives_the_results_of_its_patterns(line: str) -> None:
    """Grouping changes only the cost."""
    patterns = [
        parse(text)
        for text in (
            '{ $.event = "Client Error" }',
            '{ $.event = "Not Found Error" }',
            '{ $.event = "404" }',
            '{ $.event = "1000.0" }',
            '{ $.event = "18446744073709551617" }',
            '{ $.event = "1.0E300" }',
            '{ $.event = "" }',
            "{ $.event = Client* }",
            "{ $.event = 404 }",
            '{ $.status = "404" }',
            "{ $.event NOT EXISTS }",
            '{ $.other.event = "Client Error" }',
            '{ $.event = "Client Error" }',
            "Client",
        )
    ]
    alone = tuple(pattern.matches(line) for pattern in patterns)
    together = PatternSet(patterns)
    assert together.matching(line) == alone
    assert together.matching_event(read_event(line), line) == alone


def test_nested_fields_are_grouped_too() -> None:
    """The common selector of a group may have several steps."""
    together = PatternSet(map(parse, ["{ $.a[1].b = x }", "{ $.a[1].b = y }", "{ $.a = x }"]))
    assert together.matching('{"a": [0, {"b": "y"}]}') == (False, True, False)


def test_an_empty_set_gives_no_results() -> None:
    """A set may have no patterns."""
    assert PatternSet([]).matching("x") == ()


def test_a_line_is_decoded_again_only_for_integers_beyond_64_bits(reads: list[str]) -> None:
    """The fast decoder rounds them, the exact decoder does not."""
    line = json.dumps({"a": 2**64 + 1})
    assert parse(f"{{ $.a = {2**64 + 1} }}").matches(line)
    assert not parse(f"{{ $.a = {2**64} }}").matches(line)
    assert reads == [line] * 4
    reads.clear()
    assert parse("{ $.a = 9007199254740993 }").matches('{"a": 9007199254740993}')
    assert len(reads) == 1
