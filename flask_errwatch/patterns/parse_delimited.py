"""The grammar of space-delimited patterns: `[ip, ..., status >= 500, bytes]`."""

from __future__ import annotations

from flask_errwatch.patterns.nodes import Comparison, Entry
from flask_errwatch.patterns.parse_condition import ConditionParser
from flask_errwatch.patterns.tokenizer import Cursor


def delimited_pattern(cursor: Cursor) -> tuple[Entry | None, ...]:
    """Pattern := "[" [ entry { "," entry } ] "]". The entry `...` is None."""
    cursor.at += 1
    entries: list[Entry | None] = []
    parser = _EntryParser(cursor)
    if cursor.skip_blanks() != "]":
        entries.append(parser.entry())
        while cursor.take(","):
            entries.append(parser.entry())
    if not cursor.take("]"):
        raise cursor.error("Write ',' before the next field, or close with ']'.")
    if cursor.skip_blanks():
        raise cursor.error("End the pattern after ']'.")
    return tuple(entries)


class _EntryParser(ConditionParser):
    """Parses the entries of one pattern and rejects repeated names."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor)
        self._names: set[str] = set()
        self._name = ""

    def entry(self) -> Entry | None:
        """Entry := "..." | [ name | either ], where every test of `either` has the same name."""
        cursor = self.cursor
        if cursor.skip_blanks() and cursor.peek() in ",]":
            return Entry()
        start = cursor.at
        if cursor.take("..."):
            self._use("...", start)
            cursor.skip_blanks()
            return None
        self._name = ""
        condition = None
        if cursor.peek() != "(":
            self._name = self._read_name()
        if cursor.skip_blanks() and cursor.peek() in "(=!<>":
            cursor.at = start
            condition = self.either(self._test)
            cursor.skip_blanks()
        self._use(self._name, start)
        return Entry(self._name, condition)

    def _test(self) -> Comparison:
        """Test := name comparison."""
        cursor = self.cursor
        cursor.skip_blanks()
        start = cursor.at
        name = self._read_name()
        if name != (self._name or name):
            raise cursor.error(f"Test only {self._name} here: a field has one name.", start)
        self._name = name
        return self.comparison()

    def _read_name(self) -> str:
        """Name := a letter or "_", then letters, digits and "_"."""
        cursor = self.cursor
        start = cursor.at
        name = cursor.run("_")
        if not name or name[0].isnumeric():
            remedy = "Write a field name: letters, digits and '_', not beginning with a digit."
            raise cursor.error(remedy, start)
        return name

    def _use(self, name: str, start: int) -> None:
        if name in self._names:
            raise self.cursor.error(f"Write '{name}' only once.", start)
        self._names.add(name)
