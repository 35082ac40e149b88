"""What the command line prints: colour on a terminal, plain rows in a pipe, no foreign markup."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from flask_errwatch.cli import views
from flask_errwatch.cli.console import plain, prose, reading, show, stderr, table, waiting, word
from flask_errwatch.doctor import Finding
from flask_errwatch.replay.session import ReadProgress
from flask_errwatch.simulation import ContributorTransition, Transition
from tests.cli.terminal import ESCAPE, environment, flask, in_a_pipe, on_a_terminal
from tests.replay.replay_lines import access, write_log

APP = """
from flask import Flask
from flask_errwatch import ErrWatch

app = Flask("shop")
app.config.from_prefixed_env("SHOP")
ErrWatch(app)
"""
HOSTILE = "/[red]x[/red]\x1b[2J\x1b]0;title\x07:smile:/" + "long" * 10


@pytest.fixture
def folder(tmp_path: Path, account: None) -> Path:  # noqa: ARG001 - the environment of its commands
    """Where the app `shop` is, with an empty account."""
    (tmp_path / "wsgi.py").write_text(APP)
    return tmp_path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An access log with paths that attack the terminal."""
    return write_log(tmp_path, [access(number * 40, path=HOSTILE) for number in range(40)])


def without_escapes(output: str) -> str:
    """The output without colours and without what moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)


def test_changes_have_their_colours_on_a_terminal(folder: Path) -> None:
    """Green for created, yellow for updated, red for deleted, dim for unchanged."""
    created = on_a_terminal(flask("apply", "--yes"), folder)
    assert "\x1b[32m+\x1b[0m  \x1b[32mcreate\x1b[0m  log group      shop\n" in created
    assert "[1/19] \x1b[32mcreated\x1b[0m log group shop\n" in created
    shorter = environment(SHOP_ERRWATCH_RETENTION_DAYS="30")
    updated = on_a_terminal(flask("plan", "--all"), folder, env=shorter)
    assert "\x1b[33m~\x1b[0m  \x1b[33mupdate   \x1b[0m  log group      shop\n" in updated
    assert "\x1b[33mretention_days: 90 → 30\x1b[0m\n" in updated
    assert "\x1b[2munchanged\x1b[0m  \x1b[2mmetric filter\x1b[0m  \x1b[2mshop-client" in updated
    assert "\x1b[1;31mNeeds --force:\x1b[0m retention of log group shop = 30: " in updated
    deleted = on_a_terminal(flask("destroy", "--yes"), folder)
    assert "\x1b[31m-\x1b[0m  \x1b[31mdelete\x1b[0m  alarm          shop-" in deleted


def test_levels_have_their_colours_on_a_terminal(folder: Path) -> None:
    """Green, yellow and red for ok, warning and problem."""
    output = on_a_terminal(flask("doctor"), folder)
    assert "\x1b[32mok     \x1b[0m  credentials: " in output
    assert "\x1b[33mwarning\x1b[0m  topic: " in output
    assert "\x1b[1;31mproblem\x1b[0m  log group: " in output


def test_a_status_has_its_colours_on_a_terminal(folder: Path) -> None:
    """Red for ALARM, green for OK, yellow for drift."""
    in_a_pipe(flask("apply", "--yes"), folder)
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName="shop-critical-error",
        StateValue="ALARM",
        StateReason="[b]11[/b] > 10",
    )
    shorter = environment(SHOP_ERRWATCH_RETENTION_DAYS="30")
    output = on_a_terminal(flask("status"), folder, columns=140, env=shorter)
    assert "\x1b[1mDrift\x1b[0m: 1; 18 resources " in output
    assert "  \x1b[33mdiffers\x1b[0m  log group  shop\n" in output
    alarm = r"  \x1b\[1;31mALARM\x1b\[0m  shop-critical-error +since .*  \[b\]11\[/b\] > 10\n"
    assert re.search(alarm, output)
    assert "  \x1b[32mOK   \x1b[0m  shop-rate-limit-error " in output


def test_states_have_their_colours_on_a_terminal(log: Path) -> None:
    """Red where an alarm would have fired, green where none would."""
    output = on_a_terminal(flask("replay", log.name), log.parent)
    assert "\x1b[1;31mALARM  \x1b[0m  from 2026-11-25T00:06:00Z" not in output
    lowered = flask("replay", log.name, "--set", "not-found-error.threshold=5")
    assert "\x1b[1;31mALARM  \x1b[0m  from 2026-11-25T00:" in on_a_terminal(lowered, log.parent)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_terminal_wraps_in_columns_and_cuts_nothing(log: Path, columns: int) -> None:
    """No line is longer than the terminal is wide, and a long path is there to its end."""
    command = flask("replay", log.name, "--set", "not-found-error.threshold=5")
    output = without_escapes(on_a_terminal(command, log.parent, columns=columns))
    assert max(map(len, output.splitlines())) <= columns
    assert f"title?:smile:/{'long' * 10}" in re.sub(r"\n +", "", output)


def test_a_pipe_gets_plain_rows(folder: Path, log: Path) -> None:
    """No escape, no line that is broken at a width, no blanks at the end."""
    narrow = environment(COLUMNS="40")
    plan = in_a_pipe(flask("plan"), folder, env=narrow)
    assert plan.splitlines()[1:3] == [
        "+  create  log group      shop",
        "+  create  metric filter  shop-critical-error",
    ]
    replay = in_a_pipe(flask("replay", log.name, "--advise", "1"), log.parent, env=narrow)
    assert "  advice   threshold 8 gives 0 alarms and misses none of the present ones.\n" in replay
    for output in (plan, replay, in_a_pipe(flask("doctor"), folder, env=narrow)):
        assert ESCAPE not in output
        assert all(line == line.rstrip() for line in output.splitlines())


def test_no_color_removes_every_escape(folder: Path, log: Path) -> None:
    """Bold and dim too, on a terminal as in a pipe, whatever asks for colour besides."""
    env = environment(NO_COLOR="1", FORCE_COLOR="1", COLORTERM="truecolor")
    for command in (flask("plan"), flask("doctor")):
        assert ESCAPE not in on_a_terminal(command, folder, env=env)
    assert ESCAPE not in in_a_pipe(flask("replay", log.name), log.parent, env=env)


def test_colour_can_be_forced_into_a_pipe(log: Path) -> None:
    """For a pager that shows it. A row remains one line, and no bar is drawn."""
    command = [*flask("replay", log.name, "--set", "not-found-error.threshold=5")]
    output = in_a_pipe(command, log.parent, env=environment(FORCE_COLOR="1"))
    assert "\x1b[1;31mALARM  \x1b[0m  from 2026" in output
    assert f"title?:smile:/{'long' * 10} (" in output
    assert "\x1b[?25l" not in output


def test_a_locale_without_arrows_shows_the_words(folder: Path) -> None:
    """A character that the encoding lacks becomes a question mark, not a traceback."""
    output = in_a_pipe(flask("doctor"), folder, env=environment(PYTHONIOENCODING="ascii"))
    assert "problem  log group: " in output
    assert "\n         ? " in output


def test_names_from_outside_are_text(log: Path) -> None:
    """Neither markup nor emoji codes are interpreted, and no control character is written."""
    command = flask("replay", log.name, "--set", "not-found-error.threshold=5")
    output = on_a_terminal(command, log.parent, columns=200)
    assert "/[red]x[/red]?[2J?]0;title?:smile:/" in output
    assert "\x1b[2J" not in output
    assert "\x1b]0;" not in output


def test_every_view_shows_hostile_text_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """A finding and transitions that carry a name from outside, and any value by itself."""
    hostile = "[bold]\x1b[2J\r\nevil\u202e\ud800"
    harmless = "[bold]?[2J??evil??"
    finding = Finding(subject="topic", level="problem", message=hostile, remedy=hostile)
    show(
        plain(hostile),
        views.finding_view(finding),
        views.transition_view(Transition(hostile, 1_700_000_000, "OK", "ALARM", hostile)),
        views.contributor_view(
            ContributorTransition(
                alarm="scan",
                contributor=hostile,
                by="agent",
                at=1_700_000_000,
                old="OK",
                new="ALARM",
                value=18.0,
                reason="",
                is_notified=True,
            )
        ),
    )
    assert capsys.readouterr().out == (
        f"{harmless}\n"
        f"problem  topic: {harmless}\n"
        f"         → {harmless}\n"
        f"22:13:20  ALARM  {harmless}: {harmless}\n"
        f"22:13:20  ALARM  scan: agent {harmless} (18)\n"
    )


def test_a_string_is_never_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A plain string, by itself and as a heading, keeps its brackets and colons."""
    string = "[red]shop[/red] :smile:"
    show(string, table([prose(string)], [[plain("row")]]))
    assert capsys.readouterr().out == ("[red]shop[/red] :smile:\n[red]shop[/red] :smile:\nrow\n")


