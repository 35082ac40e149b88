"""Lists the objects of a prefix in S3 whose lines may be in a range of time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from flask_errwatch._aws import Aws
from flask_errwatch.errors import AwsCallError
from flask_errwatch.replay.sources.key_times import continue_after, times_of
from flask_errwatch.replay.sources.time_range import TimeRange
from flask_errwatch.replay.sources.unreadable import NothingFoundError, UnreadableLogError

SCHEME = "s3://"
#: The bucket and the prefix. botocore checks the names of buckets in the same way.
_URL = re.compile(r"s3://([A-Za-z0-9._-]{3,255})(?:/(.*))?", re.DOTALL)
_FORM = "Use s3://BUCKET/PREFIX; of an access point, its alias stands for the bucket."
#: Folders that are looked into one by one, before the rest is listed as a whole.
_MOST_FOLDERS = 1000
#: Seconds by which the clock of S3 may be behind that of a server.
_CLOCKS = 300
#: The file with which a load balancer tests, when logging is enabled, whether it may write.
#: docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
_TEST_FILE = "ELBAccessLogTestFile"


class StoredObject(NamedTuple):
    """An object in S3."""

    bucket: str
    key: str
    size: int

    @property
    def name(self) -> str:
        """Its name, for people."""
        return f"{SCHEME}{self.bucket}/{self.key}"


class Listing:
    """The objects of a prefix whose lines may be in a range.

    Args:
        aws: The account.
        name: The prefix, as `s3://bucket/prefix`. A whole key names one object.
        within: The range.

    Attributes:
        objects: The objects that may have lines in it, in the order of their keys.
        left_out: Objects and folders that have none, by their names or because they were written
            before.

    Raises:
        NothingFoundError: No object has the prefix, or none of them may have a line in the range.
        UnreadableLogError: It is not such a name, or may not be listed.
    """

    def __init__(self, aws: Aws, name: str, within: TimeRange) -> None:
        match = _URL.fullmatch(name)
        if match is None:
            raise UnreadableLogError(name, _FORM)
        self._aws = aws
        self._bucket, prefix = match[1], match[2] or ""
        self._within = within
        self.left_out = 0
        try:
            self.objects = sorted(set(self._found(prefix)))
        except AwsCallError as error:
            raise UnreadableLogError(name, f"It cannot be listed. {error}") from error
        if not self.objects:
            raise NothingFoundError(name, self._why_nothing(prefix))

    @property
    def left_out_phrase(self) -> str:
        """How many are left out, with the verb."""
        many = f"{self.left_out:,} objects or folders are"
        return "1 object or folder is" if self.left_out == 1 else many

    def _why_nothing(self, prefix: str) -> str:
        if self.left_out:
            return f"Nothing in it is of this time: {self.left_out_phrase} not."
        if not prefix:
            return "The bucket is empty."
        hint = " Wildcards are not read in it." if re.search(r"[*?[]", prefix) else ""
        return f"The bucket has no object whose key begins so.{hint}"

    def _found(self, prefix: str) -> Iterator[StoredObject]:
        """The objects below a prefix. Where folders have dates, only those of the range."""
        if not self._within.is_bounded:
            yield from self._all_below(prefix)
            return
        folders, looked_into = [prefix], 0
        while folders:
            folder = folders.pop()
            times = times_of(folder)
            if times is not None and not times.may_be_in(self._within):
                self.left_out += 1
            elif looked_into >= _MOST_FOLDERS or (times is not None and times.is_of_a_day):
                yield from self._all_below(folder)
            else:
                looked_into += 1
                page = self._page(folder, Delimiter="/")
                if page.get("IsTruncated") and not _are_dated(page):
                    yield from self._all_below(folder)
                    continue
                for one in self._pages(folder, page):
                    yield from self._objects_of(one)
                    folders += [found["Prefix"] for found in one.get("CommonPrefixes", ())]

    def _pages(self, folder: str, page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """A page of a folder, and those that follow."""
        yield page
        while page.get("IsTruncated"):
            token = page["NextContinuationToken"]
            page = self._page(folder, Delimiter="/", ContinuationToken=token)
            yield page

    def _all_below(self, prefix: str) -> Iterator[StoredObject]:
        last = ""
        while True:
            page = self._page(prefix, **({"StartAfter": last} if last else {}))
            yield from self._objects_of(page)
            if not page.get("IsTruncated"):
                return
            last = page["Contents"][-1]["Key"]
            if not self._is_of_the_range(last):
                last = continue_after(last, self._within) or last

    def _page(self, prefix: str, **arguments: str) -> Mapping[str, Any]:
        return self._aws.call(
            "s3", "list_objects_v2", Bucket=self._bucket, Prefix=prefix, **arguments
        )

    def _objects_of(self, page: Mapping[str, Any]) -> Iterator[StoredObject]:
        for entry in page.get("Contents", ()):
            key, size = str(entry["Key"]), int(entry["Size"])
            if not size or key.endswith(_TEST_FILE):
                continue
            written = cast("datetime", entry["LastModified"]).timestamp()
            if written + _CLOCKS >= self._within.start and self._is_of_the_range(key):
                yield StoredObject(self._bucket, key, size)
            else:
                self.left_out += 1

    def _is_of_the_range(self, key: str) -> bool:
        times = times_of(key)
        return times is None or times.may_be_in(self._within)


def _are_dated(page: Mapping[str, Any]) -> bool:
    """Whether the folders of a page have dates."""
    prefixes = [found["Prefix"] for found in page.get("CommonPrefixes", ())]
    return bool(prefixes) and all(times_of(prefix) is not None for prefix in prefixes)
