"""The `cloudwatch` sink: one process's journal and the shipper that sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask_errwatch._aws import DELIVERY, Aws
from flask_errwatch._guard import Guard, warn
from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.delivery.journal import Journal, open_journal
from flask_errwatch.delivery.process_end import has_forked
from flask_errwatch.delivery.sender import Sender, own_stream
from flask_errwatch.delivery.shipper import EmitOperational, Shipper
from flask_errwatch.delivery.stats import SinkFigures

if TYPE_CHECKING:
    from flask_errwatch.delivery.journal import Death


class CloudWatchSink:
    """One process's journal and its shipper, which is started.

    Args:
        config: The app's configuration.
        guard: Reports failures to the operator.
        emit: Emits an operational line.
        emit_heartbeat: Emits the heartbeat.
        emit_death: Emits the line of a process that died.
        app_is_alive: Whether the app still exists.
        parent: The journal of the process that this one was forked from, if there was one.

    Attributes:
        write: Appends a line to the journal and returns whether it could. Never raises.
        requests: Takes the requests of this process, if they are tracked and there is a folder.
    """

    def __init__(
        self,
        config: Config,
        guard: Guard,
        *,
        emit: EmitOperational,
        emit_heartbeat: Callable[[], None],
        emit_death: Callable[[Death], bool],
        app_is_alive: Callable[[], bool],
        parent: Journal | None,
    ) -> None:
        guard.run("getting ready to ship", _import_early)
        self._config = config
        self._guard = guard
        journal, warning = open_journal(config, parent)
        if warning is not None:
            guard.warn_once("journal", warning)
        self.write = journal.append
        self.requests = (
            guard.run("tracking requests", journal.track_requests)
            if config.track_requests
            else None
        )
        self.shipper = Shipper(
            journal,
            self._make_sender,
            guard=guard,
            interval=config.send_interval,
            heartbeat_seconds=config.heartbeat_seconds,
            emit=emit,
            emit_heartbeat=emit_heartbeat,
            emit_death=emit_death,
            app_is_alive=app_is_alive,
        )
        self.shipper.start()

    @property
    def journal(self) -> Journal:
        """This process's journal: in memory once its folder cannot be used any more."""
        return self.shipper.journal

    def figures(self) -> SinkFigures:
        """The figures of the shipper."""
        return SinkFigures(
            delivered=self.shipper.figures.delivered,
            pending=self.shipper.pending,
            lost=self.shipper.lost,
            redelivered=self.shipper.figures.redelivered,
            last_error=self.shipper.figures.last_error,
        )

    def flush(self, deadline: float) -> bool:
        """Waits until CloudWatch has accepted every line, or until the deadline."""
        return self.shipper.flush(deadline)

    def stop(self, deadline: float) -> None:
        """Sends what is pending until the deadline, and logs how many lines are left.

        A parent also sends what children have left that ended since the last search.
        """
        # First: a process that is killed because this takes too long has ended nonetheless.
        self._guard.run("marking the end", self.journal.mark_ended)
        if has_forked():
            self.shipper.search()
        self.shipper.stop(deadline)
        pending = self.shipper.pending
        if not pending:
            return
        outcome = "left in the journal" if self.journal.is_durable else "lost"
        last_error = self.shipper.figures.last_error or self._guard.last_error
        is_explained = self.shipper.has_logged_outage or last_error is None
        reason = "" if is_explained else f": {last_error}"
        warn(f"{counted(pending, 'line')} {outcome} as the process ends{reason}")

    def flush_before_os_exit(self, deadline: float) -> None:
        """Sends what is pending, but not in an outage. A process that ends now has not died."""
        self._guard.run("marking the end", self.journal.mark_ended)
        if not self.shipper.has_logged_outage:
            self.shipper.stop(deadline)

    def _make_sender(self) -> Sender:
        config = self._config
        aws = Aws.from_config(config, DELIVERY)
        return Sender(aws, config.log_group, own_stream(config.app_name))


def _import_early() -> None:
    # boto3 needs it, and it cannot be imported any more once the interpreter ends, as it does when
    # a short script is over before the shipper has imported boto3.
    import concurrent.futures.thread  # noqa: F401
