"""The demonstration: starts everything, lives through the hour, shows what came of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from io import TextIOWrapper
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from examples.flask_app import create_app, errwatch
from examples.flask_app.demo import evidence, report, shop, traffic
from examples.flask_app.demo.evidence import PERIOD
from examples.flask_app.demo.subscriber import Subscriber
from examples.flask_app.demo.traffic import HOUR, MINUTE, Answer, Visit
from examples.flask_app.demo.verdict import Check, checks
from flask_errwatch.lab import Clock, Lab

#: Seconds of the lab in one second of the world: the hour takes 20.
SPEED = 180
#: Seconds of the world that a line may take on its way, and that the end is waited for.
SETTLE, PATIENCE = 1.5, 60.0


def main() -> int:
    """Runs the demonstration; gives the exit code: 0 only if everything came as expected."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    # Settings of another app must not change the shop's.
    for name in [name for name in os.environ if name.startswith("ERRWATCH_")]:
        del os.environ[name]
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without bars still shows the words
    console = Console(width=report.WIDTH, highlight=False)
    with ExitStack() as everything:
        subscriber = everything.enter_context(Subscriber())
        # An hour that is over, so that no metric lies in the future.
        begin = (time.time() - HOUR) // HOUR * HOUR
        lab = everything.enter_context(Lab(speed=SPEED, origin=begin, settle=SETTLE))
        settings = _settings(subscriber.url)
        errwatch.bootstrap_alarms(create_app(settings))
        with shop.served(settings) as port:
            _introduce(console, lab.endpoint, port)
            clock = lab.begin()
            answers = _live_through(console, clock, port)
        is_over = lab.wait_until_judged(begin + HOUR, PATIENCE)
        found = evidence.read(
            begin=datetime.fromtimestamp(begin, UTC), periods=int(HOUR) // PERIOD.seconds
        )
        report.show(console, found, subscriber.messages)
        results = [
            *checks(answers, found, subscriber.messages),
            Check(is_over, f"the whole hour judged; {time.monotonic() - started:.0f} s in all"),
        ]
    report.show_checks(console, results)
    return 0 if all(each.holds for each in results) else 1


def _settings(subscriber: str) -> dict[str, str]:
    """How the shop is configured, in this process and in gunicorn's."""
    return {
        "ERRWATCH_SNS_TOPIC": "shop-alarms",
        "ERRWATCH_SUBSCRIPTIONS": subscriber,
        # The demo's clients speak as a proxy in front of the shop would.
        "ERRWATCH_TRUSTED_PROXIES": "1",
        # A minute of the lab is a third of a second.
        "ERRWATCH_SEND_INTERVAL": "0.2",
        "ERRWATCH_HEARTBEAT_SECONDS": f"{MINUTE / SPEED:.3f}",
    }


def _introduce(console: Console, endpoint: str, port: int) -> None:
    console.print(Text("Kettle & Leaf: one hour of a small shop in 20 seconds", style="bold"))
    console.print(f"Time runs {SPEED} times as fast. Nothing leaves this machine.", style="dim")
    console.print(f"shop        http://127.0.0.1:{port} (gunicorn, {shop.WORKERS} workers)")
    console.print(f"CloudWatch  {endpoint} (moto, and the judge beside it)")


def _live_through(console: Console, clock: Clock, port: int) -> list[Answer]:
    visits = traffic.scripted_hour()
    columns = (
        TextColumn("{task.fields[now]}", style="bold"),
        BarColumn(None),
        TextColumn("{task.completed} requests"),
    )
    # Shown while it runs, gone afterwards, and not there at all where nobody looks.
    looked_at = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not looked_at) as progress:
        task = progress.add_task("", total=len(visits), now="")

        def seen(visit: Visit) -> None:
            now = datetime.fromtimestamp(clock.origin + visit.at, UTC)
            progress.update(task, advance=1, now=f"{now:%H:%M}")

        return traffic.send(
            visits, port, due=lambda visit: clock.start + visit.at / SPEED, seen=seen
        )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """A request to stop ends as Ctrl-C does: everything that was started is stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
