"""The journal's folder and the names of its files.

Each destination of an app's lines has its own folder. It is private to the user, and safe in a temp
folder that all users may write to.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from hashlib import blake2s
from pathlib import Path
from typing import NamedTuple

from flask_errwatch._aws import endpoint_variable, profile_variable, region_variable
from flask_errwatch._fork import HAS_POSIX
from flask_errwatch.config import Config

#: The format of the files in a folder. Another format uses another folder.
FORMAT = "v2"

LOCK_SUFFIX = ".lock"
#: The end of the name of a journal that is the reserve of another one.
RESERVE_SUFFIX = "-reserve"

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600
_BASE_NAME = "flask-errwatch"
_STATE = Path("/var/lib")
#: Where Python looks for the temp folder of a POSIX system.
_TEMP = ("/tmp", "/var/tmp", "/usr/tmp")  # noqa: S108 - compared only
_WANTED = "set ERRWATCH_JOURNAL_DIR or, with systemd, StateDirectory"
_SEGMENT_NAME = re.compile(r"(?P<journal>.+)\.(?P<number>\d{8})\.log")


class UnusableFolderError(Exception):
    """The journal cannot be kept on disk. The message contains the reason and the remedy."""


class JournalFolder(NamedTuple):
    """The folder in which the lines of an app wait.

    Attributes:
        path: The folder. It need not exist yet.
        reason: Why it is this one, as the end of a sentence.
    """

    path: Path
    reason: str


def chosen_folder(config: Config) -> JournalFolder:
    """The folder of one app and destination, and why it is there. Leaves nothing there.

    Raises:
        UnusableFolderError: When no folder can be written to, as on a read-only root.
    """
    if not (HAS_POSIX and hasattr(os, "geteuid")):
        raise UnusableFolderError("the journal needs a POSIX system, such as Linux or macOS")
    name = _app_name(config)
    base, reason = _chosen_base(config, name)
    return JournalFolder(base / name, reason)


def _chosen_base(config: Config, name: str) -> JournalFolder:
    if config.journal_dir is not None:
        path = Path(config.journal_dir).absolute()
        return JournalFolder(path, "ERRWATCH_JOURNAL_DIR is set")
    usable = (base for base in _default_bases() if _is_usable(base.path, name))
    base = next(usable, None) or _temp_base()
    if base is None:
        raise UnusableFolderError(
            "no folder for the journal can be written to: set ERRWATCH_JOURNAL_DIR to a folder "
            "that this process can write to, such as one on a volume"
        )
    return base


def _default_bases() -> Iterator[JournalFolder]:
    """The folders that outlive a restart of the machine, the first choice first."""
    # Of a unit with several, all of which systemd has created (systemd.exec(5), StateDirectory).
    for folder in os.environ.get("STATE_DIRECTORY", "").split(":"):
        if folder.startswith("/"):
            path = Path(folder, _BASE_NAME)
            yield JournalFolder(path, "it is in STATE_DIRECTORY, which systemd sets")
    # "All paths … must be absolute", others are ignored (XDG Base Directory Specification).
    state = os.environ.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        yield JournalFolder(Path(state, _BASE_NAME), "it is in XDG_STATE_HOME")
    yield JournalFolder(_STATE / _BASE_NAME, f"{_STATE} can be written to")


def _is_usable(base: Path, name: str) -> bool:
    """Whether a default folder, and the app's in it, are this user's or can be created."""
    folder = base / name
    try:
        for existing in filter(os.path.lexists, (base, folder)):
            if not (_is_private(existing) and os.access(existing, os.R_OK | os.W_OK | os.X_OK)):
                return False
    except OSError:
        return False
    return os.path.lexists(folder) or can_be_created(folder)


def can_be_created(folder: Path) -> bool:
    """Whether this process can create a folder that does not exist. It leaves nothing there.

    Only an attempt shows that: root may write to `/proc` by its mode, and cannot create a folder
    in it. So one of a random name is created in the nearest folder that exists, and removed.
    """
    nearest = next(parent for parent in folder.parents if os.path.lexists(parent))
    if not os.access(nearest, os.W_OK | os.X_OK):
        return False
    probe = nearest / f".{_BASE_NAME}-{os.urandom(6).hex()}"
    try:
        probe.mkdir(mode=_PRIVATE_FOLDER)
        probe.rmdir()
    except OSError:
        return False
    return True


def _temp_base() -> JournalFolder | None:
    """This user's folder in the temp folder, or None without a temp folder."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        return None
    named = [*_TEMP, *map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))]
    with contextlib.suppress(OSError):  # it was removed
        # What Python tries last of all.
        if folder == os.getcwd() and folder not in named:  # noqa: PTH109 - Python's own text
            return None
    path = Path(folder) / f"{_BASE_NAME}-{os.geteuid()}"
    return JournalFolder(path, f"no folder that outlives a restart can be written to: {_WANTED}")


