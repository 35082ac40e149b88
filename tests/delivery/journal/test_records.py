"""The journal's format: records are read back whole, and damage affects one record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.delivery.journal.records import Line, pack, split, unpack
from tests.lines import line

LINES = st.builds(
    lambda timestamp, level, text: line(timestamp, level=level, path=text),
    st.integers(min_value=0, max_value=2**41),
    st.sampled_from(["critical", "warning"]),
    st.text(max_size=200),
)


def test_a_record_is_the_documented_bytes() -> None:
    """The bytes are those in the docs, so that other programs can read them."""
    assert pack(b'{"a":1}') == b'\n136970761 {"a":1}\n'


@given(st.lists(LINES, max_size=20))
def test_what_is_packed_is_read_back(lines: list[bytes]) -> None:
    """Lines are read back unchanged and in their order."""
    chunk = b"".join(map(pack, lines))
    read = [unpack(raw) for raw, _ in split(chunk)]
    assert [record and record.text for record in read] == lines


def test_timestamp_and_level_come_from_the_line() -> None:
    """The log event has the time of the id. Only a line of level critical is critical."""
    text = b'{"level":"critical","id":"018bcfe5-687b-7000-8000-000000000000"}'
    (raw,) = [raw for raw, _ in split(pack(text))]
    assert unpack(raw) == Line(1_700_000_000_123, text, critical=True)
    (raw,) = [raw for raw, _ in split(pack(text.replace(b"critical", b"error")))]
    read = unpack(raw)
    assert read is not None
    assert not read.critical


@given(st.lists(LINES, min_size=3, max_size=3), st.data())
def test_a_torn_record_loses_itself_alone(lines: list[bytes], data: st.DataObject) -> None:
    """Wherever a write was cut short, the records before and after it are read."""
    first, middle, last = map(pack, lines)
    cut = data.draw(st.integers(min_value=1, max_value=len(middle) - 2))
    read = [unpack(raw) for raw, _ in split(first + middle[:cut] + last)]
    assert read[0] is not None
    assert read[0].text == lines[0]
    assert read[-1] is not None
    assert read[-1].text == lines[2]
    assert read.count(None) == len(read) - 2


@given(LINES, st.data())
def test_a_changed_byte_is_noticed(text: bytes, data: st.DataObject) -> None:
    """A record whose bytes changed on disk is not accepted as a line."""
    raw = bytearray(pack(text).strip(b"\n"))
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    assert unpack(bytes(raw)) is None


@pytest.mark.parametrize(
    "text", [b"", b"1", b"[]", b"{}", b"{", b'{"id":1}', b'{"id":"x","level":"a"}']
)
def test_a_record_without_a_line_is_torn(text: bytes) -> None:
    """A record with a valid checksum and invalid content is skipped."""
    (raw,) = [raw for raw, _ in split(pack(text))]
    assert unpack(raw) is None
