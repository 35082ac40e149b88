"""The journal's format: records are read back whole, and damage stays where it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_errwatch.delivery.records import pack, split, unpack
from flask_errwatch.rendering import Line

LINES = st.builds(
    Line,
    st.integers(min_value=0, max_value=2**41),
    st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"_")),
    st.booleans(),
)


def test_a_record_is_the_documented_bytes() -> None:
    """The format is the one in the docs: other programs may read it."""
    assert pack(Line(1_700_000_000_000, b'{"a":1}', critical=True)) == (
        b'\nb2b7d82b 1700000000000 ! {"a":1}\n'
    )


@given(st.lists(LINES, max_size=20))
def test_what_is_packed_is_read_back(lines: list[Line]) -> None:
    """Any lines come back as they were, in their order."""
    chunk = b"".join(pack(line) for line in lines)
    assert [unpack(raw) for raw, _ in split(chunk)] == lines


@given(st.lists(LINES, min_size=3, max_size=3), st.data())
def test_a_torn_record_costs_itself_alone(lines: list[Line], data: st.DataObject) -> None:
    """Wherever a write was cut short, the records before and after it are read."""
    first, middle, last = (pack(line) for line in lines)
    cut = data.draw(st.integers(min_value=1, max_value=len(middle) - 2))
    read = [unpack(raw) for raw, _ in split(first + middle[:cut] + last)]
    assert read[0] == lines[0]
    assert read[-1] == lines[2]
    assert len([line for line in read if line is not None]) == 2


@given(LINES, st.data())
def test_a_changed_byte_is_noticed(line: Line, data: st.DataObject) -> None:
    """A record whose bytes changed on disk is never taken for a line."""
    raw = bytearray(pack(line).strip(b"\n"))
    at = data.draw(st.integers(min_value=9, max_value=len(raw) - 1))
    raw[at] ^= 0x01
    assert unpack(bytes(raw)) is None
