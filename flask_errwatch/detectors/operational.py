"""The event names of operational lines, which are outside the catalogue, and their levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

#: The levels of lines.
Level = Literal["critical", "error", "warning", "info"]

HEARTBEAT = "Heartbeat"
LINES_DROPPED = "Lines Dropped"
PROCESS_DIED = "Process Died"
#: Their levels.
OPERATIONAL_EVENTS: Mapping[str, Level] = {
    HEARTBEAT: "info",
    LINES_DROPPED: "info",
    PROCESS_DIED: "error",
}
