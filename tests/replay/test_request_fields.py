"""What failed requests were after: derived from access logs, read from our lines, and judged."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_errwatch import Detector, ErrWatch, SourceAlarm
from flask_errwatch.cli.commands import errwatch
from tests.replay.replay_lines import Run, access, event, write_log

ROLE = "arn:aws:iam::123456789012:role/errwatch"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


def request(
    second: int,
    status: int,
    path: str,
    *,
    referrer: str = "-",
    agent: str = AGENT,
    client: str = "",
) -> str:
    """A line in the combined format."""
    line = access(second, status, path=path, client=client or "198.51.100.7")
    return line.replace('"-" "curl"', f'"{referrer}" "{agent}"')


def scan_alarms(output: dict[str, Any]) -> list[dict[str, Any]]:
    """The alarms on one source of the detector `scan`."""
    (scan,) = [alarm for alarm in output["other_alarms"] if alarm["alarm"].startswith("scan")]
    alarms: list[dict[str, Any]] = scan["alarms"]
    return alarms


def unjudged(output: dict[str, Any]) -> dict[str, str]:
    return {entry["alarm"]: entry["reason"] for entry in output["not_judged"]}


def replay(app: Flask, *arguments: object) -> dict[str, Any]:
    """The output of `replay --json` of an app."""
    app.cli.add_command(errwatch)
    command = ["errwatch", "replay", *map(str, arguments), "--json"]
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 0, result.output
    output: dict[str, Any] = json.loads(result.stdout)
    return output


def without_app(*arguments: str, stdin: bytes = b"", cwd: Path) -> dict[str, Any]:
    """The output of `replay --json` without an app."""
    command = [sys.executable, "-m", "flask", "errwatch", "replay", *arguments, "--json"]
    done = subprocess.run(
        command, input=stdin, capture_output=True, check=True, cwd=cwd, timeout=60
    )
    output: dict[str, Any] = json.loads(done.stdout)
    return output


@pytest.mark.parametrize(
    ("answered", "fires"), [("/orders/17", False), ("/orders/17/x", True), ("/baskets/17", True)]
)
def test_a_path_like_one_that_was_answered_is_the_sites_own(
    tmp_path: Path,
    answered: str,
    fires: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """Missing numbers of a page that exists are no scan, also where its answer comes last."""
    lines = [request(second, 404, f"/orders/{second + 1000}") for second in range(30)]
    log = write_log(tmp_path, [*lines, request(5000, 200, f"{answered}?page=2")])
    output = without_app(str(log), cwd=tmp_path)
    assert bool(scan_alarms(output)) is fires
    assert output["site"] == (
        "Own paths are those like one of 1 that were answered with 2xx; no referrer names the own "
        "host (access logs are read twice)"
    )


@pytest.mark.parametrize(
    ("referrer", "agent", "fires"),
    [
        ("https://shop.example/list", AGENT, False),
        ("https://shop.example:8443/list", AGENT, False),
        ("https://elsewhere.example/list", AGENT, True),
        ("-", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", False),
        ("-", AGENT, True),
    ],
)
def test_links_of_the_own_site_and_crawlers_are_no_scan(
    tmp_path: Path,
    referrer: str,
    agent: str,
    fires: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """The own site is the host from which most answered requests were linked."""
    lines = [
        request(second, 404, f"/old-{second}", referrer=referrer, agent=agent)
        for second in range(30)
    ]
    lines += [request(4000, 200, "/", referrer="https://shop.example/a")] * 3
    lines += [request(4000, 200, "/", referrer="https://elsewhere.example/a")] * 2
    output = without_app(str(write_log(tmp_path, lines)), cwd=tmp_path)
    assert bool(scan_alarms(output)) is fires
    assert "the own host is shop.example" in output["site"]


def test_the_url_map_of_the_app_tells_its_paths(tmp_path: Path) -> None:
    """A path of a route is the app's, also if the log never shows it answered. A catch-all is none.

    The words of its routes are not foreign either.
    """
    app = Flask("shop")
    ErrWatch(app)
    app.add_url_rule("/orders/<int:number>", "order")
    app.add_url_rule("/<path:rest>", "page")
    app.add_url_rule("/export/<name>.php", "export")
    own = [request(second, 404, f"/orders/{second}") for second in range(30)]
    assert scan_alarms(replay(app, write_log(tmp_path, own))) == []
    words = [request(second, 404, f"/{second}.php") for second in range(10)]
    assert scan_alarms(replay(app, write_log(tmp_path, words))) == []
    others = [request(second, 404, f"/page-{second}") for second in range(30)]
    others += [request(5000, 200, "/page-7", client="192.0.2.1")]
    output = replay(app, write_log(tmp_path, others))
    assert len(scan_alarms(output)) == 1
    assert output["site"].startswith("The app's URL map tells its own paths; ")


def test_the_common_format_cannot_show_a_scan(tmp_path: Path) -> None:
    """Without referrer and user agent, what reads them is not judged, by name and reason."""
    lines = [access(second).replace(' "-" "curl"', "") for second in range(30)]
    output = without_app(str(write_log(tmp_path, lines)), cwd=tmp_path)
    assert unjudged(output) == {
        "authentication-error": "The input does not show referrer.",
        "scan-one-source": "The input does not show suspicion.",
    }
    assert [alarm["alarm"] for alarm in output["other_alarms"]] == []


def test_lines_of_an_older_version_cannot_show_a_scan(tmp_path: Path, replay_json: Run) -> None:
    """Its lines lack the fields. Those of the same log that have them would be judged."""
    fields = ("agent", "referrer", "path_class", "suspicion")
    old = json.loads(event(0))
    line = json.dumps({name: value for name, value in old.items() if name not in fields}) + "\n"
    output = replay_json(write_log(tmp_path, [line] * 30))
    assert unjudged(output)["scan-one-source"] == "The input does not show suspicion."
    assert unjudged(output)["authentication-error"] == "The input does not show referrer."
    output = replay_json(write_log(tmp_path, [line, *[event(9)] * 9]))
    assert len(scan_alarms(output)) == 1
    (missing,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
    assert missing["lines"] == 10


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_can_be_read_twice(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """An access log on a pipe gives what the same file gives."""
    lines = [request(second, 404, f"/orders/{second + 1000}") for second in range(30)]
    lines += [request(100, 404, f"/{second}.php", client="192.0.2.9") for second in range(9)]
    text = "".join([*lines, request(5000, 200, "/orders/17")])
    log = write_log(tmp_path, text)
    by_pipe = without_app("-", stdin=pack(text.encode()), cwd=tmp_path)
    by_file = without_app(str(log), cwd=tmp_path)
    assert [alarm["sources"] for alarm in scan_alarms(by_pipe)] == [
        [{"source": "192.0.2.9", "lines": 9}]
    ]
    assert {**by_pipe, "logs": []} == {**by_file, "logs": []}


def test_a_log_alarm_names_who_when_and_after_how_many_requests(tmp_path: Path) -> None:
    """One alarm for each client, a minute after its window, and not for those below the threshold.

    Probes count twice: nine of them are 18.
    """
    app = Flask("shop")
    app.config["ERRWATCH_LOG_ALARM_ROLE"] = ROLE
    ErrWatch(app)
    first = [request(600 + 10 * n, 404, f"/{n}.php", client="192.0.2.1") for n in range(20)]
    second = [request(660 + n, 404, f"/{n}.php", client="192.0.2.2") for n in range(9)]
    third = [request(660 + n, 404, f"/{n}.php", client="192.0.2.3") for n in range(8)]
    log = write_log(tmp_path, [*first, *second, *third])
    alarms = scan_alarms(replay(app, log))
    # At 12:00 lines until 00:11 are summed: six of the first client. At 13:00 twelve.
    assert [(alarm["from"], alarm["to"], alarm["offenders"]) for alarm in alarms] == [
        (
            "2026-11-25T00:13:00Z",
            "2026-11-25T00:23:00Z",
            [{"source": "192.0.2.1", "from": "2026-11-25T00:10:00Z", "lines": 18, "value": 24.0}],
        ),
        (
            "2026-11-25T00:13:00Z",
            "2026-11-25T00:23:00Z",
            [{"source": "192.0.2.2", "from": "2026-11-25T00:11:00Z", "lines": 9, "value": 18.0}],
        ),
    ]
    text = app.test_cli_runner().invoke(args=["errwatch", "replay", str(log)]).stdout
    assert (
        "for      192.0.2.1, from 2026-11-25T00:10:00Z: 18 lines in the 180 s until the alarm, "
        "sum 24\n"
    ) in text


def test_an_insight_rule_names_the_busiest(tmp_path: Path) -> None:
    """It fires once, with everyone who is above the threshold then."""
    app = Flask("shop")
    ErrWatch(app)
    lines = [
        request(600 + n, 404, f"/{n}.php", client=f"192.0.2.{client}")
        for client, number in ((1, 9), (2, 12), (3, 8))
        for n in range(number)
    ]
    (alarm, *_) = scan_alarms(replay(app, write_log(tmp_path, lines)))
    assert (alarm["from"], alarm["peak"]) == ("2026-11-25T00:11:00Z", 24.0)
    assert [(one["source"], one["value"]) for one in alarm["offenders"]] == [
        ("192.0.2.2", 24.0),
        ("192.0.2.1", 18.0),
    ]


def test_an_insight_rule_of_a_short_period_names_the_busiest_of_it(tmp_path: Path) -> None:
    """One of the five minutes that it evaluates made it fire: the sum is that minute's."""
    app = Flask("shop")
    app.config["ERRWATCH_DETECTORS"] = {"scan": {"period": 60}}
    ErrWatch(app)
    lines = [request(600 + n, 404, f"/{n}.php", client="192.0.2.1") for n in range(9)]
    (alarm, *_) = scan_alarms(replay(app, write_log(tmp_path, lines)))
    assert (alarm["from"], alarm["peak"]) == ("2026-11-25T00:11:00Z", 18.0)
    assert [(one["source"], one["value"]) for one in alarm["offenders"]] == [("192.0.2.1", 18.0)]


