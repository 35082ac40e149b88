"""The journal's folder: which one it is, and what happens when it goes away under the app."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.config import Config, load
from flask_errwatch.delivery.journal import UnusableFolderError, chosen_folder
from flask_errwatch.delivery.journal.directory import create_private_folder
from tests.delivery.scripts import run, start
from tests.fake_logs import FakeLogs


def config(**settings: object) -> Config:
    """The configuration of the app `shop`."""
    return load({f"ERRWATCH_{key}": value for key, value in settings.items()}, {}, app_name="shop")


class Shop(NamedTuple):
    """An app whose endpoint does not answer at first, and the folder that was configured."""

    app: Flask
    errwatch: ErrWatch
    fake: FakeLogs
    folder: Path

    def fail(self, first: int, last: int) -> None:
        """Makes requests that are answered 404."""
        client = self.app.test_client()
        for number in range(first, last):
            client.get(f"/gone-{number}")

    def arrived(self) -> list[str]:
        """The paths of the lines, once nothing is pending any more."""
        self.fake.switch("ok")
        assert self.errwatch.flush(60)
        lines = [json.loads(arrived.message) for arrived in self.fake.lines()]
        return sorted(line["path"] for line in lines if "path" in line)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """An app in an outage."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    folder = tmp_path / "volume" / "journal"
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with FakeLogs() as fake:
        fake.switch("refuse")
        app = Flask("shop")
        app.config.update(
            ERRWATCH_REGION="eu-central-1",
            ERRWATCH_ENDPOINT_URL=fake.url,
            ERRWATCH_JOURNAL_DIR=str(folder),
            ERRWATCH_SEND_INTERVAL=0.1,
        )
        yield Shop(app, ErrWatch(app), fake, folder)


PATHS = sorted(f"/gone-{number}" for number in range(70))


