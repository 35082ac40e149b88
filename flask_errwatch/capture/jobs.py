"""`ErrWatch.watch`: records failures of jobs and commands, which no HTTP status shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from flask_errwatch.capture import scopes
from flask_errwatch.capture.contexts import current_request
from flask_errwatch.capture.control_flow import is_failure
from flask_errwatch.capture.recorder import Recorder

P = ParamSpec("P")
T = TypeVar("T")

#: Records the exception of a job. The fields are those under `data`.
RecordFailure = Callable[[Mapping[str, object], BaseException], None]

#: The innermost active watch: nested watches write one line for an exception.
_current_watch: ContextVar[Watch | None] = ContextVar("flask_errwatch_watch", default=None)


def failure_recorder(recorder: Recorder) -> RecordFailure:
    """Returns the function that records failures of an app's jobs as its critical errors."""

    def record(data: Mapping[str, object], error: BaseException) -> None:
        request = current_request()
        recorder.report(recorder.catalogue.critical, data, request, error)
        if request is None:
            recorder.guard.run("sending before os._exit", recorder.delivery.flush_before_os_exit)

    return record


class Watch:
    """A context manager and decorator that records an escaping exception and re-raises it.

    Args:
        name: The job's name, in the line under `data.job`.
        find_record: Returns the function that records for the intended app. It is called when
            the job starts: an unknown app raises before the job, never instead of its result.
        details: Further fields of the line. Watches inside this one have them too.
    """

    def __init__(
        self,
        name: str,
        find_record: Callable[[], RecordFailure],
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.name = name
        self._find_record = find_record
        self._details = details or {}
        self._record: RecordFailure | None = None
        self._outer: Watch | None = None
        self._scope: scopes.Scope | None = None
        self._recorded: BaseException | None = None

    def __enter__(self) -> None:
        self._record = self._find_record()
        self._recorded = None
        self._outer = _current_watch.get()
        _current_watch.set(self)
        self._scope = scopes.open_scope()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Not by a token: a generator may be closed in another context than it was started in.
        _current_watch.set(self._outer)
        if error is not None:
            self.record(error)
            if self._outer is not None:
                self._outer._recorded = error  # noqa: SLF001 - another instance of this class
        if self._scope is not None:
            self._scope.end(error)
        self._record = self._outer = self._recorded = self._scope = None

    def record(self, error: BaseException) -> None:
        """Records an exception that ends the job, unless a watch inside this one has."""
        if self._record is not None and error is not self._recorded and is_failure(error):
            self._record({"job": self.name, **self._all_details()}, error)

    def _all_details(self) -> dict[str, object]:
        outer = {} if self._outer is None else self._outer._all_details()  # noqa: SLF001 - as above
        return {**outer, **self._details}

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Watches every call of the function, coroutine and generator functions included."""
        if iscoroutinefunction(function):
            coroutine = cast("Callable[P, Awaitable[Any]]", function)

            @wraps(function)
            async def watched_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self._again():
                    return await coroutine(*args, **kwargs)

            return cast("Callable[P, T]", watched_coroutine)

        if isgeneratorfunction(function):
            generator: Callable[P, Generator[Any, Any, Any]] = function

            @wraps(function)
            def watched_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self._again():
                    return (yield from generator(*args, **kwargs))

            return cast("Callable[P, T]", watched_generator)

        @wraps(function)
        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with self._again():
                return function(*args, **kwargs)

        return watched

    def _again(self) -> Watch:
        """A watch of one call: calls may run at the same time."""
        return Watch(self.name, self._find_record, self._details)
