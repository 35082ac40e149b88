"""Builds the `exception` of an event: its type and message, and the frames of the app's code."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2s
from pathlib import Path
from types import CodeType, TracebackType
from typing import NamedTuple, Protocol, TypeVar

from flask_errwatch.capture.events import short
from flask_errwatch.capture.exception_chain import Link, links
from flask_errwatch.capture.redaction import MARGIN

_PACKAGE = Path(__file__).parents[1]
#: File names of this package's code begin so: the full path, and a relative one when compiled.
_PACKAGE_FILES = (f"{_PACKAGE}/", f"{_PACKAGE.name}/")
# Not by `sysconfig`, which reads Python's build configuration: as expensive as this whole module.
_STANDARD_LIBRARY = str(Path(os.__file__).parent) + "/"
_SITE_PACKAGES = "/(?:site|dist)-packages/"
#: Characters of a message that are kept until it is redacted, and cut further (`rendering`).
_MESSAGE_LENGTH = 1024 + MARGIN
#: Frames kept of a deep recursion: the outermost and the innermost.
_OUTERMOST, _INNERMOST = 5, 20
#: The same for the entries of a chain, and the characters that the message of each may have.
_FIRST_LINKS, _LAST_LINKS = 8, 8
_LINK_LENGTH = 256 + MARGIN

T = TypeVar("T")
Frame = dict[str, object]


def exception_fields(error: BaseException, *, root: str, handled: bool) -> dict[str, object]:
    """Returns the `exception` of an event.

    Args:
        error: The exception.
        root: The app's `root_path`. Code below it is the app's, wherever it is installed.
        handled: Whether an error handler of the app answered it.

    Returns:
        `type`, `message`, `where` (the innermost frame of the app's code), `frames` (those of
        the app's code and the innermost of all, outermost first), `fingerprint` (equal for equal
        types and app frames, regardless of message and line numbers; where there is a chain, also
        its types and the innermost app frame of each), `handled`, and `chain` where there is one:
        causes, members of a group and notes, each after what it belongs to.
    """
    name = _type_name(error)
    calls, app_calls = _calls(error.__traceback__, root)
    fields: dict[str, object] = {"type": name, "message": _message(error, _MESSAGE_LENGTH)}
    where = _innermost(calls, app_calls)
    if where is not None:
        fields["where"] = _shown(where)
    fields["frames"] = [*map(_frame, _shortened(calls, _OUTERMOST, _INNERMOST))]
    chain = _shortened(links(error), _FIRST_LINKS, _LAST_LINKS)
    entries = [link if isinstance(link, str) else _chain_entry(link, root) for link in chain]
    causes = [entry.identity for entry in entries if isinstance(entry, _ChainEntry)]
    fields["fingerprint"] = _fingerprint(name, app_calls or calls, causes)
    fields["handled"] = handled
    if entries:
        fields["chain"] = [entry if isinstance(entry, str) else entry.fields for entry in entries]
    return fields


class ShownFailures(Protocol):
    """Remembers which failures an app has shown."""

    def is_new_failure(self, fingerprint: str) -> bool:
        """Notes a critical failure, and returns whether the app has not shown it for seven days."""


def mark_new(exception: dict[str, object], shown: ShownFailures) -> None:
    """Adds `new` to the `exception` of an event that no handler answered, if it is new."""
    if not exception["handled"] and shown.is_new_failure(str(exception["fingerprint"])):
        exception["new"] = True


class _SourceFile(NamedTuple):
    """A source file: whether it is the app's, and its name in a line."""

    is_of_app: bool
    name: str


#: One call of a traceback, and the file of its code. Only calls that are shown become frames.
_Call = tuple[TracebackType, _SourceFile]


class _ChainEntry(NamedTuple):
    """An entry of `chain`, and what of it is the same for every occurrence of the fault."""

    fields: dict[str, object]
    identity: str


def _chain_entry(link: Link, root: str) -> _ChainEntry:
    fields: dict[str, object] = {"relation": link.relation}
    if isinstance(link.subject, str):
        fields["message"] = short(link.subject, _LINK_LENGTH)
        return _ChainEntry(fields, "")
    fields["type"] = identity = _type_name(link.subject)
    fields["message"] = _message(link.subject, _LINK_LENGTH)
    where = _innermost(*_calls(link.subject.__traceback__, root))
    if where is not None:
        fields["where"] = _shown(where)
        call, file = where
        identity += f" {file.name}:{call.tb_frame.f_code.co_name}"
    return _ChainEntry(fields, identity)


def _type_name(error: BaseException) -> str:
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return short(f"{module}{kind.__qualname__}")


def _message(error: BaseException, length: int) -> str:
    try:
        return short(str(error), length)
    except Exception:  # noqa: BLE001 - the exception's __str__ raised; its type is still shown
        return "<its message cannot be shown>"


def _calls(traceback: TracebackType | None, root: str) -> tuple[list[_Call], list[_Call]]:
    """The calls to show and, of those, the app's. The traceback is walked, never formatted."""
    app_calls: list[_Call] = []
    last: _Call | None = None
    code: CodeType | None = None
    file: _SourceFile | None = None
    while traceback is not None:
        if traceback.tb_frame.f_code is not code:  # of a recursion it is the same
            code = traceback.tb_frame.f_code
            file = source_file(code.co_filename, root)
        if file is not None:
            last = (traceback, file)
            if file.is_of_app:
                app_calls.append(last)
        traceback = traceback.tb_next
    if last is None or last[1].is_of_app:
        return app_calls, app_calls
    return [*app_calls, last], app_calls


def _frame(call: _Call | str) -> Frame | str:
    if isinstance(call, str):
        return call
    traceback, file = call
    name = traceback.tb_frame.f_code.co_name
    return {"file": file.name, "line": traceback.tb_lineno, "function": name}


def _innermost(calls: list[_Call], app_calls: list[_Call]) -> _Call | None:
    """The innermost call in the app's code, else in all code."""
    return app_calls[-1] if app_calls else calls[-1] if calls else None


def _shown(call: _Call) -> str:
    traceback, file = call
    return f"{file.name}:{traceback.tb_lineno} in {traceback.tb_frame.f_code.co_name}"


def _shortened(entries: Sequence[T], outermost: int, innermost: int) -> list[T | str]:
    """The entries, with a mark in place of those between the outermost and the innermost."""
    omitted = len(entries) - outermost - innermost
    if omitted <= 0:
        return [*entries]
    return [*entries[:outermost], f"[{omitted} more]", *entries[-innermost:]]


@lru_cache(maxsize=4096)
def source_file(filename: str, root: str) -> _SourceFile | None:
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


def _fingerprint(name: str, calls: list[_Call], causes: list[str]) -> str:
    functions: dict[int, tuple[str, str]] = {}  # by identity: code of two files may be equal
    for call, file in calls:
        code = call.tb_frame.f_code
        if id(code) not in functions:
            functions[id(code)] = (file.name, code.co_name)
    # Sorted: the members of a group may come in any order.
    return _digest(name, tuple(functions.values()), tuple(sorted({*causes})))


@lru_cache(maxsize=1024)
def _digest(name: str, functions: tuple[tuple[str, str], ...], causes: tuple[str, ...]) -> str:
    unique = dict.fromkeys(functions)
    text = "\n".join((name, *(f"{file}:{function}" for file, function in unique), *causes))
    return blake2s(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
