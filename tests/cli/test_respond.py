"""`why` and `offenders` on lines that strangers chose, as they are printed."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch._text import HIDDEN
from flask_errwatch._time import rfc3339
from flask_errwatch.cli import respond
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.provision import Plan

Shop = Callable[..., Plan]

#: An escape of the terminal, marks that reorder text, and what is wide or not in Latin-1.
HOSTILE = "\x1b]0;owned\x07\x9b31m\u202ea\u200bb\u3164c\u8336\u2028</script>"
SCANNER = "203.0.113.66"


@pytest.fixture(autouse=True)
def _scanned(shop: Shop) -> None:
    """The app's log group has the lines of a scan, whose texts are hostile."""
    shop()
    logs = boto3.client("logs")
    logs.create_log_stream(logGroupName="shop", logStreamName="web")
    now = round(time.time() * 1000)
    logs.put_log_events(
        logGroupName="shop",
        logStreamName="web",
        logEvents=[
            {"timestamp": now - 1000 * (30 - number), "message": json.dumps(line(number, now))}
            for number in range(30)
        ],
    )


def line(number: int, now: int) -> dict[str, object]:
    """The line of a probe."""
    return {
        "event": "Not Found Error",
        "detector": "not-found-error",
        "timestamp": rfc3339(now),
        "id": f"id-{number}",
        "status": 404,
        "method": "GET",
        "path": f"/{number}/{HOSTILE}",
        "client_ip": SCANNER,
        "client_ip_trust": "counted",
        "user_agent": HOSTILE * 9,
        "user": HOSTILE,
        "referrer": "none",
        "path_class": "probe",
        "suspicion": 2,
    }


def run(*arguments: str, charset: str = "utf-8") -> str:
    """What `flask errwatch …` prints for the app `shop`, on an output of that encoding."""
    app = Flask("shop")
    ErrWatch(app)
    result = app.test_cli_runner(charset=charset).invoke(errwatch, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def why(*arguments: str, charset: str = "utf-8") -> str:
    """What `why` prints about the last five minutes."""
    asked = ("why", "not-found-error", "--since", "5m", "--local", *arguments)
    return run(*asked, charset=charset)


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "ascii"])
def test_a_story_on_any_terminal(charset: str) -> None:
    """Who it was, with no character that a terminal obeys, hides, or cannot show."""
    text = why(charset=charset)
    assert f"A path scan by {SCANNER}: 30 of 30 lines, 30 paths that no route" in text
    assert "Trust in the addresses: counted." in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(one.isprintable() for one in lines)
    assert not re.search(HIDDEN, text)


def test_a_story_for_programs_and_as_a_page(tmp_path: Path) -> None:
    """The JSON has the texts as they are, cut, in ASCII. The page has no markup of theirs."""
    page = tmp_path / "why.html"
    text = why("--json", "--html", str(page))
    assert text.isascii()
    document = json.loads(text)
    assert document["looks_like"]["source"] == SCANNER
    assert document["samples"][0]["user_agent"] == (HOSTILE * 9)[:256]
    html = page.read_text(encoding="utf-8")
    assert f"A path scan by {SCANNER}" in html
    assert "<script" not in html
    assert "</script" not in html


