"""The core for measurements, and the environment of the measured processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@lru_cache(maxsize=1)
def measuring_core() -> int:
    """The core for measurements: the last one that this process may use."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


@contextmanager
def settings(endpoint: str) -> Iterator[dict[str, str]]:
    """An environment with a new journal directory, without variables of the caller."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ENDPOINT_URL": endpoint,
            "ERRWATCH_APP_NAME": "shop",
            "ERRWATCH_JOURNAL_DIR": folder,
        }
