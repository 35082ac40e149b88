"""Every server of `docs/servers.md`: started as a user starts it, and ended by its signal.

Each answers a 200, a 404 and a crash. Then exactly one line per failure has arrived: by the
server's end where the table says `sent`, and by the next process of the app where it says `waits`.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stress.harness import Child, Stage, stage, wait_until

BIN = Path(sys.executable).parent
APP = "tests.servers.recipe_app:app"
#: The lines of the three requests.
LINES = [("Critical Error", "/crash", 500), ("Not Found Error", "/gone", 404)]


@pytest.fixture
def on() -> Iterator[Stage]:
    """A stage for the app `shop`, in an outage. A debugger may change the default of the sinks."""
    with stage(SINKS="cloudwatch") as set_up:
        set_up.fake.switch("500")
        yield set_up


def answered(port: int) -> list[tuple[int, bytes]]:
    """The status of each request, and the body of the first."""
    answers = []
    for path in ("/ok", "/gone", "/crash"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        answers.append((response.status, response.read() if path == "/ok" else b""))
        connection.close()
    return answers


def arrived(on: Stage) -> list[tuple[str, str, int]]:
    """What arrived, in the order of the alphabet."""
    return sorted(
        (line["event"], line["path"], line["status"])
        for line in on.arrived()
        if line["event"] != "Process Died"
    )


def ask_and_end(on: Stage, server: Child, number: signal.Signals = signal.SIGTERM) -> None:
    """Sends the three requests in an outage, and ends the server after it."""
    assert answered(server.port()) == [(200, b"tea"), (404, b""), (500, b"")]
    assert on.fake.count() == 0
    on.fake.switch("ok")
    server.end(number)


def gunicorn(on: Stage, *options: str) -> Child:
    """Starts gunicorn with two workers."""
    return on.start(
        *(str(BIN / "gunicorn"), "--no-control-socket", "-w", "2", "-b", "127.0.0.1:0"),
        *(*options, APP),
    )


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent"])
def test_gunicorn(on: Stage, worker: str) -> None:
    """SIGTERM: sent."""
    ask_and_end(on, gunicorn(on, "-k", worker))
    assert arrived(on) == LINES


@pytest.mark.skipif(not (BIN / "uwsgi").exists(), reason="pyuwsgi is not installed")
@pytest.mark.parametrize("threads", [(), ("--enable-threads",)], ids=["plain", "enable-threads"])
def test_uwsgi(on: Stage, threads: tuple[str, ...]) -> None:
    """SIGTERM with `--die-on-term`: waits for the next process at the latest."""
    server = on.start(
        *(str(BIN / "uwsgi"), "--http-socket", "127.0.0.1:0", "--master", "--processes", "2"),
        *("--need-app", "--die-on-term", "--virtualenv", sys.prefix, "--module", APP, *threads),
    )
    ask_and_end(on, server)
    on.drain("shop")
    assert arrived(on) == LINES


def test_waitress(on: Stage) -> None:
    """SIGTERM: sent."""
    ask_and_end(on, on.start(str(BIN / "waitress-serve"), "--listen=127.0.0.1:0", APP))
    assert arrived(on) == LINES


def test_uvicorn_with_a2wsgi(on: Stage) -> None:
    """SIGTERM: sent."""
    server = on.start(str(BIN / "uvicorn"), "--port", "0", "tests.servers.recipe_asgi:asgi")
    ask_and_end(on, server)
    assert arrived(on) == LINES


def test_hypercorn(on: Stage) -> None:
    """SIGTERM: sent."""
    ask_and_end(on, on.start(str(BIN / "hypercorn"), "-b", "127.0.0.1:0", f"wsgi:{APP}"))
    assert arrived(on) == LINES


@pytest.mark.parametrize(
    ("options", "number"),
    [((), signal.SIGTERM), (("--debug",), signal.SIGTERM), ((), signal.SIGINT)],
    ids=["plain", "debug", "ctrl-c"],
)
def test_flask_run(on: Stage, options: tuple[str, ...], number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C: sent. With the reloader: waits."""
    server = on.start(
        *(sys.executable, "-m", "flask", "--app", "tests.servers.recipe_app", *options),
        *("run", "--port", "0"),
    )
    ask_and_end(on, server, number)
    if options:  # the reloader kills the process that serves
        on.drain("shop")
    assert arrived(on) == LINES


def read_only(volume: Path, *command: str) -> tuple[str, ...]:
    """The command with a root file system that is read-only, except for one volume."""
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind / / && exec "$@"'
    user = () if os.geteuid() == 0 else ("--map-root-user",)
    return ("unshare", "--mount", *user, "sh", "-c", script, str(volume), *command)


def _can_mount() -> bool:
    probe = read_only(Path("/mnt"), "true")
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


containers = pytest.mark.skipif(not _can_mount(), reason="needs a mount namespace")


def in_a_container(on: Stage, *options: str) -> Child:
    """Starts gunicorn where nothing but the volume and `/dev/shm` can be written to."""
    volume = on.folder / "volume"
    volume.mkdir()
    return on.start(
        *read_only(
            volume,
            *(str(BIN / "gunicorn"), "--no-control-socket", "-b", "127.0.0.1:0"),
            *("--worker-tmp-dir", "/dev/shm", *options, APP),
        )
    )


@containers
def test_docker_with_a_read_only_root(on: Stage) -> None:
    """Without a volume lines wait in memory, which stderr reports, and SIGTERM sends them."""
    on.settings["JOURNAL_DIR"] = ""
    server = in_a_container(on)
    ask_and_end(on, server)
    assert arrived(on) == LINES
    assert server.output.count("lines wait in memory") == 1
    assert server.output.count("set ERRWATCH_JOURNAL_DIR to a folder that") == 1


@containers
def test_docker_with_a_volume(on: Stage) -> None:
    """With the journal on a volume, a container that is killed in an outage loses nothing."""
    on.settings["JOURNAL_DIR"] = str(on.folder / "volume" / "journal")
    server = in_a_container(on)
    assert answered(server.port()) == [(200, b"tea"), (404, b""), (500, b"")]
    server.kill()
    assert "lines wait in memory" not in server.output
    on.fake.switch("ok")
    on.drain("shop")
    assert wait_until(lambda: len(arrived(on)) == len(LINES))
    assert arrived(on) == LINES
