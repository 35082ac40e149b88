"""What the app's newest lines show about its threads and whether it runs, without I/O."""

from __future__ import annotations

from collections.abc import Sequence

from flask_errwatch._text import counted
from flask_errwatch._time import readable
from flask_errwatch.detectors import HEARTBEAT
from flask_errwatch.doctor.findings import Finding, ok, problem, warning
from flask_errwatch.provision.log_lines import LoggedLine

_SUBJECT = "heartbeat"
#: So many heartbeats in a row may be late before their absence means something.
_MISSED = 3
#: Seconds that a line may take until it can be read.
_DELAY = 60


def heartbeat_finding(
    lines: Sequence[LoggedLine], heartbeat_seconds: float, *, now: float
) -> Finding:
    """Whether the threads of the processes run: without them a worker emits no heartbeat.

    Args:
        lines: Consecutive lines of the app, of the last 24 hours if none came from a request.
        heartbeat_seconds: The setting, or 0 when heartbeats are turned off.
        now: The present, in seconds since the epoch.
    """
    if heartbeat_seconds == 0:
        remedy = "Set ERRWATCH_HEARTBEAT_SECONDS to 60: zeros become real, and silence is seen."
        return warning(_SUBJECT, "It is turned off.", remedy)
    if not lines:
        message = "None yet: the app has written no line in 24 hours."
        remedy = (
            f"Send it a request: {heartbeat_seconds:g} s after its first one, a process emits its "
            "first heartbeat."
        )
        return warning(_SUBJECT, message, remedy)
    processes: dict[str, list[LoggedLine]] = {}
    for line in lines:
        processes.setdefault(_text(line, "process"), []).append(line)
    long_lived = [
        group for group in processes.values() if _span(group) > _MISSED * heartbeat_seconds
    ]
    silent = [group for group in long_lived if not any(map(_is_heartbeat, group))]
    if silent:
        hosts = sorted({_text(group[0], "host") for group in silent})
        message = (
            f"No heartbeat from {len(silent)} of {counted(len(long_lived), 'process')}, on "
            f"{', '.join(hosts)}."
        )
        remedy = (
            "Their threads do not run. Run uWSGI with enable-threads; else restart these "
            "processes, and read their stderr."
        )
        return problem(_SUBJECT, message, remedy)
    beating = [group for group in processes.values() if any(map(_is_heartbeat, group))]
    newest = max(line.at for line in lines) / 1000
    if now - newest > _MISSED * heartbeat_seconds + _DELAY:
        message = f"No process serves: the newest line is of {readable(newest)}."
        remedy = "If the app should run, start it, send it a request, and read its stderr."
        return warning(_SUBJECT, message, remedy)
    if not beating:
        message = f"None yet: the newest line is of {readable(newest)}."
        remedy = (
            f"Run this again: {heartbeat_seconds:g} s after its first request, a process emits its "
            "first heartbeat."
        )
        return warning(_SUBJECT, message, remedy)
    return ok(_SUBJECT, f"Emitted by {counted(len(beating), 'process')}.")


def _text(line: LoggedLine, key: str) -> str:
    value = line.event.get(key)
    return value if isinstance(value, str) else "unknown"


def _span(lines: Sequence[LoggedLine]) -> float:
    """The seconds between the first and the last line."""
    times = [line.at for line in lines]
    return (max(times) - min(times)) / 1000


def _is_heartbeat(line: LoggedLine) -> bool:
    return line.event.get("event") == HEARTBEAT