def test_the_site_wide_alarm_sums_all_clients(tmp_path: Path) -> None:
    """`site`: more than 20 in 300 s, of whomever."""
    app = Flask("shop")
    app.config["ERRWATCH_SOURCE_ALARMS"] = "site"
    ErrWatch(app)
    for number, fires in ((10, 0), (11, 1)):
        lines = [request(n, 404, f"/{n}.php", client=f"192.0.2.{n}") for n in range(number)]
        alarms = scan_alarms(replay(app, write_log(tmp_path, lines)))
        assert len(alarms) == fires
    assert alarms[0]["peak"] == 22.0


def test_a_folded_line_counts_as_its_failures(tmp_path: Path) -> None:
    """Collapsed lines hold the sum of their failures: one such line fires the alarm."""
    app = Flask("shop")
    app.config["ERRWATCH_COLLAPSE_SECONDS"] = 10
    ErrWatch(app)
    for suspicion, fires in ((16, 0), (18, 1)):
        line = event(0, count=suspicion // 2, suspicion=suspicion)
        output = replay(app, write_log(tmp_path, [line]))
        assert len(scan_alarms(output)) == fires
        (missing,) = [one for one in output["detectors"] if one["detector"] == "not-found-error"]
        assert missing["worst"]["value"] == suspicion / 2


def test_clients_that_are_not_known_are_summed_by_their_peer(tmp_path: Path) -> None:
    """Behind proxies a line may lack the client. Its peer counts in its place, marked so."""
    app = Flask("shop")
    app.config.update(ERRWATCH_TRUSTED_PROXIES=["10.0.0.0/8"], ERRWATCH_LOG_ALARM_ROLE=ROLE)
    ErrWatch(app)
    lines = []
    for second in range(9):
        line = json.loads(event(second, peer_ip="10.0.0.3"))
        del line["client_ip"]
        lines.append(json.dumps(line) + "\n")
    lines += [event(second, client_ip="10.0.0.3", peer_ip="10.0.0.3") for second in range(8)]
    (alarm,) = scan_alarms(replay(app, write_log(tmp_path, lines)))
    assert alarm["sources"] == [{"source": "peer 10.0.0.3", "lines": 9}]


def test_several_detectors_count_one_line(tmp_path: Path) -> None:
    """Each by its own condition, and each with its own sum."""
    app = Flask("shop")
    app.config["ERRWATCH_LOG_ALARM_ROLE"] = ROLE
    ErrWatch(
        app,
        detectors=[
            Detector(name="missing", event="Missing", statuses=(404,)),
            Detector(name="posted", where='$.status = 404 && $.method = "POST"'),
            Detector(
                name="cost",
                where="$.data.cost > 1",
                value="$.data.cost",
                alarm=SourceAlarm(threshold=4, period=60),
            ),
        ],
    )
    lines = [event(0, "Missing", method="POST", data={"cost": 2.5})] * 2
    lines += [event(0, "Missing", data={"cost": 1}), event(0, "Missing")]
    output = replay(app, write_log(tmp_path, lines))
    found = {one["detector"]: one["lines"] for one in output["detectors"]}
    assert found == {"missing": 4, "posted": 2, "cost": 2}
    (cost,) = output["other_alarms"]
    assert [alarm["peak"] for alarm in cost["alarms"]] == [5.0]


def test_advice_for_an_alarm_on_one_source(tmp_path: Path) -> None:
    """The lowest threshold that so few clients exceed, and the present alarms that it misses."""
    app = Flask("shop")
    app.config["ERRWATCH_LOG_ALARM_ROLE"] = ROLE
    ErrWatch(app)
    lines = [
        request(10 * client, 404, f"/{n}.php", client=f"192.0.2.{client}")
        for client, number in ((1, 9), (2, 20), (3, 15), (4, 4))
        for n in range(number)
    ]
    log = write_log(tmp_path, [*lines, request(80_000, 200, "/")])
    for allowed, threshold, missed in ((1, 30, [18.0, 30.0]), (2, 18, [18.0]), (3, 8, [])):
        output = replay(app, log, "--advise", allowed)
        (advice,) = [one for one in output["advice"] if one["detector"] == "scan"]
        assert (advice["threshold"], advice["alarms"]) == (threshold, allowed)
        assert [alarm["peak"] for alarm in advice["missed"]] == missed


@pytest.mark.parametrize(
    "line",
    [
        r'h - - [25/Nov/2026:01:17:12 +0000] "GET / HTTP/1.1" 404 9 "-" "a \" 200 9 \"b"',
        'h - - [25/Nov/2026:01:17:12 +0000] "GET / HTTP/1.1" 404',
        'h - - [25/Nov/2026:01:17:12 +0000] "\\x16\\x03\\x01" 400 9 "-" "-"',
        'h - - [25/Nov/2026:01:17:12 +0000] "GET /a b c HTTP/1.1" 404 9 "-" "cut',
    ],
)
def test_odd_lines_are_counted(tmp_path: Path, run: Run, line: str) -> None:
    """Whatever stands behind the status, or in place of a request, the line counts."""
    output = json.loads(run(write_log(tmp_path, [f"{line}\n"]), "--json").stdout)
    assert (output["lines"], output["bad_lines"]) == (1, 0)
    (flood,) = [one for one in output["detectors"] if one["detector"] == "failure-flood"]
    assert flood["lines"] == 1


def test_a_user_agent_cannot_forge_an_answer(tmp_path: Path) -> None:
    """A request in the user agent is no line, so that it makes no path the site's own."""
    forged = r"x \x22 - - [25/Nov/2026:01:17:12 +0000] \"GET /old-1 HTTP/1.1\" 200 9"
    lines = [request(0, 200, "/", agent=forged)]
    lines += [request(second, 404, "/old-1", agent=forged) for second in range(30)]
    output = without_app(str(write_log(tmp_path, lines)), cwd=tmp_path)
    assert len(scan_alarms(output)) == 1


def test_a_rule_that_the_judge_cannot_evaluate_is_left_out(tmp_path: Path) -> None:
    """Only its alarm is not judged: a rule over a field inside `data`, as an example."""
    app = Flask("shop")
    cost = SourceAlarm(threshold=4, period=60)
    ErrWatch(
        app,
        detectors=[
            Detector(name="missing", event="Missing", statuses=(404,)),
            Detector(name="cost", where="$.data.cost > 1", value="$.data.cost", alarm=cost),
        ],
    )
    output = replay(app, write_log(tmp_path, [event(0, "Missing", data={"cost": 2.5})] * 12))
    assert "top-level" in unjudged(output)["cost-one-source"]
    assert [len(one["alarms"]) for one in output["detectors"]] == [1, 0]


def test_a_condition_may_read_the_address(tmp_path: Path) -> None:
    """Lines of other clients do not count, in either format."""
    app = Flask("shop")
    own = Detector(
        name="office",
        where='$.client_ip = "192.0.2.7" && $.status = 404',
        alarm=SourceAlarm(threshold=2, period=60),
    )
    app.config["ERRWATCH_LOG_ALARM_ROLE"] = ROLE
    ErrWatch(app, detectors=[Detector(name="missing", event="Missing", statuses=(404,)), own])
    ours = [event(0, "Missing")] * 3 + [event(0, "Missing", client_ip="198.51.100.1")] * 5
    theirs = [access(0)] * 3 + [access(0, client="198.51.100.1")] * 5
    for lines in (ours, theirs):
        output = replay(app, write_log(tmp_path, lines))
        (office,) = [one for one in output["detectors"] if one["detector"] == "office"]
        assert office["lines"] == 3
        (alarm,) = output["other_alarms"][0]["alarms"]
        assert alarm["sources"] == [{"source": "192.0.2.7", "lines": 3}]
