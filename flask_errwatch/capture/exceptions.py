"""From an exception to its part of the event: what it was and where in the app's own code."""

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

#: Where this package's code says it is: as it lies there, and compiled.
_PACKAGE = Path(__file__).parents[1]
_OURS = (f"{_PACKAGE}/", f"{_PACKAGE.name}/")
# Not by `sysconfig`, which reads how Python was built: that takes as long as this whole module.
_LIBRARY = str(Path(os.__file__).parent) + "/"
_PACKAGES = "/(?:site|dist)-packages/"
_MESSAGE_LENGTH = 8192
#: Frames kept of a deep recursion: where it came from, and where it broke.
_OUTERMOST, _INNERMOST = 5, 20


def exception_fields(error: BaseException, *, root: str, handled: bool) -> dict[str, object]:
    """The `exception` of an event.

    Args:
        error: The exception.
        root: The app's `root_path`: its code is the app's own, wherever it is installed.
        handled: Whether a handler of the app answered it.

    Returns:
        `type`, `message`, `where` (the innermost frame of the app's own code), `frames` (the
        app's own, and the innermost of all, outermost first), `fingerprint` (equal for equal
        types and own frames, whatever the message and the line numbers), `handled`.
    """
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )
    frames, own = _frames(error.__traceback__, root)
    fields: dict[str, object] = {"type": short(name), "message": _message(error)}
    where = own[-1] if own else frames[-1] if frames else None
    if where is not None:
        fields["where"] = f"{where['file']}:{where['line']} in {where['function']}"
    fields["frames"] = _shortened(frames)
    fields["fingerprint"] = _fingerprint(name, own or frames)
    fields["handled"] = handled
    return fields


def _message(error: BaseException) -> str:
    try:
        return short(str(error), _MESSAGE_LENGTH)
    except Exception:  # noqa: BLE001 - an exception whose own __str__ raises; the type tells
        return "<its message cannot be shown>"


Frame = dict[str, object]


def _frames(traceback: TracebackType | None, root: str) -> tuple[list[Frame], list[Frame]]:
    """The frames to show and, of those, the app's own; walked, never formatted."""
    own: list[Frame] = []
    last: TracebackType | None = None
    while traceback is not None:
        place = _placed(traceback.tb_frame.f_code.co_filename, root)
        if place is not None:
            last = traceback
            if place.is_own:
                own.append(_frame(traceback, place.shown))
        traceback = traceback.tb_next
    place = None if last is None else _placed(last.tb_frame.f_code.co_filename, root)
    if last is None or place is None or place.is_own:
        return own, own
    return [*own, _frame(last, place.shown)], own


def _frame(traceback: TracebackType, file: str) -> Frame:
    name = traceback.tb_frame.f_code.co_name
    return {"file": file, "line": traceback.tb_lineno, "function": name}


def _shortened(frames: list[Frame]) -> list[Frame | str]:
    """The frames, with a mark where those of a deep recursion are left out."""
    omitted = len(frames) - _OUTERMOST - _INNERMOST
    if omitted <= 0:
        return [*frames]
    return [*frames[:_OUTERMOST], f"[{omitted} more]", *frames[-_INNERMOST:]]


class _Place(NamedTuple):
    """Where code is: whether it is the app's own, and how its file is named in a line."""

    is_own: bool
    shown: str


@lru_cache(maxsize=4096)
def _placed(filename: str, root: str) -> _Place | None:
    """The place of a file, named without the machine's paths; None for files of this package."""
    if filename.startswith(_OURS):
        return None
    root = root.rstrip("/")
    base = root.rpartition("/")[0] + "/"
    if filename.startswith(_LIBRARY) and not _is_installed(filename):
        return _Place(is_own=False, shown=short(filename[len(_LIBRARY) :]))
    # A virtual environment often lies inside the app's own folder.
    if filename.startswith(f"{root}/") and not _is_installed(filename[len(root) :]):
        return _Place(is_own=True, shown=short(filename[len(base) :]))
    if _is_installed(filename):
        return _Place(is_own=False, shown=short(re.split(_PACKAGES, filename)[-1]))
    return _Place(is_own=not filename.startswith("<"), shown=short(filename.removeprefix(base)))


def _is_installed(filename: str) -> bool:
    return re.search(_PACKAGES, filename) is not None


_place_of = itemgetter("file", "function")


def _fingerprint(name: str, frames: list[Frame]) -> str:
    return _digest(name, tuple(map(_place_of, frames)))


@lru_cache(maxsize=1024)
def _digest(name: str, places: tuple[tuple[object, object], ...]) -> str:
    text = "\n".join((name, *(f"{file}:{function}" for file, function in dict.fromkeys(places))))
    return blake2s(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
