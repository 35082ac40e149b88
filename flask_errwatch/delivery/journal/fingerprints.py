r"""Which failures an app has shown: the fingerprints of its critical lines, and when it had them.

On disk they are in one file of the app's folder, which all processes of a host share. A record is
`\n<fingerprint> <seconds since the epoch>`. Records are appended and never changed, so the order of
the file decides which process had a failure first, and no process waits for a lock.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from flask_errwatch.delivery.journal.directory import create_file, fingerprints_path, open_file

#: Seconds after which a failure is new again.
FORGOTTEN_AFTER: Final = 7 * 24 * 3600
#: Seconds in which a process writes the time of a fingerprint at most once.
REFRESH_EVERY: Final = 3600
#: Fingerprints that are remembered. The oldest go first.
MOST: Final = 4096
#: The bytes that are read, from the end. A longer file is rewritten.
READ_BYTES: Final = 256 * 1024

#: Bytes of a fingerprint, and digits of a time.
_FINGERPRINT: Final = 16
_DIGITS: Final = 12
_NEVER: Final = -2 * FORGOTTEN_AFTER


class MemoryFingerprints:
    """Those that this process has shown since its start."""

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}

    def note(self, fingerprint: str, now: int) -> bool:
        """Notes the fingerprint, and returns whether it is new."""
        last = self._noted.pop(fingerprint, _NEVER)
        self._noted[fingerprint] = now
        if len(self._noted) > MOST:
            self._noted.pop(next(iter(self._noted)), None)
        return _is_far(last, now, FORGOTTEN_AFTER)


class FolderFingerprints:
    """Those that processes of this app have shown on this host.

    The file is opened for each record, at most once an hour for a fingerprint, so that it may be
    removed and no descriptor has to be watched.

    Args:
        folder: The app's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = fingerprints_path(folder)
        # When this process found or wrote a record of each.
        self._noted: dict[str, int] = {}

    def note(self, fingerprint: str, now: int) -> bool:
        """Notes the fingerprint, and returns whether it is new.

        Of several processes that have a new failure at the same moment, one gets True. None does
        if the file cannot be read and written.
        """
        if not _is_far(self._noted.get(fingerprint, _NEVER), now, REFRESH_EVERY):
            return False
        try:
            last = self._append(fingerprint, now)
        except OSError:  # it may be in the file
            return False
        if len(self._noted) >= MOST:
            self._noted.clear()  # it only spares the reading of the file
        self._noted[fingerprint] = now if _is_far(last, now, REFRESH_EVERY) else last
        return _is_far(last, now, FORGOTTEN_AFTER)

    def _append(self, fingerprint: str, now: int) -> int:
        """Appends a record unless there is a recent one, and returns the time of the one before."""
        mark = f"\n{fingerprint} ".encode()
        descriptor = open_file(self._path)
        try:
            last = _last_time(_read(descriptor, os.fstat(descriptor).st_size), mark)
            if not _is_far(last, now, REFRESH_EVERY):
                return last
            written = os.write(descriptor, b"%s%d" % (mark, now))
            # Another process may have appended one since: what is before this record decides.
            start = os.lseek(descriptor, 0, os.SEEK_CUR) - written
            return _last_time(_read(descriptor, start), mark)
        finally:
            os.close(descriptor)

    def keep(self, now: int) -> None:
        """Sets the file's time to now, and rewrites it if it is too long.

        A process that appends in the same moment may lose its record: then the failure may be
        marked as new once more.
        """
        with suppress(OSError):  # there was no failure yet, or the disk is full: it stays as it is
            os.utime(self._path, follow_symlinks=False)
            if self._path.lstat().st_size > READ_BYTES:
                self._write_anew(now)

    def _write_anew(self, now: int) -> None:
        descriptor = open_file(self._path)
        try:
            content = _read(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)
        newest: dict[bytes, bytes] = {}
        for record in content.split(b"\n"):
            fingerprint, _, digits = record.partition(b" ")
            newest.pop(fingerprint, None)
            if len(fingerprint) == _FINGERPRINT and not _is_far(
                _time_in(digits), now, FORGOTTEN_AFTER
            ):
                newest[fingerprint] = b"\n" + record
        temporary = self._path.with_name(f"{self._path.name}.{os.urandom(4).hex()}")
        try:
            with os.fdopen(create_file(temporary), "wb") as file:
                file.writelines([*newest.values()][-MOST:])
            temporary.rename(self._path)
        finally:
            temporary.unlink(missing_ok=True)


def _is_far(moment: int, now: int, seconds: int) -> bool:
    """Whether two times are so far apart. One in the future is of a clock that was wrong."""
    return abs(now - moment) >= seconds


def _read(descriptor: int, end: int) -> bytes:
    start = max(0, end - READ_BYTES)
    return os.pread(descriptor, end - start, start)


def _last_time(content: bytes, mark: bytes) -> int:
    """The time of the last record that begins so."""
    start = content.rfind(mark) + len(mark)
    if start < len(mark):
        return _NEVER
    return _time_in(content[start : start + _DIGITS + 1].partition(b"\n")[0])


def _time_in(digits: bytes) -> int:
    """The time in a record. A torn or damaged one has none, or one that is far away."""
    return int(digits) if digits.isdigit() and len(digits) <= _DIGITS else _NEVER
