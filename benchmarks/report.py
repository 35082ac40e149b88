"""The results as tables, for the terminal and for the documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

Results = Mapping[str, Any]

_CASES = ("200", "404", "403", "500")
#: The project's aims: the highest ratio for flask-errwatch.
AIMS = {"200": 1.03, "404": 1.25, "403": 1.25, "500": 1.5}
#: Rows that are also shown for other machines.
_OURS = ("floor of the job", "flask-errwatch", "flask-errwatch, not compiled")
_ELSEWHERE = Path(__file__).with_name("elsewhere")
_MARK = re.compile(r"<!-- table: (\w+) -->[^<]*<!-- end -->")


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of strings.

    Attributes:
        title: The title.
        head: The names of its columns.
        rows: One cell per column in each row.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """As Markdown."""
        rule = ("---", *("---:" for _ in self.head[1:]))
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows))

    def show(self, console: Console) -> None:
        """Prints it."""
        table = RichTable(title=self.title, title_justify="left", title_style="bold")
        for number, name in enumerate(self.head):
            table.add_column(name, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


def _elsewhere() -> tuple[Results, ...]:
    """The results of runs on other machines, oldest first."""
    return tuple(json.loads(path.read_text("utf-8")) for path in sorted(_ELSEWHERE.glob("*.json")))


def tables(results: Results) -> dict[str, Table]:
    """Every table, by its name in the documentation."""
    return {
        "machine": _machine(results),
        "overhead": _overhead(results["overhead"]),
        "machines": _machines((*_elsewhere(), results)),
        "threads": _threads(results["overhead"], results["sends"]),
        "switches": _switches(results["switches"]),
        "addresses_redaction": _addresses_redaction(results["addresses_redaction"]),
        "fields": _fields(results["fields"]),
        "imports": _imports(results["imports"]["imports"]),
        "dearest": _dearest(results["imports"]["dearest"]),
        "init": _init(results["imports"]["init"]),
        "memory": _memory(results["imports"]["memory"]),
        "delivery": _delivery(results["delivery"]),
        "replay": _replay(results["replay"]),
        "lines": _lines(results["money"]),
        "month": _month(results["money"]),
    }


def written_into(text: str, results: Results) -> str:
    """The text with every marked table replaced by the one of the results."""
    return with_tables(text, tables(results))


def with_tables(text: str, by_name: Mapping[str, Table]) -> str:
    """The text with every marked table replaced by the one of its name."""
    return _MARK.sub(lambda mark: _marked(mark[1], by_name[mark[1]]), text)


def _marked(name: str, table: Table) -> str:
    return f"<!-- table: {name} -->\n\n{table}\n\n<!-- end -->"


def update(path: Path, results: Results) -> None:
    """Writes the tables into a page of the documentation."""
    path.write_text(written_into(path.read_text("utf-8"), results), "utf-8")


def _row(
    name: str, figures: Mapping[str, Any], cells: Iterable[str], columns: int
) -> tuple[str, ...]:
    """A row of figures, or the reason why there are none."""
    if "skipped" in figures:
        return (name, figures["skipped"], *("–" for _ in range(columns - 1)))
    return (name, *cells)


def _machine(results: Results) -> Table:
    rows = [("date", results["date"]), *results["machine"].items(), *results["versions"].items()]
    return Table(
        title="Where and with what", head=("", "is"), rows=tuple((k, str(v)) for k, v in rows)
    )


def _overhead(overhead: Results) -> Table:
    rows = [
        _row(name, cells, (_spread(cells[case]) for case in _CASES if case in cells), len(_CASES))
        for name, cells in overhead.items()
    ]
    aims = ("aim of flask-errwatch, at most", *(f"{AIMS[case]:.2f}" for case in _CASES))
    return Table(
        title="A request's cost, by bare Flask's: median (quartiles)",
        head=("", *_CASES),
        rows=(*rows, aims),
    )


def _machines(runs: tuple[Results, ...]) -> Table:
    rows = [
        (
            f"{run['date']}, {name}",
            *(f"{run['overhead'][name][case]['ratio']:.2f}" for case in _CASES),
            f"{run['overhead'][name]['404']['bare_us']:.0f}",
        )
        for name in _OURS
        for run in runs
    ]
    return Table(
        title="The same on other machines, by each one's bare Flask",
        head=("", *_CASES, "a bare 404, µs"),
        rows=tuple(rows),
    )


def _switches(switches: Results) -> Table:
    rows = (
        (
            name,
            *(
                f"{cells[case]['us']:.1f} ({cells[case]['low']:.1f} to {cells[case]['high']:.1f})"
                for case in _CASES
            ),
        )
        for name, cells in switches.items()
    )
    return Table(
        title="What each key adds to a request, in µs: median (quartiles)",
        head=("", *_CASES),
        rows=tuple(rows),
    )


def _addresses_redaction(shares: Results) -> Table:
    return Table(
        title="The share of addresses and redaction in an event's cost",
        head=("", *shares),
        rows=(
            ("addresses and redaction", *(f"{100 * share:.0f} %" for share in shares.values())),
            ("aim, at most", *("15 %" for _ in shares)),
        ),
    )


def _fields(costs: Results) -> Table:
    return Table(
        title="What the fields of a request add to a 404",
        head=("", "dearer", "µs"),
        rows=tuple(
            (kind, f"{100 * cost['dearer']:.1f} %", f"{cost['us']:.1f}")
            for kind, cost in costs.items()
        ),
    )


def _spread(cell: Results) -> str:
    return f"{cell['ratio']:.2f} ({cell['low']:.2f}–{cell['high']:.2f})"


def _threads(overhead: Results, sends: Results) -> Table:
    rows = [
        _row(
            name,
            cells,
            (sends[name], *(f"{cells[case]['other_us']:.1f}" for case in _CASES if case in cells)),
            len(_CASES) + 1,
        )
        for name, cells in overhead.items()
    ]
    return Table(
        title="What other threads of the process take for a request, in µs",
        head=("", "sends to", *_CASES),
        rows=tuple(rows),
    )


def _imports(results: Results) -> Table:
    rows = [
        _row(name, figures, (_ms(figures, "ms"), _ms(figures, "cpu_ms")), 2)
        for name, figures in results.items()
    ]
    return Table(
        title="Import over Flask, structlog and orjson, in ms: median (quartiles)",
        head=("", "on the clock", "of the processor"),
        rows=tuple(rows),
    )


def _ms(figures: Results, key: str) -> str:
    if "skipped" in figures:
        return ""
    middle, low, high = figures[key]
    return f"{middle:.1f} ({low:.1f}–{high:.1f})"


def _dearest(modules: list[Results]) -> Table:
    return Table(
        title="The dearest modules of the import, each without what it imports",
        head=("module", "ms"),
        rows=tuple((module["module"], f"{module['ms']:.1f}") for module in modules),
    )


def _init(results: Results) -> Table:
    rows = []
    for name, figures in results.items():
        first, second = (figures[key] for key in ("first_ms", "second_ms"))
        rows.append((name, *(f"{a:.2f} ({b:.2f}–{c:.2f})" for a, b, c in (first, second))))
    return Table(
        title="`ErrWatch(app)`, in ms: median (quartiles)",
        head=("", "first app of a process", "another one"),
        rows=tuple(rows),
    )


def _memory(results: Results) -> Table:
    return Table(
        title="Memory of a process at rest, in MiB",
        head=("", "resident", "added", "private and written to", "added"),
        rows=tuple(
            _row(name, figures, _memory_cells(results, figures), 4)
            for name, figures in results.items()
        ),
    )


def _memory_cells(results: Results, figures: Results) -> tuple[str, ...]:
    if "skipped" in figures:
        return ()
    bare = next(iter(results.values()))
    cells: list[str] = []
    for key in ("rss_mib", "dirty_mib"):
        cells += (f"{figures[key][0]:.1f}", f"{figures[key][0] - bare[key][0]:.1f}")
    return tuple(cells)


def _delivery(figures: Results) -> Table:
    head = ("", "flask-errwatch", "watchtower alone", "ratio")
    title = "Delivery to the loopback endpoint"
    if "skipped" in figures:
        return Table(title=title, head=head, rows=(_row("lines a second", figures, (), 3),))
    return Table(
        title=title,
        head=head,
        rows=(
            (
                f"lines a second, of {figures['lines']:,}",
                f"{figures['ours_per_second']:,}",
                f"{figures['watchtower_per_second']:,}",
                f"{figures['ratio']:.2f}",
            ),
            (
                "memory grown meanwhile, MiB",
                f"{figures['ours_grown_mib']:.1f}",
                f"{figures['watchtower_grown_mib']:.1f}",
                "–",
            ),
            (
                "handing one line over, µs",
                f"{figures['ours_hand_over_us']:.1f}",
                f"{figures['watchtower_hand_over_us']:.1f}",
                f"{figures['hand_over_ratio']:.2f}",
            ),
        ),
    )


def _replay(results: Results) -> Table:
    return Table(
        title="Replaying a log",
        head=("format, and lines a second of the log", "lines a second", "a bare loop's", "ratio"),
        rows=tuple(
            (
                f"{figures['format']}, {figures['lines_a_second_of_the_log']:g}",
                f"{figures['lines_per_second']:,}",
                f"{figures['bare_lines_per_second']:,}",
                f"{figures['ratio']:.2f}",
            )
            for figures in results["formats"]
        ),
    )


def _lines(money: Results) -> Table:
    title = f"A million lines, in USD ({money['region']}, {money['as_of']})"
    rows = [
        (
            name,
            f"{line['bytes']}",
            f"{line['ingested_usd']:.2f}",
            f"{line['stored_month_usd']:.3f}",
            f"{line['scanned_usd']:.4f}",
        )
        for name, line in money["lines"].items()
    ]
    head = ("a line of", "bytes", "taken in", "kept a month", "read by a query")
    return Table(title=title, head=head, rows=tuple(rows))


def _month(money: Results) -> Table:
    rows = [
        (f"{cost['count']} × {cost['what']}", f"{cost['dollars']:.2f}")
        for cost in money["resources"]
    ]
    beats = money["heartbeats"]["ingested_usd"] + money["heartbeats"]["stored_month_usd"]
    title = f"Each month, in USD ({money['region']}, {money['as_of']})"
    rows.append(("heartbeats of one process", f"{beats:.3f}"))
    return Table(title=title, head=("", "USD"), rows=tuple(rows))
