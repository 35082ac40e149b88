"""What a machine tells of its journal's folder and of the server's workers, by reading alone."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

from flask_errwatch.delivery.journal import create_app_folder
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.doctor.findings import Finding
from flask_errwatch.doctor.host import journal_findings, worker_finding
from tests.doctor.scripted_aws import shop


class _Usage(NamedTuple):
    """As `shutil.disk_usage` answers."""

    free: int


def read_state(folder: Path | None = None, **settings: object) -> list[Finding]:
    """The findings of a journal in that folder."""
    if folder is not None:
        settings["JOURNAL_DIR"] = str(folder)
    return list(journal_findings(shop(**settings)[1]))


def levels(findings: list[Finding]) -> dict[str, str]:
    """Each subject with its level."""
    return {each.subject: each.level for each in findings}


def test_a_sound_folder(tmp_path: Path) -> None:
    """Everything about it is looked at, and nothing in it changes."""
    folder = create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    before = folder.stat()
    found = read_state(tmp_path)
    assert levels(found) == {
        "journal": "ok",
        "journal bound": "ok",
        "journal disk": "ok",
        "orphaned journals": "ok",
    }
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mtime_ns == before.st_mtime_ns


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Made by another user than the app's, it would be refused by the app later."""
    found = read_state(tmp_path / "of" / "the" / "app")
    assert levels(found) == {"journal": "ok"}
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "file"
    file.touch()
    (finding,) = read_state(file / "below")
    assert finding.level == "problem"
    assert "cannot be created" in finding.message


def test_no_journal_without_cloudwatch() -> None:
    """Other sinks keep none."""
    (finding,) = read_state(SINKS="stdout")
    assert finding.message == "None is needed: the sinks are stdout."


def test_the_usual_folder_must_be_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the temp folder anybody may have put a link under the name first."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert levels(read_state()) == {"journal": "ok"}
    (tmp_path / f"flask-errwatch-{os.geteuid()}").symlink_to(tmp_path)
    (finding,) = read_state()
    assert finding.level == "problem"
    assert finding.message.endswith("is a link or a file.")


def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning: it is this command that runs as the wrong user."""
    create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    (finding,) = read_state(tmp_path)
    assert finding.level == "warning"
    assert finding.message.endswith(f"belongs to user {own}, and this runs as {own + 1}.")


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines would wait in memory: a problem."""
    create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    monkeypatch.setattr(os, "access", lambda *_: False)
    (finding,) = read_state(tmp_path)
    assert finding.level == "problem"


def test_a_full_journal_and_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half full is a warning, nearly full a problem: then the oldest lines go."""
    settings = {"JOURNAL_MAX_BYTES": 1024 * 1024}
    folder = create_app_folder(shop(JOURNAL_DIR=str(tmp_path), **settings)[1])
    log = folder / "1-a.00000001.log"
    log.write_bytes(b"x" * 600_000)
    assert levels(read_state(tmp_path, **settings))["journal bound"] == "warning"
    log.write_bytes(b"x" * 1_000_000)
    assert levels(read_state(tmp_path, **settings))["journal bound"] == "problem"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1000))
    assert levels(read_state(tmp_path, **settings))["journal disk"] == "warning"


def test_journals_of_ended_processes_are_told_from_those_in_use(tmp_path: Path) -> None:
    """By the lock, which is let go of again; a process of ours may hold one here too."""
    folder = create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    (folder / "999999-dead.lock").touch()
    (folder / "999999-dead.00000001.log").write_bytes(b"x" * 2 * 1024 * 1024)
    own = Lock(folder / f"{os.getpid()}-mine.lock")
    own.create()
    (folder / "888888-alive.lock").touch()
    program = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder / "888888-alive.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        orphans = read_state(tmp_path)[-1]
        holder.communicate()
    own.remove()
    assert orphans.level == "warning"
    assert orphans.message == "Journals of ended processes that wait: 1, with 2.0 MiB."
    with (folder / "999999-dead.lock").open("r+") as again:
        fcntl.lockf(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("environ", "installed", "level", "message"),
    [
        ({}, set(), "ok", "Neither gunicorn nor uWSGI is installed here."),
        (
            {},
            {"gunicorn"},
            "ok",
            "gunicorn: its sync, gthread and gevent workers need no setting.",
        ),
        (
            {"GUNICORN_CMD_ARGS": "-k gevent"},
            {"gunicorn"},
            "ok",
            "gunicorn's gevent worker, by GUNICORN_CMD_ARGS.",
        ),
        (
            {"GUNICORN_CMD_ARGS": "--bind :80 --worker-class=tornado"},
            {"gunicorn"},
            "warning",
            "gunicorn's tornado worker, by GUNICORN_CMD_ARGS, is not tested.",
        ),
        (
            {"GUNICORN_CMD_ARGS": "'unclosed"},
            {"gunicorn"},
            "ok",
            "gunicorn: its sync, gthread and gevent workers need no setting.",
        ),
        (
            {"UWSGI_MODULE": "shop"},
            {"gunicorn"},
            "warning",
            "uWSGI is used, and its environment does not turn threads on.",
        ),
        (
            {"UWSGI_ENABLE_THREADS": "true"},
            set(),
            "ok",
            "uWSGI with threads, by its environment.",
        ),
        ({"UWSGI_THREADS": "4"}, {"pyuwsgi"}, "ok", "uWSGI with threads, by its environment."),
        (
            {"UWSGI_THREADS": "0"},
            {"pyuwsgi"},
            "warning",
            "uWSGI is used, and its environment does not turn threads on.",
        ),
    ],
)
def test_workers(environ: dict[str, str], installed: set[str], level: str, message: str) -> None:
    """The finding follows from environment variables and installed packages."""
    finding = worker_finding(environ, installed.__contains__)
    assert (finding.level, finding.message) == (level, message)
