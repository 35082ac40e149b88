"""Checks of this host: the app's middleware, the server's workers, the journal. Reads only."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from flask_errwatch._lambda import LOG_GROUPS
from flask_errwatch._text import counted
from flask_errwatch.capture.middleware import Middleware
from flask_errwatch.capture.request_tracking import TrackRequests
from flask_errwatch.config import Config
from flask_errwatch.delivery.journal import (
    FolderContents,
    UnusableFolderError,
    can_be_created,
    chosen_folder,
    inspect_folder,
    waiting_in,
)
from flask_errwatch.doctor.findings import Finding, ok, problem, warning

#: The workers that the tests of the delivery run on.
_TESTED_WORKERS = ("sync", "gthread", "gevent")
_UWSGI_THREADS = ("UWSGI_ENABLE_THREADS", "UWSGI_THREADS")
_TRUE = {"1", "true", "yes", "on"}


def worker_finding(environ: Mapping[str, str], is_installed: Callable[[str], bool]) -> Finding:
    """Checks the workers from outside, by their environment and the installed packages.

    That uWSGI is installed does not mean that it serves. Where it serves without threads and its
    environment does not show it, heartbeats are missing.

    Args:
        environ: The environment, which the server is assumed to share.
        is_installed: Whether a module of that name can be imported here.
    """
    if any(name.startswith("UWSGI_") for name in environ):
        threads = [environ[name] for name in _UWSGI_THREADS if name in environ]
        if any(value.lower() in _TRUE or (value.isdigit() and value != "0") for value in threads):
            return ok("worker", "uWSGI with threads, by its environment.")
        message = "uWSGI is used, and its environment does not turn threads on."
        remedy = (
            "Unless its own file does so, run it with enable-threads: else lines wait until the "
            "next requests."
        )
        return warning("worker", message, remedy)
    if not is_installed("gunicorn"):
        return ok("worker", "Nothing here shows a server that needs a setting.")
    worker = _gunicorn_worker(environ.get("GUNICORN_CMD_ARGS", ""))
    if worker is None:
        return ok("worker", "gunicorn: its sync, gthread and gevent workers need no setting.")
    if worker in _TESTED_WORKERS:
        return ok("worker", f"gunicorn's {worker} worker, by GUNICORN_CMD_ARGS.")
    message = f"gunicorn's {worker} worker, by GUNICORN_CMD_ARGS, is not tested."
    return warning("worker", message, f"Use one of {', '.join(_TESTED_WORKERS)}.")


def middleware_finding(wsgi_app: object) -> Finding:
    """Whether this package's middleware is the outermost of the app.

    Args:
        wsgi_app: The app's `wsgi_app`.
    """
    if isinstance(wsgi_app, Middleware | TrackRequests):
        return ok("middleware", "No other middleware of the app surrounds this package's.")
    kind = type(wsgi_app)
    message = f"{kind.__module__}.{kind.__qualname__} surrounds this package's middleware."
    remedy = (
        "What it answers by itself has no event: after it is added, set "
        "app.wsgi_app = errwatch.wrap(app.wsgi_app)."
    )
    return warning("middleware", message, remedy)


def _gunicorn_worker(arguments: str) -> str | None:
    try:
        words = shlex.split(arguments)
    except ValueError:
        return None
    for index, word in enumerate(words):
        if word.startswith("--worker-class="):
            return word.partition("=")[2]
        if word in {"-k", "--worker-class"} and index + 1 < len(words):
            return words[index + 1]
    return None


def journal_findings(config: Config, sinks: tuple[str, ...] | None = None) -> Iterator[Finding]:
    """Checks the journal's folder. Leaves nothing there, and changes nothing in it.

    The app must create the folder itself: one that another user created would be unusable.

    Args:
        config: The app's configuration.
        sinks: The sinks that the app chooses. None means those that are configured.

    Raises:
        OSError: When the folder changes meanwhile.
    """
    sinks = config.sinks if sinks is None else sinks
    if sinks is not None and "cloudwatch" not in sinks:
        yield ok("journal", f"None is needed: the sinks are {', '.join(sinks) or 'none'}.")
        return
    if config.sinks is None and config.log_group.startswith(LOG_GROUPS):
        yield ok("journal", "None is needed: in AWS Lambda lines go to the standard output.")
        return
    try:
        folder, reason = chosen_folder(config)
    except UnusableFolderError:
        message = "No folder can be written to: lines would wait in memory only."
        yield problem("journal", message, _ELSEWHERE)
        return
    if config.journal_dir is None and os.path.lexists(folder.parent):
        access = _access(folder.parent, reason)
        if access.level != "ok":
            yield access
            return
    if not os.path.lexists(folder):
        yield _missing_folder(folder, reason)
        return
    access = _access(folder, reason)
    yield access
    if access.level == "ok":
        contents, bound = inspect_folder(folder), config.journal_max_bytes
        yield _bound_finding(contents.used, bound)
        yield _disk_finding(shutil.disk_usage(folder).free, bound - contents.used)
        yield _orphans_finding(contents)


def _missing_folder(folder: Path, reason: str) -> Finding:
    nearest = next(parent for parent in folder.parents if os.path.lexists(parent))
    if can_be_created(folder):
        message = f"The first process that serves a request creates {folder}: {reason}."
        return ok("journal", message)
    message = f"{folder} cannot be created below {nearest}: lines would wait in memory only."
    return problem("journal", message, _ELSEWHERE)


_ELSEWHERE = "Set ERRWATCH_JOURNAL_DIR to a folder that the app's user can write to."


def _access(folder: Path, reason: str) -> Finding:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return problem("journal", f"{folder} is a link or a file.", f"Remove it. Or: {_ELSEWHERE}")
    if status.st_uid != os.geteuid():
        message = f"{folder} belongs to user {status.st_uid}, and this runs as {os.geteuid()}."
        return warning("journal", message, "Run this as the user that the app runs as.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        message = f"{folder} cannot be written to: lines wait in memory only."
        return problem("journal", message, _ELSEWHERE)
    return ok("journal", f"{folder} belongs to this user: {reason}.")


def _bound_finding(used: int, bound: int) -> Finding:
    message = f"Its files take {_size(used)} of at most {_size(bound)}."
    remedy = (
        "See on the processes' stderr why nothing is sent; or raise ERRWATCH_JOURNAL_MAX_BYTES."
    )
    if used > bound * 9 // 10:
        return problem("journal bound", f"{message} The oldest lines are being dropped.", remedy)
    if used > bound // 2:
        return warning("journal bound", message, remedy)
    return ok("journal bound", message)


def _disk_finding(free: int, needed: int) -> Finding:
    message = f"{_size(free)} are free, and the journal may take {_size(needed)} more."
    if free < needed:
        return warning("journal disk", message, f"Make room, or lower the bound. Or: {_ELSEWHERE}")
    return ok("journal disk", message)


def _orphans_finding(contents: FolderContents) -> Finding:
    """Reports lines of ended processes. A process of the app adopts them within seconds."""
    waiting = waiting_in(contents.folder)
    if not waiting:
        processes = contents.processes - len(contents.orphans()) if contents.locks else 0
        in_use = counted(max(0, processes), "process")
        return ok("orphaned journals", f"No lines of ended processes wait; {in_use} at work here.")
    journals = counted(sum(one.journals for one in waiting), "journal")
    size = _size(sum(one.size for one in waiting))
    message = f"{journals} of ended processes not delivered, with {size}."
    remedy = (
        "Start the app here: it delivers them with its first request. If it runs, read its stderr."
    )
    return warning("orphaned journals", message, remedy)


def _size(count: int) -> str:
    if count < 1024 * 1024:
        return f"{count / 1024:,.1f} KiB"
    return f"{count / 1024 / 1024:,.1f} MiB"
