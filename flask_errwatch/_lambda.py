"""AWS Lambda: how it is recognised, and the names of levels that its JSON log filter knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: The name of each level in a line that is written in Lambda. Its filter takes a level that it
#: does not know for INFO, and would drop a `critical` line at ERROR (Lambda API Reference,
#: LoggingConfig, ApplicationLogLevel; Developer Guide, "Log-level filtering").
LEVELS: Final[Mapping[str, str]] = {
    "info": "INFO",
    "warning": "WARN",
    "error": "ERROR",
    "critical": "FATAL",
}
#: Every name of the level `critical` in a line.
CRITICAL: Final = frozenset({"critical", LEVELS["critical"]})
#: The beginning of the names of the log groups that Lambda creates, one for each function.
LOG_GROUPS: Final = "/aws/lambda/"


def is_lambda(environ: Mapping[str, str]) -> bool:
    """Whether a process with this environment is a function of Lambda, or of its emulators.

    Example:
        >>> is_lambda({"AWS_LAMBDA_FUNCTION_NAME": "shop"}), is_lambda({})
        (True, False)
    """
    return bool(environ.get("AWS_LAMBDA_FUNCTION_NAME"))
