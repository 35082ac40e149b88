"""The journal's folder and the names of its files.

Each app and log group has its own folder. It is private to the user, and safe in a temp folder that
all users may write to.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from hashlib import blake2s
from pathlib import Path

from flask_errwatch.config import Config

#: The format of the files in a folder. Another format uses another folder.
FORMAT = "v2"

LOCK_SUFFIX = ".lock"
#: The end of the name of a journal that is the reserve of another one.
RESERVE_SUFFIX = "-reserve"

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600
_OTHERS = 0o077
_SEGMENT_NAME = re.compile(r"(?P<journal>.+)\.(?P<number>\d{8})\.log")


class UnusableFolderError(Exception):
    """The journal cannot be kept on disk. The message contains the reason and the remedy."""


def base_folder(config: Config) -> Path:
    """The folder that holds the app folders: configured, or per user in the temp folder.

    Raises:
        UnusableFolderError: When the system has no temp folder, as on a read-only root.
    """
    if config.journal_dir is not None:
        return Path(config.journal_dir).absolute()
    # Windows has no geteuid, but this package is POSIX only, as the classifiers state.
    try:
        return Path(tempfile.gettempdir()) / f"flask-errwatch-{os.geteuid()}"
    except FileNotFoundError as error:
        raise UnusableFolderError(
            "no temporary folder can be written to: set ERRWATCH_JOURNAL_DIR to a folder that "
            "this process can write to, such as one on a volume"
        ) from error


def app_folder(config: Config) -> Path:
    """The folder of one app and log group: lines of different groups must not mix."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", config.app_name)[:60]
    key = f"{config.app_name}\0{config.log_group}".encode("utf-8", "backslashreplace")
    return base_folder(config) / f"{plain}-{blake2s(key, digest_size=6).hexdigest()}.{FORMAT}"


def create_app_folder(config: Config) -> Path:
    """Creates the app's folder if it does not exist, and checks that this process can write to it.

    Raises:
        UnusableFolderError: When it cannot be created, or other users could write to it.
    """
    base, folder = base_folder(config), app_folder(config)
    try:
        if config.journal_dir is None:
            create_private_folder(base)
        else:
            base.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
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
    """Creates the folder, or accepts a real folder that belongs to this user.

    Raises:
        UnusableFolderError: When the path is a link, a file or another user's folder.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=_PRIVATE_FOLDER)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise UnusableFolderError(
            f"{folder} is a link, a file or another user's folder: remove it, or set "
            "ERRWATCH_JOURNAL_DIR to a folder of this user"
        )
    if status.st_mode & _OTHERS:
        folder.chmod(_PRIVATE_FOLDER)


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
