"""Builds the `exception` of an event: its type and message, and the frames of the app's code."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from hashlib import blake2s
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from flask_errwatch.capture.events import short

_PACKAGE = Path(__file__).parents[1]
#: File names of this package's code begin so: the full path, and a relative one when compiled.
_PACKAGE_FILES = (f"{_PACKAGE}/", f"{_PACKAGE.name}/")
# Not by `sysconfig`, which reads Python's build configuration: as expensive as this whole module.
_STANDARD_LIBRARY = str(Path(os.__file__).parent) + "/"
_SITE_PACKAGES = "/(?:site|dist)-packages/"
_MESSAGE_LENGTH = 8192
#: Frames kept of a deep recursion: the outermost and the innermost.
_OUTERMOST, _INNERMOST = 5, 20


def exception_fields(error: BaseException, *, root: str, handled: bool) -> dict[str, object]:
    """Returns the `exception` of an event.

    Args:
        error: The exception.
        root: The app's `root_path`. Code below it is the app's, wherever it is installed.
        handled: Whether an error handler of the app answered it.

    Returns:
        `type`, `message`, `where` (the innermost frame of the app's code), `frames` (those of
        the app's code and the innermost of all, outermost first), `fingerprint` (equal for equal
        types and app frames, regardless of message and line numbers), `handled`.
    """
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )
    frames, app_frames = _frames(error.__traceback__, root)
    fields: dict[str, object] = {"type": short(name), "message": _message(error)}
    where = app_frames[-1] if app_frames else frames[-1] if frames else None
    if where is not None:
        fields["where"] = f"{where['file']}:{where['line']} in {where['function']}"
    fields["frames"] = _shortened(frames)
    fields["fingerprint"] = _fingerprint(name, app_frames or frames)
    fields["handled"] = handled
    return fields


def _message(error: BaseException) -> str:
    try:
        return short(str(error), _MESSAGE_LENGTH)
    except Exception:  # noqa: BLE001 - the exception's __str__ raised; its type is still shown
        return "<its message cannot be shown>"


Frame = dict[str, object]


def _frames(traceback: TracebackType | None, root: str) -> tuple[list[Frame], list[Frame]]:
    """The frames to show and, of those, the app's. The traceback is walked, never formatted."""
    app_frames: list[Frame] = []
    last: TracebackType | None = None
    while traceback is not None:
        file = _source_file(traceback.tb_frame.f_code.co_filename, root)
        if file is not None:
            last = traceback
            if file.is_of_app:
                app_frames.append(_frame(traceback, file.name))
        traceback = traceback.tb_next
    file = None if last is None else _source_file(last.tb_frame.f_code.co_filename, root)
    if last is None or file is None or file.is_of_app:
        return app_frames, app_frames
    return [*app_frames, _frame(last, file.name)], app_frames


def _frame(traceback: TracebackType, file: str) -> Frame:
    name = traceback.tb_frame.f_code.co_name
    return {"file": file, "line": traceback.tb_lineno, "function": name}


def _shortened(frames: list[Frame]) -> list[Frame | str]:
    """The frames, with a mark in place of those of a deep recursion that are left out."""
    omitted = len(frames) - _OUTERMOST - _INNERMOST
    if omitted <= 0:
        return [*frames]
    return [*frames[:_OUTERMOST], f"[{omitted} more]", *frames[-_INNERMOST:]]


class _SourceFile(NamedTuple):
    """A source file: whether it is the app's, and its name in a line."""

    is_of_app: bool
    name: str


@lru_cache(maxsize=4096)
def _source_file(filename: str, root: str) -> _SourceFile | None:
    """The file, named without the paths of the host. None for files of this package."""
    if filename.startswith(_PACKAGE_FILES):
        return None
    root = root.rstrip("/")
    parent = root.rpartition("/")[0] + "/"
    if filename.startswith(_STANDARD_LIBRARY) and not _is_installed(filename):
        return _SourceFile(is_of_app=False, name=short(filename[len(_STANDARD_LIBRARY) :]))
    # A virtual environment is often inside the app's folder.
    if filename.startswith(f"{root}/") and not _is_installed(filename[len(root) :]):
        return _SourceFile(is_of_app=True, name=short(filename[len(parent) :]))
    if _is_installed(filename):
        return _SourceFile(is_of_app=False, name=short(re.split(_SITE_PACKAGES, filename)[-1]))
    is_generated = filename.startswith("<")
    return _SourceFile(is_of_app=not is_generated, name=short(filename.removeprefix(parent)))


def _is_installed(filename: str) -> bool:
    return re.search(_SITE_PACKAGES, filename) is not None


_file_and_function = itemgetter("file", "function")


def _fingerprint(name: str, frames: list[Frame]) -> str:
    return _digest(name, tuple(map(_file_and_function, frames)))


@lru_cache(maxsize=1024)
def _digest(name: str, functions: tuple[tuple[object, object], ...]) -> str:
    unique = dict.fromkeys(functions)
    text = "\n".join((name, *(f"{file}:{function}" for file, function in unique)))
    return blake2s(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
