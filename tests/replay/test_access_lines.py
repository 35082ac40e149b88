"""Lines of access logs: what is counted, for whom, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.replay.formats.minutes import minute_of_stamp
from flask_errwatch.replay.gathering.gathered import Gathered
from flask_errwatch.replay.reading.access_logs import AccessLogReader
from tests.replay.replay_lines import Run, access, detector_set, write_log

DETECTORS = detector_set(*DEFAULT_DETECTORS)
LINE = access(0, client="203.0.113.9").strip()


def gathered(text: str) -> Gathered:
    """What the reader gathers of a block."""
    found = Gathered(DETECTORS)
    AccessLogReader(found, "a.log").read_block(text.encode("utf-8", "surrogateescape"))
    return found


def sources_of(found: Gathered) -> dict[str, int]:
    """The lines of each client of failed requests."""
    return {one.name: one.lines for one in found.tally.sources(found.tally.kinds, 0, 2**33, 100)}


@pytest.mark.parametrize(
    "line",
    [
        f"2026-11-25T00:00:00Z {LINE}",
        f"Nov 25 00:00:00 web nginx: {LINE}",
        f"<13>Nov 25 00:00:00 web nginx: {LINE}",
        f"web-1  | {LINE}",
        f"[pod/shop-1/web] {LINE}",
        f"INFO:werkzeug:{LINE}",
        LINE.replace(" - - ", " someone - ", 1),
        LINE.replace("203.0.113.9", "2026-11-25T00:00:00Z"),
        LINE.replace("203.0.113.9", "203.0.113.999"),
        LINE.replace("203.0.113.9", "203.0.113.9,"),
        LINE.replace("203.0.113.9", "c" * 254),
    ],
)
@pytest.mark.parametrize("after", ["", LINE], ids=["alone", "with another"])
def test_what_precedes_the_client_is_not_taken_for_it(line: str, after: str) -> None:
    """Whatever a line begins with, a source of the log is the client, or the line is bad."""
    found = gathered(f"{line}\n{after}\n")
    assert set(sources_of(found)) <= {"203.0.113.9"}
    assert found.tally.lines + found.bad_lines == 1 + bool(after)


@pytest.mark.parametrize(
    "client", ["203.0.113.9", "2001:db8::9", "web-1.shop.internal", "localhost"]
)
@pytest.mark.parametrize("user", ["-", "ann", "ann of kent", "[ann]", 'a \\"b\\"', "-x"])
def test_a_client_is_an_address_or_a_host_name(client: str, user: str) -> None:
    """It is counted whatever the user is called."""
    line = LINE.replace("203.0.113.9 - -", f"{client} - {user}")
    assert sources_of(gathered(f"{line}\n")) == {client: 1}


def test_the_name_of_a_client_is_canonical() -> None:
    """The same address is one source, also where a server adds the port."""
    clients = ["203.0.113.9", "203.0.113.9:4711", "2001:DB8:0::9", "[2001:db8::9]:80", "-"]
    found = gathered("".join(access(0, client=client) for client in clients))
    assert (found.tally.lines, found.bad_lines) == (5, 0)
    assert sources_of(found) == {"203.0.113.9": 2, "2001:db8::9": 2}


@pytest.mark.parametrize("between", ["", " ", "\r", "\t", "\x0b", "\u2028"])
@pytest.mark.parametrize("others", [0, 3])
def test_a_line_with_two_records_is_refused(between: str, others: int) -> None:
    """It would count as one, and the second would be lost. The other lines are counted."""
    found = gathered(f"{LINE}{between}{LINE}\n" + f"{LINE}\n" * others)
    assert (found.tally.lines, found.bad_lines) == (others, 1)


@pytest.mark.parametrize(
    ("moment", "zone", "minute"),
    [
        ("25/Nov/2026:01:17", "+0000", 1_795_569_420),
        ("25/Nov/2026:01:17", "+0530", 1_795_549_620),
        ("25/Nov/2026:01:17", "-0330", 1_795_582_020),
        ("01/Jan/1970:00:00", "+0000", 0),
        ("01/Jan/1970:00:00", "+0001", None),
        ("31/Dec/1969:23:59", "-0001", 0),
        ("29/Feb/2027:00:00", "+0000", None),
        ("25/Nov/2026:24:00", "+0000", None),
        ("25/Nov/2026:00:60", "+0000", None),
        ("25/Nov/2026:00:00", "+2400", None),
        ("25/Nov/2026:00:00", "-9999", None),
        ("25/Nov/0000:00:00", "+0000", None),
        ("25/Nov/9999:00:00", "+0000", None),
        ("25/Foo/2026:00:00", "+0000", None),
    ],
)
def test_minutes_of_stamps(moment: str, zone: str, minute: int | None) -> None:
    """A time in any zone has its minute. One that does not exist, or is damaged, has none."""
    assert minute_of_stamp(moment, zone) == minute


PIECES = (
    *(LINE, "203.0.113.9", " - ", "-", " ", '"', "\\", '\\"', '] "', "[", "]", "404", "200", "\r"),
    *(",", "[25/Nov/2026:00:00:00 +0000]", '"GET / HTTP/1.1"', '"-" "curl"', "example.com:443 "),
    "\x00",
)
PARTS = st.sampled_from(PIECES)


@given(lines=st.lists(st.lists(PARTS, max_size=8).map("".join), min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_line_counts_alike_alone_and_among_others(lines: list[str]) -> None:
    """A block is read in a sweep or line by line. Lines count once, and for the same sources."""
    together = gathered("".join(f"{line}\n" for line in lines))
    alone = [gathered(f"{line}\n") for line in lines]
    assert together.tally.lines == sum(one.tally.lines for one in alone)
    assert together.bad_lines == sum(one.bad_lines for one in alone)
    added: dict[str, int] = {}
    for one in alone:
        for source, count in sources_of(one).items():
            added[source] = added.get(source, 0) + count
    assert sources_of(together) == added
    assert set(added) <= {"203.0.113.9", "example.com"}


@pytest.mark.parametrize(
    "line",
    [
        "-" * 100_000,
        "203.0.113.9 - " + "[" * 100_000,
        "203.0.113.9 - " + "\\" * 100_000,
        LINE + ' "' * 50_000,
        LINE + ' "\\' * 50_000,
        LINE + ' "a" "b"' * 12_500,
        LINE.replace("/.env", "\\" * 100_000),
    ],
    ids=range(7),
)
def test_a_hostile_line_takes_no_time(line: str) -> None:
    """A line of 100,000 characters is read in one pass: else this test would not end."""
    found = gathered(f"{line}\n" * 20)
    assert found.tally.lines + found.bad_lines == 20


def test_a_log_with_a_prefix_has_no_wrong_client(tmp_path: Path, replay_json: Run) -> None:
    """A time before the client is taken off, or the line is bad. It is never the client."""
    log = write_log(tmp_path, [f"2026-11-25T00:00:00Z {access(second)}" for second in range(12)])
    output = replay_json(log, "--format", "combined")
    (detector,) = (one for one in output["detectors"] if one["detector"] == "not-found-error")
    assert (output["lines"], output["bad_lines"]) == (12, 0)
    assert detector["alarms"][0]["sources"] == [{"source": "192.0.2.7", "lines": 12}]
    unknown = write_log(tmp_path, [f"at 7 of {access(second)}" for second in range(12)], "b.log")
    output = replay_json(unknown, "--format", "combined")
    assert (output["lines"], output["bad_lines"]) == (0, 12)
