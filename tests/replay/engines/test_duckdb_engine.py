"""DuckDB reads access logs with the figures of the reader, or leaves them to it."""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flask_errwatch.detectors import DEFAULT_DETECTORS
from flask_errwatch.replay.engines import choice
from flask_errwatch.replay.engines.choice import engine_for
from flask_errwatch.replay.engines.duckdb_engine import DuckDbEngine, MissingEngineError
from flask_errwatch.replay.engines.plain_lines import PLAIN_LINE, is_mostly_plain
from flask_errwatch.replay.formats.minutes import minute_of_stamp
from flask_errwatch.replay.formats.requests import REQUEST
from flask_errwatch.replay.session import Session
from flask_errwatch.replay.sources import ALWAYS, TimeRange, open_logs
from flask_errwatch.simulation import JudgedAlarm, JudgedDetector, Tally, advise
from tests.replay.replay_lines import (
    Run,
    access,
    compressed_with_zstd,
    detector_set,
    event,
    judged,
    write_log,
)

pytest.importorskip("duckdb", reason="the extra duckdb is not installed")

DATA = Path(__file__).parents[4] / "shared" / "data"
DETECTORS = detector_set(*DEFAULT_DETECTORS)
#: What is not plain, each for another reason, with the line that is bad among them.
ODD = (
    '192.0.2.7 - - [25/Nov/2026:00:00:09 +0000] "GET /a HTTP/1.1" 404 9 "-" "a \\"b\\" c"\n',
    '192.0.2.7 - - [25/Nov/2026:00:00:10 +0000] "\\x16\\x03\\x01" 400 9 "-" "-"\n',
    '192.0.2.7 - - [29/Feb/2028:00:00:10 +0000] "GET / HTTP/1.1" 404 9 "-" "-"\n',
    'web-1.shop.test - - [25/Nov/2026:00:00:11 +0000] "GET / HTTP/1.1" 500 9 "-" "-"\n',
    "the server starts\n",
    "\n",
    '192.0.2.7 - - [25/Nov/2026:00:00:12 +0000] "GET /b HTTP/1.1" 404 9 "-" "-" "203.0.113.9"\n',
    '192.0.2.7 - - [32/Nov/2026:00:00:13 +0000] "GET / HTTP/1.1" 404 9 "-" "-"\n',
    '192.0.2.7 - - [25/Nov/2026:00:00:14 +0000] "" 404 9 "-" "[25/Nov/2026:00:00:15 +0000] "\n',
)


def read(path: Path, engine: DuckDbEngine | None, within: TimeRange = ALWAYS) -> Session:
    with open_logs([str(path)]) as logs:
        session = Session(logs, DETECTORS, within=within, engine=engine)
        for _ in session.read():
            pass
    return session


def counts(tally: Tally) -> Counter[tuple[int, frozenset[str], str]]:
    """The lines of each minute, by the filters that match them and by exact source."""
    found: Counter[tuple[int, frozenset[str], str]] = Counter()
    for minute, row in tally.rows():
        for kind, lines in row:
            found[minute, kind.filters, ""] += lines
            for source, of_source in tally.by_source(kind, minute).items():
                found[minute, kind.filters, source] += of_source
    return found


def assert_equal(
    path: Path, *, is_left: bool = False, within: TimeRange = ALWAYS
) -> tuple[Tally, Tally]:
    """Both readings have equal figures. Returns what DuckDB and what the reader counted."""
    with DuckDbEngine(threads=2) as engine:
        counted = read(path, engine, within)
    known = read(path, None, within)
    assert counted.without_engine == ([str(path)] if is_left else [])
    assert counts(counted.gathered.tally) == counts(known.gathered.tally)
    assert counted.gathered.site == known.gathered.site
    assert counted.gathered.coverage == known.gathered.coverage
    assert counted.gathered.bad_lines == known.gathered.bad_lines
    assert counted.gathered.bad == known.gathered.bad
    assert counted.read_logs == known.read_logs
    return counted.gathered.tally, known.gathered.tally


