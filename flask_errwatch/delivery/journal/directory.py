"""The journal's folder: private, one for each app, safe in a temp folder that all may write to."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from hashlib import blake2s
from pathlib import Path

from flask_errwatch.config import Config

#: The format of what lies in a folder; another format gets another folder.
FORMAT = "v2"

_PRIVATE_FOLDER = 0o700
_PRIVATE_FILE = 0o600
_OTHERS = 0o077


class UnusableFolderError(Exception):
    """The journal cannot be kept on disk; the text says why and what to do."""


def app_folder(config: Config) -> Path:
    """The app's folder, made if need be; everything in it was written by the same user.

    Raises:
        UnusableFolderError: When it cannot be made, or is not safely ours.
    """
    # geteuid is not on Windows, where nothing here runs: POSIX only, as the classifiers say.
    base = (
        Path(config.journal_dir).absolute()
        if config.journal_dir is not None
        else Path(tempfile.gettempdir()) / f"flask-errwatch-{os.geteuid()}"
    )
    try:
        if config.journal_dir is None:
            make_private(base)
        else:
            base.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        folder = base / folder_name(config)
        make_private(folder)
        probe = folder / f"probe-{os.getpid()}-{os.urandom(4).hex()}"
        os.close(open_new(probe))
        probe.unlink()
    except OSError as error:
        raise UnusableFolderError(
            f"the journal folder {base} cannot be used ({error.strerror or error}): "
            "set ERRWATCH_JOURNAL_DIR to a folder that this process can write to"
        ) from error
    return folder


def folder_name(config: Config) -> str:
    """One folder for an app and its log group: lines of different groups must not mix."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", config.app_name)[:60]
    key = f"{config.app_name}\0{config.log_group}".encode("utf-8", "backslashreplace")
    return f"{plain}-{blake2s(key, digest_size=6).hexdigest()}.{FORMAT}"


def make_private(folder: Path) -> None:
    """Makes the folder, or takes it when it is a real folder that is ours alone."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=_PRIVATE_FOLDER)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise UnusableFolderError(
            f"{folder} is a link, a file or somebody else's: remove it, or set "
            "ERRWATCH_JOURNAL_DIR to a folder of this user"
        )
    if found.st_mode & _OTHERS:
        folder.chmod(_PRIVATE_FOLDER)


def open_new(path: Path) -> int:
    """A descriptor of a file that did not exist before, for appending."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, _PRIVATE_FILE)
