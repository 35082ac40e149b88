"""Syslog's prefixes come off, whatever wrote them, and nothing of the line does."""

from __future__ import annotations

import pytest

from tests.replay.wrapped_lines import ACCESS, AT, LINES, OURS, Taken, taken


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("prefix", "name", "at"),
    [
        # RFC 3164, section 4.1.2: a day below ten has a blank before it.
        ("Nov  5 01:17:00 web-1 nginx: ", "syslog (RFC 3164)", None),
        ("<190>Nov 25 01:17:00 web-1 nginx: ", "syslog (RFC 3164)", None),
        ("Nov 25 01:17:00 nginx: ", "syslog (RFC 3164)", None),
        ("Nov 25 01:17:00 web-1 haproxy[7]: ", "syslog (RFC 3164)", None),
        # journalctl(1), -o short-precise
        ("Nov 25 01:17:00.123456 web-1 gunicorn[7]: ", "syslog (RFC 3164)", None),
        # RFC 5424, section 6.5
        ("<165>1 2026-11-25T01:17:00.500Z h app 7 ID47 - ", "syslog (RFC 5424)", AT + 0.5),
        ("<34>1 - h app - - - ", "syslog (RFC 5424)", None),
        (
            r'<165>1 2026-11-25T01:17:00Z h app - ID47 [a@32473 b="3" c="\"\]"][d@1 e=""][f@1] ',
            "syslog (RFC 5424)",
            AT,
        ),
        ("<165>1 2026-11-25T01:17:00Z h app 7 - - \ufeff", "syslog (RFC 5424)", AT),
        # rsyslog's RSYSLOG_FileFormat, and journalctl(1), -o short-iso
        ("2026-11-25T01:17:00.500000+00:00 web-1 nginx: ", "syslog (ISO 8601)", AT + 0.5),
        ("2026-11-25T02:17:00+0100 web-1 gunicorn[7]: ", "syslog (ISO 8601)", AT),
        # journalctl(1), -o short-full, with-unit, short-unix, short-monotonic
        ("Wed 2026-11-25 01:17:00 UTC web-1 gunicorn[7]: ", "journald", AT),
        ("Wed 2026-11-25 02:17:00 CET web-1 shop.service[7]: ", "journald", None),
        ("1795569420.123456 web-1 gunicorn[7]: ", "journald", None),
        ("[   12.123456] web-1 gunicorn[7]: ", "journald", None),
        # https://devcenter.heroku.com/articles/logging#log-format
        ("2026-11-25T01:17:00.500000+00:00 app[web.1]: ", "Heroku", AT + 0.5),
    ],
)
def test_a_prefix_comes_off(prefix: str, name: str, at: float | None, line: str) -> None:
    """The line is as it was, also with a blank at its beginning, and the time has its zone."""
    assert taken(prefix + line) == Taken(name, at, line)


@pytest.mark.parametrize("line", [ACCESS, OURS, "[INFO] hello"])
def test_heroku_s_drain_leaves_the_structured_data_out(line: str) -> None:
    """Logplex counts the octets, and has no data: what follows is the line.

    https://devcenter.heroku.com/articles/log-drains
    """
    prefix = "152 <190>1 2026-11-25T01:17:00+00:00 host app web.1 - "
    assert taken(prefix + line) == Taken("syslog (RFC 5424)", AT, line)


@pytest.mark.parametrize(
    "line",
    [
        "Foo 25 01:17:00 web-1 nginx: x",
        "Nov 25 01:17:00 web-1 nginx x",
        "Nov 25 01:17 web-1 nginx: x",
        "<165>1 yesterday h app 7 ID47 - x",
        "<165>1 2026-13-25T01:17:00Z h app 7 ID47 - x",
        "nginx: x",
        "2026-13-25T01:17:00.500000+00:00 app[web.1]: x",
    ],
)
def test_what_only_looks_like_a_prefix_stays(line: str) -> None:
    """A month, a program or a time that is not valid is no prefix."""
    assert taken(line) is None
