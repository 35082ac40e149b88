"""What works on a system without POSIX, such as Windows: all but the sink `cloudwatch`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from moto.server import ThreadedMotoServer

#: Hides what Windows does not have (Python's documentation, "Availability: Unix"), and runs a
#: script then. Werkzeug, click and boto3, which know Windows, are imported before.
_HIDDEN = """
import os, select, signal, sys
import flask, click, boto3, botocore.session, rich.console, subprocess, tempfile, multiprocessing
for module in ("fcntl", "resource", "termios", "pwd", "grp", "pty", "tty"):
    sys.modules[module] = None
for module, names in {
    os: "register_at_fork fork geteuid getuid getegid getgid pread pwrite pwritev RWF_NOWAIT "
    "O_NOFOLLOW O_CLOEXEC O_NONBLOCK",
    signal: "pthread_sigmask SIGBUS SIGTRAP SIGSYS SIGCHLD SIGHUP SIGKILL SIGALRM SIGQUIT SIGUSR1",
    select: "PIPE_BUF poll epoll",
}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
"""
_APP = """
from flask import Flask
from flask_errwatch import ErrWatch
app = Flask("shop")
errwatch = ErrWatch(app)
"""


def run(code: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs the code in a process that has no POSIX."""
    script = folder / "shop.py"
    script.write_text(f"{_HIDDEN}{_APP}{code}", "utf-8")
    return subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "ERRWATCH_REGION": "eu-central-1", **environ},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_lines_go_to_the_standard_output(tmp_path: Path) -> None:
    """Each failing request has its line, also in a pipe."""
    code = "app.test_client().get('/gone')\nerrwatch.report('critical-error', app=app)\n"
    done = run(code, tmp_path, ERRWATCH_SINKS="stdout")
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events == ["Not Found Error", "Critical Error"]


def test_the_sink_cloudwatch_says_what_it_needs(tmp_path: Path) -> None:
    """The app answers as always, its lines are counted, and one sentence has the remedy."""
    code = """
client = app.test_client()
assert [client.get("/gone").status_code for _ in range(3)] == [404] * 3
stats = errwatch.stats(app)
print(stats.dropped, stats.pending)
"""
    done = run(code, tmp_path, ERRWATCH_SINKS="cloudwatch")
    assert (done.returncode, done.stdout) == (0, "3 0\n")
    assert done.stderr == (
        "flask-errwatch: the sink cloudwatch needs a POSIX system, such as Linux or macOS, for its "
        "journal: lines are lost and counted. Set ERRWATCH_SINKS=stdout.\n"
    )


def test_commands_work(tmp_path: Path) -> None:
    """`verify`, `replay` and `plan`."""
    log = tmp_path / "access.log"
    line = '203.0.113.7 - - [28/Nov/2026:10:00:00 +0000] "GET /.env HTTP/1.1" 404 9 "-" "curl/8"\n'
    log.write_text(line * 20, "utf-8")
    code = f"""
from flask_errwatch.cli import errwatch as command
runner = app.test_cli_runner()
for arguments in (["verify"], ["replay", {str(log)!r}], ["plan"]):
    result = runner.invoke(command, arguments)
    print(arguments[0], result.exit_code, type(result.exception).__name__)
    print(result.output)
"""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        done = run(
            code,
            tmp_path,
            ERRWATCH_ENDPOINT_URL=f"http://{host}:{port}",
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY="testing",
        )
    finally:
        server.stop()
    assert (done.returncode, done.stderr) == (0, "")
    ends = [line for line in done.stdout.splitlines() if line.endswith(" NoneType")]
    assert ends == ["verify 0 NoneType", "replay 0 NoneType", "plan 0 NoneType"]
