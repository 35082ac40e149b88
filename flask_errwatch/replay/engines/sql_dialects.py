"""What is written differently in the SQL of DuckDB and in that of Athena. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask_errwatch.replay.gathering.sites import VARIABLE_SEGMENT

# What separates the groups of a line.
_TAB: Final = "chr(9)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """The SQL of an engine.

    Attributes:
        every: The argument with which `regexp_replace` replaces all matches, not only the first.
        group: How the text that replaces refers to a group, with `{}` for its number.
        split: The parts of a text `{0}` between separators `{1}`.
        part: A part `{1}` of what `split` returns, `{0}`, from 1. NULL behind the last one.
        clock: The seconds since the epoch of a text such as `25/Nov/2026:01:17:12 +0000`. NULL for
            another text.
        iso: The same of `2026-11-25T01:17:12.000000Z`.
    """

    every: str
    group: str
    split: str
    part: str
    clock: str
    iso: str

    def parted(self, text: str, regex: str, groups: int) -> str:
        """What the groups of a regular expression match, for `part`. None of it for another text.

        The expression is evaluated once for each line.
        """
        groups_of = (f"'{self.group.format(number)}'" for number in range(1, groups + 1))
        # A tab of the line itself cannot pass for the end of a group.
        found = (
            f"regexp_replace(replace({text}, {_TAB}, ' '),\n            '{regex}',\n            "
        )
        found += f"{_TAB} || {f' || {_TAB} || '.join(groups_of)})"
        return self.split.format(found, _TAB)

    def group_of(self, parts: str, number: int) -> str:
        """What a group matched. NULL where it matched nothing."""
        return f"nullif({self.part.format(parts, number + 1)}, '')"

    def extracted(self, text: str, regex: str, group: int) -> str:
        """What a group of a regular expression matches in a text. NULL where it matches nothing."""
        return f"nullif(regexp_extract({text}, '{regex}', {group}), '')"

    def replaced(self, text: str, regex: str, by: str) -> str:
        """The text with all matches of a regular expression replaced."""
        return f"regexp_replace({text}, '{regex}', '{by}'{self.every})"

    def template(self, path: str) -> str:
        """The template of a path, as `sites.template_of` returns it.

        No look-around is needed where each segment has slashes of its own.
        """
        bare = f"replace({self.replaced(path, '[?].*$', '')}, '/', '//') || '/'"
        marked = self.replaced(bare, f"/{VARIABLE_SEGMENT}/", "/*/")
        return self.replaced(f"replace({marked}, '//', '/')", "/$", "")


#: Source: https://duckdb.org/docs/stable/sql/functions/regular_expressions
DUCKDB: Final = Dialect(
    every=", 'g'",
    group=r"\{}",
    split="string_split({0}, {1})",
    part="{0}[{1}]",
    clock="epoch(try_strptime({}, '%d/%b/%Y:%H:%M:%S %z'))",
    iso="epoch(TRY_CAST({} AS TIMESTAMPTZ))",
)
#: Source: https://trino.io/docs/current/functions/datetime.html, which Athena's engine follows:
#: https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
ATHENA: Final = Dialect(
    every="",
    group="${}",
    split="split({0}, {1})",
    part="element_at({0}, {1})",
    clock="to_unixtime(try(parse_datetime({}, 'dd/MMM/yyyy:HH:mm:ss Z')))",
    iso="to_unixtime(try(from_iso8601_timestamp({})))",
)
