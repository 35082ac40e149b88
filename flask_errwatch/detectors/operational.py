"""The event names of operational lines, which are outside the catalogue, and their levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

#: The levels of lines.
Level = Literal["critical", "error", "warning", "info"]

HEARTBEAT = "Heartbeat"
LINES_DROPPED = "Lines Dropped"
PROCESS_DIED = "Process Died"
SOURCE_BLOCKED = "Source Blocked"
SOURCE_UNBLOCKED = "Source Unblocked"
#: Their levels.
OPERATIONAL_EVENTS: Mapping[str, Level] = {
    HEARTBEAT: "info",
    LINES_DROPPED: "info",
    PROCESS_DIED: "error",
    SOURCE_BLOCKED: "info",
    SOURCE_UNBLOCKED: "info",
}
