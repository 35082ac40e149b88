"""Lines come back over the Logs API: all of them, once, whatever order they arrive in."""

from __future__ import annotations

import pytest

from flask_errwatch._aws import DELIVERY, Aws
from flask_errwatch.errors import AwsCallError
from flask_errwatch.lab import Lab
from flask_errwatch.lab.reading import Reader
from tests.lab.lab_bench import Cloud


def messages(reader: Reader) -> list[str]:
    """The messages of one more reading."""
    return [line.message for line in reader.new_lines()]


def test_group_may_come_later(aws: Aws, cloud: Cloud) -> None:
    """A group that does not exist has no lines; when it comes, it has."""
    reader = Reader(aws, "shop")
    assert messages(reader) == []
    cloud.group()
    assert messages(reader) == []
    cloud.log((1, "a"))
    assert messages(reader) == ["a"]


def test_each_line_is_read_once_in_order_of_time(aws: Aws, cloud: Cloud) -> None:
    """Several streams are merged by time, and a second reading gives only what is new."""
    cloud.group(stream="one")
    cloud.logs.create_log_stream(logGroupName="shop", logStreamName="two")
    cloud.log((1, "a"), (3, "c"), stream="one")
    cloud.log((2, "b"), (4, "d"), stream="two")
    reader = Reader(aws, "shop")
    lines = reader.new_lines()
    assert [(line.timestamp, line.message) for line in lines] == [
        ((cloud.start + seconds) * 1000, text) for seconds, text in ((1, "a"), (2, "b"))
    ] + [((cloud.start + seconds) * 1000, text) for seconds, text in ((3, "c"), (4, "d"))]
    assert messages(reader) == []
    cloud.log((5, "e"), stream="two")
    assert messages(reader) == ["e"]


def test_equal_lines_are_different_lines(aws: Aws, cloud: Cloud) -> None:
    """Two events of one time and one text are two."""
    cloud.group()
    cloud.log((1, "same"), (1, "same"))
    reader = Reader(aws, "shop")
    assert messages(reader) == ["same", "same"]
    cloud.log((1, "same"))
    assert messages(reader) == ["same"]


def test_line_much_older_than_the_newest_is_found(aws: Aws, cloud: Cloud) -> None:
    """What a dead process left in its journal arrives late and in another's stream."""
    cloud.group()
    cloud.log((0, "new"))
    reader = Reader(aws, "shop")
    assert messages(reader) == ["new"]
    cloud.log((-3600, "old"))
    cloud.log((1, "newer"))
    assert messages(reader) == ["old", "newer"]
    assert messages(reader) == []


def test_only_a_missing_group_is_no_failure(lab: Lab) -> None:
    """Any other failure is raised: a lab that cannot read must not look calm."""
    assert lab.endpoint
    nobody = Aws(endpoint_url="http://127.0.0.1:9", patience=DELIVERY)
    with pytest.raises(AwsCallError, match="logs:DescribeLogStreams"):
        Reader(nobody, "shop").new_lines()
