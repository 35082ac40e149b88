"""The reader returns every line once, in whatever order lines arrive."""

from __future__ import annotations

import pytest

from flask_errwatch._aws import DELIVERY, Aws
from flask_errwatch.errors import AwsCallError
from flask_errwatch.lab import Lab
from flask_errwatch.lab.log_reader import LogReader
from tests.lab.lab_bench import Cloud


def messages(reader: LogReader) -> list[str]:
    """The messages of the next read."""
    return [line.message for line in reader.new_lines()]


def test_group_may_be_created_later(aws: Aws, cloud: Cloud) -> None:
    """A group that does not exist yet has no lines. Its first lines are read once it exists."""
    reader = LogReader(aws, "shop")
    assert messages(reader) == []
    cloud.group()
    assert messages(reader) == []
    cloud.log((1, "a"))
    assert messages(reader) == ["a"]


def test_each_line_is_read_once_in_order_of_time(aws: Aws, cloud: Cloud) -> None:
    """Several streams are merged by time, and a second read returns only new lines."""
    cloud.group(stream="one")
    cloud.logs.create_log_stream(logGroupName="shop", logStreamName="two")
    cloud.log((1, "a"), (3, "c"), stream="one")
    cloud.log((2, "b"), (4, "d"), stream="two")
    reader = LogReader(aws, "shop")
    lines = reader.new_lines()
    assert [(line.timestamp, line.message) for line in lines] == [
        ((cloud.start + seconds) * 1000, text) for seconds, text in ((1, "a"), (2, "b"))
    ] + [((cloud.start + seconds) * 1000, text) for seconds, text in ((3, "c"), (4, "d"))]
    assert messages(reader) == []
    cloud.log((5, "e"), stream="two")
    assert messages(reader) == ["e"]


def test_equal_lines_are_different_lines(aws: Aws, cloud: Cloud) -> None:
    """Two events with the same time and message are both read."""
    cloud.group()
    cloud.log((1, "same"), (1, "same"))
    reader = LogReader(aws, "shop")
    assert messages(reader) == ["same", "same"]
    cloud.log((1, "same"))
    assert messages(reader) == ["same"]


def test_line_much_older_than_the_newest_is_found(aws: Aws, cloud: Cloud) -> None:
    """Lines from the journal of a dead process arrive late and in another stream."""
    cloud.group()
    cloud.log((0, "new"))
    reader = LogReader(aws, "shop")
    assert messages(reader) == ["new"]
    cloud.log((-3600, "old"))
    cloud.log((1, "newer"))
    assert messages(reader) == ["old", "newer"]
    assert messages(reader) == []


def test_any_failure_but_a_missing_group_is_raised(lab: Lab) -> None:
    """A lab that cannot read lines must not look as if there were none."""
    assert lab.endpoint
    unreachable = Aws(endpoint_url="http://127.0.0.1:9", patience=DELIVERY)
    with pytest.raises(AwsCallError, match="logs:DescribeLogStreams"):
        LogReader(unreachable, "shop").new_lines()
