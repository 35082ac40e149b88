"""The deliveries that run in this process, and how to end them without delivering."""

from __future__ import annotations

import time

from flask_errwatch.delivery import Delivery, process_end


def running() -> set[Delivery]:
    """The deliveries that were started and not stopped."""
    return {one for one in process_end._running if isinstance(one, Delivery)}


def abandon(delivery: Delivery) -> None:
    """Ends the shipper as if its app were gone and nothing were pending. Its lines stay."""
    process_end._running.discard(delivery)
    delivery._app = lambda: None
    sink = delivery._cloudwatch
    if sink is None or sink.shipper._thread is None:
        return
    while sink.shipper._thread.is_alive():
        sink.shipper.figures.committed = sink.journal.appended
        sink.shipper.flush(time.monotonic())  # wakes the thread
        sink.shipper._thread.join(0.05)
