"""The demonstration: starts everything, sends an hour of requests and reports the result."""

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
from examples.flask_app.demo.blocks import block_until_over
from examples.flask_app.demo.evidence import PERIOD
from examples.flask_app.demo.subscriber import Subscriber
from examples.flask_app.demo.traffic import HOUR, SCANNER, Answer, Visit
from examples.flask_app.demo.verdict import CAUSES, Check, block_checks, checks
from examples.flask_app.demo.whys import ask
from flask_errwatch.lab import Clock, Lab

#: Seconds of the lab per real second: the hour takes 20.
SPEED = 180
#: Real seconds that a line may take to arrive, and how long to wait for the last evaluation.
SETTLE, PATIENCE = 4.0, 60.0


def main() -> int:
    """Runs the demonstration. Returns the exit code: 0 only if every check passed."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    # Settings of another app must not affect the shop.
    for name in [name for name in os.environ if name.startswith("ERRWATCH_")]:
        del os.environ[name]
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for terminals that cannot show bars
    console = Console(width=report.WIDTH, highlight=False, markup=False, emoji=False)
    with ExitStack() as stack:
        subscriber = stack.enter_context(Subscriber())
        # The last full hour, so that no metric is in the future.
        begin = (time.time() - HOUR) // HOUR * HOUR
        lab = stack.enter_context(Lab(speed=SPEED, origin=begin, settle=SETTLE))
        settings = _settings(subscriber.url)
        errwatch.bootstrap_alarms(create_app(settings))
        with shop.served(settings) as port:
            _introduce(console, lab.endpoint, port)
            clock = lab.begin()
            answers = _send_hour(console, clock, port)
        is_over = lab.wait_until_judged(begin + HOUR, PATIENCE)
        result = evidence.read(
            begin=datetime.fromtimestamp(begin, UTC), periods=int(HOUR) // PERIOD.seconds
        )
        whys = ask(CAUSES, settings)
        report.show(console, result, subscriber.messages)
        report.show_whys(console, whys)
        blocks = block_until_over(SCANNER, settings)
        report.show_blocks(console, blocks)
        results = [
            *checks(answers, result, subscriber.messages, whys),
            *block_checks(blocks),
            Check(is_over, f"the whole hour judged; {time.monotonic() - started:.0f} s in all"),
        ]
    report.show_checks(console, results)
    report.show_named(console, subscriber.messages)
    return 0 if all(check.is_met for check in results) else 1


def _settings(subscriber: str) -> dict[str, str]:
    """The shop's configuration, in this process and in those of gunicorn."""
    return {
        "ERRWATCH_SNS_TOPIC": "shop-alarms",
        "ERRWATCH_SUBSCRIPTIONS": subscriber,
        # The demo's clients send X-Forwarded-For, as a proxy in front of the shop would.
        "ERRWATCH_TRUSTED_PROXIES": "1",
        # With it a source alarm is a log alarm, whose message names the address.
        "ERRWATCH_LOG_ALARM_ROLE": "arn:aws:iam::123456789012:role/shop-log-alarms",
        # The IP sets of AWS WAF in which sources are blocked.
        "ERRWATCH_WAF_SCOPE": "regional",
        # A minute of the lab is a third of a second.
        "ERRWATCH_SEND_INTERVAL": "0.2",
    }


def _introduce(console: Console, endpoint: str, port: int) -> None:
    console.print(Text("Kettle & Leaf: one hour of a small shop in 20 seconds", style="bold"))
    console.print(f"Time runs {SPEED} times as fast. Nothing leaves this machine,", style="dim")
    console.print(
        "but for a look-up of the scanner's name in DNS before it is blocked.", style="dim"
    )
    console.print(f"shop        http://127.0.0.1:{port} (gunicorn, {shop.WORKERS} workers)")
    console.print(f"CloudWatch  {endpoint} (moto, and the judge beside it)")


def _send_hour(console: Console, clock: Clock, port: int) -> list[Answer]:
    visits = traffic.scripted_hour()
    columns = (
        TextColumn("{task.fields[now]}", style="bold"),
        BarColumn(None),
        TextColumn("{task.completed} requests"),
    )
    # Shown while it runs, and only on a terminal.
    is_hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=is_hidden) as progress:
        task = progress.add_task("", total=len(visits), now="")

        def show(visit: Visit) -> None:
            now = datetime.fromtimestamp(clock.origin + visit.at, UTC)
            progress.update(task, advance=1, now=f"{now:%H:%M}")

        return traffic.send(
            visits, port, due=lambda visit: clock.start + visit.at / SPEED, started=show
        )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the demo as Ctrl-C does, and stops everything that was started."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
