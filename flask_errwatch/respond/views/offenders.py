"""The ranking of sources alone: as a table, JSON, CSV, and networks for a list of blocks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final, NamedTuple

from flask_errwatch._text import counted
from flask_errwatch.respond.ranking.summary import SourceRow
from flask_errwatch.respond.ranking.window import Window
from flask_errwatch.respond.views.columns import WIDTH, fitted, table
from flask_errwatch.respond.views.document import (
    as_json,
    source_fields,
    time_text,
    window_fields,
)
from flask_errwatch.respond.views.phrases import figure, moment_in, source_name

#: How sure an address must be that a block is made of it.
_TRUSTED: Final = frozenset({"verified", "counted"})
#: The numbers of a row that the CSV has.
_NUMBERS: Final = (
    *("lines", "suspicion", "paths", "unrouted", "failed_logins", "unclear_refusals"),
    *("sign_ins_before", "sign_ins_after", "before"),
)


#: Sources that the table has.
_TABLE: Final = 25


class Networks(NamedTuple):
    """Sources for a list of blocks.

    Attributes:
        trusted: Their networks.
        doubtful: How many sources are left out, since any client may claim their address.
    """

    trusted: tuple[str, ...]
    doubtful: int


def offender_lines(rows: Sequence[SourceRow], window: Window) -> list[str]:
    """The ranking as lines for a terminal, without line ends: the first 25.

    Args:
        rows: The most suspicious first.
        window: The time that they are of.
    """
    if not rows:
        return ["No source."]
    heading = ("SOURCE", "trust", "suspicion", "lines", "paths", "sign-ins", "last")
    lines = table(heading, [_cells(row, window) for row in rows[:_TABLE]])
    if len(rows) > _TABLE:
        lines.append(
            f"and {counted(len(rows) - _TABLE, 'more source')} (--csv and --json list them)"
        )
    return lines


def left_out_phrase(left_out: int) -> str:
    """That sources were left out. Empty where none was.

    Example:
        >>> left_out_phrase(4000)
        '4,000 sources were left out: --since, --detector or a higher minimum makes them fewer.'
    """
    if not left_out:
        return ""
    were = "was" if left_out == 1 else "were"
    remedy = "--since, --detector or a higher minimum makes them fewer"
    return f"{counted(left_out, 'source')} {were} left out: {remedy}."


def doubtful_phrase(doubtful: int) -> str:
    """That sources are in no list of networks. Empty where all are.

    Example:
        >>> doubtful_phrase(1)
        '1 source was left out: its trust is none or unknown, so any client may claim its address.'
    """
    if not doubtful:
        return ""
    were, whose = ("was", "its") if doubtful == 1 else ("were", "their")
    end = f"{whose} trust is none or unknown, so any client may claim {whose} address"
    return f"{counted(doubtful, 'source')} {were} left out: {end}."


def offender_document(rows: Sequence[SourceRow], window: Window, left_out: int = 0) -> str:
    """The ranking as JSON: the window, and for each source the fields that `why` has."""
    sources = [source_fields(row) for row in rows]
    return as_json({"window": window_fields(window), "sources": sources, "left_out": left_out})


def networks(rows: Sequence[SourceRow]) -> Networks:
    """The sources as networks: an address is a /32, an IPv6 source a /64.

    Rows without an address are left out, and those whose address is not known to be right: a client
    that invents one would choose who is blocked.

    Example:
        >>> rows = [SourceRow(source="192.0.2.7", trust="none")]
        >>> networks([*rows, SourceRow(source="2001:db8::/64", trust="counted")])
        Networks(trusted=('2001:db8::/64',), doubtful=1)
    """
    known = [(row, network) for row in rows if (network := _network(row.source)) is not None]
    trusted = tuple(network for row, network in known if row.trust in _TRUSTED)
    return Networks(trusted, len(known) - len(trusted))


def offender_csv(rows: Sequence[SourceRow]) -> str:
    """The ranking as CSV (RFC 4180) with a heading.

    It has addresses, numbers and times only. A text of strangers could begin with "=", and a
    spreadsheet would calculate it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["source", "trust", *_NUMBERS, "users", "first", "last"])
    for row in rows:
        fields = source_fields(row)
        numbers = [fields[name] for name in _NUMBERS]
        source = row.source if _network(row.source) else ""
        times = (time_text(row.first), time_text(row.last))
        writer.writerow([source, row.trust or "", *numbers, len(row.users), *times])
    return text.getvalue()


def _cells(row: SourceRow, window: Window) -> tuple[str, ...]:
    numbers = (row.lines, row.paths, row.sign_ins)
    return (
        fitted(source_name(row), WIDTH),
        row.trust or "-",
        figure(row.suspicion),
        *(f"{number:,}" for number in numbers),
        moment_in(window, row.last),
    )


def _network(source: str | None) -> str | None:
    if source is None:
        return None
    try:
        return str(ip_network(source))
    except ValueError:
        return None
