"""Names of logs for a report that others read: no folder of the machine that made it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from flask_errwatch.replay.sources import STDIN

_STDIN_NAME = "standard input"


def short_names(logs: Sequence[str]) -> dict[str, str]:
    """The short name of each log: its file name, with as many folders as make it unique.

    Example:
        >>> short_names(["/srv/a/access.log", "/srv/b/access.log", "/srv/b/old.log"]).values()
        dict_values(['a/access.log', 'b/access.log', 'old.log'])
    """
    parts = {log: PurePath(log).parts or (log,) for log in logs if log != STDIN}
    lengths = dict.fromkeys(parts, 1)
    while True:
        names = {log: "/".join(parts[log][-length:]) for log, length in lengths.items()}
        times = Counter(names.values())
        longer = [
            log for log, name in names.items() if times[name] > 1 and lengths[log] < len(parts[log])
        ]
        if not longer:
            return {log: names.get(log, _STDIN_NAME) for log in logs}
        for log in longer:
            lengths[log] += 1
