"""The commands of a second shell, after the lines that `flask errwatch lab` prints for it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.cli.commands import errwatch
from tests.lab.lab_bench import eventually

#: Blocking is configured, since the lab has AWS WAF too.
APP = """
from flask import Flask
from flask_errwatch import ErrWatch

def create_app():
    app = Flask("shop")
    app.config.update(ERRWATCH_WAF_SCOPE="regional")
    ErrWatch(app)
    return app
"""


class Shell:
    """A lab in another process, its output so far, and a shell with its variables."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line

    @property
    def exports(self) -> dict[str, str]:
        """The variables that the lab prints for another shell."""
        return dict(re.findall(r"^  export (\w+)=(.*)$", self.output, re.MULTILINE))

    def run(self, *arguments: str) -> Result:
        """The result of a command of the app, in a shell with these variables."""
        app = Flask("shop")
        app.config.update(ERRWATCH_WAF_SCOPE="regional", ERRWATCH_SEND_INTERVAL=0.1)
        app.cli.add_command(errwatch)
        runner = app.test_cli_runner(env=self.exports)
        with runner.isolation():  # the app reads its configuration in that shell
            ErrWatch(app)
        return runner.invoke(args=["errwatch", *arguments])

    def succeeds(self, *arguments: str) -> str:
        """What a command prints, in words of one line. Its exit code is 0."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    def request(self, path: str, times: int = 1) -> None:
        """Sends requests to the app."""
        address = re.search(r"answers at http://127\.0\.0\.1:(\d+)/", self.output)
        assert address is not None
        for _ in range(times):
            connection = HTTPConnection("127.0.0.1", int(address[1]), timeout=60)
            connection.request("GET", path)
            assert connection.getresponse().status == 404
            connection.close()

    def end(self) -> int:
        """Ends the lab as its user does, and returns the exit code."""
        self.process.terminate()
        code = self.process.wait(60)
        self._reader.join(60)
        return code


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A lab at sixty times the speed."""
    (tmp_path / "shop.py").write_text(APP)
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "shop", "errwatch", "lab", "--speed", "60"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        shell = Shell(process)
        try:
            assert eventually(lambda: "until Ctrl-C" in shell.output), shell.output
            yield shell
        finally:
            process.kill()


@pytest.mark.stress
def test_every_command_succeeds_from_another_shell(shell: Shell) -> None:
    """What was created is as declared, the patterns are verified, an alarm fires and is found."""
    assert shell.output.startswith("AWS is emulated at http://127.0.0.1:")
    assert "Nothing leaves this machine, and no mail is sent." in shell.output
    assert "lab's clock, which is 60 times as fast as real time.\n" in shell.output
    assert "  flask --app shop errwatch status\n" in shell.output
    assert "Nothing to change: 24 resources as declared." in shell.succeeds("plan", "--check")
    assert "by the local judge and by AWS; the patterns stored in AWS are the catalogue's." in (
        shell.succeeds("verify", "--live")
    )

    alarm = re.compile(r"^\d\d:\d\d:00  ALARM  shop-not-found-error", re.MULTILINE)

    def fires() -> bool:
        shell.request("/wp-login.php", times=11)
        return alarm.search(shell.output) is not None

    assert eventually(fires), shell.output
    assert "404 GET /wp-login.php" in shell.succeeds("why", "shop-not-found-error")
    assert "127.0.0.1" in shell.succeeds("offenders")

    drilled = shell.succeeds("drill", "--yes", "--timeout", "60")
    assert "[4/4] SNS: arrived after " in drilled
    assert "Successfully executed action arn:aws:sns:us-east-1:123456789012:errwatch-lab" in drilled

    # A heartbeat a second: at this speed a minute of the lab.
    assert shell.exports["ERRWATCH_HEARTBEAT_SECONDS"] == "1"
    assert eventually(lambda: " 0 pending, 0 dropped; newest" in shell.succeeds("status"))
    assert "Failed notifications in two weeks: none." in shell.succeeds("status")

    overrides = ("--override", "documentation", "--override", "unseen")
    blocking = ("block", "198.51.100.7", "--for", "1h", "--reason", "test", "--yes", *overrides)
    assert "Done: 1 block." in shell.succeeds(*blocking)
    blocked = shell.succeeds("blocked")
    assert "198.51.100.7/32 blocked" in blocked
    assert "no web ACL" not in blocked  # the lab has one, with the rule
    assert "Nothing is blocked." not in blocked

    doctor = shell.succeeds("doctor")
    assert doctor.endswith(" ok, 0 warnings, 0 problems.")

    assert "Done: 1 block ended." in shell.succeeds("unblock", "198.51.100.7", "--yes")
    assert "deleted topic errwatch-lab" in shell.succeeds("destroy", "--yes")
    assert "Applied: 23 created, 0 updated, 1 unchanged." in shell.succeeds("apply", "--yes")
    assert shell.end() == 0, shell.output
    assert "Traceback" not in shell.output
    assert not Path(shell.exports["ERRWATCH_JOURNAL_DIR"]).exists()