def plain(lines: int) -> list[str]:
    """Lines of both formats and both kinds of addresses, one in three about a failure."""
    made = []
    for number in range(lines):
        status = (200, 302, 404)[number % 3]
        path = f"/orders/{number % 7}" if status == 200 else f"/{number % 5}.php?a=b"
        client = "2001:db8::9" if number % 2 else "192.0.2.7"
        line = access(number * 7, status, path=path, client=client)
        line = line.replace('"-" "curl"', '"https://shop.test/a" "Mozilla/5.0"')
        made.append(line if number % 4 else line.partition(' "https')[0] + "\n")
    return made


def test_plain_and_odd_lines_have_the_figures_of_the_reader(tmp_path: Path) -> None:
    """Lines, bad lines with their numbers and texts, the site, fields and every count are equal."""
    lines = plain(400)
    for number, odd in enumerate(ODD):
        lines.insert(150 + number * 20, odd)
    path = write_log(tmp_path, lines)
    counted, known = assert_equal(path)
    assert judged(counted, DETECTORS) == judged(known, DETECTORS)
    assert counted.lines == 405
    with DuckDbEngine() as engine:
        gathered = read(path, engine).gathered
    assert [(bad.number, bad.text[:11]) for bad in gathered.bad] == [
        (231, "the server "),
        (291, "192.0.2.7 -"),
        (311, "192.0.2.7 -"),
    ]
    assert gathered.site.host == "shop.test"
    assert gathered.site.answered == {"/orders/*"}


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        max_size=6,
        elements=st.sampled_from(ODD)
        | st.builds(
            access,
            st.integers(0, 86_399),
            st.integers(100, 999),
            path=st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\x01"), max_size=9),
            client=st.sampled_from(
                ("192.0.2.7", "192.0.2.07", "2001:DB8::1", "2001:0db8::1", "::1", "-", "1:2")
            ),
        ),
    )
)
def test_any_lines_have_the_figures_of_the_reader(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    """Whatever a request, a status or a client is, both readings count the same."""
    path = write_log(tmp_path_factory.mktemp("log"), plain(70) + lines)
    assert_equal(path)


def test_sources_are_written_in_one_way(tmp_path: Path) -> None:
    """An address counts for the same source, however the server writes it."""
    clients = ("2001:0db8::0001", "2001:db8:0:0::1", "::ffff:c000:207")
    lines = [access(9, client=client) for client in clients]
    counted, _ = assert_equal(write_log(tmp_path, lines))
    (minute,) = counted.minutes
    sources: Counter[str] = Counter()
    for kind in counted.kinds:
        sources.update(counted.by_source(kind, minute))
    assert sources == {"2001:db8::1": 2, "192.0.2.7": 1}


def test_only_the_time_that_is_judged_counts(tmp_path: Path) -> None:
    """What is not within it is counted apart, as the reader does."""
    path = write_log(tmp_path, [access(second) for second in (0, 90, 150, 240)])
    midnight = 1795564800
    within = TimeRange(start=midnight + 60, end=midnight + 180)
    counted, _ = assert_equal(path, within=within)
    assert counted.minutes == [midnight + 60, midnight + 120]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=5)


@given(
    st.ip_addresses().map(str) | st.sampled_from(("1.2.3.04", "::", "1::2::3", "256.1.1.1", "x")),
    TEXTS | st.just("-"),
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2120, 1, 1)),  # noqa: DTZ001 - a zone follows
    st.tuples(st.integers(-1500, 1500), st.integers(0, 1200)),
    st.tuples(TEXTS, TEXTS, TEXTS),
)
def test_a_plain_line_is_one_that_the_reader_reads(
    client: str, user: str, at: datetime, numbers: tuple[int, int], texts: tuple[str, str, str]
) -> None:
    """No line is plain that the reader refuses, or of which it reads another time or status."""
    stamp = f"{at:%d/%b/%Y:%H:%M}"
    (zone, status), (request, referrer, agent) = numbers, texts
    line = f'{client} - {user} [{stamp}:07 {zone:+05d}] "{request}" {status:03d} 9 '
    line += f'"{referrer}" "{agent}"'
    match = REQUEST.match(line)
    if re.fullmatch(PLAIN_LINE, line):
        assert match is not None
        assert match.groups()[:5] == (client, stamp, f"{zone:+05d}", request, f"{status:03d}")
        assert minute_of_stamp(match[2], match[3]) is not None


