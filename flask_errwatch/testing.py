"""Tests of what an app records and of the alarms that its traffic raises; no AWS, no threads.

pytest finds the fixtures `errwatch_events` and `errwatch_judge` by itself; other frameworks use
`capture_events` and `TrafficJudge`, which are the same. Within each, no line of any app of the
process goes to its sinks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, cast, final

from flask import Flask, request_started

from flask_errwatch.capture.hooks import Event
from flask_errwatch.delivery.interception import intercept_lines
from flask_errwatch.errors import ErrWatchError, JudgeError, NoAppError, Problem
from flask_errwatch.extension import KEY, AppState, state_of
from flask_errwatch.provision.desired import Desired, desired_resources
from flask_errwatch.simulation import (
    HEARTBEAT_LINE,
    CompositeCondition,
    InputShows,
    Judge,
    Report,
    StateValue,
    Transition,
    Unjudged,
    judgeable,
)

__all__ = ["START", "TrafficJudge", "capture_events"]

#: When every judge's clock begins: 2026-01-01T12:00:00Z, in seconds since the epoch.
START = 1_767_268_800
_MINUTE = 60


@contextmanager
def capture_events() -> Iterator[list[Event]]:
    """Captures the events of every app of this process, whatever its sinks.

    Each is a dict of what its line says; heartbeats and the like are left out. No line goes to
    a sink meanwhile.

    Example:
        >>> from flask import Flask
        >>> from flask_errwatch import ErrWatch
        >>> app = Flask("shop")
        >>> errwatch = ErrWatch(app)
        >>> with capture_events() as events:
        ...     _ = app.test_client().get("/wp-login.php")
        >>> [(event["detector"], event["path"]) for event in events]
        [('not-found-error', '/wp-login.php')]
    """
    events: list[Event] = []

    def take(_app: Flask | None, line: bytes) -> None:
        event = json.loads(line)
        if "detector" in event:
            events.append(event)

    with intercept_lines(take):
        yield events


class Account(NamedTuple):
    """How it came that a detector's alarm was raised, or not.

    Attributes:
        detector: The detector's name.
        sentence: What came of its lines.
    """

    detector: str
    sentence: str


class Alarms(frozenset[str]):
    """The names of the detectors whose alarm was raised: a set that can say why.

    Attributes:
        accounts: One for each detector of each app.
    """

    accounts: tuple[Account, ...]

    @classmethod
    def of(cls, names: Iterable[str], accounts: Iterable[Account]) -> Alarms:
        """The set of these names."""
        alarms = cls(names)
        alarms.accounts = tuple(accounts)
        return alarms

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, sorted(self)))}}}" if self else "set()"


class Standing(str):
    """The state of a detector's alarm: a text that can say why.

    Attributes:
        detector: The detector's name.
        accounts: One for each detector of the app.
    """

    __slots__ = ("accounts", "detector")

    detector: str
    accounts: tuple[Account, ...]

    @classmethod
    def of(cls, state: StateValue, detector: str, accounts: tuple[Account, ...]) -> Standing:
        """The state of this detector."""
        standing = cls(state)
        standing.detector, standing.accounts = detector, accounts
        return standing


@final
class TrafficJudge:
    """Says which alarms the traffic inside a `with` block would raise in CloudWatch.

    It judges each line that any app of the process writes, by the patterns, thresholds and
    periods that the app is configured with. Time is its own: it begins at `START`, stands still
    while requests are served, and passes in `advance` alone. Asking changes nothing. An answer
    takes the current minute as over, and covers everything since the beginning. The app's
    heartbeat (`ERRWATCH_HEARTBEAT_SECONDS`) beats as it would in production: a quiet minute has
    zeros, not missing data.

    Example:
        >>> from flask import Flask
        >>> from flask_errwatch import ErrWatch
        >>> app = Flask("shop")
        >>> errwatch = ErrWatch(app)
        >>> with TrafficJudge() as judge:
        ...     for _ in range(11):
        ...         _ = app.test_client().get("/wp-login.php")
        ...     judge.alarms()
        {'not-found-error'}
    """

    def __init__(self) -> None:
        self._now: float = START
        self._lines: list[tuple[AppState, int, str]] = []
        self._served: dict[int, AppState] = {}
        self._requests: list[tuple[AppState, int]] = []
        self._block = ExitStack()

    def __enter__(self) -> TrafficJudge:
        self._block.enter_context(intercept_lines(self._take))
        self._block.enter_context(request_started.connected_to(self._serve))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._block.close()

    def _take(self, app: Flask | None, line: bytes) -> None:
        if app is not None:
            self._lines.append((state_of(app), int(self._now * 1000), line.decode()))

    def _serve(self, app: Flask, **_: object) -> None:
        state = app.extensions.get(KEY)
        if isinstance(state, AppState):
            self._served[id(state)] = state
            self._requests.append((state, int(self._now * 1000)))

    def advance(self, *, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Lets time pass before the next request.

        Args:
            hours: Hours, of 3,600 seconds.
            minutes: Minutes, added to them.
            seconds: Seconds, added to both.

        Raises:
            JudgeError: When no time, or less than none, would pass.
        """
        passed = hours * 3600 + minutes * 60 + seconds
        if not passed > 0:
            remedy = "Let time pass, as in advance(minutes=5): it stands still by itself."
            raise JudgeError(Problem(key="advance", value=passed, remedy=remedy))
        self._now += passed

    def alarms(self, app: Flask | None = None) -> frozenset[str]:
        """The detectors whose alarm was raised since the beginning, also where it is over again.

        Args:
            app: Only this app's; None means those of every app that wrote a line.

        Returns:
            A set of detector names. When a comparison with it fails, pytest shows how each
            came about; `explain` says the same at length.

        Raises:
            NoAppError: When the app is not watched.
        """
        return self._alarms(self._states(app))

    def _alarms(self, states: Sequence[AppState]) -> Alarms:
        raised: list[str] = []
        accounts: list[Account] = []
        for state in states:
            judged = self._judged(state)
            fired = {
                judged.names[transition.alarm]
                for transition in judged.transitions
                if transition.new == "ALARM" and transition.alarm in judged.names
            }
            of_app = f" of {state.config.app_name}" if len(states) > 1 else ""
            raised += sorted(fired)
            for name, sentence in judged.sentences(fired):
                accounts.append(Account(name, f"{name}{of_app}: {sentence}"))
        return Alarms.of(raised, accounts)

    def states(self, app: Flask | None = None) -> dict[str, StateValue]:
        """The state now of each detector that has an alarm.

        Args:
            app: The app, where several wrote lines, or served requests while none wrote any.

        Raises:
            NoAppError: When the app is not watched, or it cannot be told which is meant.
        """
        states = self._states(app)
        if len(states) != 1:
            did = "wrote lines" if self._lines else "served requests"
            remedy = f"Call states(app=app): {len(states)} apps {did}."
            raise NoAppError(Problem(key="app", value=None, remedy=remedy))
        judged = self._judged(states[0])
        accounts = self._alarms(states).accounts
        by_name: dict[str, StateValue] = {}
        for alarm, name in judged.names.items():
            if alarm in judged.judge.states:
                # It equals the plain string, and can explain itself.
                state = Standing.of(judged.judge.states[alarm], name, accounts)
                by_name[name] = cast("StateValue", state)
        return by_name

    def explain(self, app: Flask | None = None) -> str:
        """How the states came about: lines per detector, worst periods, every transition.

        Args:
            app: Only this app's; None means those of every app that wrote a line.

        Raises:
            NoAppError: When the app is not watched.
        """
        parts: list[str] = []
        for state in self._states(app):
            judged = self._judged(state)
            parts += [judged.judge.explain(), *map(str, judged.transitions)]
            parts += [f"{entry.alarm} is not judged: {entry.reason}" for entry in judged.unjudged]
        return "\n".join(parts) or _NOTHING

    def _states(self, app: Flask | None) -> list[AppState]:
        """The app's state; without one, the states of the apps that wrote lines, each once.

        While none did, of those that served requests: nothing failed.
        """
        if app is not None:
            return [state_of(app)]
        wrote = {id(state): state for state, _, _ in self._lines}
        return list((wrote or self._served).values())

    def _judged(self, state: AppState) -> _Judged:
        """The app's lines, judged. The judge is a new one, so that no line is late."""
        config = state.config
        desired = desired_resources(state.catalogue, config)
        shows = InputShows(requests=True, heartbeats=bool(config.heartbeat_seconds))
        resources, unjudged = judgeable(desired.resources, shows)
        judge = Judge(resources, start=START)
        for writer, timestamp, text in self._lines:
            if writer is state:
                judge.feed(timestamp, text)
        for server, timestamp in self._requests:
            if server is state:
                judge.count_requests(timestamp)
        end = int(self._now // _MINUTE * _MINUTE + _MINUTE)
        if config.heartbeat_seconds:
            beat = judge.match(HEARTBEAT_LINE)
            # A second one in a minute would give the same zero.
            for at in range(START, end, max(_MINUTE, int(config.heartbeat_seconds))):
                judge.count(at * 1000, beat)
        return _Judged(
            state=state,
            judge=judge,
            transitions=judge.advance(end),
            names=_names_of(desired, state),
            unjudged=unjudged,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    """The lines of one app, judged.

    Attributes:
        state: The app's state.
        judge: The judge that saw them.
        transitions: What changed, in order of time.
        names: The name by which a test knows each alarm.
        unjudged: The alarms that lines cannot decide.
    """

    state: AppState
    judge: Judge
    transitions: list[Transition]
    names: dict[str, str]
    unjudged: tuple[Unjudged, ...]

    def sentences(self, fired: AbstractSet[str]) -> Iterator[tuple[str, str]]:
        """What came of the lines of each detector, and of each further alarm."""
        reports = {report.name: report for report in self.judge.reports()}
        reasons = {entry.alarm: entry.reason for entry in self.unjudged}
        app_name = self.state.config.app_name
        alarms = {
            detector.resource_name(app_name): detector.name for detector in self.state.catalogue
        }
        names = {*alarms.values()}
        alarms |= {alarm: name for alarm, name in self.names.items() if name not in names}
        for alarm, name in alarms.items():
            if alarm in reasons:
                yield name, f"not judged: {reasons[alarm]}"
            else:
                yield name, _sentence(reports[alarm], is_raised=name in fired)


def _names_of(desired: Desired, state: AppState) -> dict[str, str]:
    """The name by which a test knows each alarm: its detector's, or its own without the app's.

    The alarm of a detector that has a composite one (`BusyAlarm`) is the composite: those that it
    combines notify no one.
    """
    app_name = state.config.app_name
    names = {detector.resource_name(app_name): detector.name for detector in state.catalogue}
    alarms = {alarm.name: names.get(alarm.name) for alarm in desired.alarms}
    for composite in desired.composites:
        children = CompositeCondition.of(composite).children
        owners = [alarms.pop(child, None) for child in sorted(children)]
        alarms[composite.name] = next(filter(None, owners), None)
    return {alarm: name or alarm.removeprefix(f"{app_name}-") for alarm, name in alarms.items()}


_NOTHING = "No app wrote a line: nothing failed, or ErrWatch(app) was not called."


def explained(op: str, left: object, right: object) -> list[str] | None:
    """What pytest shows of a failed comparison with alarms or states; None of any other.

    What the two sides disagree on comes first, because pytest cuts long explanations.
    """
    for mine, other in ((left, right), (right, left)):
        accounts = _accounts(mine)
        if accounts is None:
            continue
        if isinstance(mine, Standing):
            guilty = {mine.detector}
        elif isinstance(mine, Alarms):
            named = _names(other)
            guilty = named if op in {"in", "not in"} else named ^ mine
        else:
            guilty = _differing(mine, other)
        return [f"{left!r} {op} {right!r}", *_table(accounts, guilty)]
    return None


def table(judge: TrafficJudge) -> str:
    """What came of the lines, the raised alarms first: for failures that compare nothing."""
    try:
        alarms = judge.alarms()
    except ErrWatchError as error:
        return str(error)
    return "\n".join(_table(alarms.accounts, alarms) if isinstance(alarms, Alarms) else ())


def _table(accounts: tuple[Account, ...], guilty: AbstractSet[str]) -> list[str]:
    if not accounts:
        return [_NOTHING]
    unknown = sorted(guilty - {account.detector for account in accounts})
    return [
        *(f"{name}: there is no such detector" for name in unknown),
        *(each.sentence for each in sorted(accounts, key=lambda it: it.detector not in guilty)),
    ]


def _accounts(mine: object) -> tuple[Account, ...] | None:
    """The accounts of alarms, of a state or of all states; None of anything else."""
    if isinstance(mine, Alarms | Standing):
        return mine.accounts
    first = next(iter(mine.values()), None) if isinstance(mine, dict) else None
    return first.accounts if isinstance(first, Standing) else None


def _names(other: object) -> set[str]:
    several = other if isinstance(other, set | frozenset | list | tuple) else (other,)
    return {each for each in several if isinstance(each, str)}


def _differing(mine: object, other: object) -> set[str]:
    """The detectors of which two mappings do not say the same."""
    if not isinstance(mine, Mapping) or not isinstance(other, Mapping):
        return set()
    names = {each for each in (*mine, *other) if isinstance(each, str)}
    return {name for name in names if mine.get(name) != other.get(name)}


def _sentence(report: Report, *, is_raised: bool) -> str:
    """One detector in one line: the lines that matched, the worst period, the threshold."""
    matched = sum(lines for _, lines in report.filters)
    said = "1 line matched" if matched == 1 else f"{matched} lines matched"
    if report.alarm is None:
        return f"{said}; it has no alarm"
    if report.peak is not None and report.peak.lines:
        start, end, value = report.peak.datapoint
        said += f", worst {_shown(start)} to {_shown(end)} with {report.alarm.statistic} {value:g}"
    return f"{'raised' if is_raised else 'not raised'}: {said}; alarms when {report.alarm}"


def _shown(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
