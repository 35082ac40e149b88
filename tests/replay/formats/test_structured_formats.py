"""All structured formats: hostile lines, long lines, and the shared cases."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.replay.formats.clients import client_of
from flask_errwatch.replay.formats.json_format import JSON
from flask_errwatch.replay.formats.json_objects import values_of
from flask_errwatch.replay.formats.json_servers import APIGATEWAY, CADDY, ENVOY_JSON, TRAEFIK
from flask_errwatch.replay.formats.load_balancers import ALB, ELB
from flask_errwatch.replay.formats.record import HEADER, AccessRecord, Parse
from flask_errwatch.replay.formats.s3_access import S3
from flask_errwatch.replay.formats.w3c import CLOUDFRONT, IIS

CASES = Path(__file__).parents[4] / "shared" / "cases" / "logs" / "make_logs.py"
PARSERS = {
    **{form.name: form.parser for form in (ALB, ELB, S3, CLOUDFRONT, IIS)},
    **{form.name: form.parser for form in (CADDY, TRAEFIK, APIGATEWAY, ENVOY_JSON, JSON)},
}
#: Files of the cases, by the formats that read them.
FILES = {
    "alb": ["alb.log"],
    "cloudfront": ["cloudfront.log"],
    "apigateway": ["apigw_json.log"],
    "caddy": ["caddy_json.log"],
    "json": [
        *("nginx_json_timestamp.log", "nginx_json_time_iso.log"),
        *("caddy_json.log", "apigw_json.log"),
    ],
}
KEYS = st.sampled_from(
    [
        *("time", "ts", "timestamp", "status", "code", "remote_addr", "ClientAddr", "ClientHost"),
        *("request", "headers", "remote_ip", "client_ip", "method", "path", "uri", "requestTime"),
        *("DownstreamStatus", "response_code", "routeKey", "date", "c-ip", "sc-status", "req", ""),
        *("x_forwarded_for", "cs(User-Agent)", "RequestPath", "start_time", "logger", "user_agent"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.sampled_from(["404", "203.0.113.9", "2026-11-25T01:17:00Z", "GET /a HTTP/1.1", "-", "/a"]),
    st.text(),
)
OBJECTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner)),
        max_leaves=8,
    ),
)


def check(parse: Parse, line: str) -> None:
    """A line is refused, or its request has valid parts."""
    record = parse(line)
    if record is None or record is HEADER:
        return
    assert isinstance(record, AccessRecord)
    assert client_of(record.request.source) == record.request.source
    assert record.request.status.isdecimal()
    assert len(record.request.status) == 3
    assert record.at is None or 0 <= record.at <= 9_223_372_036


@pytest.mark.parametrize("name", PARSERS)
@given(line=st.text())
def test_no_text_makes_a_parser_raise(name: str, line: str) -> None:
    """Every byte of a log is hostile."""
    check(PARSERS[name](), line)


@pytest.mark.parametrize("name", ["caddy", "traefik", "envoy", "apigateway", "json", "cloudfront"])
@given(value=OBJECTS)
def test_no_object_makes_a_parser_raise_or_gives_a_wrong_source(
    name: str, value: dict[str, object]
) -> None:
    """Values of any type under the keys that are read."""
    check(PARSERS[name](), json.dumps(value))


@pytest.mark.parametrize("name", ["cloudfront", "iis"])
@given(columns=st.lists(KEYS), values=st.lists(st.text()), separator=st.sampled_from(["\t", " "]))
def test_no_header_makes_a_parser_raise_or_gives_a_wrong_source(
    name: str, columns: list[str], values: list[str], separator: str
) -> None:
    """Any columns, with any values, as many of them or not."""
    parse = PARSERS[name]()
    check(parse, f"#Fields: date time c-ip sc-status cs-uri-stem {' '.join(columns)}")
    head = ["2026-11-25", "01:17:00", "203.0.113.9", "404", "/a"]
    check(parse, separator.join([*head, *values]))


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "unit",
    [
        " ",
        '"',
        '\\"',
        '" "',
        "a ",
        "https ",
        "[",
        "#Fields: a ",
        '{"a":',
        '{"request":{"headers":{',
        "%25",
        "\t",
        "+",
        "203.0.113.9, ",
    ],
)
def test_a_long_line_takes_no_long_time(name: str, unit: str) -> None:
    """100 kB of anything is read in time that grows with its length: the suite would not end."""
    parse = PARSERS[name]()
    long = unit * (100_000 // len(unit))
    head = f"https 2026-11-25T01:17:00Z a 203.0.113.9:1 b 0 0 0 404 404 0 0 {long}"
    for line in (long, head, f"{head}\r", json.dumps({"status": 404, "path": long, long: long})):
        check(parse, line)


def test_the_names_of_a_hostile_object_take_little_memory() -> None:
    """The name of a value repeats those of the objects around it, unless they are long."""
    key = "k" * 10_000
    inner: dict[str, object] = {str(number): 1 for number in range(1_000)}
    value: dict[str, object] = {"a": {key: {key: inner}}, "status": 404}
    names = values_of(value)
    assert names["status"] == 404
    assert sum(len(name) for name in names) < 20_000


@pytest.mark.skipif(
    not CASES.is_file(), reason="the cases are not in ../shared, beside the project"
)
@pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name, files in FILES.items() for file in files]
)
def test_the_shared_cases(tmp_path: Path, name: str, file: str) -> None:
    """12 requests with 404, from one address, within one minute, each for another path."""
    subprocess.run([sys.executable, CASES, tmp_path], check=True)
    parse = PARSERS[name]()
    found = [parse(line) for line in (tmp_path / file).read_text().splitlines()]
    records = [record for record in found if isinstance(record, AccessRecord)]
    assert {record.request.source for record in records} == {"203.0.113.9"}
    assert [record.request.status for record in records] == ["404"] * 12
    assert [record.at for record in records] == [
        pytest.approx(1_795_569_420 + index * 3, abs=0.999) for index in range(12)
    ]
    assert [record.request.path for record in records] == [f"/.env{n}" for n in range(12)]
