"""A log that is not understood ends with a sentence that names what it looks like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.replay.replay_lines import Run, access, event, write_log

ALB = (
    "https 2026-11-25T01:17:00.000000Z app/shop/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.1:80 "
    '0.000 0.001 0.000 404 404 34 366 "GET https://shop.example.com:443/.env HTTP/1.1" "curl/8.0" '
    "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:"
    'targetgroup/t/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 '
    '2026-11-25T01:17:00.000000Z "forward" "-" "-" "10.0.0.1:80" "404" "-" "-"\n'
)


#: Lines of logs that are not read, and what is said of them.
LOOK_ALIKES = {
    "2026/11/25 01:17:00 [error] 7#7: *1 open() failed, client: 203.0.113.9": (
        "It looks like the error log of nginx: give its access log."
    ),
    "[Wed Nov 25 01:17:00.123456 2026] [core:error] [pid 7] [client 203.0.113.9:1] No": (
        "It looks like the error log of Apache: give its access log."
    ),
    "[2026-11-25 01:17:00 +0000] [7] [INFO] Booting worker with pid: 8": (
        "It looks like the error log of gunicorn: give its access log (--access-logfile)."
    ),
    "2026-11-25 01:17:00,123 - shop - INFO - Order 4711 was placed": (
        "It looks like the log of a program, which shows no requests: give an access log or lines "
        "of flask-errwatch."
    ),
    '{"timestamp": 1, "formatVersion": 1, "webaclId": "a", "terminatingRuleId": "b"}': (
        "It looks like a log of AWS WAF, which shows no responses: give the log of the balancer or "
        "of the app."
    ),
    '{"eventVersion": "1.11", "eventSource": "s3.amazonaws.com", "eventName": "Get"}': (
        "It looks like a CloudTrail log, which shows no requests to the app."
    ),
    "2 123456789012 eni-1235b8ca 203.0.113.9 172.31.16.21 20641 22 6 20 4249 1 2 ACCEPT OK": (
        "It looks like a VPC flow log, which shows no requests."
    ),
    '{"when": "2026-11-25T01:17:00Z", "outcome": 404}': (
        "It looks like JSON without a time and a status that are known: name the keys, as with "
        "--fields time=ts,status=code,client=ip,path=uri,method=verb."
    ),
    "Nov 25 01:17:00 web-1 shop[7]: 2026-11-25 01:17:00,123 ERROR in app: Exception on / [GET]": (
        "It looks like the log of a program, which shows no requests: give an access log or lines "
        "of flask-errwatch."
    ),
    '{"log": "2026/11/25 01:17:00 [error] 7#7: *1 open() failed\\n", "stream": "stderr", '
    '"time": "2026-11-25T01:17:00Z"}': (
        "It looks like the error log of nginx: give its access log."
    ),
    'INFO:     203.0.113.9:56789 - "GET /.env HTTP/1.1" 404 Not Found': (
        "Lines of uvicorn have no time: give them with one, as docker logs --timestamps prints."
    ),
    "<tr><td>404</td></tr>": "It looks like XML or HTML: give a log.",
    'shop 404 "GET /.env HTTP/1.1" for 203.0.113.9': (
        "It looks like an access log in a format of your own: give the server's format string with "
        "--log-format."
    ),
    "hello": "Give its format with --format, --log-format or --fields.",
}


@pytest.mark.parametrize("line", LOOK_ALIKES)
def test_what_it_looks_like_is_named(tmp_path: Path, run: Run, line: str) -> None:
    """The exit code is 1, and no threshold is advised."""
    result = run(write_log(tmp_path, f"{line}\n" * 12), "--advise", "2", "--json")
    output = json.loads(result.stdout)
    assert (result.exit_code, output["lines"], output["advice"]) == (1, 0, [])
    assert result.stderr.rstrip().endswith(LOOK_ALIKES[line])


@pytest.mark.parametrize(
    ("line", "form", "sentence"),
    [
        (ALB, "combined", "It looks like an ALB access log: use --format alb, or leave"),
        (access(0), "alb", "use --format combined, or leave the option out."),
        (event(0), "alb", "It looks like lines of flask-errwatch: use --format json, or leave"),
    ],
)
def test_a_wrong_format_is_named_with_the_right_one(
    tmp_path: Path, run: Run, line: str, form: str, sentence: str
) -> None:
    """Nothing is counted by the wrong one."""
    result = run(write_log(tmp_path, [line] * 12), "--format", form)
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_noise_at_the_start_decides_nothing(tmp_path: Path, run: Run) -> None:
    """What a server writes before its first request is bad, and the requests are read."""
    noise = [f"[2026-11-25 01:17:00 +0000] [7] [INFO] Booting {n}\n" for n in range(300)]
    result = run(write_log(tmp_path, [*noise, *[access(n) for n in range(301)]]), "--json")
    output = json.loads(result.stdout)
    assert (result.exit_code, output["lines"], output["bad_lines"]) == (0, 301, 300)


def test_a_log_of_which_more_than_half_is_bad(tmp_path: Path, run: Run) -> None:
    """What was understood is judged and shown. The exit code is 1, and a sentence says how much."""
    result = run(
        write_log(tmp_path, [*["hello\n"] * 13, *[access(n) for n in range(12)]]), "--json"
    )
    output = json.loads(result.stdout)
    assert (result.exit_code, output["lines"], output["bad_lines"]) == (1, 12, 13)
    assert (
        "More than half could not be read of access.log (25 lines, 12 of them understood in the "
        "format combined, the first is 'hello')"
    ) in result.stderr


def test_a_w3c_log_names_the_fields_that_it_lacks(tmp_path: Path, run: Run) -> None:
    """Its header is no line, and decides what it looks like."""
    lines = ["#Software: IIS\n", "#Fields: s-ip cs-method\n", *["10.0.0.1 GET\n"] * 12]
    result = run(write_log(tmp_path, lines))
    assert result.exit_code == 1
    assert "a W3C log without the fields that are needed: date, time, c-ip," in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        "minute,status,lines\n2026-11-25 00:00:00,404,5\n",
        '"minute","status","lines"\r\n"2026-11-25 00:00:00","404","5"\r\n',
        '{"minute": "2026-11-25T00:00:00Z", "lines": 5, "status": 404}\n',
    ],
)
def test_counts_without_their_format_are_named(tmp_path: Path, run: Run, text: str) -> None:
    """CSV and JSON lines are known by the columns that every row has."""
    result = run(write_log(tmp_path, text))
    assert result.exit_code == 1
    assert "It looks like counts: use --format counts." in " ".join(result.stderr.split())