def test_transitions_printed_one_by_one_align(capsys: pytest.CaptureFixture[str]) -> None:
    """The reason is shown of an ALARM alone."""
    for state in ("ALARM", "OK"):
        show(
            views.transition_view(Transition("shop-errors", 1_700_000_000, "OK", state, "11 > 10."))
        )
    assert capsys.readouterr().out == (
        "22:13:20  ALARM  shop-errors: 11 > 10.\n22:13:20  OK     shop-errors\n"
    )


def test_a_row_of_any_length_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Also one of many thousand characters, beside a heading."""
    show(table((word("name"), prose("value")), [(plain("a"), plain("long " * 4000 + "end"))]))
    heading, row = capsys.readouterr().out.splitlines()
    assert heading == "name  value"
    assert row == f"a     {'long ' * 4000}end"


class Terminal(io.StringIO):
    """A terminal that records what is drawn on it."""

    def isatty(self) -> bool:
        """Claims to be a terminal."""
        return True


def test_standard_input_has_a_rate_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a total size, a rate is shown, but not the time left."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with reading() as move:
        move(ReadProgress(0, None, 1000))
        move(ReadProgress(10, 20, 2000))
    assert "lines/s" in terminal.getvalue()


def test_progress_is_drawn_on_a_terminal_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A spinner with what is waited for, and nothing at all in a pipe."""
    program = (
        "from flask_errwatch.cli.console import stderr, waiting\n"
        "with waiting(stderr(), 'metric') as wait_for:\n    wait_for('[b]alarm[/b]')\n"
    )
    drawn = on_a_terminal([sys.executable, "-c", program], tmp_path)
    assert "[b]alarm[/b] 0:00:00" in without_escapes(drawn)
    with waiting(stderr(), "metric") as wait_for, reading() as move:
        wait_for("alarm")
        move(ReadProgress(1, 2, 1))
    assert capfd.readouterr() == ("", "")


def test_rich_is_imported_by_what_prints() -> None:
    """Importing the commands loads neither the console nor rich.

    structlog itself loads `rich` where that is installed, so it is loaded before we look.
    """
    program = """
import sys, structlog
before = set(sys.modules)
from flask_errwatch.cli import errwatch
assert len(errwatch.commands) == 21
imported = set(sys.modules) - before
print(sorted(m for m in imported if m.startswith(("rich", "flask_errwatch.cli.console"))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
