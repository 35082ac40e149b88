"""`ErrWatch.watch`: jobs and commands, whose failures no HTTP status shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar, Token
from functools import wraps
from inspect import iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

Record = Callable[[str, Exception], None]

#: The watch that is under way here, so that a watch around a watch leaves one line.
_under_way: ContextVar[Watch | None] = ContextVar("flask_errwatch_watch", default=None)


class Watch:
    """A context manager and decorator that records an escaping exception and re-raises it.

    Args:
        name: The job's name, in the line under `data.job`.
        find: Returns what records for the app that is meant. Called when the watch begins, so
            that an app that cannot be told is an error before the job and never instead of it.
    """

    def __init__(self, name: str, find: Callable[[], Record]) -> None:
        self._name = name
        self._find = find
        self._record: Record | None = None
        self._outer: Token[Watch | None] | None = None
        self._seen: BaseException | None = None

    def __enter__(self) -> None:
        self._record = self._find()
        self._seen = None
        self._outer = _under_way.set(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._outer is not None:
            _under_way.reset(self._outer)
        # Only an Exception: a command that calls sys.exit, or is interrupted, did not fail.
        if not isinstance(error, Exception):
            return
        if self._record is not None and error is not self._seen:
            self._record(self._name, error)
        outer = _under_way.get()
        if outer is not None:
            outer._seen = error  # noqa: SLF001 - a watch like this one
        self._seen = None

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Watches every call of the function, coroutine and generator functions included."""
        if iscoroutinefunction(function):
            coroutine = cast("Callable[P, Awaitable[Any]]", function)

            @wraps(function)
            async def watched_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
                with Watch(self._name, self._find):
                    return await coroutine(*args, **kwargs)

            return cast("Callable[P, T]", watched_coroutine)

        if isgeneratorfunction(function):
            generator: Callable[P, Generator[Any, Any, Any]] = function

            @wraps(function)
            def watched_generator(*args: P.args, **kwargs: P.kwargs) -> Any:
                with Watch(self._name, self._find):
                    return (yield from generator(*args, **kwargs))

            return cast("Callable[P, T]", watched_generator)

        @wraps(function)
        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with Watch(self._name, self._find):
                return function(*args, **kwargs)

        return watched
