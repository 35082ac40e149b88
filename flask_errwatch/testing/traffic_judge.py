"""`TrafficJudge`: the alarms that would fire in CloudWatch on the traffic of a test."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import final

from flask import Flask, request_started

from flask_errwatch._text import counted
from flask_errwatch.delivery.interception import intercept_lines
from flask_errwatch.errors import JudgeError, NoAppError, Problem
from flask_errwatch.extension import KEY, AppState, state_of
from flask_errwatch.simulation import StateValue
from flask_errwatch.testing.evaluation import TrafficEvaluation, evaluate_traffic
from flask_errwatch.testing.explanations import (
    NO_LINES,
    ExplainedAlarms,
    ExplainedStates,
    Explanation,
)
from flask_errwatch.testing.sources import Firing, Offender

#: When the clock of every judge starts: 2026-01-01T12:00:00Z, in seconds since the epoch.
START = 1_767_268_800
_DAY = 86_400
#: Ten years, with their leap days: times have dates, and no alarm looks back so far.
_LONGEST_DAYS = 3_653
_END = START + _LONGEST_DAYS * _DAY


@final
class TrafficJudge:
    """Evaluates which alarms would fire in CloudWatch on the traffic inside a `with` block.

    It evaluates each line that any app in the process writes, with the patterns, thresholds and
    periods of the app's configuration. The judge has its own clock. It starts at `START`, and
    only `advance` moves it. Queries change nothing, but close the open folds of
    `ERRWATCH_COLLAPSE_SECONDS`, so that they see every event so far. They treat the current
    minute as complete and cover everything since the start. The app's heartbeat
    (`ERRWATCH_HEARTBEAT_SECONDS`) is simulated as in production: a quiet minute has zeros, not
    missing data.

    Example:
        >>> from flask import Flask
        >>> from flask_errwatch import ErrWatch
        >>> app = Flask("shop")
        >>> errwatch = ErrWatch(app)
        >>> with TrafficJudge() as judge:
        ...     for _ in range(11):
        ...         _ = app.test_client().get("/wp-login.php")
        ...     sorted(judge.alarms()), judge.offenders()[0].address
        (['not-found-error', 'scan'], '127.0.0.1')
    """

    def __init__(self) -> None:
        self._now: float = START
        self._lines: list[tuple[AppState, int, str]] = []
        self._served: dict[int, AppState] = {}
        self._requests: list[tuple[AppState, int]] = []
        self._block = ExitStack()

    def __enter__(self) -> TrafficJudge:
        self._block.enter_context(intercept_lines(self._add_line))
        self._block.enter_context(request_started.connected_to(self._add_request))
        # Runs first: queries may follow the block, and the next block begins without open folds.
        self._block.callback(self._close_folds)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._block.close()

    def _add_line(self, app: Flask | None, line: bytes) -> None:
        if app is not None:
            self._lines.append((state_of(app), int(self._now * 1000), line.decode()))

    def _add_request(self, app: Flask, **_: object) -> None:
        state = app.extensions.get(KEY)
        if isinstance(state, AppState):
            self._served[id(state)] = state
            self._requests.append((state, int(self._now * 1000)))

    def _close_folds(self) -> None:
        """Writes the folded events of every app seen so far, at the current time."""
        for state in self._seen():
            state.delivery.write_folded()

    def _seen(self) -> list[AppState]:
        """The state of each app that served a request or wrote a line."""
        writers = {id(state): state for state, _, _ in self._lines}
        return list((self._served | writers).values())

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Moves the clock forward before the next request.

        Args:
            days: Days, of 24 hours.
            hours: Hours, in addition.
            minutes: Minutes, in addition.
            seconds: Seconds, in addition.

        Raises:
            JudgeError: When the sum is not positive, or the clock would be over ten years after
                the start.
        """
        step = days * _DAY + hours * 3600 + minutes * 60 + seconds
        remedy = ""
        if not step > 0:
            remedy = "Move the clock forward, as in advance(minutes=5)."
        elif self._now + step > _END:
            remedy = f"The clock ends {_LONGEST_DAYS:,} days after the start."
        if remedy:
            raise JudgeError(Problem(key="advance", value=step, remedy=remedy))
        self._close_folds()
        self._now += step

    def alarms(self, app: Flask | None = None) -> frozenset[str]:
        """Returns the detectors whose alarm fired since the start, also if it is OK again.

        Args:
            app: The app. None means every app that wrote a line.

        Returns:
            A set of detector names. When a comparison with it fails, pytest explains each
            detector. `explain` gives more detail.

        Raises:
            NoAppError: When `init_app` was not called for the app.
        """
        alarms = _explained([self._evaluate(state) for state in self._states(app)])
        alarms.others = frozenset(one.name for state in self._seen() for one in state.catalogue)
        return alarms

    def firings(self, app: Flask | None = None) -> tuple[Firing, ...]:
        """Returns each time that an alarm fired since the start, in order of time.

        A source alarm fires once for each address.

        Args:
            app: The app. None means every app that wrote a line.

        Raises:
            NoAppError: When `init_app` was not called for the app.
        """
        found = [one for state in self._states(app) for one in self._evaluate(state).firings]
        return tuple(sorted(found, key=lambda firing: firing.at))

    def offenders(self, app: Flask | None = None) -> tuple[Offender, ...]:
        """Returns the addresses for which a source alarm fired since the start, in order of time.

        Each has its value, its number of lines and the time of the first of them.

        Args:
            app: The app. None means every app that wrote a line.

        Raises:
            NoAppError: When `init_app` was not called for the app.
        """
        found = [one for state in self._states(app) for one in self._evaluate(state).offenders]
        return tuple(sorted(found, key=lambda offender: offender.at))

    def states(self, app: Flask | None = None) -> dict[str, StateValue]:
        """Returns the current alarm state of each detector that has an alarm.

        Args:
            app: The app. It is required if several apps wrote lines, or if none did and several
                served requests.

        Raises:
            NoAppError: When `init_app` was not called for the app, or `app` is required.
        """
        states = self._states(app)
        if len(states) != 1:
            did = "wrote lines" if self._lines else "served requests"
            remedy = f"Call states(app=app): {counted(len(states), 'app')} {did}."
            raise NoAppError(Problem(key="app", value=None, remedy=remedy))
        evaluation = self._evaluate(states[0])
        found = evaluation.judge.states
        by_name = {name: found[alarm] for alarm, name in evaluation.names.items() if alarm in found}
        return ExplainedStates.of(by_name, _explained([evaluation]).explanations)

    def lines(self, detector: str, app: Flask | None = None) -> int:
        """Returns how many lines since the start the detector counts.

        Args:
            detector: The detector's name.
            app: The app. None means every app that wrote a line.

        Raises:
            UnknownDetectorError: When no app has this detector. It suggests the nearest name.
            NoAppError: When `init_app` was not called for the app.

        Example:
            >>> from flask import Flask
            >>> from flask_errwatch import ErrWatch
            >>> app = Flask("shop")
            >>> errwatch = ErrWatch(app)
            >>> with TrafficJudge() as judge:
            ...     _ = app.test_client().get("/wp-login.php")
            ...     judge.lines("not-found-error")
            1
        """
        evaluations = [self._evaluate(state) for state in self._states(app)]
        if not evaluations:
            return 0
        known = [one for one in evaluations if one.has_detector(detector)]
        if not known:
            evaluations[0].state.catalogue.named(detector)
        return sum(one.lines(detector) for one in known)

    def explain(self, app: Flask | None = None) -> str:
        """Explains the states: lines per detector, worst periods, all transitions.

        Args:
            app: The app. None means every app that wrote a line.

        Raises:
            NoAppError: When `init_app` was not called for the app.
        """
        parts: list[str] = []
        for state in self._states(app):
            evaluation = self._evaluate(state)
            parts += [evaluation.judge.explain(), *map(str, evaluation.transitions)]
            parts += map(str, evaluation.moves)
            parts += [
                f"{entry.alarm} is not judged: {entry.reason}" for entry in evaluation.unjudged
            ]
        return "\n".join(parts) or NO_LINES

    def _states(self, app: Flask | None) -> list[AppState]:
        """The state of the app. Without an app, the states of all apps that wrote lines.

        Without any line, the states of the apps that served requests: nothing failed. Every query
        begins here: the folds are closed.
        """
        self._close_folds()
        if app is not None:
            return [state_of(app)]
        with_lines = {id(state): state for state, _, _ in self._lines}
        return list((with_lines or self._served).values())

    def _evaluate(self, state: AppState) -> TrafficEvaluation:
        return evaluate_traffic(
            state,
            lines=[(at, text) for writer, at, text in self._lines if writer is state],
            requests=[at for server, at in self._requests if server is state],
            start=START,
            now=self._now,
        )


def _explained(evaluations: Sequence[TrafficEvaluation]) -> ExplainedAlarms:
    """The alarms that fired in the evaluated apps. Several apps are named in each explanation."""
    names: list[str] = []
    explanations: list[Explanation] = []
    for evaluation in evaluations:
        fired = {firing.alarm for firing in evaluation.firings}
        of_app = f" of {evaluation.state.config.app_name}" if len(evaluations) > 1 else ""
        names += sorted(fired)
        for name, sentence, is_quiet in evaluation.sentences(fired):
            text = f"{name}{of_app}: {sentence}"
            explanations.append(Explanation(name, text, name in fired, is_quiet))
    return ExplainedAlarms.of(names, explanations)
