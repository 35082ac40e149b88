"""A later process of the same apps, which only delivers what other processes left.

Exits with 0 when nothing is left, and with 1 when something is left after a minute.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tests.stress.stressed import make_app

_SECONDS = 60


def main() -> None:
    """Drains the journals of the apps in the arguments."""
    apps = [make_app(name)[0] for name in sys.argv[1:]]
    for app in apps:
        app.test_client().get("/stats")  # a request that does not fail starts the delivery
    folder = Path(os.environ["ERRWATCH_JOURNAL_DIR"])
    deadline = time.monotonic() + _SECONDS
    while left := [path.name for path in folder.glob("*/*.lock") if not _is_own(path)]:
        if time.monotonic() > deadline:
            sys.exit(f"left: {left}")
        time.sleep(0.02)


def _is_own(lock: Path) -> bool:
    return lock.name.startswith(f"{os.getpid()}-")


if __name__ == "__main__":
    main()
