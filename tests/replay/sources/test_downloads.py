"""A connection that breaks, and a disk that is full, while an object is downloaded."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
from botocore.exceptions import IncompleteReadError

from flask_errwatch._aws import PROVISIONING, Aws, call_error
from flask_errwatch.replay.sources.bucket import StoredObject
from flask_errwatch.replay.sources.downloads import Downloads
from flask_errwatch.replay.sources.unreadable import DefectError


class BreakingAws(Aws):
    """An account whose connections break so many times within the body of an object."""

    def __init__(self, times: int, error: Exception) -> None:
        super().__init__(patience=PROVISIONING)
        self.times = times
        self.error = error

    def body(self, *_: str, **__: object) -> Iterator[bytes]:
        """Yields a part, and breaks or yields the rest."""
        yield b"first\n"
        if self.times:
            self.times -= 1
            raise self.error
        yield b"last\n"


BROKEN = call_error("s3", "get_object", IncompleteReadError(actual_bytes=6, expected_bytes=11))


def read(aws: Aws) -> bytes:
    """The bytes of an object."""
    downloads = Downloads(aws)
    try:
        with downloads.add(StoredObject("logs", "a.log", 11)).open() as file:
            return file.read()
    finally:
        downloads.close()


def test_a_connection_that_breaks_once() -> None:
    """The object is downloaded from its beginning again, and no line of it counts twice."""
    assert read(BreakingAws(1, BROKEN)) == b"first\nlast\n"


def test_a_connection_that_breaks_again() -> None:
    """The object has a defect. What came of it is not read, as its end would be missing unseen."""
    with pytest.raises(DefectError, match=r"s3:GetObject failed .* The connection broke: run it"):
        read(BreakingAws(2, BROKEN))


def test_a_full_disk() -> None:
    """The reason is that of the system."""
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DefectError, match=r"it has no room .* \(No space left on device\)\."):
        read(BreakingAws(1, full))
