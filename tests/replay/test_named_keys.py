"""`--fields`: the keys of a log of JSON are named, and a wrong one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flask_errwatch.replay.reading.named_keys import check_keys
from tests.replay.replay_lines import Run, write_log

LINE = {"when": "2026-11-25T01:17:00Z", "code": 404, "from": {"ip": "203.0.113.9"}, "u": "/.env"}
FIELDS = "time=when,status=code,client=from.ip,path=u"


def lines(count: int = 12) -> list[str]:
    """Lines of a log whose keys nobody would guess."""
    return [json.dumps(LINE) + "\n"] * count


@pytest.mark.parametrize("before", ["", "Nov 25 01:17:00 web-1 shop[7]: "])
def test_named_keys_are_read(tmp_path: Path, replay_json: Run, before: str) -> None:
    """The client is that of the nested key, also behind what a collector writes."""
    log = write_log(tmp_path, [before + line for line in lines()])
    output = replay_json(log, "--fields", FIELDS)
    (detector,) = (one for one in output["detectors"] if one["detector"] == "not-found-error")
    assert detector["alarms"][0]["sources"] == [{"source": "203.0.113.9", "lines": 12}]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            FIELDS.replace("from.ip", "from.i"),
            "--fields = 'from.i': No line of access.log has this key. Did you mean 'from.ip'?",
        ),
        (
            FIELDS.replace("when", "moment"),
            "--fields = 'moment': No line of access.log has this key. It has when, code, ",
        ),
        ("time=when", "--fields = 'time=when': Add the key of the status: status=KEY."),
        ("time=when,stauts=code", "--fields = 'stauts': "),
    ],
)
def test_a_wrong_key_is_refused(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, fields: str, sentence: str
) -> None:
    """One sentence names it, and nothing is evaluated."""
    write_log(tmp_path, lines())
    monkeypatch.chdir(tmp_path)
    result = run("access.log", "--fields", fields)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


@pytest.mark.parametrize(
    "options",
    [("--format", "alb", "--fields", FIELDS), ("--fields", FIELDS, "--log-format", "%h")],
)
def test_a_log_is_built_in_one_way(tmp_path: Path, run: Run, options: tuple[str, ...]) -> None:
    """Two options that say how are refused."""
    result = run(write_log(tmp_path, lines()), *options)
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_a_key_whose_value_is_null_is_there() -> None:
    """Of a request without a referrer, say, some servers write null."""
    head = b'{"ts": 1700000000, "code": 404, "from": {"page": null}}\n'
    keys = {"time": "ts", "status": "code", "referrer": "from.page"}
    check_keys(keys, "access.log", head, None)
