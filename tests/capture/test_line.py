"""The line, schema 1: always JSON, always one line, never too long, whatever is in it."""

from __future__ import annotations

import json
import logging.config
import re
import sys
import time
from collections import UserDict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import RFC_4122, UUID

import pytest
import structlog
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.local import LocalProxy

from flask_errwatch._time import rfc3339
from flask_errwatch.capture.client_address import address_rule
from flask_errwatch.capture.events import KEYS, add_request, in_order, path_of
from flask_errwatch.capture.exceptions import _calls, exception_fields
from flask_errwatch.capture.failures import Outcome
from flask_errwatch.capture.ids import IdClock
from flask_errwatch.capture.plain_values import PlainValues
from flask_errwatch.capture.redaction import Redactor, RequestRedactor
from flask_errwatch.capture.rendering import LINE_LENGTH, RedactProcessor, render
from flask_errwatch.delivery.journal import line_of
from flask_errwatch.detectors import CRITICAL_ERROR
from tests.foreign_values import Nameless
from tests.valid_lines import ORDER, check
from tests.wsgi_driver import Event, events_of, lines_of, serve, watched

REDACTOR = RequestRedactor(Redactor())
#: The keys that only collapsed lines have.
COLLAPSED = {"count", "first", "last", "paths"}


def rendered(data: Mapping[Any, Any], **core: object) -> bytes:
    """The line of an event with that data, through the processors of this library."""
    event: Event = {
        "seq": 1,
        "data": data,
        "id": "018bcfe5-6800-7000-8000-000000000000",
        "event": "Critical Error",
        **core,
    }
    event = in_order(RedactProcessor(Redactor())(None, "record", event))
    line = render(None, "record", event)
    assert isinstance(line, bytes)
    return line


def _plain(value: object) -> object:
    return PlainValues(Redactor()).value(value)


class Hostile:
    """An object that raises in every method."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class HostileText(str):
    """A string with lying methods."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no")


class Role(str, Enum):  # noqa: UP042 - the `str` of a StrEnum is its value
    """Strings whose `__str__` returns another string, as an app may set them."""

    ADMIN = "root"


class Disguised(str):
    """A string with the class of a number."""

    __slots__ = ()

    __class__ = property(lambda _self: int)


class HostileMapping(Mapping[str, object]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        return 1


class HostileInt(int):
    """A number that cannot be compared."""

    def __ge__(self, other: object) -> bool:
        raise RuntimeError("no")

    __le__ = __lt__ = __gt__ = __int__ = __ge__  # type: ignore[assignment]


#: Texts with everything in them, lone surrogates included.
wild = st.text(st.characters(exclude_categories=()), max_size=2000)

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=2**62, max_value=2**70),
        st.floats(),
        wild,
        st.binary(),
        st.decimals(),
        st.dates(),
        st.uuids(),
        st.builds(Hostile),
        st.builds(HostileText, st.text()),
        st.builds(HostileMapping),
        st.builds(HostileInt),
    ),
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner),
        st.dictionaries(st.text() | st.integers() | st.none() | st.binary(), inner),
    ),
    max_leaves=30,
)


@given(st.dictionaries(wild | st.integers() | st.booleans() | st.none(), anything))
def test_any_data_gives_a_line(data: dict[Any, Any]) -> None:
    """For any data: valid JSON, one line, at most 32 KiB, no null, keys in order."""
    check(rendered(data))


@given(wild, wild)
def test_any_exception_message_gives_a_line(message: str, function: str) -> None:
    """Messages and type names of exceptions may have any characters."""
    frames = [{"file": "shop/x.py", "line": 1, "function": function}]
    line = rendered({}, exception={"type": "E", "message": message, "frames": frames})
    assert check(line)["exception"]["type"] == "E"


