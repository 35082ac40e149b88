"""Downloads objects of S3, each once and a few ahead, to a folder that is deleted at the end."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from threading import Event
from typing import IO

from flask_errwatch._aws import Aws
from flask_errwatch.errors import AwsCallError
from flask_errwatch.replay.sources.bucket import StoredObject
from flask_errwatch.replay.sources.unreadable import DefectError, UnreadableLogError

#: Objects that are downloaded at the same time. boto3 keeps up to 10 connections.
_THREADS = 8
#: Objects that are asked for before they are read.
_AHEAD = 16
#: A connection that breaks within a body is not tried again by botocore.
_ATTEMPTS = 2


class Downloads:
    """The objects of a replay.

    Args:
        aws: The account.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._numbers: dict[StoredObject, int] = {}
        self._objects: list[StoredObject] = []
        self._size = 0
        self._asked: dict[int, Future[str]] = {}
        self._defects: dict[int, str] = {}  # empty without one
        self._at_the_end = ExitStack()
        self._is_over = Event()

    def add(self, found: StoredObject) -> DownloadedObject:
        """Adds an object. It is downloaded when it is opened, or one shortly before it.

        Raises:
            UnreadableLogError: The temporary folder has no room for all of them.
        """
        number = self._numbers.setdefault(found, len(self._objects))
        if number == len(self._objects):
            self._objects.append(found)
            self._size += found.size
            if self._size > self._room:
                remedy = (
                    f"There is no room for it in {gettempdir()}, nor for more than "
                    f"{self._room / 1e9:,.1f} GB: give a shorter time with --since and --until, or "
                    "another folder with TMPDIR."
                )
                raise UnreadableLogError(found.name, remedy)
        return DownloadedObject(self, number, found.size)

    def open(self, number: int) -> IO[bytes]:
        """Opens an object, and asks for those that follow.

        Args:
            number: Its place among those that were added.

        Raises:
            DefectError: It cannot be downloaded. It is not tried again.
        """
        if number not in self._defects:
            for other in range(number, min(number + _AHEAD, len(self._objects))):
                if other not in self._asked and other not in self._defects:
                    self._asked[other] = self._pool.submit(self._download, other)
            self._defects[number] = self._asked.pop(number).result()
        if self._defects[number]:
            raise DefectError(self._defects[number])
        return self._path(number).open("rb")

    def close(self) -> None:
        """Ends the downloads, and deletes what was downloaded."""
        self._is_over.set()
        self._at_the_end.close()

    @cached_property
    def _room(self) -> int:
        """The bytes that the temporary folder had room for."""
        return shutil.disk_usage(gettempdir()).free

    @cached_property
    def _folder(self) -> Path:
        folder = TemporaryDirectory(prefix="flask-errwatch-")
        return Path(self._at_the_end.enter_context(folder))

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        folder = self._folder  # it is deleted after the pool has ended
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=folder.name)
        self._at_the_end.callback(pool.shutdown, cancel_futures=True)
        return pool

    def _path(self, number: int) -> Path:
        return self._folder / str(number)

    def _download(self, number: int) -> str:
        """Downloads an object. Returns why it cannot be, or an empty text."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._copy(number)
            except AwsCallError as error:
                if error.kind != "unreachable" or attempt == _ATTEMPTS:
                    return f"it cannot be downloaded: {error}"
            except OSError as error:
                return f"it has no room in the temporary folder ({error.strerror})."
            else:
                break
        return ""

    def _copy(self, number: int) -> None:
        bucket, key, _ = self._objects[number]
        with self._path(number).open("wb") as file:
            for piece in self._aws.body("s3", "get_object", "Body", Bucket=bucket, Key=key):
                if self._is_over.is_set():
                    return
                file.write(piece)


class DownloadedObject:
    """The bytes of an object, for a `Log`.

    Args:
        downloads: The objects of the replay.
        number: Its place among them.
        size: How many bytes it has.
    """

    __slots__ = ("_downloads", "_number", "size")

    def __init__(self, downloads: Downloads, number: int, size: int) -> None:
        self._downloads = downloads
        self._number = number
        self.size = size

    def open(self) -> IO[bytes]:
        """Opens it, once it is downloaded."""
        return self._downloads.open(self._number)
