"""Decides where lines go when `ERRWATCH_SINKS` is not set."""

from __future__ import annotations


def default_sinks(*, is_testing: bool, in_lambda: bool) -> tuple[str, ...]:
    """Returns the names of the sinks, by what is known when the first line is written.

    Args:
        is_testing: Whether the app is under test.
        in_lambda: Whether the process is a function of AWS Lambda. It is frozen between two
            requests, when nothing could be sent. Its standard output goes to its own log group.

    Example:
        >>> default_sinks(is_testing=False, in_lambda=True)
        ('stdout',)
    """
    if is_testing:
        return ("memory",)
    return ("stdout",) if in_lambda else ("cloudwatch",)
