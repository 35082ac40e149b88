"""Prints the report after the hour, from the evidence alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from examples.flask_app.demo import chart
from examples.flask_app.demo.blocks import Blocks
from examples.flask_app.demo.evidence import PERIOD, Evidence, Watch
from examples.flask_app.demo.subscriber import Message
from examples.flask_app.demo.verdict import Check
from examples.flask_app.demo.whys import Why

WIDTH = 80
_HALF = 39
_STATES = {"OK": "green", "ALARM": "bold red", "INSUFFICIENT_DATA": "dim"}


def show(console: Console, evidence: Evidence, messages: Sequence[Message]) -> None:
    """Prints the whole report."""
    for part in (
        *_created(evidence),
        *_charts(evidence),
        *_alarms(evidence, messages),
        *_notified(messages),
        *_sources(evidence),
    ):
        console.print(part)


def _heading(title: str) -> Iterator[RenderableType]:
    yield Text()
    yield Rule(Text(title, style="bold"), align="left", style="dim")


def _created(evidence: Evidence) -> Iterator[RenderableType]:
    yield from _heading("Created by bootstrap_alarms()")
    yield f"log group    {evidence.group}, kept {evidence.retention_days} days"
    for subscriber in evidence.subscribers:
        yield f"SNS topic    {subscriber}"
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("filter = metric = alarm", no_wrap=True, min_width=29)
    table.add_column("pattern", no_wrap=True, width=39)
    table.add_column("alarm", no_wrap=True)
    for watch in evidence.watches:
        alarm = Text("none", style="dim")
        if watch.threshold is not None:
            alarm = Text(f"> {watch.threshold:g}/{watch.seconds}s")
        table.add_row(watch.name, Text(watch.pattern, style="cyan"), alarm)
    yield table


def _charts(evidence: Evidence) -> Iterator[RenderableType]:
    yield from _heading("Counted by the metrics, per 5 minutes")
    blocks = [_block(evidence, watch) for watch in evidence.watches]
    blocks.append(_legend(evidence))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_HALF, no_wrap=True)
    grid.add_column(width=_HALF, no_wrap=True)
    for left, right in zip_longest(blocks[::2], blocks[1::2], fillvalue=Text()):
        grid.add_row(left, right)
    yield grid


def _block(evidence: Evidence, watch: Watch) -> RenderableType:
    detector = watch.name.removeprefix(f"{evidence.group}-")
    # Some count lines of others, and `scan` sums what they say.
    count = sum(watch.sums)
    title = Text.assemble(
        (detector, "bold"), (f"  {count:g} counted" if count else "  no lines", "dim")
    )
    bars = chart.bars(watch.sums, watch.threshold)
    return Group(title, *bars, *([_axis(evidence, watch)] if count else []))


def _axis(evidence: Evidence, watch: Watch) -> Text:
    return chart.axis([f"{evidence.begin + PERIOD * n:%H:%M}" for n in range(len(watch.sums))])


def _legend(evidence: Evidence) -> RenderableType:
    others = Counter(line["event"] for line in evidence.lines if "detector" not in line)
    return Text.assemble(
        *(f"other lines: {count} {_shown(event)}\n" for event, count in others.items()),
        ("██", chart.CALM),
        " fine  ",
        ("██", chart.LOUD),
        " breaching  ",
        ("╌╌", chart.LINE),
        " threshold",
    )


def _alarms(evidence: Evidence, messages: Sequence[Message]) -> Iterator[RenderableType]:
    yield from _heading("Alarms")
    alarms = [
        (watch.name, watch.state, "never fired" if watch.notifies else "notifies no one")
        for watch in evidence.watches
        if watch.state is not None
    ]
    named = [(name, state, "never fired") for name, state in evidence.log_alarms]
    for name, state, reason in (*alarms, *named):
        line = Text(f"{name:<30}")
        for message in _since_it_fired(name, messages):
            moment = datetime.fromisoformat(message.time.split("+")[0])
            line.append(f"{moment:%H:%M} ").append(f"{message.state:<8}", _STATES[message.state])
            line.append(f"{_shown(message.contributor)} " if message.contributor else "")
        if len(line) == 30:
            line.append(f"{reason}, {state}", "dim")
        yield line


def _since_it_fired(alarm: str, messages: Sequence[Message]) -> Iterator[Message]:
    has_fired = False
    for message in messages:
        if message.alarm == alarm:
            has_fired = has_fired or message.state == "ALARM"
            if has_fired:
                yield message


def _notified(messages: Sequence[Message]) -> Iterator[RenderableType]:
    # Those that name an address are at the end.
    fired = [one for one in messages if one.state == "ALARM" and one.contributor is None]
    yield from _heading(f"Delivered to the SNS subscriber: {len(messages)} messages, such as")
    for message in fired[:1]:
        body = Text.assemble((_shown(message.subject), "bold"))
        body.append(f"\n{_shown(message.time)}\n{_shown(message.reason)}")
        yield Panel(body, border_style="dim")


def _sources(evidence: Evidence) -> Iterator[RenderableType]:
    yield from _heading("Top three sources")
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("client_ip")
    table.add_column("lines", justify="right")
    table.add_column("mostly")
    table.add_column("where")
    counts = Counter(str(line.get("client_ip", "unknown")) for line in evidence.failures)
    for client, count in counts.most_common(3):
        lines = evidence.of_source(client)
        event = Counter(line["event"] for line in lines).most_common(1)[0][0]
        paths = list(dict.fromkeys(str(line.get("path")) for line in lines))
        where = paths[0] if len(paths) == 1 else f"{len(paths)} paths, first {paths[0]}"
        table.add_row(_shown(client), str(count), _shown(event), _shown(where))
    yield table


def _shown(text: str) -> str:
    """The text in ASCII: strangers chose it, and a terminal obeys control characters."""
    return ascii(text)[1:-1]


def show_checks(console: Console, results: Sequence[Check]) -> None:
    """Prints each check and its result."""
    console.print(*_heading("Sent and found"), sep="\n")
    for check in results:
        mark = ("✓ ", "green") if check.is_met else ("✗ ", "bold red")
        console.print(Text.assemble(mark, check.text))


def show_whys(console: Console, whys: Sequence[Why]) -> None:
    """Prints what the command answers to the first question that an alarm raises."""
    for why in whys:
        console.print(*_heading(f"flask errwatch why {why.alarm}"), sep="\n")
        console.print(Text(why.text.rstrip()))


def show_blocks(console: Console, blocks: Blocks) -> None:
    """Prints what blocks the source, until the block ends."""
    console.print(*_heading("The scanner is blocked, for five seconds"), sep="\n")
    for command, text in blocks.texts.items():
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text(text.rstrip()))


def show_named(console: Console, messages: Sequence[Message]) -> None:
    """Prints the messages that name an address, which is what someone on call acts upon."""
    console.print(*_heading("Who it was"), sep="\n")
    for message in messages:
        if message.contributor is not None and message.state == "ALARM":
            body = Text.assemble(
                (_shown(message.subject), "bold"),
                "\n",
                (_shown(message.contributor), "bold red"),
                "  ",
            )
            console.print(Panel(body.append(_shown(message.reason)), border_style="dim"))
