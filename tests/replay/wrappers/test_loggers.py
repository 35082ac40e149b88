"""The prefix that a logger writes comes off before an access line or JSON, and nowhere else."""

from __future__ import annotations

import pytest

from tests.replay.wrapped_lines import ACCESS, AT, LINES, Taken, taken

NAME = "a logger's prefix"


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("prefix", "at"),
    [
        # https://docs.gunicorn.org/en/stable/settings.html#logging
        ("[2026-11-25 01:17:00 +0000] [7] [INFO] ", AT),
        # https://docs.python.org/3/library/logging.html#logging.basicConfig
        ("INFO:werkzeug:", None),
        ("INFO:root: ", None),
        # https://flask.palletsprojects.com/en/stable/logging/#basic-configuration
        ("[2026-11-25 01:17:00,500] INFO in _internal: ", AT + 0.5),
        ("2026-11-25 01:17:00,500 INFO gunicorn.access: ", AT + 0.5),
        ("2026-11-25 01:17:00,500 - werkzeug - INFO - ", AT + 0.5),
        ("2026-11-25 01:17:00,500 - INFO - werkzeug - ", AT + 0.5),
        ("2026-11-25 01:17:00,500 [7] [INFO] gunicorn.access: ", AT + 0.5),
        ("2026-11-25 01:17:00,500 MainThread 7 WARNING gunicorn.access ", AT + 0.5),
        ("2026-11-25 01:17:00,500:INFO:wsgi:", AT + 0.5),
        # Pyramid's: https://docs.pylonsproject.org/projects/pyramid/en/latest/narr/logging.html
        ("2026-11-25 01:17:00,500 INFO  [wsgi:228][waitress-0] ", AT + 0.5),
        # https://loguru.readthedocs.io/en/stable/api/logger.html
        ("2026-11-25 01:17:00.500 | INFO     | shop.log:write:12 - ", AT + 0.5),
        ("2026-11-25T01:17:00.500+00:00 - INFO: ", AT + 0.5),
        ("2026-11-25T01:17:00.500Z | INFO | ", AT + 0.5),
        ("2026-11-25T01:17:00 - INFO - ", AT),
        ("INFO:     ", None),
        ("[INFO] ", None),
        ("DEBUG - ", None),
    ],
)
def test_a_prefix_comes_off(prefix: str, at: float | None, line: str) -> None:
    """No client is taken for a part of it, nor a user's name for the beginning of the line."""
    assert taken(prefix + line) == Taken(NAME, at, line)


def test_a_client_without_an_address_stays_unknown() -> None:
    """Behind a Unix socket Gunicorn may write a hyphen."""
    line = ACCESS.replace("203.0.113.9", "-")
    found = taken(f"[2026-11-25 01:17:00 +0000] [7] [INFO] {line}")
    assert found is not None
    assert found.message.lstrip("-").startswith(" - - [25/Nov/2026")


@pytest.mark.parametrize(
    "before", ["[2026-11-25 01:17:00 +0000] [7] [INFO] ", "INFO  [wsgi][waitress-0] ", "INFO "]
)
@pytest.mark.parametrize("user", ["198.51.100.7 - x", "198.51.100.7 - -", "-", "ann"])
def test_a_user_is_no_client(before: str, user: str) -> None:
    """Behind a Unix socket nothing precedes the dash, and the user may look like a line."""
    line = ACCESS.replace("203.0.113.9 - - ", f" - {user} ")
    found = taken(before + line)
    assert found is not None
    assert found.message == line


def test_a_sign_behind_a_padded_level() -> None:
    """Where the logger has the same sign before, the client behind it is one."""
    before = "2026-11-25 01:17:00,500 - werkzeug - INFO     - "
    assert taken(before + ACCESS) == Taken(NAME, AT + 0.5, ACCESS)


@pytest.mark.parametrize(
    "before",
    [
        "2026-11-25 01:17:00,500 - uvicorn.access - INFO - ",
        "2026-11-25 01:17:00,500 INFO:     ",
        "[2026-11-25 01:17:00,500] [INFO] uvicorn.access: ",
    ],
)
def test_a_line_of_uvicorn_behind_a_time(before: str) -> None:
    """The time is that of the request, which has none.

    https://www.uvicorn.org/settings/#logging
    """
    for client in ("203.0.113.9:51234", "2001:db8::9:51234"):
        line = f'{client} - "GET /.env HTTP/1.1" 404'
        assert taken(before + line) == Taken(NAME, AT + 0.5, line)


@pytest.mark.parametrize(
    "line",
    [
        "INFO hello",
        "[2026-11-25 01:17:00 +0000] [7] [INFO] Booting worker with pid: 8",
        # Uvicorn's own access line has the level in it.
        'INFO:     203.0.113.9:5000 - "GET / HTTP/1.1" 404 Not Found',
        # A user who calls himself so, in a log of host names.
        'shop.example - INFO 198.51.100.7 - x [25/Nov/2026:01:17:00 +0000] "GET / HTTP/1.1" 404 9',
        "INFORMATION 203.0.113.9 - - [25/Nov/2026:01:17:00 +0000]",
        "2026-13-25 01:17:00,500 INFO 203.0.113.9 - - [25/Nov/2026:01:17:00 +0000]",
    ],
)
def test_other_lines_stay(line: str) -> None:
    """What does not begin with a time or a level, or ends before no known line, is no prefix."""
    assert taken(line) is None
