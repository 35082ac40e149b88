"""`ERRWATCH_WATCH_COMMANDS`: an exception that ends a command of the app is a critical error.

Right before a group runs a command, it looks it up by `get_command`, whenever and wherever the
command was registered. From then until the group's click context closes, a watch is active. It is
entered as a resource of the context, so that no call of this package is on the stack: the traceback
that Python prints is that of the command.
"""

from __future__ import annotations

import sys
import weakref
from types import TracebackType
from typing import TYPE_CHECKING

from flask import Flask

from flask_errwatch.capture.jobs import RecordFailure, Watch, failure_recorder
from flask_errwatch.capture.recorder import Recorder

if TYPE_CHECKING:
    import click

#: Where a group that runs several commands in a chain keeps the names of all of them.
_CHAIN = "*"


def watch_commands(app: Flask, recorder: Recorder) -> None:
    """Watches every command of `app.cli`, also those that are registered later."""
    _Group(app.cli, failure_recorder(recorder)).watch()


class _Group:
    """The `get_command` of one group, on whose commands a watch is put."""

    def __init__(self, group: click.Group, record: RecordFailure) -> None:
        self._find = group.get_command
        self._group = group
        self._record = record
        self._contexts: weakref.WeakSet[click.Context] = weakref.WeakSet()

    def watch(self) -> None:
        """Puts itself in the place of the method."""
        self._group.get_command = self  # type: ignore[method-assign]

    def __call__(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns what the group returns."""
        command = self._find(ctx, cmd_name)
        find = getattr(command, "get_command", None)
        if find is not None and not isinstance(find, _Group):
            _Group(command, self._record).watch()  # type: ignore[arg-type]  # a group has the method
        if command is not None and ctx not in self._contexts:
            self._contexts.add(ctx)
            ctx.with_resource(_CommandWatch(ctx, self._record))
        return command


class _CommandWatch:
    """Watches the command that a group's context runs."""

    def __init__(self, ctx: click.Context, record: RecordFailure) -> None:
        self._ctx = ctx
        self._watch = Watch("command", lambda: record)

    def __enter__(self) -> None:
        self._watch.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:  # before click 8.2, a context that closes does not say why
            kind, error, traceback = sys.exc_info()
        self._watch.name = _command_name(self._ctx)
        self._watch.__exit__(kind, error, traceback)


def _command_name(ctx: click.Context) -> str:
    """The command that the context ran: `users create` for `flask users create`."""
    names = [] if ctx.invoked_subcommand in {None, _CHAIN} else [str(ctx.invoked_subcommand)]
    while ctx.parent is not None:
        names.insert(0, str(ctx.info_name))
        ctx = ctx.parent
    return " ".join(names) or str(ctx.info_name)