def test_offenders() -> None:
    """The ranking in each form. Nobody at all is no line of networks."""
    assert SCANNER in run("offenders")
    assert run("offenders", "--cidr") == f"{SCANNER}/32\n"
    assert run("offenders", "--cidr", "--min-errors", "31") == ""
    (row,) = csv.DictReader(run("offenders", "--csv").splitlines())
    assert (row["source"], row["trust"], row["suspicion"]) == (SCANNER, "counted", "60.0")
    (source,) = json.loads(run("offenders", "--json"))["sources"]
    assert (source["source"], source["lines"]) == (SCANNER, 30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("why", "scan", "--local", "--insights"), "Give --local or --insights, not both."),
        (("why", "scan", "--json", "--html", "-"), "Give --json or --html -, not both."),
        (("why", "scan", "--at", "1h", "--since", ""), "Give --at, or --since and --until"),
        (("why", "scan", "--since", "1970-01-01"), "Use a time since 2014"),
        (("offenders", "--since", "1970-01-01"), "Use a time since 2014"),
        (("offenders", "--json", "--csv"), "Give --json or --csv, not both."),
        (("offenders", "--detector", ""), "Give the name of one."),
        (("offenders", "--min-suspicion", "nan"), "It must be a finite number."),
        (("offenders", "--since", "1h", "--until", "2h"), "It is not before the end."),
    ],
)
def test_options_that_contradict_are_refused(arguments: tuple[str, ...], message: str) -> None:
    """Before anything is read."""
    app = Flask("shop")
    ErrWatch(app)
    result = app.test_cli_runner().invoke(errwatch, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_page_is_written_before_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that leaves early, as `head` does, still gets the page."""

    def broken(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("flask_errwatch.cli.console.show", broken)
    app = Flask("shop")
    ErrWatch(app)
    page = tmp_path / "why.html"
    asked = ["why", "not-found-error", "--since", "5m", "--local", "--html", str(page)]
    result = app.test_cli_runner().invoke(errwatch, asked)
    assert result.exit_code != 0
    assert f"The page is in {page}." in result.stderr
    assert f"A path scan by {SCANNER}" in page.read_text(encoding="utf-8")


def test_a_page_can_be_piped() -> None:
    """In place of the text."""
    page = why("--html", "-")
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")


def test_the_ranking_ends_where_it_is_asked_to() -> None:
    """Such as at the end of an alarm's window."""
    assert SCANNER in run("offenders", "--since", "1h", "--until", "2s")
    assert run("offenders", "--since", "1h", "--until", "30m") == "No source.\n"


@pytest.mark.parametrize("arguments", [("why", "not-found-error", "--since", "5m"), ("offenders",)])
def test_an_output_that_is_full_is_a_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Without a traceback, also when Python ends."""
    if not Path("/dev/full").exists():
        pytest.skip("This system has no /dev/full.")
    file = tmp_path / "shop.py"
    file.write_text(
        "import flask, flask_errwatch\napp = flask.Flask('shop')\nflask_errwatch.ErrWatch(app)\n"
    )
    command = [sys.executable, "-m", "flask", "--app", str(file), "errwatch", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: standard output cannot be written: No space left on device."
    )


def test_a_list_for_blocking_leaves_out_what_a_client_may_invent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither that nor what there is no room for is left out silently."""
    now = round(time.time() * 1000)
    quiet = {"client_ip": "192.0.2.7", "suspicion": 1, "path_class": "unknown"}
    invented = {"client_ip": "8.8.8.8", "client_ip_trust": "none", "suspicion": 2}
    denied = {"client_ip": "192.0.2.8", "event": "Access Denied", "status": 302}
    lines = [quiet, *([invented] * 40), *([denied] * 50)]
    boto3.client("logs").put_log_events(
        logGroupName="shop",
        logStreamName="web",
        logEvents=[
            {"timestamp": now - 1000, "message": json.dumps({**line(1, now), **fields})}
            for fields in lines
        ],
    )
    app = Flask("shop")
    ErrWatch(app)
    result = app.test_cli_runner().invoke(errwatch, ("offenders", "--cidr"))
    assert result.stdout == f"{SCANNER}/32\n192.0.2.7/32\n"
    assert result.stderr == (
        "1 source was left out: its trust is none or unknown, so any client may claim its "
        "address.\n"
    )
    monkeypatch.setattr(respond, "_SOURCES", 1)
    result = app.test_cli_runner().invoke(errwatch, ("offenders", "--min-errors", "1", "--json"))
    assert json.loads(result.stdout)["left_out"] == 1
    assert result.stderr.startswith("1 source was left out: --since, --detector")