def _plain(text: str) -> str:
    """The text as a part of a file's name, without a dot."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text)[:60]


def _app_name(config: Config) -> str:
    """The name of the folder: lines for different destinations must not mix."""
    endpoint, region, profile = _configured_place(config)
    parts = (config.app_name, config.log_group, endpoint, region, profile)
    where = endpoint.partition("://")[2] if endpoint else region
    readable = ".".join(filter(None, (_plain(config.app_name), _plain(where))))
    return f"{readable}.{_digest(*parts)}.{FORMAT}"


def _configured_place(config: Config) -> tuple[str, str, str]:
    """The endpoint, region and profile that are configured. Each is empty if it is not."""
    environ = os.environ
    variables = (endpoint_variable(environ), region_variable(environ), profile_variable(environ))
    endpoint, region, profile = ("" if found is None else found.value for found in variables)
    return (config.endpoint_url or endpoint).rstrip("/"), config.region or region, profile


def _earlier_name(config: Config) -> str:
    """The name that the folder had in version 0.1, which does not show the endpoint."""
    return f"{_plain(config.app_name)}-{_digest(config.app_name, config.log_group)}.{FORMAT}"


def _digest(*parts: str) -> str:
    key = "\0".join(parts).encode("utf-8", "backslashreplace")
    return blake2s(key, digest_size=6).hexdigest()


def other_folders(config: Config) -> list[Path]:
    """The folders that exist beside the app's: of earlier names, and of other destinations.

    They are private folders of this user, so that no other user can have put lines into them.
    """
    own = chosen_folder(config).path
    bases = {own.parent}
    if config.journal_dir is None:
        bases |= {base.path for base in (*_default_bases(), _temp_base()) if base is not None}
    names = re.compile(rf"{re.escape(_plain(config.app_name))}\..*\.{FORMAT}")
    found = []
    for base in sorted(bases):
        with contextlib.suppress(OSError), os.scandir(base) as entries:
            found += [
                base / entry.name
                for entry in entries
                if names.fullmatch(entry.name) or entry.name == _earlier_name(config)
            ]
    return [folder for folder in found if folder != own and _is_private(folder)]


def create_app_folder(config: Config) -> Path:
    """Creates the app's folder if it does not exist, and checks that this process can write to it.

    Raises:
        UnusableFolderError: When it cannot be created, or other users could write to it.
    """
    folder = chosen_folder(config).path
    base = folder.parent
    try:
        base.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        if config.journal_dir is None:
            create_private_folder(base)
        else:
            base.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        create_private_folder(folder)
        probe = folder / f"probe-{os.getpid()}-{os.urandom(4).hex()}"
        os.close(create_file(probe))
        probe.unlink()
    except OSError as error:
        raise UnusableFolderError(
            f"the journal folder {base} cannot be used ({error.strerror or error}): "
            "set ERRWATCH_JOURNAL_DIR to a folder that this process can write to"
        ) from error
    return folder


def create_private_folder(folder: Path) -> None:
    """Creates the folder, or accepts a real folder of this user that others cannot write to.

    The mode of a folder that exists is never changed. Its group may write to it, as to a volume of
    Kubernetes with `fsGroup`. The files in it are always private.

    Raises:
        UnusableFolderError: When the path is a link, a file, another user's folder, or one that
            every user can write to.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=_PRIVATE_FOLDER)
    if not _is_private(folder):
        raise UnusableFolderError(
            f"{folder} is a link, a file or another user's folder, or every user can write to it: "
            "remove it, or set ERRWATCH_JOURNAL_DIR to a folder of this user"
        )


def _is_private(folder: Path) -> bool:
    status = folder.lstat()
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return is_own and not status.st_mode & stat.S_IWOTH


def create_file(path: Path) -> int:
    """Creates a file that must not exist yet, and returns a descriptor for appending."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, _PRIVATE_FILE)


def open_file(path: Path) -> int:
    """Opens a file for appending, and creates it if it does not exist. It may not be a link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, _PRIVATE_FILE)


def segment_path(folder: Path, journal: str, number: int) -> Path:
    """The path of a segment."""
    return folder / f"{journal}.{number:08d}.log"


def checkpoint_path(folder: Path, journal: str) -> Path:
    """The path of a journal's checkpoint."""
    return folder / f"{journal}.state"


def unfinished_path(folder: Path, journal: str) -> Path:
    """The path of a segment that is being written, of a reserve."""
    return folder / f"{journal}.new"


def lock_path(folder: Path, journal: str) -> Path:
    """The path of a journal's lock file."""
    return folder / f"{journal}{LOCK_SUFFIX}"


def requests_path(folder: Path, journal: str) -> Path:
    """The path of the requests under way in the process of a journal."""
    return folder / f"{journal}.requests"


def fingerprints_path(folder: Path) -> Path:
    """The path of the fingerprints that processes of this folder have shown."""
    return folder / "fingerprints"


def parse_segment(name: str) -> tuple[str, int] | None:
    """The journal and the number in a segment's file name, or None for another file.

    Example:
        >>> parse_segment("4711-c0ffee.00000002.log"), parse_segment("4711-c0ffee.state")
        (('4711-c0ffee', 2), None)
    """
    match = _SEGMENT_NAME.fullmatch(name)
    return (match["journal"], int(match["number"])) if match else None


def identity(status: os.stat_result) -> tuple[int, int]:
    """What a file is recognised by, whatever its path: its device and its inode."""
    return status.st_dev, status.st_ino
