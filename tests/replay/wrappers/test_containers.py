"""The prefixes of containers' logs come off, and the parts of a cut line become one line again."""

from __future__ import annotations

import pytest

from flask_errwatch.replay.wrappers.containers import CRI
from flask_errwatch.replay.wrappers.wrapper import Join
from tests.replay.wrapped_lines import ACCESS, AT, LINES, Taken, taken

TIMESTAMP = "2026-11-25T01:17:00.123456789Z"
PRECISE = AT + 0.123456789


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    ("prefix", "name", "at"),
    [
        # https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
        (f"{TIMESTAMP} stdout F ", "CRI", PRECISE),
        ("2026-11-25T02:17:00.123456789+01:00 stderr F:x ", "CRI", PRECISE),
        # https://docs.docker.com/reference/cli/docker/container/logs/
        (f"{TIMESTAMP} ", "docker logs --timestamps", PRECISE),
        ("2026-11-25T02:17:00+01:00 ", "docker logs --timestamps", AT),
        # https://docs.docker.com/reference/cli/docker/compose/logs/
        ("web-1  | ", "docker compose", None),
        ("\x1b[36mweb-1  | \x1b[0m", "docker compose", None),
        ("\x1b[36;1mweb_1    |\x1b[0m ", "docker compose", None),
        (f"web-1  | {TIMESTAMP} ", "docker compose", PRECISE),
        ("01:17:00 web.1   | ", "docker compose", None),
        ("web.1.4f1cdkz@node-1    | ", "docker compose", None),
        # https://kubernetes.io/docs/reference/kubectl/generated/kubectl_logs/
        ("[pod/web-0/app] ", "kubectl logs --prefix", None),
        (f"[pod/web-0/app] {TIMESTAMP} ", "kubectl logs --prefix", PRECISE),
    ],
)
def test_a_prefix_comes_off(prefix: str, name: str, at: float | None, line: str) -> None:
    """The line is as it was, and the time has its zone."""
    found = taken(prefix + line)
    assert found is not None
    assert (found.name, found.message) == (name, line)
    assert found.at == (None if at is None else pytest.approx(at, abs=1e-6))


def joiner() -> Join:
    """What joins the lines of a log of the CRI."""
    assert CRI.joiner is not None
    return CRI.joiner()


def test_the_parts_of_a_cut_line_become_one_line() -> None:
    """It has the time of its first part. Lines of the other stream may stand between."""
    join = joiner()
    other = "2026-11-25T01:17:01Z stderr F hello"
    assert join("2026-11-25T01:17:00Z stdout P 203.0.113.9 - - [25/N") is None
    assert join(other) == other
    assert join("2026-11-25T01:17:02Z stdout P ov/2026") is None
    joined = "2026-11-25T01:17:00Z stdout F 203.0.113.9 - - [25/Nov/2026:01:17"
    assert join("2026-11-25T01:17:03Z stdout F :01:17") == joined
    assert join(other) == other
    assert join("noise") == "noise"


def test_a_part_is_no_line_of_its_own() -> None:
    """A request that is long enough decides where its line is cut, and so how the rest begins."""
    part = f"2026-11-25T01:17:00Z stdout P {ACCESS}"
    assert CRI.unwrap(part) is None
    join = joiner()
    assert join(part) is None
    assert join(f"2026-11-25T01:17:00Z stdout F {ACCESS}") == (
        f"2026-11-25T01:17:00Z stdout F {ACCESS}{ACCESS}"
    )


def test_a_line_that_never_ends_is_cut() -> None:
    """Hardly more than a MiB of it is kept."""
    join = joiner()
    for _ in range(200):
        assert join(f"2026-11-25T01:17:00Z stdout P {'x' * 16_384}") is None
    line = join("2026-11-25T01:17:00Z stdout F y")
    assert line is not None
    assert 1 << 20 < len(line) < (1 << 20) + 20_000
    assert not line.endswith("y")


def test_parts_of_one_log_are_not_those_of_another() -> None:
    """Each log has its own memory."""
    joiner()("2026-11-25T01:17:00Z stdout P a")
    line = "2026-11-25T01:17:00Z stdout F b"
    assert joiner()(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-25T01:17:00.123456789Z",
        "2026-02-30T01:17:00.123456789Z stdout F x",
        "web-1 x",
        "[pod/web-0] x",
        "[job/web-0/app] x",
    ],
)
def test_what_only_looks_like_a_prefix_stays(line: str) -> None:
    """Nothing is taken off it."""
    assert taken(line) is None


def test_a_line_without_text_is_empty() -> None:
    """The CRI writes empty lines, too."""
    assert taken("2026-11-25T01:17:00Z stdout F ") == Taken("CRI", AT, "")
    assert taken("2026-11-25T01:17:00Z stdout F") == Taken("CRI", AT, "")