@given(wild, st.text(st.characters(codec="latin-1")))
def test_any_request_gives_a_line(path: str, header: str) -> None:
    """Whatever path and headers a client sends, its failing request has its line."""
    app = Flask(__name__)
    watched(app, trusted_proxies=1)
    serve(
        app,
        "/none",
        PATH_INFO="/none/" + path.encode("utf-8", "surrogatepass").decode("latin-1"),
        HTTP_USER_AGENT=header,
        HTTP_X_REQUEST_ID=header,
        HTTP_X_FORWARDED_FOR=header,
        HTTP_TRACEPARENT=header,
        HTTP_X_AMZN_TRACE_ID=header,
        REMOTE_USER=header,
    )
    (line,) = lines_of(app)
    assert check(line)["event"] == "Not Found Error"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        ("a\ud800b", "a\\ud800b"),
        (b"ab\xff", "ab\\xff"),
        ([None, 1], ["None", 1]),
        ((1, 2), [1, 2]),
        ({1: {None: None}}, {"1": {}}),
        (Path("a") / "b", "a/b"),
        (datetime(2026, 11, 25, tzinfo=UTC), "2026-11-25 00:00:00+00:00"),
        (Hostile(), "<Hostile that cannot be shown>"),
        (HostileText("said"), "said"),
        (HostileMapping(), {"unreadable": "RuntimeError"}),
        pytest.param(10**5000, "[a number of 16610 bits]", id="huge"),
        (True, True),
        (1.5, 1.5),
        pytest.param(LocalProxy(lambda: "ann"), "ann", id="proxy"),
        pytest.param(
            LocalProxy(lambda: 1 // 0), "<LocalProxy that cannot be shown>", id="broken-proxy"
        ),
    ],
)
def test_a_value_becomes_plain(value: object, expected: object) -> None:
    """JSON types are kept, other values become strings, and nothing becomes null."""
    assert _plain(value) == expected
    assert type(_plain(value)) is type(expected)


def test_a_surrogate_in_a_core_field() -> None:
    """A lone surrogate in a name of the code is escaped like any other."""
    frames = [{"file": "shop/\ud800.py", "line": 1, "function": "f"}]
    line = rendered({}, exception={"type": "E", "message": "m", "frames": frames})
    assert check(line)["exception"]["frames"][0]["file"] == "shop/\\ud800.py"


def test_a_cycle_ends() -> None:
    """Data that contains itself is truncated at a depth."""
    data: dict[str, object] = {}
    data["again"] = data
    check(rendered(data))
    loop: list[object] = []
    loop.append(loop)
    check(rendered({"loop": loop}))


def test_wide_data_is_cut_and_marked() -> None:
    """Of too many parts the first are kept, and a mark shows that there were more."""
    line = rendered({f"key-{number}": number for number in range(100_000)})
    data = check(line)["data"]
    assert data["key-0"] == 0
    assert any("more" in str(value) for value in data.values())


def test_no_more_is_kept_than_a_bound() -> None:
    """Of an upload that is reported field by field, the first 2,048 characters are kept."""
    kept = PlainValues(Redactor()).fields({f"field-{n:04}": "x" * 750 for n in range(1000)})
    assert [*kept] == ["field-0000", "field-0001", "field-0002", "…"]
    assert kept["field-0001"] == "x" * 750
    assert kept["field-0002"] == "x" * 518 + "…[232 more]"


def test_what_is_below_the_last_level_is_never_written() -> None:
    """Below the eighth level a list is not converted to text, whose size nothing would bound."""
    written: list[str] = []

    class Entry:
        def __repr__(self) -> str:
            written.append("")
            return "entry"

    deep: object = [Entry()] * 100
    for _ in range(8):
        deep = [deep]
    line = rendered({"deep": deep})
    assert b"[more]" in line
    assert written == []


def test_the_fields_of_a_request_share_a_bound() -> None:
    """A request whose path, user and user agent are all long has a line little longer than one."""
    app = Flask(__name__)
    watched(app)
    serve(app, PATH_INFO="/" + "a" * 5000, REMOTE_USER="b" * 5000, HTTP_USER_AGENT="c" * 5000)
    serve(app, PATH_INFO="/" + "a" * 99, REMOTE_USER="b" * 50, HTTP_USER_AGENT="c" * 5000)
    long, short = events_of(app)
    assert long["path"] == "/" + "a" * 511 + "…[4489 more]"
    assert long["user"] == "b" * 116 + "…[4884 more]"
    assert long["user_agent"] == "c" * 48 + "…[4952 more]"
    assert short["user"] == "b" * 50
    assert short["user_agent"] == "c" * 490 + "…[4510 more]"


def test_data_that_multiplies_is_replaced() -> None:
    """Wide and deep data: the core of the event is kept, and the data is its size only."""
    deep: object = "x" * 64
    for _ in range(4):
        deep = [deep] * 8
    event = check(rendered({str(number): deep for number in range(8)}))
    assert event["event"] == "Critical Error"
    assert event["seq"] == 1
    assert event["data"]["cut"].endswith(" bytes]")


