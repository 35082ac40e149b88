"""`flask errwatch why` and `offenders` in the lab: from requests over HTTP to who sent them."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from flask_errwatch import ErrWatch
from flask_errwatch.cli.commands import errwatch
from flask_errwatch.lab import Clock, Lab
from flask_errwatch.lab.clock import CLOCK_VARIABLE
from flask_errwatch.simulation import ContributorTransition, Transition
from tests.lab.lab_bench import eventually

ATTACKER, VISITOR = "203.0.113.66", "198.51.100.17"


@dataclass(kw_only=True)
class Shop:
    """An app in a lab whose time runs sixty times as fast, after a scan of it."""

    app: Flask
    lab: Lab
    clock: Clock

    def run(self, *args: str, **env: str) -> Result:
        """The result of a command in another shell, in which the lab was exported."""
        exports = {**self.lab.environment.exports, **env}
        return self.app.test_cli_runner().invoke(args=["errwatch", *args], env=exports)

    def json(self, *args: str) -> Any:
        """What a command prints as JSON."""
        result = self.run(*args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def requests(app: Flask, *paths: tuple[str, str]) -> None:
    """Sends requests over HTTP, each from a client behind one proxy."""

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object) -> None:
            """Logs nothing."""

    server = make_server("127.0.0.1", 0, app, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for client, path in paths:
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        connection.request("GET", path, headers={"X-Forwarded-For": client, "User-Agent": "curl"})
        assert connection.getresponse().status == 404
        connection.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module", params=["log alarm", "insight rule"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The app, when the alarm on a scan fired: of either kind that names a source."""
    seen: list[Transition | ContributorTransition] = []
    with Lab(speed=60, settle=1, on_transition=seen.append, on_contributor=seen.append) as lab:
        app = Flask("shop")
        app.config["ERRWATCH_TRUSTED_PROXIES"] = 1
        if request.param == "log alarm":
            app.config["ERRWATCH_LOG_ALARM_ROLE"] = "arn:aws:iam::123456789012:role/queries"
        watched = ErrWatch(app)
        app.cli.add_command(errwatch)
        watched.bootstrap_alarms(app)
        clock = lab.begin()
        scanned = [(ATTACKER, f"/wp-{number}.php") for number in range(20)]
        requests(app, *scanned, (VISITOR, "/products/earl-grey"))
        assert watched.flush(app=app)
        alarm = "shop-scan" if request.param == "log alarm" else "shop-scan-one-source"
        assert eventually(lambda: any(each.alarm == alarm and each.new == "ALARM" for each in seen))
        # The step has ended, so that AWS lists what changed.
        lab.wait_until_judged(clock.lab_time(time.time()), 60)
        yield Shop(app=app, lab=lab, clock=clock)


@pytest.mark.parametrize("name", ["shop-scan", "scan"])
def test_why_names_who_made_an_alarm_fire(shop: Shop, name: str) -> None:
    """From the alarm's own window, whose lines have another time than its metric."""
    story = shop.json("why", name)
    assert story["looks_like"]["kind"] == "path scan"
    assert story["looks_like"]["source"] == ATTACKER
    # A minute of the lab is a second: it may end while the scan goes on.
    assert 9 <= story["counted"]["lines"] <= 21
    assert story["counted"]["threshold"] == 16
    assert story["next"] == f'flask errwatch block {ATTACKER} --reason "path scan"'
    printed = shop.run("why", name)
    assert printed.exit_code == 0
    assert re.search(r"suspicion \d+ in 600 s, threshold 16", printed.output)
    assert max(map(len, printed.stdout.splitlines())) <= 80


def test_an_alarm_on_a_metric_has_what_that_counted(shop: Shop) -> None:
    """The window is whole minutes of the lab."""
    story = shop.json("why", "shop-not-found-error")
    assert story["counted"]["lines"] > 10
    assert story["counted"]["metric"] == story["counted"]["lines"]


def test_a_time_may_be_given(shop: Shop) -> None:
    """Then the evidence of the alarm is not needed."""
    story = shop.json("why", "scan", "--since", "1h")
    assert story["looks_like"]["source"] == ATTACKER
    late = shop.run("why", "scan", "--since", "2h", "--until", "1h")
    assert late.exit_code == 1
    assert "No line that it counts is in shop between" in late.output


def test_access_logs_show_what_succeeded(shop: Shop, tmp_path: Path) -> None:
    """They are counted by source."""
    log = tmp_path / "access.log"
    now = datetime.fromtimestamp(time.time() - 1, UTC)
    line = f'{ATTACKER} - - [{now:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" 200 9 "-" "curl"\n'
    log.write_text(line * 3, encoding="utf-8")
    story = shop.json("why", "scan", "--since", "1h", "--access-log", str(log))
    (gap,) = (each for each in story["unknown"] if "successful requests" in each)
    assert gap.startswith(
        f"successful requests of {VISITOR} (the access logs have no request of it"
    )
    assert story["sources"][0]["answers"] == 3


def test_a_page_is_written(shop: Shop, tmp_path: Path) -> None:
    """Beside the text."""
    page = tmp_path / "story.html"
    result = shop.run("why", "scan", "--html", str(page))
    assert result.exit_code == 0
    assert ATTACKER in page.read_text(encoding="utf-8")
    assert f"The page is in {page}." in result.stderr


def test_offenders_rank_sources(shop: Shop) -> None:
    """In each form, by each minimum."""
    ranked = shop.run("offenders").stdout
    assert ranked.index(ATTACKER) < ranked.index(VISITOR)
    assert shop.run("offenders", "--cidr").stdout == f"{ATTACKER}/32\n{VISITOR}/32\n"
    for minimum in ("suspicion", "errors", "paths"):
        args = ("offenders", "--cidr", "--detector", "scan", f"--min-{minimum}", "2")
        assert shop.run(*args).stdout == f"{ATTACKER}/32\n"
    first, *rows = shop.run("offenders", "--csv").stdout.splitlines()
    assert first.startswith("source,trust,lines")
    assert rows[0].startswith(f"{ATTACKER},counted,20")
    document = shop.json("offenders")
    assert [row["source"] for row in document["sources"]] == [ATTACKER, VISITOR]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("why", "scam"), 1, "There is no such alarm, and no such detector; did you mean scan?"),
        (("why", "shop-critical-error"), 1, "It never fired, as far back as CloudWatch keeps"),
        (("why", "client-error"), 1, "It has no alarm in AWS: give --at or --since."),
        (("why", "scan", "--at", "soon"), 2, "'soon': Use a time such as"),
        (("why", "scan", "--since", "1h", "--until", "2h"), 2, "It is not before the end."),
        (("why", "scan", "--until", "2h"), 2, "--until needs --since."),
        (("why", "scan", "--at", "2h", "--since", "2h"), 2, "not both"),
        (("offenders", "--since", "tomorrow"), 2, "Use a time such as"),
        (("offenders", "--detector", "scam"), 1, "There is no such alarm"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    shop: Shop, args: tuple[str, ...], code: int, message: str
) -> None:
    """Without a traceback."""
    result = shop.run(*args)
    assert result.exit_code == code
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_lab_exports_its_clock(shop: Shop) -> None:
    """To its own process, and to others by an export. Another text is refused."""
    assert shop.lab.environment.exports[CLOCK_VARIABLE] == str(shop.clock)
    result = shop.run("why", "scan", **{CLOCK_VARIABLE: "noon"})
    assert result.exit_code == 1
    assert f"{CLOCK_VARIABLE} is not the clock of a lab: unset it." in result.output
