"""Decides where lines go: to the configured sinks, or by what is known at the first event."""

from __future__ import annotations

from typing import NamedTuple


class SinkChoice(NamedTuple):
    """Where the lines of a process go.

    Attributes:
        names: The names of the sinks.
        reason: Why, as the end of a sentence.
    """

    names: tuple[str, ...]
    reason: str


def choose_sinks(
    configured: tuple[str, ...] | None, *, is_testing: bool, is_debug: bool, in_lambda: bool
) -> SinkChoice:
    """Returns the sinks of a process, by what is known at its first request or report.

    Args:
        configured: `ERRWATCH_SINKS`, or None if it is not set.
        is_testing: Whether the app is under test.
        is_debug: Whether it runs in debug mode, as on a developer's machine. Its lines do not
            belong among those of production.
        in_lambda: Whether the process is a function of AWS Lambda. It is frozen between two
            requests, when nothing could be sent. Its standard output goes to its own log group.

    Example:
        >>> choose_sinks(None, is_testing=False, is_debug=True, in_lambda=False)
        SinkChoice(names=('stdout',), reason='app.debug is on')
    """
    if configured is not None:
        return SinkChoice(configured, "ERRWATCH_SINKS is set")
    if is_testing:
        return SinkChoice(("memory",), "app.testing is on")
    if is_debug:
        return SinkChoice(("stdout",), "app.debug is on")
    if in_lambda:
        return SinkChoice(("stdout",), "this is AWS Lambda")
    return SinkChoice(("cloudwatch",), "app.debug and app.testing are off")
