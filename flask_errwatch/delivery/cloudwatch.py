"""The `cloudwatch` sink: one process's journal and the shipper that sends it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from flask_errwatch._aws import DELIVERY, Aws
from flask_errwatch._guard import Guard
from flask_errwatch.config import Config
from flask_errwatch.delivery.heartbeat import Heartbeat
from flask_errwatch.delivery.journal.disk import OwnJournal, open_journal
from flask_errwatch.delivery.sender import Sender
from flask_errwatch.delivery.shipper import Shipper

#: Emits a line outside the catalogue: event name and data; whether the sinks took it.
EmitOperational = Callable[[str, dict[str, object]], bool]

#: Characters of a log stream's name (AWS API Reference, CreateLogStream).
_STREAM_LENGTH = 512


class CloudWatchSink:
    """One process's journal and its shipper.

    Args:
        config: The app's configuration.
        guard: Tells the operator.
        operational: Emits a line outside the catalogue.
        beat: Emits a heartbeat.
        is_wanted: Whether the app still exists.
        before: The journal of the process that this one was forked from, if there was one.
    """

    def __init__(
        self,
        config: Config,
        guard: Guard,
        *,
        operational: EmitOperational,
        beat: Callable[[], None],
        is_wanted: Callable[[], bool],
        before: OwnJournal | None,
    ) -> None:
        guard.run("getting ready to ship", _bring_in)
        self._config = config
        self.journal, warning = open_journal(config, before)
        if warning is not None:
            guard.tell("journal", warning)
        self.write = self.journal.append
        self.shipper = Shipper(
            self.journal,
            self._sender,
            interval=config.send_interval,
            guard=guard,
            operational=operational,
            heartbeat=Heartbeat(config.heartbeat_seconds, beat),
            is_wanted=is_wanted,
        )
        self.shipper.start()

    def _sender(self) -> Sender:
        config = self._config
        aws = Aws(region=config.region, endpoint_url=config.endpoint_url, patience=DELIVERY)
        return Sender(aws, config.log_group, _stream_name(config.app_name))


def _bring_in() -> None:
    # boto3 needs it, and it cannot be imported any more once the interpreter ends, as it does when
    # a short script is over before the shipper has imported boto3.
    import concurrent.futures.thread  # noqa: F401


def _stream_name(app_name: str) -> str:
    """A stream of this process alone: `{host}/{app}/{pid}-{start}`."""
    start = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name = f"{socket.gethostname()}/{app_name}/{os.getpid()}-{start}"
    # Neither may stand in a stream's name (AWS API Reference, CreateLogStream).
    return name.replace(":", "_").replace("*", "_")[-_STREAM_LENGTH:]