def test_long_values_are_cut_inside_the_event() -> None:
    """A megabyte in a field: the line is bounded, valid JSON, and marks what is missing."""
    app = Flask(__name__)
    errwatch = watched(app)
    errwatch.report("client-error", note="x" * 1_000_000, small="kept")
    (line,) = lines_of(app)
    data = check(line)["data"]
    assert data["small"] == "kept"
    assert re.fullmatch(r"x{1024}…\[\d+ more\]", data["note"])


def test_a_message_of_a_megabyte() -> None:
    """An exception that quotes a whole upload has a line like any other."""
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        raise ValueError("é\x00" * 500_000)

    watched(app)
    serve(app)
    (line,) = lines_of(app)
    event = check(line)
    assert event["exception"]["type"] == "ValueError"
    assert "more]" in event["exception"]["message"]


def test_long_event_names_are_never_cut() -> None:
    """A line of which everything else was cut has its whole event name: filters count it."""
    phrase = "x" * 100
    deep: object = "y" * 64
    for _ in range(4):
        deep = [deep] * 8
    event = check(rendered({str(number): deep for number in range(8)}, event=phrase))
    assert event["event"] == phrase


def test_a_recursion_of_ten_thousand_frames() -> None:
    """The outermost and innermost frames are kept, and those between are counted."""
    app = Flask(__name__)

    def down(left: int) -> int:
        return 1 // 0 if left == 0 else down(left - 1)

    @app.get("/")
    def home() -> str:
        return str(down(9_998))

    watched(app)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        serve(app)
    finally:
        sys.setrecursionlimit(limit)
    (line,) = lines_of(app)
    exception = check(line)["exception"]
    frames = exception["frames"]
    assert len(frames) == 26
    assert [frame["function"] for frame in frames[:2]] == ["home", "down"]
    assert frames[5] == "[9975 more]"
    assert frames[-1]["function"] == "down"
    assert exception["where"].endswith(" in down")


def test_an_endless_recursion() -> None:
    """RecursionError itself has its line."""
    app = Flask(__name__)

    @app.get("/")
    def home() -> str:
        return home()

    watched(app)
    serve(app)
    (line,) = lines_of(app)
    assert check(line)["exception"]["type"] == "RecursionError"


def test_an_exception_that_cannot_be_shown() -> None:
    """An exception whose `__str__` raises has its line, with its type."""

    class MuteError(Exception):
        __str__ = Hostile.__str__

    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/")
    def home() -> str:
        raise MuteError

    watched(app)
    with pytest.raises(RuntimeError):
        serve(app)  # the driver shows it, as a server would
    (line,) = lines_of(app)
    exception = check(line)["exception"]
    assert exception["type"].endswith("MuteError")
    assert exception["message"] == "<its message cannot be shown>"


def test_a_value_whose_type_hides_its_name() -> None:
    """Its name is that of the class statement, and so is the name of its mapping's error."""

    class Secret(metaclass=Nameless):
        def __str__(self) -> str:
            raise RuntimeError

    class SecretError(Exception, metaclass=Nameless):
        pass

    class SecretMapping(UserDict[str, str]):
        def items(self) -> Any:
            raise SecretError

    assert _plain(Secret()) == "<Secret that cannot be shown>"
    assert _plain(SecretMapping()) == {"unreadable": "SecretError"}


