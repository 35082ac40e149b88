"""The shapes of logs that people have: each is read rightly, or refused with a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.replay.replay_lines import Run

CASES = Path("../shared/cases/logs/make_logs.py")
CLIENT = "203.0.113.9"
#: The sources of the shapes that do not simply show the client.
SOURCES: dict[str, list[dict[str, Any]]] = {
    "ipv6": [{"source": "2001:db8::9", "lines": 12}],
    "gunicorn_unixsock": [],
    "export_gunicorn_unix": [],
    "xff_last_alb": [{"source": "10.0.3.114", "lines": 12}],
    "xff_first_list": [{"source": "10.0.3.114", "lines": 12}],
}
#: What is refused: why, in the words of the sentence.
REFUSED = {
    "fle_messages_text": "several messages on one line, with tabs between them). Print one event",
}


class Found(NamedTuple):
    """What was found of a shape."""

    lines: int
    bad: int
    not_found: int
    peaks: list[float]
    sources: list[dict[str, Any]]


def found(output: dict[str, Any]) -> Found:
    """What a replay found."""
    (detector,) = (one for one in output["detectors"] if one["detector"] == "not-found-error")
    return Found(
        output["lines"],
        output["bad_lines"],
        detector["lines"],
        [alarm["peak"] for alarm in detector["alarms"]],
        [source for alarm in detector["alarms"] for source in alarm["sources"]],
    )


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of the cases, by name without extension."""
    if not CASES.is_file():
        pytest.skip("the cases are not here")
    folder = tmp_path_factory.mktemp("shapes")
    subprocess.run([sys.executable, str(CASES), str(folder)], check=True)
    return {path.name.partition(".")[0]: path for path in sorted(folder.iterdir())}


def test_every_shape_is_read_or_refused(shapes: dict[str, Path], run: Run) -> None:
    """12 requests in one minute, one alarm, its peak and source; or exit code 1 and a sentence."""
    wrong: dict[str, object] = {}
    for name, path in shapes.items():
        result = run(path, "--json")
        if name in REFUSED:
            if result.exit_code != 1 or REFUSED[name] not in result.stderr:
                wrong[name] = (result.exit_code, result.stderr)
            continue
        sources = SOURCES.get(name, [{"source": CLIENT, "lines": 12}])
        output = found(json.loads(result.stdout or "null"))
        if (result.exit_code, output) != (0, Found(12, 0, 12, [12.0], sources)):
            wrong[name] = (result.exit_code, output, result.stderr)
    assert wrong == {}
    assert len(shapes) == 47


@pytest.mark.parametrize("name", ["xff_last_alb", "xff_first_list"])
def test_the_client_behind_a_proxy_is_found_by_the_rule(
    shapes: dict[str, Path], run: Run, name: str
) -> None:
    """With one trusted proxy it is the entry of the proxy. Without, a note says what is there."""
    behind = run(shapes[name], "--json", "--trusted-proxies", "1")
    assert found(json.loads(behind.stdout)).sources == [{"source": CLIENT, "lines": 12}]
    assert "X-Forwarded-For" not in behind.stderr
    assert "The log has X-Forwarded-For, which is not used" in run(shapes[name]).stderr


def test_nothing_is_advised_of_a_log_that_is_not_understood(tmp_path: Path, run: Run) -> None:
    """The exit code is 1, and the sentence says what the log looks like."""
    log = tmp_path / "error.log"
    line = "2026/11/25 01:17:00 [error] 7#7: *1 open() failed, client: 203.0.113.9\n"
    log.write_text(line * 12, encoding="utf-8")
    result = run(log, "--advise", "2", "--json")
    output = json.loads(result.stdout)
    assert (result.exit_code, output["advice"], output["proposed"]) == (1, [], {})
    assert "It looks like the error log of nginx" in result.stderr