@given(st.ip_addresses().map(str), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_the_usual_line_is_plain(client: str, day: date) -> None:
    """Every address that `ipaddress` writes, on every day but the 29th of February."""
    line = f'{client} - - [{day:%d/%b/%Y}:23:59:59 -0730] "GET / HTTP/1.1" 200 -'
    is_leap_day = (day.month, day.day) == (2, 29)
    is_mixed = "." in client and ":" in client
    assert (re.fullmatch(PLAIN_LINE, line) is None) == (is_leap_day or is_mixed)


@pytest.mark.parametrize(
    "name",
    [
        "farmer_farmwork",
        "farmer_saunathinker",
        pytest.param("farmer_meatlabel", marks=pytest.mark.stress),
        pytest.param("talemul_erp", marks=pytest.mark.stress),
    ],
)
@pytest.mark.skipif(not DATA.is_dir(), reason="the logs are not in ../shared/data")
def test_real_logs_have_the_figures_of_the_reader(name: str) -> None:
    """Lines, alarms (from, to, peak, sources), worst periods and advice are equal.

    Of many paths that occur equally often, another may be named.
    """
    counted, known = assert_equal(DATA / name / "access.log.gz")
    assert figures(counted) == figures(known)


def figures(tally: Tally) -> tuple[object, ...]:
    """What the default detectors make of a tally."""
    log = judged(tally, DETECTORS)
    proposals = advise(tally, DETECTORS.catalogue, DETECTORS.desired, log, alarms_a_week=1)
    judgements: list[JudgedDetector | JudgedAlarm] = [*log.detectors, *log.others]
    return (
        log.lines,
        log.unjudged,
        [
            (one.alarms_per_day, one.worst, [(alarm.span, alarm.sources) for alarm in one.alarms])
            for one in judgements
        ],
        [(one.detector.name, one.threshold, one.alarms) for one in proposals],
    )


def _damaged(text: bytes) -> bytes:
    packed = bytearray(gzip.compress(text))
    packed[-4_000:-3_000] = bytes(1_000)
    return bytes(packed)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"/4.php", b"/\r4.php"),
        lambda text: text.replace(b"/4.php", b"/\xff4.php"),
        lambda text: text.replace(b"/4.php", b"/\x014.php"),
        lambda text: text + b"x" * 1_100_000 + b"\n",
        lambda text: gzip.compress(text)[:-100],
        _damaged,
        lambda text: compressed_with_zstd(text)[:-100],
        lambda text: text.replace(b"192.0.2.7", b"shop.test 192.0.2.7"),
        lambda _: event(0).encode() * 20,
    ],
    ids=[
        *("crlf", "carriage return", "not UTF-8", "delimiter", "too long", "truncated", "damaged"),
        *("truncated zstd", "prefix", "own lines"),
    ],
)
def test_a_log_that_it_cannot_read_exactly_is_left_to_the_reader(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """Nothing of such a log is counted twice or lost, and it is known which log it is."""
    assert_equal(write_log(tmp_path, change("".join(plain(2_000)).encode())), is_left=True)


@pytest.mark.parametrize("name", ["a[1].log", "a*.log", "http:", "été.log", "a'b.log"])
def test_a_name_is_never_more_than_the_name_of_a_file(tmp_path: Path, name: str) -> None:
    """DuckDB's wildcards in a name do not make it read other files."""
    write_log(tmp_path, plain(30), "a1.log")
    assert_equal(write_log(tmp_path, plain(60), name), is_left=name in {"a[1].log", "a*.log"})


@pytest.mark.parametrize("compressed", [gzip.compress, compressed_with_zstd])
def test_a_file_of_several_compressed_parts_is_read_to_its_end(
    tmp_path: Path, compressed: Callable[[bytes], bytes]
) -> None:
    """As logs are that were compressed one by one and put behind one another."""
    data = compressed("".join(plain(300)).encode()) + compressed(access(9).encode())
    counted, _ = assert_equal(write_log(tmp_path, data))
    assert counted.lines == 301


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small logs are read by the engine too."""
    monkeypatch.setattr(choice, "WORTH", 0)


def test_a_small_log_is_left_without_a_note(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python reads thousands of small files sooner than DuckDB opens them."""
    opened: list[str] = []
    monkeypatch.setattr(DuckDbEngine, "_rows", lambda _, __, log: opened.append(log.name))
    large = write_log(tmp_path, plain(300))
    small = write_log(tmp_path, plain(20), "small.log")
    monkeypatch.setattr(choice, "WORTH", large.stat().st_size)
    result = run(large, small, "--engine", "duckdb")
    assert {*opened} == {str(large)}
    assert "small.log" not in result.stderr


@pytest.mark.usefixtures("any_size")
def test_many_logs_that_are_left_are_one_note(tmp_path: Path, run: Run) -> None:
    """It names some of them, and why."""
    logs = [write_log(tmp_path, [event(0)], f"{number}.log") for number in range(12)]
    note = " ".join(run(*logs, "--engine", "duckdb").stderr.split())
    assert note.count("without the engine") == 1
    assert "9.log and 2 more were read without the engine. DuckDB reads" in note


@pytest.mark.usefixtures("any_size")
def test_the_command_counts_by_duckdb_and_says_what_it_left(tmp_path: Path, run: Run) -> None:
    """With `--engine duckdb` a log of another kind is judged too, and named in a note."""
    logs = write_log(tmp_path, plain(300)), write_log(tmp_path, [event(0)], "own.log")
    result = run(*logs, "--engine", "duckdb")
    assert result.exit_code == 0, result.output
    assert (
        "own.log was read without the engine. DuckDB reads undamaged files of access logs in the "
        "common or combined format, in UTF-8."
    ) in " ".join(result.stderr.split())
    assert "access.log was read without" not in result.stderr


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(
    ("around", "options"),
    [
        ("{}", ["--log-format", '$remote_addr - - [$time_local] "$request" $status $bytes_sent']),
        ("2026-11-25T00:00:00.000000000Z stdout F {}", []),
    ],
)
def test_another_shape_is_left_to_its_reader(
    tmp_path: Path, run: Run, around: str, options: list[str]
) -> None:
    """A format string and a wrapper decide how a line is read: DuckDB knows neither."""
    lines = [around.format(access(second).partition(' "-"')[0]) + "\n" for second in range(20)]
    result = run(write_log(tmp_path, lines), "--engine", "duckdb", *options)
    assert result.exit_code == 0, result.output
    assert "access.log was read without the engine." in " ".join(result.stderr.split())
    assert re.search(r"^not-found-error +20 ", result.stdout, re.MULTILINE)


def test_a_missing_extra_is_one_sentence(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how to install it, with the exit code of a wrong argument."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = run(write_log(tmp_path, plain(3)), "--engine", "duckdb")
    assert result.exit_code == 2
    assert "--engine = 'duckdb'" in result.stderr
    assert "pip install 'flask-errwatch[duckdb]'" in result.stderr
    with pytest.raises(MissingEngineError):
        DuckDbEngine()


def test_auto_takes_duckdb_for_large_logs_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small log is read sooner without it. It tells nothing of logs that it leaves."""
    path = str(write_log(tmp_path, plain(3)))
    assert engine_for("auto", [path, "-", "missing.log"]) is None
    assert engine_for("python", [path]) is None
    monkeypatch.setattr(choice, "LARGE", 100)
    engine = engine_for("auto", [path])
    assert engine is not None
    with engine:
        assert engine.limits == ""


def test_the_sample_decides_by_whole_lines() -> None:
    """The last line of the beginning of a log may be cut off."""
    line = access(1).encode()
    assert is_mostly_plain(line * 9 + line[:40])
    assert not is_mostly_plain(line * 8 + b"x\n" * 2)
    assert not is_mostly_plain(b"")
