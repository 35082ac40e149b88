"""The queries of log alarms: what `apply` writes of Logs Insights QL, evaluated offline."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_errwatch.errors import JudgeError, PatternSyntaxError, Problem
from flask_errwatch.patterns import JsonEvent, Regex
from flask_errwatch.simulation.json_fields import number_of, text_of, value_at

Test = Callable[[JsonEvent], bool]

_FIELD = r"(?:[A-Za-z_]\w*(?:\.\w+)*|`[\w.-]+`)"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<number>-?\d+(?:\.\d+)?)(?![\w.])
      | (?P<text>{_QUOTED})
      | (?P<regex>/(?:[^/\\]|\\.)+/)
      | (?P<word>{_FIELD})
      | (?P<sign><=|>=|!=|[=<>()|])
    )""",
    re.VERBOSE | re.ASCII,
)
_SOURCE = re.compile(
    rf"\s*fields\s+coalesce\(\s*({_FIELD})\s*,\s*concat\(\s*({_QUOTED})\s*,\s*({_FIELD})\s*\)\s*\)"
    rf"\s+as\s+({_FIELD})\s*\|",
    re.ASCII,
)
_AGGREGATION = re.compile(
    rf"\s*(?:count\(\s*\*\s*\)|sum\(\s*({_FIELD})\s*\))\s+by\s+({_FIELD})"
    r"(?:\s*\|\s*sort\s+(asc|desc))?\s*",
    re.ASCII,
)
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: Parentheses within parentheses. Each level takes a part of the call stack.
_DEEPEST = 50
_QUERY_FORM = (
    'The judge reads `filter CONDITION`, before it `fields coalesce(FIELD, concat("text", FIELD)) '
    "as NAME |`; a condition is FIELD =, !=, <, <=, > or >= a number, FIELD = or != a quoted text, "
    "FIELD like or not like /regex/, or ispresent(FIELD), joined by and, or, not and parentheses"
)
_AGGREGATION_FORM = (
    "The judge reads `count(*)` or `sum(FIELD)`, then `by FIELD`, then `| sort desc`, "
    "`| sort asc` or nothing."
)


