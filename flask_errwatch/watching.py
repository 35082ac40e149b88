"""`ErrWatch.watch`: jobs and commands, whose failures no HTTP status shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

#: Set on an exception that was recorded, so that a watch around a watch leaves one line.
_RECORDED = "__flask_errwatch_recorded__"


class Watch:
    """A context manager and decorator that records an escaping exception and re-raises it.

    Args:
        name: The job's name, in the line under `data.job`.
        record: Called with the name and the exception.
    """

    def __init__(self, name: str, record: Callable[[str, Exception], None]) -> None:
        self._name = name
        self._record = record

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Only an Exception: a command that calls sys.exit, or is interrupted, did not fail.
        if not isinstance(error, Exception) or getattr(error, _RECORDED, False):
            return
        self._record(self._name, error)
        try:
            setattr(error, _RECORDED, True)
        except AttributeError:  # an exception with slots: at worst it has two lines
            return

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Watches every call of the function, coroutine functions included."""
        if iscoroutinefunction(function):
            coroutine = cast("Callable[P, Awaitable[Any]]", function)

            @wraps(function)
            async def watched_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await coroutine(*args, **kwargs)

            return cast("Callable[P, T]", watched_coroutine)

        @wraps(function)
        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return watched
