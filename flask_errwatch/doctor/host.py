"""What this machine tells: the server's kind of worker, and the journal's folder. Reads only."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from flask_errwatch.config import Config

# Not `app_folder`, which creates the folder: as another user than the app's that would do harm.
from flask_errwatch.delivery.journal.directory import folder_name
from flask_errwatch.doctor.findings import Finding, ok, problem, warning

#: What the tests of the delivery run on.
_TESTED_WORKERS = ("sync", "gthread", "gevent")
_UWSGI_THREADS = ("UWSGI_ENABLE_THREADS", "UWSGI_THREADS")
_TRUE = {"1", "true", "yes", "on"}


def worker_finding(environ: Mapping[str, str], is_installed: Callable[[str], bool]) -> Finding:
    """What can be told of the workers from outside of them: their environment and packages.

    Args:
        environ: The environment, that the server is taken to share.
        is_installed: Whether a module of that name can be imported here.
    """
    if is_installed("pyuwsgi") or any(name.startswith("UWSGI_") for name in environ):
        threads = [environ[name] for name in _UWSGI_THREADS if name in environ]
        if any(each.lower() in _TRUE or (each.isdigit() and each != "0") for each in threads):
            return ok("worker", "uWSGI with threads, by its environment.")
        found = "uWSGI is here, and its environment does not turn threads on."
        remedy = "Run it with enable-threads: else lines wait until the next requests."
        return warning("worker", found, remedy)
    if not is_installed("gunicorn"):
        return ok("worker", "Neither gunicorn nor uWSGI is installed here.")
    kind = _gunicorn_worker(environ.get("GUNICORN_CMD_ARGS", ""))
    if kind is None:
        return ok("worker", "gunicorn, whose sync, gthread and gevent workers need nothing.")
    if kind in _TESTED_WORKERS:
        return ok("worker", f"gunicorn's {kind} worker, by GUNICORN_CMD_ARGS.")
    found = f"gunicorn's worker {kind}, by GUNICORN_CMD_ARGS, is not among the tested ones."
    return warning("worker", found, f"Use one of {', '.join(_TESTED_WORKERS)}.")


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


def journal_findings(config: Config) -> Iterator[Finding]:
    """Looks at the journal's folder without making or changing anything.

    Raises:
        OSError: When the folder changes under our eyes.
    """
    if config.sinks is not None and "cloudwatch" not in config.sinks:
        yield ok("journal", f"None is needed: the sinks are {', '.join(config.sinks) or 'none'}.")
        return
    base = Path(
        config.journal_dir or Path(tempfile.gettempdir()) / f"flask-errwatch-{os.geteuid()}"
    )
    folder = base / folder_name(config)
    if config.journal_dir is None and os.path.lexists(base):
        access = _access(base)
        if access.level != "ok":
            yield access
            return
    if not os.path.lexists(folder):
        yield _to_be_made(folder)
        return
    access = _access(folder)
    yield access
    if access.level == "ok":
        used = sum(_size(each) for each in folder.glob("*.log"))
        yield _bound_finding(used, config.journal_max_bytes)
        yield _disk_finding(shutil.disk_usage(folder).free, config.journal_max_bytes - used)
        yield _orphans_finding(folder)


def _to_be_made(folder: Path) -> Finding:
    nearest = next(each for each in folder.parents if os.path.lexists(each))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return ok("journal", f"{folder} is made by the first process that serves a request.")
    found = f"{folder} cannot be made below {nearest}: lines would wait in memory only."
    return problem("journal", found, _ELSEWHERE)


_ELSEWHERE = "Set ERRWATCH_JOURNAL_DIR to a folder that the app's user can write to."


def _access(folder: Path) -> Finding:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return problem("journal", f"{folder} is a link or a file.", f"Remove it. Or: {_ELSEWHERE}")
    if found.st_uid != os.geteuid():
        told = f"{folder} belongs to user {found.st_uid}, and this runs as {os.geteuid()}."
        return warning("journal", told, "Run this as the user that the app runs as.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        told = f"{folder} cannot be written to: lines wait in memory only."
        return problem("journal", told, _ELSEWHERE)
    return ok("journal", f"{folder} is this user's own.")


def _bound_finding(used: int, bound: int) -> Finding:
    told = f"{_mebibytes(used)} of at most {_mebibytes(bound)} wait."
    remedy = (
        "See on the processes' stderr why nothing is sent; or raise ERRWATCH_JOURNAL_MAX_BYTES."
    )
    if used > bound * 9 // 10:
        return problem("journal bound", f"{told} The oldest lines are being given up.", remedy)
    if used > bound // 2:
        return warning("journal bound", told, remedy)
    return ok("journal bound", told)


def _disk_finding(free: int, needed: int) -> Finding:
    told = f"{_mebibytes(free)} are free, and the journal may take {_mebibytes(needed)} more."
    if free < needed:
        return warning("journal disk", told, f"Make room, or lower the bound. Or: {_ELSEWHERE}")
    return ok("journal disk", told)


def _orphans_finding(folder: Path) -> Finding:
    """Journals whose process is gone; a process of the app takes them over within seconds."""
    locks = sorted(folder.glob("*.lock"))
    orphans = [each for each in locks if not _is_held(each)]
    if not orphans:
        return ok("orphaned journals", f"None; {len(locks)} processes write here.")
    size = sum(_size(log) for each in orphans for log in folder.glob(f"{each.stem}.*.log"))
    found = f"Of ended processes, {len(orphans)} wait, with {_mebibytes(size)}."
    remedy = (
        "Start the app here: it delivers them with its first request. If it runs, read its stderr."
    )
    return warning("orphaned journals", found, remedy)


def _is_held(lock: Path) -> bool:
    """Whether a living process holds the lock; tried and let go of at once."""
    if lock.name.startswith(f"{os.getpid()}-"):
        return True  # POSIX: to open and close it would let go of our own lock
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # settled and removed meanwhile
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0  # delivered and removed meanwhile


def _mebibytes(size: int) -> str:
    return f"{size / 1024 / 1024:,.1f} MiB"