class _Marked(NamedTuple):
    """`coalesce(first, concat(mark, second)) as name`: a field, else another one with a mark."""

    first: tuple[str, ...]
    mark: str
    second: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines a log alarm reads, whom each counts for, and how much.

    A comparison with a field that a line lacks never holds, also not `!=`, as in a metric filter.
    A line without the field after `by` counts for no contributor. AWS documents neither.

    Args:
        alarm: The alarm's name, for messages.
        query: The query.
        aggregation: The aggregation.

    Attributes:
        by: The name after `by`: the attribute that the notification has.
        order: `asc`, `desc`, or an empty text without `sort`.
        reads: The top-level fields of a line that decide what it gives.

    Raises:
        JudgeError: When one of them is not of the form that `apply` writes.

    Example:
        >>> query = LogQuery("scan", "filter suspicion > 0", "sum(suspicion) by client_ip")
        >>> event = {"suspicion": 2, "client_ip": "192.0.2.7"}
        >>> query.contributor(event), query.contribution(event)
        ('192.0.2.7', 2)
    """

    alarm: str = field(compare=False)
    query: str
    aggregation: str
    by: str = field(init=False, compare=False)
    order: str = field(init=False, compare=False)
    reads: frozenset[str] = field(init=False, compare=False)
    _value: tuple[str, ...] | None = field(init=False, repr=False, compare=False)
    _source: _Marked | None = field(init=False, repr=False, compare=False)
    _test: Test = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        form = _AGGREGATION.fullmatch(self.aggregation)
        if form is None:
            raise _error(self.alarm, "aggregation", self.aggregation, _AGGREGATION_FORM)
        value, by, order = form.groups()
        source, end = _source(self.query)
        filters = _Filters(self.alarm, self.query, end)
        test = filters.test()
        is_marked = source is not None and source.name == by
        sources = (source.first, source.second) if source and is_marked else (_path(by),)
        values = () if value is None else (_path(value),)
        for name, parsed in (
            ("reads", frozenset(path[0] for path in (*filters.paths, *sources, *values))),
            ("by", by),
            ("order", order or ""),
            ("_value", value and _path(value)),
            ("_source", source),
            ("_test", test),
        ):
            object.__setattr__(self, name, parsed)

    def contributor(self, event: JsonEvent) -> str | None:
        """The contributor that a line counts for, None when it does not count.

        Args:
            event: The line as `patterns.read_event` gives it.
        """
        if not self._test(event):
            return None
        source = self._source
        if source is None or source.name != self.by:
            return text_of(value_at(event, _path(self.by)))
        first = text_of(value_at(event, source.first))
        if first is not None:
            return first
        second = text_of(value_at(event, source.second))
        return None if second is None else source.mark + second

    def contribution(self, event: JsonEvent) -> float:
        """What a line that counts adds: 1, or the number in the summed field, without one 0."""
        if self._value is None:
            return 1
        return number_of(value_at(event, self._value)) or 0

    def __str__(self) -> str:
        return self.aggregation.partition("|")[0].strip()


def _source(query: str) -> tuple[_Marked | None, int]:
    """The `fields` command at the beginning, if any, and where it ends."""
    match = _SOURCE.match(query)
    if match is None:
        return None, 0
    first, mark, second, name = match.groups()
    return _Marked(_path(first), _unquoted(mark), _path(second), name), match.end()


def _path(name: str) -> tuple[str, ...]:
    return tuple(name.strip("`").split("."))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


def _error(alarm: str, what: str, value: str, remedy: str) -> JudgeError:
    return JudgeError(Problem(key=f"{what} of log alarm {alarm!r}", value=value, remedy=remedy))


class _Token(NamedTuple):
    position: int
    kind: str
    text: str


class _Filters:
    """Reads `filter CONDITION`, and further such commands, into one test."""

    def __init__(self, alarm: str, query: str, start: int) -> None:
        self._alarm, self._query = alarm, query
        self._tokens = [*self._read(start), _Token(len(query), "end", "")]
        self._next = 0
        self.paths: set[tuple[str, ...]] = set()  # the fields that conditions read

    def test(self) -> Test:
        tests = [self._command()]
        while self._takes("|"):
            tests.append(self._command())
        self._expect("end")
        return _every(tests)

    def _command(self) -> Test:
        self._expect("filter")
        return self._either(0)

    def _either(self, depth: int) -> Test:
        tests = [self._both(depth)]
        while self._takes("or"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else _some(tests)

    def _both(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._takes("and"):
            tests.append(self._one(depth))
        return _every(tests)

    def _one(self, depth: int) -> Test:
        is_negated = False
        while self._takes("not"):
            is_negated = not is_negated
        if self._takes("("):
            if depth == _DEEPEST:
                raise self._refusal(self._tokens[self._next - 1])
            test = self._either(depth + 1)
            self._expect(")")
        else:
            test = self._condition()
        return _negation(test) if is_negated else test

    def _condition(self) -> Test:
        name = self._take()
        if name.kind != "word":
            raise self._refusal(name)
        if name.text == "ispresent" and self._takes("("):
            path = self._path(self._take())
            self._expect(")")
            return lambda event: value_at(event, path) is not None
        is_different = self._takes("not")
        if self._takes("like"):
            test = self._regex_test(self._path(name))
            return _negation(test) if is_different else test
        sign = self._take()
        if is_different or sign.text not in _COMPARISONS:
            raise self._refusal(sign)
        value = self._take()
        if value.kind == "number":
            return _number_test(self._path(name), sign.text, float(value.text))
        if sign.text in {"=", "!="} and value.kind == "text":
            return _text_test(self._path(name), sign.text, _unquoted(value.text))
        raise self._refusal(value)

    def _regex_test(self, path: tuple[str, ...]) -> Test:
        token = self._take()
        if token.kind != "regex":
            raise self._refusal(token)
        try:
            expression = Regex(token.text[1:-1])
        except PatternSyntaxError:
            raise self._refusal(token) from None

        def test(event: JsonEvent) -> bool:
            text = text_of(value_at(event, path))
            return text is not None and expression.search(text)

        return test

    def _path(self, name: _Token) -> tuple[str, ...]:
        path = _path(name.text)
        self.paths.add(path)
        return path

    def _read(self, start: int) -> Iterator[_Token]:
        end = len(self._query.rstrip())
        while start < end:
            match = _TOKEN.match(self._query, start)
            if match is None or match.lastgroup is None:
                unread = self._query[start:end].lstrip()
                yield _Token(end - len(unread), "unknown", unread)
                return
            yield _Token(match.start(match.lastgroup), match.lastgroup, match[match.lastgroup])
            start = match.end()

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _takes(self, text: str) -> bool:
        token = self._tokens[self._next]
        is_next = token.kind in {"word", "sign"} and token.text == text
        self._next += is_next
        return is_next

    def _expect(self, what: str) -> None:
        token = self._tokens[self._next]
        if what not in (token.kind, token.text) or token.kind in {"text", "unknown"}:
            raise self._refusal(token)
        self._take()

    def _refusal(self, token: _Token) -> JudgeError:
        remedy = f"{_QUERY_FORM}. The first thing it cannot read is at character {token.position}."
        return _error(self._alarm, "query", self._query, remedy)


def _every(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)


def _some(tests: list[Test]) -> Test:
    return lambda event: any(test(event) for test in tests)


def _negation(test: Test) -> Test:
    return lambda event: not test(event)


def _number_test(path: tuple[str, ...], sign: str, limit: float) -> Test:
    compare = _COMPARISONS[sign]

    def test(event: JsonEvent) -> bool:
        value = number_of(value_at(event, path))
        return value is not None and compare(value, limit)

    return test


def _text_test(path: tuple[str, ...], sign: str, expected: str) -> Test:
    is_equal = sign == "="

    def test(event: JsonEvent) -> bool:
        text = text_of(value_at(event, path))
        return text is not None and (text == expected) is is_equal

    return test