def test_a_folder_that_is_moved_away_loses_no_line(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines wait in a new folder of the same name, and all of them arrive."""
    shop.fail(0, 20)
    shop.folder.rename(shop.folder.with_name("moved"))
    shop.fail(20, 70)
    assert shop.arrived() == PATHS
    assert shop.errwatch.stats(shop.app).dropped == 0
    assert "the journal was removed: a new one was created." in capfd.readouterr().err


def test_a_folder_that_cannot_be_created_again_stops_nothing(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines wait in memory, with those that were in the folder, and one message says so."""
    shop.fail(0, 20)
    shop.folder.rename(shop.folder.with_name("moved"))
    shop.folder.write_text("something else")
    shop.fail(20, 70)
    assert shop.arrived() == PATHS
    stats = shop.errwatch.stats(shop.app)
    assert (stats.dropped, stats.pending, stats.delivered) == (0, 0, 70)
    stderr = capfd.readouterr().err
    assert stderr.count("cannot be used any more") == 1
    assert "lines wait in memory until this process ends. Mend the folder" in stderr
    shop.fail(70, 71)
    assert len(shop.arrived()) == 71


def test_the_mode_of_a_configured_folder_stays(shop: Shop) -> None:
    """It is the operator's. The app's own folder in it is private."""
    shop.fail(0, 1)
    (own,) = shop.folder.iterdir()
    shutil.rmtree(own)
    shop.fail(1, 2)
    assert shop.arrived() == ["/gone-0", "/gone-1"]
    assert stat.S_IMODE(shop.folder.stat().st_mode) == 0o755
    assert stat.S_IMODE(own.stat().st_mode) == 0o700


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    """Its group may write to it, as to a volume of Kubernetes. Every user may not."""
    folder = tmp_path / "shop"
    folder.mkdir()
    folder.chmod(0o775)
    create_private_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o775
    folder.chmod(0o777)
    with pytest.raises(UnusableFolderError, match="every user can write to it"):
        create_private_folder(folder)


def test_the_first_folder_that_can_be_used_is_chosen(
    only_a_temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ERRWATCH_JOURNAL_DIR, systemd's, XDG's, /var/lib, the temp folder: with the reason."""
    base, (configured, systemd, xdg) = only_a_temp_folder, ("configured", "systemd", "xdg")
    chosen = [chosen_folder(config())]
    monkeypatch.setattr("flask_errwatch.delivery.journal.directory._STATE", base / "lib")
    chosen.append(chosen_folder(config()))
    monkeypatch.setenv("XDG_STATE_HOME", f"{base}/{xdg}")
    chosen.append(chosen_folder(config()))
    monkeypatch.setenv("STATE_DIRECTORY", f"relative:{base}/file/below:{base}/{systemd}:{base}/b")
    chosen.append(chosen_folder(config()))
    chosen.append(chosen_folder(config(JOURNAL_DIR=f"{base}/{configured}")))
    assert [folder.path.parent.relative_to(base).as_posix() for folder in chosen] == [
        f"flask-errwatch-{os.geteuid()}",
        "lib/flask-errwatch",
        "xdg/flask-errwatch",
        "systemd/flask-errwatch",
        "configured",
    ]
    assert [folder.reason.partition(":")[0] for folder in chosen] == [
        "no folder that outlives a restart can be written to",
        f"{base}/lib can be written to",
        "it is in XDG_STATE_HOME",
        "it is in STATE_DIRECTORY, which systemd sets",
        "ERRWATCH_JOURNAL_DIR is set",
    ]


def test_a_default_folder_that_cannot_be_created_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write to /proc by its mode, and cannot. The process and `config` choose alike."""
    unset = {"ERRWATCH_JOURNAL_DIR": ""}
    places = {"STATE_DIRECTORY": "/proc/errwatch", "XDG_STATE_HOME": str(tmp_path / "state")}
    with FakeLogs() as fake:
        done = run("report(); assert errwatch.flush(50)", fake, tmp_path, **places, **unset)
        assert done.stderr == ""
        for name, value in (places | {"AWS_ENDPOINT_URL": fake.url}).items():
            monkeypatch.setenv(name, value)
        path, reason = chosen_folder(config(REGION="eu-central-1"))
    assert reason == "it is in XDG_STATE_HOME"
    assert [*(tmp_path / "state" / "flask-errwatch").iterdir()] == [path]


def test_the_working_directory_is_never_chosen(
    only_a_temp_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python takes it for the temp folder where it finds no other."""
    monkeypatch.chdir(only_a_temp_folder)
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", str(Path.cwd()))
    with pytest.raises(UnusableFolderError, match="set ERRWATCH_JOURNAL_DIR"):
        chosen_folder(config())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_ENDPOINT_URL", "http://localhost:4566"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://localhost:4566/"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_PROFILE", "work"),
        ("AWS_DEFAULT_PROFILE", "work"),
    ],
)
def test_each_destination_has_its_own_folder(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is configured for boto3 counts, as it decides where lines go."""
    elsewhere = chosen_folder(config(JOURNAL_DIR=str(tmp_path))).path
    monkeypatch.setenv(variable, value)
    folder = chosen_folder(config(JOURNAL_DIR=str(tmp_path))).path
    assert folder != elsewhere
    readable = {"AWS_ENDPOINT_URL": "localhost_4566", "AWS_DEFAULT_REGION": "eu-central-1"}
    if variable in readable:
        assert folder.name.startswith(f"shop.{readable[variable]}.")


def test_the_same_destination_has_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is configured for this library or for boto3."""
    own = {"ENDPOINT_URL": "http://localhost:4566", "REGION": "eu-central-1"}
    folder = chosen_folder(config(JOURNAL_DIR=str(tmp_path), **own)).path
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert chosen_folder(config(JOURNAL_DIR=str(tmp_path))).path == folder


_NOBODY = 65_534
_AS_NOBODY = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")


def _can_be_nobody() -> bool:
    """Whether a test may give a folder away, and the interpreter runs as another user."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    program = [*_AS_NOBODY, sys.executable, "-c", "import flask"]
    return subprocess.run(program, check=False, capture_output=True).returncode == 0


#: As another user than root: lines in an outage, before and after the folder is taken away.
_TAKEN = """
def fail(first, last):
    for number in range(first, last):
        app.test_client().get(f"/gone-{number}")

fail(0, 20)
print("written", flush=True)
sys.stdin.readline()
fail(20, 70)
print(errwatch.flush(50), errwatch.stats(app).dropped, flush=True)
"""


@pytest.mark.skipif(not _can_be_nobody(), reason="only root can give a folder away")
def test_a_folder_that_becomes_somebody_elses_stops_nothing() -> None:
    """Every line arrives, those from before too, and one message says what happened."""
    # The folders of pytest are root's alone.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name, FakeLogs() as fake:
        folder = Path(name)
        (folder / "journal").mkdir()
        for path in (folder, folder / "journal"):
            os.chown(path, _NOBODY, _NOBODY)
        fake.switch("500")
        with start(_TAKEN, fake, folder, _AS_NOBODY) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "written\n"
            (own,) = (folder / "journal").iterdir()
            own.chmod(0o700)
            os.chown(own, 0, 0)
            fake.switch("ok")
            process.stdin.write("\n")
            process.stdin.flush()
            stdout, stderr = process.communicate(timeout=60)
        assert stdout == "True 0\n"
        assert stderr.count("cannot be used any more (Permission denied)") == 1
        lines = [json.loads(arrived.message) for arrived in fake.lines()]
    assert sorted(line["path"] for line in lines if "path" in line) == PATHS
