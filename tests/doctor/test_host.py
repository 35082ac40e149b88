"""The findings about the journal's folder and the server's workers of this machine."""

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
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_errwatch import ErrWatch
from flask_errwatch.delivery.journal import create_app_folder
from flask_errwatch.delivery.journal.lock import Lock
from flask_errwatch.doctor.findings import Finding
from flask_errwatch.doctor.host import journal_findings, middleware_finding, worker_finding
from tests.doctor.scripted_aws import shop


class _Usage(NamedTuple):
    """Part of what `shutil.disk_usage` returns."""

    free: int


def folder_findings(folder: Path | None = None, **settings: object) -> list[Finding]:
    """The findings of a journal in that folder."""
    if folder is not None:
        settings["JOURNAL_DIR"] = str(folder)
    return list(journal_findings(shop(**settings)[1]))


def levels(findings: list[Finding]) -> dict[str, str]:
    """Each subject with its level."""
    return {finding.subject: finding.level for finding in findings}


def test_a_sound_folder(tmp_path: Path) -> None:
    """Everything about it is checked, and nothing in it changes."""
    folder = create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    before = folder.stat()
    findings = folder_findings(tmp_path)
    assert levels(findings) == {
        "journal": "ok",
        "journal bound": "ok",
        "journal disk": "ok",
        "orphaned journals": "ok",
    }
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mtime_ns == before.st_mtime_ns


def test_a_missing_folder_is_not_created(tmp_path: Path) -> None:
    """The app would later reject a folder that another user created."""
    findings = folder_findings(tmp_path / "of" / "the" / "app")
    assert levels(findings) == {"journal": "ok"}
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "file"
    file.touch()
    # Root may write to /proc by its mode, and can create nothing in it.
    for nowhere in (file / "below", Path("/proc/errwatch")):
        (finding,) = folder_findings(nowhere)
        assert finding.level == "problem"
        assert "cannot be created" in finding.message


def test_no_journal_without_cloudwatch() -> None:
    """Other sinks have no journal."""
    (finding,) = folder_findings(SINKS="stdout")
    assert finding.message == "None is needed: the sinks are stdout."


def test_no_journal_in_lambda() -> None:
    """There is none unless the sink is set: a function writes to its standard output."""
    (finding,) = folder_findings(LOG_GROUP="/aws/lambda/shop")
    assert finding.message == "None is needed: in AWS Lambda lines go to the standard output."


@pytest.mark.usefixtures("only_a_temp_folder")
def test_no_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only root a folder must be configured, or lines are kept in memory only."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    (finding,) = folder_findings()
    assert (finding.level, finding.message) == (
        "problem",
        "No folder can be written to: lines would wait in memory only.",
    )


def test_the_default_folder_must_belong_to_the_user(only_a_temp_folder: Path) -> None:
    """In the temporary directory any user may have created a link of that name first."""
    assert levels(folder_findings()) == {"journal": "ok"}
    name = f"flask-errwatch-{os.geteuid()}"
    (only_a_temp_folder / name).symlink_to(only_a_temp_folder)
    (finding,) = folder_findings()
    assert finding.level == "problem"
    assert finding.message.endswith("is a link or a file.")


def test_a_folder_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a warning, because this command may run as the wrong user."""
    create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    (finding,) = folder_findings(tmp_path)
    assert finding.level == "warning"
    assert finding.message.endswith(f"belongs to user {own}, and this runs as {own + 1}.")


def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a problem, because lines are kept in memory only."""
    create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    monkeypatch.setattr(os, "access", lambda *_: False)
    (finding,) = folder_findings(tmp_path)
    assert finding.level == "problem"


def test_a_full_journal_and_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half full is a warning. Nearly full is a problem, because the oldest lines are dropped."""
    settings = {"JOURNAL_MAX_BYTES": 1024 * 1024}
    folder = create_app_folder(shop(JOURNAL_DIR=str(tmp_path), **settings)[1])
    log = folder / "1-a.00000001.log"
    log.write_bytes(b"x" * 600_000)
    assert levels(folder_findings(tmp_path, **settings))["journal bound"] == "warning"
    log.write_bytes(b"x" * 1_000_000)
    assert levels(folder_findings(tmp_path, **settings))["journal bound"] == "problem"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(1000))
    assert levels(folder_findings(tmp_path, **settings))["journal disk"] == "warning"


def test_journals_of_ended_processes_are_distinguished_from_those_in_use(tmp_path: Path) -> None:
    """A journal is in use while its lock is held, also by this process. No lock stays held."""
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
        orphans = folder_findings(tmp_path)[-1]
        holder.communicate()
    own.remove()
    assert orphans.level == "warning"
    assert orphans.message == "1 journal of ended processes not delivered, with 2.0 MiB."
    with (folder / "999999-dead.lock").open("r+") as again:
        fcntl.lockf(again, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_journal_whose_lines_are_all_delivered_is_no_orphan(tmp_path: Path) -> None:
    """Its process has ended, and its files stay until another one removes them. Nothing waits."""
    folder = create_app_folder(shop(JOURNAL_DIR=str(tmp_path))[1])
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from flask_errwatch.delivery.journal.disk import DiskJournal\n"
        "from tests.lines import line\n"
        "journal = DiskJournal(Path(sys.argv[1]), 1_048_576)\n"
        "journal.append(line(1_000_000))\n"
        "if sys.argv[2] == 'deliver':\n"
        "    journal.acknowledge(journal.read()[-1].end)\n"
        "journal.mark_ended()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(folder), "deliver"], check=True)
    (finding,) = (one for one in folder_findings(tmp_path) if one.subject == "orphaned journals")
    assert len(list(folder.glob("*.lock"))) == 1
    assert (finding.level, finding.message) == (
        "ok",
        "No lines of ended processes wait; 0 processes at work here.",
    )
    subprocess.run([sys.executable, "-c", program, str(folder), "leave"], check=True)
    (finding,) = (one for one in folder_findings(tmp_path) if one.subject == "orphaned journals")
    assert finding.level == "warning"
    assert finding.message.startswith("1 journal of ended processes not delivered, with 0.")
    assert finding.message.endswith(" KiB.")


@pytest.mark.parametrize(
    ("environ", "installed", "level", "message"),
    [
        ({}, set(), "ok", "Nothing here shows a server that needs a setting."),
        # That it is installed does not mean that it serves.
        ({}, {"pyuwsgi"}, "ok", "Nothing here shows a server that needs a setting."),
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


def test_middleware_around_the_packages_own() -> None:
    """Middleware that was added after `init_app` is named, and `wrap` is the remedy."""
    app = Flask("shop")
    errwatch = ErrWatch(app)
    assert middleware_finding(app.wsgi_app).level == "ok"
    tracking = Flask("tracking")
    tracking.config["ERRWATCH_TRACK_REQUESTS"] = True
    ErrWatch(tracking)
    assert middleware_finding(tracking.wsgi_app).level == "ok"
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    finding = middleware_finding(app.wsgi_app)
    assert (finding.level, finding.message) == (
        "warning",
        "werkzeug.middleware.proxy_fix.ProxyFix surrounds this package's middleware.",
    )
    app.wsgi_app = errwatch.wrap(app.wsgi_app)  # type: ignore[method-assign,assignment]
    assert middleware_finding(app.wsgi_app).level == "ok"
