"""`ErrWatch.watch`: records failures of jobs and commands, which no HTTP status shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar, Token
from functools import wraps
from inspect import iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

#: Records the exception of a job, by the job's name.
RecordFailure = Callable[[str, Exception], None]

#: The innermost active watch: nested watches write one line for an exception.
_current_watch: ContextVar[Watch | None] = ContextVar("flask_errwatch_watch", default=None)


class Watch:
    """A context manager and decorator that records an escaping exception and re-raises it.

    Args:
        name: The job's name, in the line under `data.job`.
        find_record: Returns the function that records for the intended app. It is called when
            the job starts: an unknown app raises before the job, never instead of its result.
    """

    def __init__(self, name: str, find_record: Callable[[], RecordFailure]) -> None:
        self._name = name
        self._find_record = find_record
        self._record: RecordFailure | None = None
        self._reset_token: Token[Watch | None] | None = None
        self._recorded: BaseException | None = None

    def __enter__(self) -> None:
        self._record = self._find_record()
        self._recorded = None
        self._reset_token = _current_watch.set(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._reset_token is not None:
            _current_watch.reset(self._reset_token)
        # Only an Exception: a command that calls sys.exit, or is interrupted, did not fail.
        if not isinstance(error, Exception):
            return
        if self._record is not None and error is not self._recorded:
            self._record(self._name, error)
        outer = _current_watch.get()
        if outer is not None:
            outer._recorded = error  # noqa: SLF001 - another instance of this class
        self._recorded = None

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Watches every call of the function, coroutine and generator functions included."""
        if iscoroutinefunction(function):
            coroutine = cast("Callable[P, Awaitable[Any]]", function)

            @wraps(function)
            async def watched_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
                with Watch(self._name, self._find_record):
                    return await coroutine(*args, **kwargs)

            return cast("Callable[P, T]", watched_coroutine)

        if isgeneratorfunction(function):
            generator: Callable[P, Generator[Any, Any, Any]] = function

            @wraps(function)
            def watched_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
                with Watch(self._name, self._find_record):
                    return (yield from generator(*args, **kwargs))

            return cast("Callable[P, T]", watched_generator)

        @wraps(function)
        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with Watch(self._name, self._find_record):
                return function(*args, **kwargs)

        return watched