def test_an_app_whose_folder_is_given_as_a_path() -> None:
    """`Flask(root_path=…)` accepts a Path, and the frames of the app's code are recognised."""
    app = Flask("shop", root_path=Path(__file__).parent)  # type: ignore[arg-type]
    watched(app)
    app.get("/crash")(lambda: str(1 // 0))
    serve(app, "/crash")
    (event,) = events_of(app)
    assert event["exception"]["where"].startswith("capture/test_line.py:")


def test_every_key_of_a_line() -> None:
    """A full line has the keys of schema 1 in their order, each in its format."""
    app = Flask("shop", root_path=str(Path(__file__).parent))
    errwatch = watched(app, environment="prod", release="1.2.3")
    errwatch.enrich(lambda _event: {"tenant": "acme"})

    @app.get("/buy/<int:number>")
    def buy(number: int) -> str:
        return str(number // 0)

    serve(
        app,
        "/buy/7?card=4111",
        REMOTE_USER="ann",
        HTTP_USER_AGENT="curl/8",
        HTTP_X_FORWARDED_FOR="192.0.2.9",
        HTTP_X_REQUEST_ID="req-1",
        HTTP_TRACEPARENT="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    (line,) = lines_of(app)
    event = check(line)
    assert tuple(ORDER) == tuple(key for key in KEYS if key not in COLLAPSED)
    assert [*event] == [key for key in ORDER if key != "peer_ip"]  # it replaces client_ip
    assert event["schema"] == 1
    assert event["level"] == "critical"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["timestamp"])
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", event["id"]
    )
    assert event["path"] == "/buy/7"
    assert event["route"] == "/buy/<int:number>"
    assert event["endpoint"] == "buy"
    assert event["client_ip"] == "192.0.2.7"
    assert event["client_ip_source"] == "peer"
    assert event["client_ip_trust"] == "none"
    assert event["forwarded_claim"] == "192.0.2.9"
    assert event["user"] == "ann"
    assert event["user_agent"] == "curl/8"
    assert event["request_id"] == "req-1"
    assert event["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert event["duration_ms"] > 0
    assert [*event["exception"]] == [
        "type",
        "message",
        "where",
        "frames",
        "fingerprint",
        "handled",
        "new",
    ]
    assert event["data"] == {"tenant": "acme"}
    assert (event["app"], event["environment"], event["release"]) == ("shop", "prod", "1.2.3")
    assert isinstance(event["pid"], int)
    assert re.fullmatch(r"[0-9a-f]{8}", event["process"])
    assert event["seq"] == 1


def test_nothing_of_query_body_cookies_and_headers() -> None:
    """No query string, body, cookie or header beyond the schema appears in a line."""
    app = Flask(__name__)
    watched(app)
    serve(
        app,
        "/x?secret=in-query",
        REQUEST_METHOD="POST",
        body=b"secret=in-body",
        HTTP_COOKIE="session=in-cookie",
        HTTP_AUTHORIZATION="Bearer in-authorization",
        HTTP_REFERER="https://example.com/in-referer",
        HTTP_X_API_KEY="in-key",
    )
    (line,) = lines_of(app)
    assert b"in-" not in line


def test_ids_sort_by_time_and_agree_with_the_line() -> None:
    """Ids are unique and sorted by time. Line, id and log event have the same time."""
    app = Flask(__name__)
    errwatch = watched(app)
    ids = [errwatch.report("client-error") for _ in range(50)]
    assert len(set(ids)) == 50
    stamps = [identifier[:13] for identifier in ids]
    assert stamps == sorted(stamps)
    for line in lines_of(app):
        event = json.loads(line)
        moment = datetime.fromtimestamp(line_of(line).timestamp / 1000, UTC)
        assert event["timestamp"] == moment.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        )


def test_an_id_is_a_uuid_of_version_7() -> None:
    """RFC 9562, section 5.7. The time has parts of a millisecond, for any random bits."""
    many = [IdClock() for _ in range(300)]
    assert len({stamps.at(0)[1][19:23] for stamps in many}) > 200
    for stamps in many:
        ids = [stamps.at(1_700_000_000_123 * 4096 + step)[1] for step in (0, 1, 9, 4000)]
        assert ids == sorted(ids)
        assert [str(UUID(identifier)) for identifier in ids] == ids
        assert {UUID(identifier).version for identifier in ids} == {7}
        assert {UUID(identifier).variant for identifier in ids} == {RFC_4122}
        assert [identifier[:18] for identifier in ids] == [
            *("018bcfe5-687b-7000", "018bcfe5-687b-7001", "018bcfe5-687b-7009"),
            "018bcfe5-687b-7fa0",
        ]


def test_ids_of_one_moment_differ() -> None:
    """Ids of one moment differ, in one process, where they stay in order, and in any two."""
    moment = 1_700_000_000_123 * 4096
    stamps = IdClock()
    ids = [stamps.at(moment)[1] for _ in range(2000)]
    assert ids == sorted(ids)
    assert len({*ids, *(IdClock().at(moment)[1] for _ in range(2000))}) == 4000


@pytest.mark.parametrize(
    ("ticks", "stamp", "beginning"),
    [
        (0, "1970-01-01T00:00:00.000Z", "00000000-0000-7000"),
        (4096, "1970-01-01T00:00:00.001Z", "00000000-0001-7000"),
        (1_999 * 4096 + 4095, "1970-01-01T00:00:01.999Z", "00000000-07cf-7fff"),
        (253_402_300_799_999 * 4096, "9999-12-31T23:59:59.999Z", "e677d21f-dbff-7000"),
        ((1 << 60) + 4097, "9999-12-31T23:59:59.657Z", "00000000-0001-7001"),
        ((1 << 64) + 4097, "9999-12-31T23:59:59.497Z", "00000000-0001-7001"),
    ],
)
def test_time_and_id_of_a_moment(ticks: int, stamp: str, beginning: str) -> None:
    """Both have the same time. A clock beyond all bounds still gives a line."""
    moment, identifier = IdClock().at(ticks)
    assert (moment, identifier[:18]) == (stamp, beginning)
    assert UUID(identifier).version == 7


def test_seconds_follow_each_other() -> None:
    """The text of a second is cached no longer than that second."""
    stamps = IdClock()
    times = [stamps.at(ms * 4096)[0] for ms in (1_999, 2_000, 2_999, 1_000)]
    assert times == [
        *("1970-01-01T00:00:01.999Z", "1970-01-01T00:00:02.000Z"),
        *("1970-01-01T00:00:02.999Z", "1970-01-01T00:00:01.000Z"),
    ]


def test_how_long_it_took() -> None:
    """Milliseconds, with three decimals."""
    app = Flask(__name__)
    watched(app)
    recorder = app.extensions["errwatch"].recorder
    event = recorder.response_event(
        CRITICAL_ERROR,
        {},
        request=None,
        code=500,
        seconds=1.2345678,
        found=Outcome(detector=CRITICAL_ERROR),
    )
    assert event["duration_ms"] == 1234.567


def test_a_time_as_text() -> None:
    """RFC 3339, in UTC, with three digits after the second."""
    assert rfc3339(1_001) == "1970-01-01T00:00:01.001Z"
    assert rfc3339(1_999) == "1970-01-01T00:00:01.999Z"
    assert rfc3339(2_000) == "1970-01-01T00:00:02.000Z"
    assert rfc3339(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"
    assert rfc3339(1 << 48) == "9999-12-31T23:59:59.656Z"


def test_a_clock_before_1970_costs_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock was never set has its lines: an id has no earlier time."""
    app = Flask(__name__)
    watched(app)
    monkeypatch.setattr(time, "time", lambda: -86_400.5)
    serve(app, "/missing")
    (event,) = events_of(app)
    assert event["timestamp"] == "1970-01-01T00:00:00.000Z"
    assert str(event["id"])[:18] == "00000000-0000-7000"


@pytest.mark.parametrize(
    "hidden",
    [
        *(0x80, 0x85, 0x9B, 0x9F),  # C1
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180E, 0x180F),
        *(0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202D, 0x202E),
        *(0x2060, 0x2061, 0x2064, 0x2066, 0x2069, 0x206F, 0x3164, 0xFE00, 0xFE0F, 0xFEFF),
        *(0xFFA0, 0xFFF9, 0xFFFB, 0xE0001, 0xE0020, 0xE007F, 0xE0100, 0xE01EF),
    ],
    ids=hex,
)
def test_a_hidden_character_is_escaped(hidden: int) -> None:
    """A line has the escape of what has no width, or turns the direction of text."""
    app = Flask("shop")
    errwatch = watched(app)
    errwatch.report("critical-error", text=f"pass{chr(hidden)}word é 日")
    (line,) = lines_of(app)
    assert chr(hidden) not in line.decode()
    assert json.loads(line)["data"]["text"] == f"pass{chr(hidden)}word é 日"


def test_a_character_that_a_terminal_obeys_is_escaped() -> None:
    """DEL is escaped, an ASCII character that JSON allows."""
    app = Flask(__name__)
    watched(app).report("client-error", said="rm\x7f")
    (line,) = lines_of(app)
    assert '"said":"rm\\u007f"' in line.decode()
    assert events_of(app)[0]["data"] == {"said": "rm\x7f"}


def test_only_critical_lines_are_sent_at_once() -> None:
    """The sinks can recognise a critical line."""
    app = Flask(__name__)
    errwatch = watched(app)
    errwatch.report("critical-error")
    errwatch.report("client-error")
    assert [line_of(line).critical for line in lines_of(app)] == [True, False]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HTTP_USER_AGENT": "a" * 512}, {"user_agent": "a" * 512}),
        ({"HTTP_USER_AGENT": "a" * 600}, {"user_agent": "a" * 512 + "…[88 more]"}),
        ({"REMOTE_USER": "a" * 600}, {"user": "a" * 512 + "…[88 more]"}),
        ({"HTTP_USER_AGENT": "", "REMOTE_USER": ""}, {}),
        ({"HTTP_USER_AGENT": 5, "REMOTE_USER": ["ann"]}, {}),
        (
            {
                "REMOTE_USER": LocalProxy(lambda: "ann"),
                "HTTP_USER_AGENT": LocalProxy(lambda: "curl/8"),
                "HTTP_X_REQUEST_ID": LocalProxy(lambda: "r-1"),
            },
            {"user": "ann", "user_agent": "curl/8", "request_id": "r-1"},
        ),
        ({"REQUEST_METHOD": LocalProxy(lambda: "BREW")}, {"method": "BREW"}),
        ({"PATH_INFO": b"/x", "SCRIPT_NAME": ["/app"]}, {"path": ""}),
        ({"PATH_INFO": Disguised("/x"), "SCRIPT_NAME": LocalProxy(lambda: "/a")}, {"path": "/a/x"}),
        ({"REMOTE_USER": Role.ADMIN}, {"user": "root"}),
        ({"REMOTE_USER": Disguised("ann")}, {"user": "ann"}),
    ],
)
def test_the_fields_of_the_request(environ: dict[str, object], expected: dict[str, str]) -> None:
    """Strings and proxies of strings are kept, bounded. Other types are left out."""
    fields: dict[str, object] = {}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}
    add_request(fields, environ, address_rule(0), "no rule", REDACTOR)
    assert fields == {"method": "GET", "path": "/", **expected}
    assert all(type(value) is str for value in fields.values())


def test_an_environment_that_is_a_kind_of_dict() -> None:
    """The `get` of a dict subclass is used, compiled or not."""

    class Rewritten(MultiDict[str, Any]):
        def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
            return "192.0.2.7" if key == "REMOTE_ADDR" else super().get(key, *args, **kwargs)

    environ = Rewritten({"REQUEST_METHOD": "PUT", "PATH_INFO": "/x", "REMOTE_ADDR": "10.0.0.1"})
    fields: dict[str, object] = {}
    add_request(fields, environ, address_rule(0), None, REDACTOR)
    assert fields == {
        "method": "PUT",
        "path": "/x",
        "client_ip": "192.0.2.7",
        "client_ip_source": "peer",
        "client_ip_trust": "verified",
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PATH_INFO": "/a b\x00\n"}, "/a%20b%00%0A"),
        ({"PATH_INFO": "/%41"}, "/%2541"),
        ({"PATH_INFO": "/\xc3\xbc"}, "/%C3%BC"),
        ({"PATH_INFO": "/\u4e2d"}, "/%3F"),
        ({"PATH_INFO": '/"<>{}'}, "/%22%3C%3E%7B%7D"),
        ({"PATH_INFO": "/aZ0-._~!$&'()*+,;=:@/"}, "/aZ0-._~!$&'()*+,;=:@/"),
        ({"PATH_INFO": "/aZ0-._~!$&'()*+,;=:@ /"}, "/aZ0-._~!$&'()*+,;=:@%20/"),
        ({"SCRIPT_NAME": "/shop", "PATH_INFO": ""}, "/shop"),
        ({}, ""),
        ({"PATH_INFO": "/" + "a" * 3000}, "/" + "a" * 511 + "…[2489 more]"),
    ],
)
def test_the_path(environ: dict[str, object], expected: str) -> None:
    """The path is percent-encoded and bounded, without the query string."""
    assert path_of(environ, REDACTOR) == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("PROPFIND", "PROPFIND"),
        ("get\x1b[31m", "get\\x1b[31m"),
        (None, "?"),
        ("X" * 40, "X" * 32 + "…[8 more]"),
    ],
)
def test_a_strange_method(method: object, expected: str) -> None:
    """The client chooses the method, so it is escaped and bounded."""
    app = Flask(__name__)
    app.wsgi_app = lambda _environ, start: (start("400 No", []), [b""])[1]  # type: ignore[method-assign,assignment]
    watched(app)
    serve(app, REQUEST_METHOD=method)
    (event,) = events_of(app)
    assert event["method"] == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"HTTP_X_REQUEST_ID": "a" * 129}, {}),
        ({"HTTP_X_REQUEST_ID": "a" * 128}, {"request_id": "a" * 128}),
        ({"HTTP_X_REQUEST_ID": "Az09._:/=+@-"}, {"request_id": "Az09._:/=+@-"}),
        ({"HTTP_X_REQUEST_ID": "a-1\n"}, {}),
        ({"HTTP_X_REQUEST_ID": "é"}, {}),
        ({"HTTP_X_REQUEST_ID": "a b"}, {}),
        ({"HTTP_TRACEPARENT": "00-" + "0" * 32 + "-b7ad6b7169203331-01"}, {}),
        (
            {"HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
            {"trace_id": "0af7651916cd43dd8448eb211c80319c"},
        ),
        ({"HTTP_TRACEPARENT": "garbage"}, {}),
        (
            {"HTTP_X_AMZN_TRACE_ID": "Self=1;Root=1-67891233-abcdef012345678912345678;Sampled=1"},
            {"trace_id": "1-67891233-abcdef012345678912345678"},
        ),
    ],
)
def test_ids_of_others(headers: dict[str, Any], expected: dict[str, str]) -> None:
    """Ids of proxies and tracers are accepted in their documented formats only."""
    app = Flask(__name__)
    watched(app)
    serve(app, "/x", **headers)
    (event,) = events_of(app)
    ids = {key: event[key] for key in ("request_id", "trace_id") if key in event}
    assert ids == expected


def test_frames_of_libraries_are_left_out() -> None:
    """Of frames outside the app's code only the innermost is kept, without the host's paths."""
    try:
        json.loads("{")
    except ValueError as error:
        fields = exception_fields(error, root=str(Path(__file__).parent), handled=False)
    assert isinstance(fields["frames"], list)
    assert [frame["file"] for frame in fields["frames"]] == [
        "capture/test_line.py",
        "json/decoder.py",
    ]
    assert str(fields["where"]).startswith("capture/test_line.py:")


@pytest.mark.parametrize(
    ("root", "name", "shown", "own"),
    [
        ("/srv/shop", "/srv/shop/views.py", "shop/views.py", True),
        (
            "/srv/shop",
            "/srv/shop/.venv/lib/python3.11/site-packages/flask/app.py",
            "flask/app.py",
            False,
        ),
        (
            "/usr/lib/python3/dist-packages/shop",
            "/usr/lib/python3/dist-packages/shop/a.py",
            "shop/a.py",
            True,
        ),
        ("/", "/app.py", "app.py", True),
        ("/", json.__file__, "json/__init__.py", False),
        ("/srv/shop", "/srv/tools/job.py", "tools/job.py", True),
        ("/srv/shop", "<string>", "<string>", False),
        ("/srv/shop", "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap>", False),
    ],
)
def test_whose_code_a_frame_is(root: str, name: str, shown: str, own: bool) -> None:  # noqa: FBT001 - a table
    """The app's code is distinguished from libraries, wherever either is installed."""
    namespace: dict[str, Any] = {}
    exec(compile("def broken():\n    1 // 0\n", name, "exec"), namespace)  # noqa: S102 - a file that is not there
    with pytest.raises(ZeroDivisionError) as caught:
        namespace["broken"]()
    inner = caught.value.with_traceback(caught.tb.tb_next)
    frame = {"file": shown, "line": 2, "function": "broken"}
    assert exception_fields(inner, root=root, handled=False)["frames"] == [frame]
    app_calls = _calls(inner.__traceback__, root)[1]
    assert [file.name for _, file in app_calls] == ([shown] if own else [])


def test_an_exception_without_a_traceback() -> None:
    """An exception that was never raised has no frames and no `where`."""
    fields = exception_fields(ValueError("made up"), root="/srv/shop", handled=True)
    assert fields["frames"] == []
    assert "where" not in fields
    assert fields["handled"] is True


def test_fingerprints() -> None:
    """Equal functions and types give equal fingerprints, whatever the message."""

    def fail(kind: type[Exception], text: str) -> str:
        with pytest.raises(kind) as caught:
            raise kind(text)
        return str(exception_fields(caught.value, root="/", handled=False)["fingerprint"])

    assert fail(ValueError, "one") == fail(ValueError, "two")
    assert fail(ValueError, "one") != fail(LookupError, "one")
    assert re.fullmatch(r"[0-9a-f]{16}", fail(ValueError, "one"))


def test_equal_functions_of_two_files_are_two() -> None:
    """A fault that passes through both is not the fault that passes through one."""
    code = "def charge(inner=None):\n    inner() if inner else 1 // 0\n"
    first, second = dict[str, Any](), dict[str, Any]()
    exec(compile(code, "/srv/shop/cards.py", "exec"), first)  # noqa: S102 - a file that is not there
    exec(compile(code, "/srv/shop/banks.py", "exec"), second)  # noqa: S102 - a file that is not there
    fingerprints = []
    for charge, inner in ((first["charge"], None), (second["charge"], first["charge"])):
        with pytest.raises(ZeroDivisionError) as caught:
            charge(inner)
        error = caught.value.with_traceback(caught.tb.tb_next)
        fields = exception_fields(error, root="/srv/shop", handled=False)
        fingerprints.append(fields["fingerprint"])
    assert fingerprints[0] != fingerprints[1]


def test_a_fingerprint_does_not_depend_on_libraries() -> None:
    """A call of the app that fails elsewhere inside a library is the same failure."""
    prints = set()
    for text in ("{", "1 2"):
        with pytest.raises(json.JSONDecodeError) as caught:
            json.loads(text)
        fields = exception_fields(caught.value, root=str(Path(__file__).parent), handled=False)
        assert isinstance(fields["frames"], list)
        prints.add((fields["frames"][-1]["function"], fields["fingerprint"]))
    assert len({function for function, _ in prints}) == 2
    assert len({fingerprint for _, fingerprint in prints}) == 1


def test_structlog_belongs_to_the_application() -> None:
    """An app that configures structlog, before or after, changes no line and is unaffected."""
    heard: list[Mapping[str, Any]] = []

    def swallow(_logger: object, _name: str, event: Any) -> Any:
        heard.append(dict(event))
        raise structlog.DropEvent

    app = Flask(__name__)
    watched(app)
    structlog.configure(processors=[swallow], cache_logger_on_first_use=True)
    try:
        configured = structlog.get_config()
        serve(app, "/x")
        structlog.get_logger().info("mine")
        with structlog.testing.capture_logs() as captured:
            serve(app, "/y")
        assert structlog.get_config() == configured
    finally:
        structlog.reset_defaults()
    assert [event["path"] for event in events_of(app)] == ["/x", "/y"]
    assert [event["event"] for event in heard] == ["mine"]
    assert captured == []
    assert not structlog.is_configured()


@pytest.mark.usefixtures("loggers_restored")
def test_logging_configured_twice() -> None:
    """`logging.config.dictConfig`, twice, leaves our lines and the app's handlers working."""
    app = Flask("configured-twice")
    watched(app)
    config = {
        "version": 1,
        "disable_existing_loggers": True,
        "handlers": {"memory": {"class": "logging.handlers.BufferingHandler", "capacity": 1000}},
        "loggers": {"mine": {"handlers": ["memory"], "level": "INFO", "propagate": False}},
    }
    for path in ("/x", "/y"):
        logging.config.dictConfig(config)
        serve(app, path)
        logging.getLogger("mine").info("still here")
    assert [event["path"] for event in events_of(app)] == ["/x", "/y"]
    (handler,) = logging.getLogger("mine").handlers
    assert [record.getMessage() for record in handler.buffer] == ["still here"]  # type: ignore[attr-defined]
    logging.getLogger("mine").removeHandler(handler)


def test_plain_fields_are_a_copy() -> None:
    """The app's reported objects are not changed."""
    given_ = {"nested": {"list": [1, float("nan")]}}
    PlainValues(Redactor()).fields(given_)
    assert str(given_) == "{'nested': {'list': [1, nan]}}"


def test_the_limit_is_the_contracts() -> None:
    """The limit is 32 KiB."""
    assert LINE_LENGTH == 32_768
